"""A comparison as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence

from lcbench.analysis.compare_results import ComparisonResults, EffectRow
from lcbench.rendering import compare_words as words
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.statistics.events import Event
from lcbench.statistics.pairwise import TestName

_FIRST = (
    "accuracy", "balanced_accuracy", "macro_f1", "sensitivity", "specificity",
    "subtype_confusion_rate", "macro_auroc", "log_loss", "calibration_error",
)  # fmt: skip


def render(results: ComparisonResults, command: str) -> str:
    """Return the page.

    Parameters
    ----------
    results
        What was found.
    command
        The command that was typed, for whoever wants to repeat it.
    """
    names = wording.listing([md.escape(name) for name in results.models])
    told = (*words.basis(results), *words.unmatched(results), *map(_sentence, results.notes))
    present = words.metric_names(results)
    return (
        md.paragraphs(
            f"# Comparison of {names}" if results.pairs else f"# Metrics of {names}",
            md.bullets(md.escape(text) for text in told),
            "## Metrics",
            _what_metrics_are(results),
            _metrics(results, [name for name in _FIRST if name in present]),
            md.details("Every metric", _metrics(results, present)),
            *_comparisons(results),
            "## Provenance",
            f"lcbench {results.lcbench_version}. Research use only, not a medical device.",
            md.code_block([command], "sh") if command else "",
        )
        + "\n"
    )


def _metrics(results: ComparisonResults, names: list[str]) -> str:
    rows = []
    for name in names:
        found = [results.metric(model, name) for model in results.models]
        rows.append(
            [
                md.escape_cell(words.title(results, name)),
                *(words.metric_words(row) for row in found),
                _each([None if row is None else row.count for row in found]),
                _once([None if row is None else row.n for row in found]),
                _once([None if row is None else row.groups for row in found]),
            ]
        )
    headers = ["metric", *map(md.escape_cell, results.models), "count", "n", results.units]
    return md.table(headers, rows, "lr")


def _what_metrics_are(results: ComparisonResults) -> str:
    several = ", a number for each model where they differ" if results.pairs else ""
    return (
        "Estimates with their 95 % intervals. Count: the numerator of a share. n: the predictions "
        f"that enter{several}."
    )


def _each(numbers: Sequence[int | None]) -> str:
    """Return a number a model; a dash where there is none at all."""
    if all(number is None for number in numbers):
        return wording.NONE
    return " · ".join(wording.NONE if one is None else wording.integer(one) for one in numbers)


def _once(numbers: Sequence[int | None]) -> str:
    """Return the number that all models share, else one a model."""
    known = {number for number in numbers if number is not None}
    return wording.integer(known.pop()) if len(known) == 1 else _each(numbers)


def _comparisons(results: ComparisonResults) -> list[str]:
    if not results.pairs:
        return []
    parts = ["## Paired comparisons", md.escape(words.reading(results))]
    parts += [
        _event(results, event)
        for event in Event
        if any(effect.event == event for effect in results.effects)
    ]
    return [*parts, md.details("Differences of every metric", _differences(results))]


def _event(results: ComparisonResults, event: Event) -> str:
    effects = [effect for effect in results.effects if effect.event == event]
    test = results.test(effects[0], results.default_test)
    rows = [[*_pair(effect), *words.effect_cells(results, effect)] for effect in effects]
    headers = ["first", "second", *words.effect_headers(results)]
    return md.paragraphs(
        f"### {md.escape(words.event_words(results, event))}",
        f"n: {wording.plural(test.n, 'prediction')} of each model, {words.groups(results, test)}.",
        md.table(headers, rows, "llr"),
        *map(md.escape, words.omnibus(results, event)),
        md.details("Every test", _tests(results, effects)),
    )


def _tests(results: ComparisonResults, effects: list[EffectRow]) -> str:
    rows = []
    for effect in effects:
        for name in TestName:
            test = results.test(effect, name)
            rows.append(
                [
                    *_pair(effect),
                    name.value,
                    "images" if test.assumes_independent_images else results.units,
                    wording.integer(test.n),
                    wording.integer(test.only_a),
                    wording.integer(test.only_b),
                    wording.number(test.statistic, 2),
                    wording.p_value(test.p),
                    wording.p_value(test.p_adjusted),
                ]
            )
    headers = [
        "first", "second", "test", "independent units", "n", "only first", "only second",
        "statistic", "p", f"{results.adjustment.author} p",
    ]  # fmt: skip
    seeds = " and looks at the first seed only" if results.seeds > 1 else ""
    return md.paragraphs(
        f"McNemar's test takes every image as evidence of its own{seeds}; the others allow for "
        "images of one source group that are alike.",
        md.table(headers, rows, "llllr"),
    )


def _differences(results: ComparisonResults) -> str:
    rows = [
        [
            md.escape_cell(row.a),
            md.escape_cell(row.b),
            md.escape_cell(words.title(results, row.name, points=True)),
            words.difference_words(row),
        ]
        for row in results.differences
    ]
    return md.paragraphs(
        f"Second minus first, both on the same resampled {results.units}; intervals are not "
        "adjusted for their number.",
        md.table(["first", "second", "metric", "difference"], rows, "lllr"),
    )


def _pair(effect: EffectRow) -> list[str]:
    return [md.escape_cell(effect.a), md.escape_cell(effect.b)]


def _sentence(note: str) -> str:
    return f"Note: {note}."
