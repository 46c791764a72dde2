"""What goes wrong under each baseline, against the reference: whom to compare, and sentences."""

from __future__ import annotations

from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.scores import EventComparison, PairResult
from lcbench.rendering import formats
from lcbench.rendering.words import (
    called,
    capital,
    event_words,
    headline_event,
    protocol_short,
    units,
    verdict_words,
)


def reference_pairs(results: Results, result: ProtocolResult) -> tuple[PairResult, ...]:
    """Return the comparisons with the reference under a protocol."""
    return tuple(pair for pair in result.comparison.pairs if pair.a == results.reference)


def pair_with(results: Results, result: ProtocolResult, name: str) -> PairResult | None:
    """Return the comparison of a baseline with the reference, or None where there is none."""
    return next((pair for pair in reference_pairs(results, result) if pair.b == name), None)


def shown_words(results: Results, errors: EventComparison) -> str:
    """Return what is shown of a difference from the reference, as a part of a sentence."""
    reference = called(results, results.reference)
    return {
        "different": f"a difference from {reference} is shown",
        "different within the margin": f"a difference from {reference} is shown",
        "equivalent": f"that is {verdict_words(errors, results.settings)} to {reference}",
        "not shown": f"no difference from {reference} is shown",
    }[errors.verdict]


def compared(results: Results) -> list[ProtocolResult]:
    """Return the protocols under which baselines were compared with the reference."""
    return [one for one in results.protocols if reference_pairs(results, one)]


def floor_without_confusions(results: Results) -> list[str]:
    """Return the floor baselines that were compared on confusions and are left out of them."""
    return [
        pair.b
        for pair in reference_pairs(results, results.strictest)
        if pair.b in results.roles.floor and any(one.event == "confusion" for one in pair.events)
    ]


def families_words(results: Results, result: ProtocolResult) -> str:
    """Return what the comparisons on each event rest on, and for how many p is adjusted."""
    pairs, parts = reference_pairs(results, result), []
    for kind, node in result.comparison.events:
        events = [event for pair in pairs if (event := pair.on(kind, node))]
        parts.append(
            f"{event_words(results.tree, kind, node)} "
            f"({formats.plural(events[0].test().n, 'prediction')} in "
            f"{formats.integer(events[0].groups)} {units(result.comparison)}, "
            f"{formats.plural(len(events), 'comparison')})"
        )
    return f"{capital(protocol_short(result.protocol))}: {'; '.join(parts)}"


def same_answers_words(results: Results) -> list[str]:
    """Return which models cannot be told apart by their answers, protocol by protocol."""
    return [
        f"{capital(protocol_short(one.protocol))}: {formats.listing(list(names))} give every image "
        "the same answer."
        for one in results.protocols
        for names in one.comparison.same_answers
    ]


def errors_words(results: Results) -> str:
    """Return what the headline event counts."""
    kind, node = headline_event(results)
    return "errors" if kind == "any_error" else event_words(results.tree, kind, node)
