"""Two baselines side by side, and the images that only one of them gets right: a section."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.analysis.scores import EventComparison, PairResult
from lcbench.rendering import formats
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.words import verdict_words

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
    pairs = {one.protocol: one.comparison.pairs for one in results.protocols}
    data: JsonValue = {
        "protocols": [
            [_pair(results, pair, event) for pair in pairs[name] if (event := pair.on("any_error"))]
            for name in protocols
        ]
    }
    return Section(SECTION, "Two baselines", render_html("explorer-pairs.html.j2"), data)


def _pair(results: Results, pair: PairResult, event: EventComparison) -> JsonValue:
    test = event.test()
    return {
        "a": pair.a,
        "b": pair.b,
        "only_a": test.only_a,
        "only_b": test.only_b,
        "p": formats.p_equals(test.p),
        "p_adjusted": formats.p_value(test.p_adjusted),
        "test": str(test.name),
        "verdict": verdict_words(event, results.settings),
    }
