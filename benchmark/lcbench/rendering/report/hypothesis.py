"""The question of a suite in words: what is asked, the verdict under each protocol, every arm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lcbench.analysis.hypothesis_results import (
    HypothesisArm,
    HypothesisResult,
    HypothesisTest,
    HypothesisVerdict,
)
from lcbench.analysis.results import ProtocolResult, Results
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.report.leakage import leaks
from lcbench.rendering.words import (
    author,
    called,
    capital,
    event_words,
    label,
    margin_words,
    protocol_short,
)


class HypothesisPart(NamedTuple):
    """The question under one protocol, as text."""

    protocol: str
    """Title of the protocol, short, as it begins a sentence."""
    sentences: list[str]
    """The verdict over all arms, and which arms have which verdict."""
    table: Table
    """Every arm."""


def hypothesis_parts(results: Results) -> list[HypothesisPart]:
    """Return a part for each protocol under which it was judged, the strictest first."""
    return [
        HypothesisPart(
            capital(protocol_short(protocol.protocol)),
            list(_sentences(results, protocol, found)),
            _table(results, found),
        )
        for protocol, found in _judged(results)
    ]


def asked_words(results: Results) -> str:
    """Return what is asked of each arm; empty where it was judged for none."""
    judged = _judged(results)
    if not judged:
        return ""
    found = judged[0][1]
    holds = ""
    if found.margin is not None:
        holds = f", with an accuracy that is lower by less than {margin_words(results.settings)}"
    return f"{_more_than(found)} {_what(results, found)} than {_reference(results)}{holds}"


def hypothesis_finding(results: Results) -> str:
    """Return the question and its verdict under each protocol; empty where nothing is asked."""
    asked = results.roles.hypothesis
    if asked is None:
        return ""
    judged = _judged(results)
    if not judged:
        return f"{asked.text} Not judged: no arm could be compared with {_reference(results)}."
    verdicts = "; ".join(
        f"{protocol_short(protocol.protocol)}: {_overall(results, found)}"
        + (_unseen(results, protocol, found) if found.verdict == "not shown" else "")
        + (" (which says nothing about new tissue)" if leaks(protocol) else "")
        for protocol, found in judged
    )
    return f"{asked.text} Asked of each arm: {asked_words(results)}. {capital(verdicts)}."


def _judged(results: Results) -> list[tuple[ProtocolResult, HypothesisResult]]:
    protocols = sorted(results.protocols, key=lambda one: one is not results.strictest)
    return [(one, one.hypothesis) for one in protocols if one.hypothesis is not None]


def _reference(results: Results) -> str:
    return called(results, results.reference)


def _what(results: Results, found: HypothesisResult) -> str:
    if found.event == "any_error":
        return "errors"
    return event_words(results.tree, found.event, found.node)


def _share(found: HypothesisResult) -> str:
    return f"{100 * found.reduction:g} %"


def _more_than(found: HypothesisResult) -> str:
    return f"more than {_share(found)} fewer" if found.reduction else "fewer"


def _overall(results: Results, found: HypothesisResult) -> str:
    """Return the verdict over all arms, as the end of a sentence."""
    return {
        "shown": f"shown for {formats.listing(_named(found, 'shown'))}",
        "refuted": _refuted_by_all(results, found),
        "accuracy not shown to hold": (
            f"{_more_than(found)} {_what(results, found)} are shown, but not that accuracy holds"
        ),
        "not shown": "not shown for any arm",
    }[found.verdict]


def _refuted_by_all(results: Results, found: HypothesisResult) -> str:
    each = "the only arm" if len(found.arms) == 1 else f"each of {len(found.arms)} arms"
    what = _what(results, found)
    if not found.reduction:
        return f"refuted, as {each} makes more {what}"
    return f"refuted, as {each} is shown to make less than {_share(found)} fewer {what}"


def _unseen(results: Results, protocol: ProtocolResult, found: HypothesisResult) -> str:
    """Return which reductions could have been shown, as the end of a sentence.

    What could have been shown rests on how answers were seen to differ: an arm that gives every
    image the reference's answer tells nothing of it.
    """
    alike = _like_reference(results, protocol)
    arms = [arm for arm in _with(found, "not shown") if arm.baseline not in alike]
    seen = [arm.detectable for arm in arms if arm.detectable is not None]
    if not arms:
        return ""
    if not seen:
        return "; this test could not have shown it of any"
    least, most = (formats.share(value, decimals=0) for value in (min(seen), max(seen)))
    sizes = least if least == most else f"{least.removesuffix(' %')} to {most}"
    blind = len(arms) - len(seen)
    rest = f", and of {formats.integer(blind)} none" if blind else ""
    between = ", which depends on the arm" if least != most else ""
    return f"; with a chance of 80 % this test could have shown {sizes} fewer{between}{rest}"


def _like_reference(results: Results, protocol: ProtocolResult) -> set[str]:
    """Return the models that give every image the same answer as the reference."""
    same = (set(names) for names in protocol.comparison.same_answers)
    return set().union(*(names for names in same if results.reference in names))


def _with(
    found: HypothesisResult, verdict: HypothesisVerdict, *, training: bool = False
) -> list[HypothesisArm]:
    tests = [(arm, arm.training if training else arm.networks) for arm in found.arms]
    return [arm for arm, test in tests if test is not None and test.verdict == verdict]


def _named(
    found: HypothesisResult, verdict: HypothesisVerdict, *, training: bool = False
) -> list[str]:
    return [arm.baseline for arm in _with(found, verdict, training=training)]


def _sentences(
    results: Results, protocol: ProtocolResult, found: HypothesisResult
) -> Iterator[str]:
    what, reference = _what(results, found), _reference(results)
    yield f"Verdict: {_overall(results, found)}."
    if shown := _with(found, "shown"):
        each = formats.listing([f"{arm.baseline} ({_size(arm)})" for arm in shown])
        holds = "" if found.margin is None else ", and accuracy holds"
        yield f"{capital(_more_than(found))} {what} than {reference} are shown{holds}: {each}."
    if refuted := _named(found, "refuted"):
        less = f"less than {_share(found)} fewer" if found.reduction else "more"
        yield f"Refuted, shown to make {less}: {formats.listing(refuted)}."
    if lost := _named(found, "accuracy not shown to hold"):
        yield (
            f"{capital(_more_than(found))} are shown, but not that accuracy is lower by less than "
            f"{margin_words(results.settings)}: {formats.listing(lost)}."
        )
    if quiet := _named(found, "not shown"):
        yield f"Not shown either way: {formats.listing(quiet)}{_unseen(results, protocol, found)}."
    if any(arm.training is not None for arm in found.arms):
        trained = formats.listing(_named(found, "shown", training=True)) or "no arm"
        unasked = [arm.baseline for arm in found.arms if arm.training is None]
        rest = f"; not known of {formats.listing(unasked)}, which hold all seeds" if unasked else ""
        yield f"Of the way of training, with other seeds: shown for {trained}{rest}."
    if leaks(protocol):
        yield (
            "Test images share their tissue with training images here: what is shown holds for "
            "more images of such tissue, and says nothing about new tissue."
        )


def _size(arm: HypothesisArm) -> str:
    if formats.says_something(arm.reduction):
        return formats.reduction_words(arm.reduction)
    return formats.points_interval(arm.difference, unit=True)


def _table(results: Results, found: HypothesisResult) -> Table:
    trained = any(arm.training is not None for arm in found.arms)
    differences = formats.points_decimals(arm.difference.value for arm in found.arms)
    accuracies = formats.points_decimals(arm.accuracy.value for arm in found.arms)
    adjusted = f"p ({author(results.settings)})"
    rows = []
    for arm in found.arms:
        row = [
            label(results, arm.baseline),
            formats.reduction_interval(arm.reduction),
            formats.points_interval(arm.difference, decimals=differences),
            formats.points_interval(arm.accuracy, decimals=accuracies),
            formats.p_value(arm.networks.p),
            *_judgement(arm.networks, few_groups=arm.few_groups),
        ]
        if trained:
            row += _judgement(arm.training, few_groups=arm.few_groups)
        seen = formats.share(arm.detectable, unit=False, decimals=0)
        rows.append([*row, formats.NONE if arm.detectable is None else seen])
    headers = [
        "arm",
        "fewer, %",
        "difference, points",
        "accuracy, points",
        "p",
        adjusted,
        "verdict",
    ]
    if trained:
        headers += [f"way of training: {adjusted}", "way of training: verdict"]
    return Table([*headers, "smallest reduction, %"], rows)


def _judgement(test: HypothesisTest | None, *, few_groups: bool) -> list[str]:
    """Return the adjusted p of a test and its verdict."""
    if test is None:
        return [formats.NONE, formats.NONE]
    few = " (few groups)" if few_groups else ""
    return [formats.p_value(test.p_adjusted), f"{test.verdict}{few}"]
