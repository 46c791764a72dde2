"""Claims of a paper in words: a row for each, what the verdicts mean, where their errors are from.

A verdict is explained where it occurs, so that nobody reads about one that does not.
"""

from __future__ import annotations

from lcbench.analysis.claim_results import ClaimResult, PaperClaims, Verdict
from lcbench.analysis.results import Results
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.words import metric_title, protocol_short
from lcbench.statistics.interval_model import Interval

VERDICTS: dict[Verdict, str] = {
    "reproduced": "Reproduced: the claimed value lies inside the measured interval.",
    "consistent": (
        "Consistent: the claimed value lies outside the measured interval, but the interval of the "
        "difference holds 0, so the two samples do not show that they differ."
    ),
    "contradicted": (
        "Contradicted: the interval of the difference does not hold 0, which is more than the "
        "errors of both samples explain."
    ),
    "differs": (
        "Differs here, with another backbone: the interval of the difference does not hold 0, and "
        "the backbone may be why."
    ),
    "not comparable": (
        "Not comparable: for the reason given, the measurement cannot speak about the claim."
    ),
}
"""What each verdict means, in the order of a page."""
_CONSISTENT_ONLY = (
    "Consistent: the interval of the difference holds 0; no more than that can be said with "
    "another backbone, even where the claimed value lies inside the measured interval."
)


def claims_table(results: Results, paper: PaperClaims) -> Table:
    """Return the claims under each protocol: claimed, measured, their difference, the verdict."""
    return Table(
        ["claim", "protocol", "claimed, of n", "measured", "difference", "verdict"],
        [_row(results, one) for one in paper.claims],
        align="llrrrl",
    )


def judged_words(paper: PaperClaims) -> list[str]:
    """Return a sentence for each verdict that occurs."""
    found = {one.verdict for one in paper.claims}
    meanings = VERDICTS | ({"consistent": _CONSISTENT_ONLY} if paper.other_backbone else {})
    return [meanings[verdict] for verdict in VERDICTS if verdict in found]


def error_words(paper: PaperClaims) -> str:
    """Return how the claims' own intervals were computed."""
    known = [one.design_effect for one in paper.claims if one.design_effect is not None]
    unknown = any(one.design_effect is None for one in paper.claims)
    spread = formats.listing(sorted({formats.number(one) for one in known}, key=float), last="or")
    parts = [
        "A claim is a number from a sample too: its interval is Wilson's, with n divided by the "
        "design effect of one seed's predictions on that metric here, under the paper's division "
        f"of the images{f' ({spread})' if spread else ''}"
    ]
    if unknown:
        parts.append("; where the source groups say nothing of it, 1 is taken")
    return f"{''.join(parts)}."


def _row(results: Results, one: ClaimResult) -> list[str]:
    info = next(info for info in results.metrics if info.metric == one.metric)
    title = metric_title(results.tree, info, one.of, share="")
    return [
        f"{one.claim} (measured as {title})",
        protocol_short(one.protocol),
        f"{_value(one, _claimed(one))}, n = {formats.integer(one.n)}",
        _value(one, one.measured),
        _difference(one),
        "; ".join((_called(one), *one.obstacles)),
    ]


def _claimed(one: ClaimResult) -> Interval:
    return Interval(
        value=one.claimed,
        low=one.claim_low,
        high=one.claim_high,
        n=one.n,
        groups=0,
        method="",
    )


def _value(one: ClaimResult, estimate: Interval | None) -> str:
    if one.unit == "count":
        return formats.count_interval(estimate)
    return formats.share_interval(estimate, unit=True)


def _difference(one: ClaimResult) -> str:
    if one.difference is None:
        return formats.NONE
    if one.unit == "count":
        return formats.count_interval(one.difference, signed=True)
    return formats.points_interval(one.difference, unit=True)


def _called(one: ClaimResult) -> str:
    return "differs here, with another backbone" if one.verdict == "differs" else one.verdict
