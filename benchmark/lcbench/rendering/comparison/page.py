"""A comparison as a Markdown page or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from lcbench.analysis.results import ComparisonResults
from lcbench.analysis.scores import EventKind
from lcbench.rendering import formats
from lcbench.rendering import markdown as md
from lcbench.rendering.comparison import words
from lcbench.rendering.pages import render_page
from lcbench.rendering.words import effect_cells, units, unmatched_words
from lcbench.runs.store import sole_writer
from lcbench.storage.whole import write_text


def write_comparison(path: Path, results: ComparisonResults) -> None:
    """Write a comparison: as JSON to *.json, as a Markdown page to any other name."""
    is_json = path.suffix.lower() == ".json"
    text = comparison_as_json(results) if is_json else comparison_page(results)
    with sole_writer(path):  # sweeps what a killed one left
        write_text(path, text)


def comparison_as_json(results: ComparisonResults) -> str:
    """Return a comparison as one JSON object."""
    return results.model_dump_json(indent=2) + "\n"


def comparison_page(results: ComparisonResults) -> str:
    """Return a comparison as a Markdown page."""
    keys = words.every_key(results)
    models = [one.model for one in results.comparison.models]
    first = [key for key in keys if words.is_read_first(key)]
    told = (*words.basis(results), *unmatched_words(results.comparison))
    return render_page(
        "comparison.md.j2",
        results=results,
        comparison=results.comparison,
        default_test=results.settings.default_test,
        models=models,
        told=(*told, *(f"Note: {note}." for note in words.notes(results))),
        metrics=metrics_table(results, first, models),
        further=metrics_table(results, [key for key in keys if key not in first], models),
        meanings=list(_meanings(results, keys)),
        words=words,
        units=units(results.comparison),
        effects_table=partial(effects_table, results),
        command=md.code_block([results.command], "sh") if results.command else "",
    )


def effects_table(results: ComparisonResults, kind: EventKind, node: str) -> md.Table:
    """Return a row for each pair of models: how often an event happens under either."""
    decimals = words.points_decimals(results)
    rows = [
        [pair.a, pair.b, *effect_cells(effect, results.settings, decimals)]
        for pair, effect in words.effects_on(results, kind, node)
    ]
    return md.Table(["first", "second", *words.effect_headers(results)], rows, "llr")


def metrics_table(
    results: ComparisonResults, keys: Iterable[words.Key], models: Sequence[str]
) -> md.Table:
    """Return a row for each metric, with a column for each of these models."""
    rows = []
    for key in keys:
        found = words.estimates(results, key, models)
        rows.append(
            [
                *words.metric_row(results, key, models),
                _each([None if one is None else one.count for one in found]),
                _once([None if one is None else one.n for one in found]),
                _once([None if one is None else one.groups for one in found]),
            ]
        )
    return md.Table(["metric", *models, "count", "n", units(results.comparison)], rows)


def _each(numbers: Sequence[int | None]) -> str:
    """Return a number a model; a dash where there is none at all."""
    if all(number is None for number in numbers):
        return formats.NONE
    return " · ".join(formats.integer(one) for one in numbers)


def _once(numbers: Sequence[int | None]) -> str:
    """Return the number that all models share, else one a model."""
    known = {number for number in numbers if number is not None}
    return formats.integer(known.pop()) if len(known) == 1 else _each(numbers)


def _meanings(results: ComparisonResults, keys: Iterable[words.Key]) -> Iterator[str]:
    present = {metric for metric, _ in keys}
    for info in results.metrics:
        if info.metric in present:
            better = {True: " Higher is better.", False: " Lower is better.", None: ""}
            yield f"{info.title}: {info.what}{better[info.higher_is_better]}"
