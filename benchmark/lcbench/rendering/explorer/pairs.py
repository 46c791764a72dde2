"""Two baselines side by side, and the images that only one of them gets right: a section."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.analysis.scores import EventComparison, ModelComparison, PairResult
from lcbench.rendering import formats
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.words import author, baseline_title, effect_cells, units, verdict_words

SECTION = "pairs"


def pairs_section(results: Results, protocols: Sequence[str]) -> Section:
    """Return the section; its images are those of the section `images`.

    Parameters
    ----------
    results
        What was computed: the counts of errors that only one of two baselines makes.
    protocols
        In the order of the section `images`.
    """
    compared = {one.protocol: one.comparison for one in results.protocols}
    data: JsonValue = {
        "protocols": [
            [
                _pair(results, compared[name], pair, event)
                for pair in compared[name].pairs
                if (event := pair.on("any_error"))
            ]
            for name in protocols
        ]
    }
    return Section(SECTION, "Two baselines", render_html("explorer-pairs.html.j2"), data)


def _pair(
    results: Results, comparison: ModelComparison, pair: PairResult, event: EventComparison
) -> JsonValue:
    test = event.test(results.settings.default_test)
    return {
        "a": pair.a,
        "b": pair.b,
        "only_a": test.only_a,
        "only_b": test.only_b,
        "tested": _tested_words(results, comparison, pair, event),
    }


def _tested_words(
    results: Results, comparison: ModelComparison, pair: PairResult, event: EventComparison
) -> str:
    """Return the difference, what it rests on, its test and the verdict, as the report has them."""
    settings = results.settings
    test = event.test(settings.default_test)
    a, b = (baseline_title(results, name) for name in (pair.a, pair.b))
    asked = (
        ""
        if formats.is_fixed(event.difference)
        else f"; {formats.p_equals(test.p)} by the test that the interval makes, "
        f"{formats.p_equals(test.p_adjusted)} adjusted for the family ({author(settings)})"
    )
    return (
        f"Errors of {b} minus those of {a}: {effect_cells(event, settings).difference} points, on "
        f"{formats.plural(comparison.images, 'image')} of {formats.integer(event.groups)} "
        f"{units(comparison)}{asked}. Verdict on the difference: {verdict_words(event, settings)}."
    )
