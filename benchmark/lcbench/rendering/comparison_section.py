"""The section on paired comparisons with the reference."""

from __future__ import annotations

from lcbench.analysis.measures import (
    Comparison,
    Estimate,
    Omnibus,
    PairedTest,
    ProtocolResult,
)
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.rendering.findings import GROUPS_UNKNOWN, subtype_words
from lcbench.rendering.parts import cell, label, units
from lcbench.statistics.events import Event
from lcbench.statistics.pairwise import DEFAULT_TEST, TestName

_HALF = 0.5
_LEGEND = (
    "Odds ratio: images that go wrong under the reference only, to those under the baseline only. "
    "Smallest difference: what would have been shown with a chance of 80 %. Interval and test are "
    "computed in different ways: close to the border one can exclude no difference where the other "
    "does not."
)


def comparison_section(results: Results, picture: str = "") -> str:
    """Return the paired tests of every baseline against the reference, below their picture."""
    task = subtype_words(results)
    known = results.taxonomy.subtypes_of is not None
    what = "Subtype confusions" if known else "Errors"
    title = f"## {what} against {md.escape(results.reference)}"
    with_tests = [result for result in results.protocols if result.comparisons]
    if not with_tests:
        return md.paragraphs(title, _why_no_comparison(results))
    return md.paragraphs(
        title,
        f"Does a baseline confuse {md.escape(task)} more or less often than the reference, on the "
        "same images? Every comparison is two-sided. A negative difference means fewer confusions "
        "than the reference. Read it beside the subtype accuracy: who never answers a subtype "
        "confuses none. " + _LEGEND
        if known
        else f"The class tree names no subtypes: errors of any kind are compared. {_LEGEND}",
        picture,
        *(_protocol(results, result) for result in with_tests),
    )


def _why_no_comparison(results: Results) -> str:
    if results.baseline(results.reference) is None:
        return (
            f"The reference, {md.escape(results.reference)}, has no finished run, so no baseline "
            "is compared with it."
        )
    return "No other baseline has test images in common with the reference."


def _protocol(results: Results, result: ProtocolResult) -> str:
    unknown = "" if result.groups_known else f" ({GROUPS_UNKNOWN})"
    confusions = result.comparisons_on(Event.subtype_confusion)
    others = [event for event in Event if event is not Event.subtype_confusion]
    return md.paragraphs(
        f"### Under the {md.escape(result.protocol)} protocol{unknown}",
        _confusions(results, result, confusions) if confusions else "",
        *(
            md.details(
                f"{_event_words(results, event)}, {result.protocol} protocol",
                _folded(results, result, event),
            )
            for event in others
            if result.comparisons_on(event)
        ),
        md.details(f"Every paired test, {result.protocol} protocol", _every_test(results, result)),
    )


def _confusions(
    results: Results, result: ProtocolResult, comparisons: tuple[Comparison, ...]
) -> str:
    rates = {scores.baseline: scores.metrics.subtype_confusion_rate for scores in result.baselines}
    rows = [
        [
            label(results, one.baseline),
            _rate(rates.get(one.baseline)),
            _rate(rates.get(results.reference)),
            *_effects(one),
        ]
        for one in comparisons
    ]
    headers = ["baseline", "confusion rate, %", "reference, %", *_effect_headers(results)]
    return md.paragraphs(
        _family(results, result, comparisons, "images of a subtype"),
        md.table(headers, rows, "lr"),
        md.bullets(
            [
                md.escape(_halved(results, result, comparisons)),
                *_omnibus(result, Event.subtype_confusion),
            ]
        ),
    )


def _folded(results: Results, result: ProtocolResult, event: Event) -> str:
    comparisons = result.comparisons_on(event)
    rows = [[label(results, one.baseline), *_effects(one)] for one in comparisons]
    return md.paragraphs(
        _family(results, result, comparisons, "images"),
        md.table(["baseline", *_effect_headers(results)], rows, "lr"),
        md.bullets(_omnibus(result, event)),
    )


def _effect_headers(results: Results) -> list[str]:
    return [
        "difference, points", "fewer than the reference, %", "odds ratio", f"{DEFAULT_TEST} p",
        f"{results.adjustment.author} p", "smallest difference it could show, points",
    ]  # fmt: skip


def _effects(one: Comparison) -> list[str]:
    test = one.test()
    return [
        cell(wording.points_interval(one.difference)),
        cell(wording.reduction_interval(one.relative_reduction)),
        cell(wording.ratio_interval(one.odds_ratio)),
        wording.p_value(test.p),
        wording.p_value(test.p_adjusted),
        wording.points(one.detectable).removesuffix(" points"),
    ]


def _family(
    results: Results, result: ProtocolResult, comparisons: tuple[Comparison, ...], images: str
) -> str:
    names = md.escape(wording.listing([one.baseline for one in comparisons]))
    size = wording.plural(len(comparisons), "comparison")
    first = comparisons[0]
    reading = "" if result.groups_known else ", for want of source groups: p-values too small"
    groups = wording.integer(first.groups)
    of = f"{images} in {groups} source groups" if result.groups_known else f"{groups} {images}"
    return (
        f"All seeds, {units(result)} as the unit{reading}. n: "
        f"{wording.integer(first.test().n)} predictions for {of}. Family of tests for the "
        f"{results.adjustment.author} adjustment: {size} ({names})."
    )


def _halved(results: Results, result: ProtocolResult, comparisons: tuple[Comparison, ...]) -> str:
    """Say who halves the confusions; one that avoids them by not answering is pointed out."""
    right = {
        scores.baseline: scores.metrics.subtype_accuracy.value or 0.0
        for scores in result.baselines
        if scores.metrics.subtype_accuracy is not None
    }
    worse = {name for name in right if right[name] < right[results.reference]}
    halved = [
        f"{one.baseline} (with a lower subtype accuracy)" if one.baseline in worse else one.baseline
        for one in comparisons
        if one.relative_reduction.low is not None and one.relative_reduction.low > _HALF
    ]
    return (
        'A claim of "more than 50 % fewer confusions than the reference" is supported for: '
        f"{wording.listing(halved) or 'no baseline'}."
    )


def _omnibus(result: ProtocolResult, event: Event) -> list[str]:
    return [_omnibus_words(one, result) for one in result.omnibus if one.event == event]


def _omnibus_words(one: Omnibus, result: ProtocolResult) -> str:
    return (
        f"Cochran's Q over all {len(result.baselines)} baselines: {wording.number(one.statistic)}, "
        f"{wording.p_equals(one.p)} from permuting the baselines within "
        f"{wording.integer(one.groups)} {units(result)}."
    )


def _every_test(results: Results, result: ProtocolResult) -> str:
    return md.paragraphs(
        f"p-values, and adjusted ones ({results.adjustment.author}) in brackets. The three McNemar "
        f"tests assume independent images and look at seed {result.seeds[0]} alone, in which every "
        f"image counts once; the others look at all seeds, {units(result)} as the unit. The one "
        f"to read is {DEFAULT_TEST}: "
        "docs/statistics.md of lcbench has the simulation behind that choice. Discordant: wrong "
        "under the reference only, and under the baseline only. Each test and event is a family of "
        "its own. The statistics are in results.csv.",
        *(_tests_on(results, result, event) for event in Event if result.comparisons_on(event)),
    )


def _tests_on(results: Results, result: ProtocolResult, event: Event) -> str:
    comparisons = result.comparisons_on(event)
    rows = [
        [
            label(results, one.baseline),
            _discordant(one.test(TestName.mcnemar_exact)),
            _discordant(one.test()),
            *(_both(test) for test in one.tests),
        ]
        for one in comparisons
    ]
    headers = [f"discordant, seed {result.seeds[0]}", "discordant, all seeds"]
    return md.paragraphs(
        f"*{_event_words(results, event)}*, n: {_n_words(result, comparisons[0])}",
        md.table(
            ["baseline", *headers, *(test.name.value for test in comparisons[0].tests)], rows, "lr"
        ),
    )


def _n_words(result: ProtocolResult, one: Comparison) -> str:
    first, every = one.test(TestName.mcnemar_exact).n, one.test().n
    return (
        f"{wording.plural(first, 'prediction')} of seed {result.seeds[0]}, "
        f"{wording.integer(every)} of all seeds, {wording.integer(one.groups)} {units(result)}"
    )


def _discordant(test: PairedTest) -> str:
    return f"{wording.integer(test.only_reference)} / {wording.integer(test.only_baseline)}"


def _both(test: PairedTest) -> str:
    return f"{wording.p_value(test.p)} ({wording.p_value(test.p_adjusted)})"


def _event_words(results: Results, event: Event) -> str:
    if event is Event.any_error:
        return "Errors of any kind"
    if event is Event.benign_malignant:
        negative = (results.taxonomy.negative or "").replace("_", " ")
        return f"Errors between {negative} and the rest"
    return "Subtype confusions"


def _rate(estimate: Estimate | None) -> str:
    return cell(wording.share_interval(estimate))
