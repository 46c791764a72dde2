"""Claims of papers beside what the reference reached: verdicts from the errors of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lcbench.analysis.claim_results import (
    ClaimResult,
    Obstacle,
    PaperClaims,
    UnreadableClaims,
    Verdict,
)
from lcbench.analysis.results import ProtocolResult
from lcbench.analysis.scoring import per_seed_count
from lcbench.errors import UserError
from lcbench.runs.claims import Claim, ClaimsFile, load_claims
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.records import BackboneRecord
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.limits import newcombe_difference, wilson

_PRINTED_ALIKE = 0.00005
"""Half of the last digit in which pages print a share near 100 %: no verdict rests on less."""


@dataclass(frozen=True)
class JudgedClaims:
    """The claims of a suite's papers.

    Parameters
    ----------
    papers
        Those about the suite's data, each claim with its verdict.
    unreadable
        Files of claims that cannot be read any more.
    """

    papers: tuple[PaperClaims, ...] = ()
    unreadable: tuple[UnreadableClaims, ...] = ()


def judge_claims(suite: FinishedSuite, protocols: Sequence[ProtocolResult]) -> JudgedClaims:
    """Judge the claims of the suite's papers that are about these data."""
    papers, unreadable = [], []
    for key in suite.roles.claims:
        try:
            paper = load_claims(key)
        except UserError as error:  # moved or changed since the run: the report is worth having
            unreadable.append(UnreadableClaims(key=key, reason=error.message))
            continue
        if _is_about(paper, suite):
            papers.append(_judge_paper(key, paper, suite, protocols))
    return JudgedClaims(tuple(papers), tuple(unreadable))


def design_effect_of_one_seed(measured: Interval) -> float | None:
    """Return by how much source groups inflate the variance of one seed's share.

    At least 1: a claim is not taken for surer than as many independent images. None where the
    groups show no variance.
    """
    return None if measured.design_effect is None else max(1.0, measured.design_effect)


def claim_limits(share: float, n: int, design_effect: float | None) -> tuple[float, float]:
    """Return the limits of a claimed share from the images behind it.

    Wilson's interval with the effective size n / design effect (Korn and Graubard 1998); a design
    effect of 1 stands in for one that is not known.
    """
    worth = n / (design_effect or 1.0)
    return wilson(share * worth, worth)


def difference_from(claimed: float, limits: tuple[float, float], measured: Interval) -> Interval:
    """Return measured minus claimed, both shares, with Newcombe's limits from those of both.

    The two samples are taken as independent. Where they share tissue the interval is too wide
    rather than too narrow.
    """
    value, low, high = measured.value, measured.low, measured.high
    if value is None or low is None or high is None:
        return measured.model_copy(update={"error": None, "count": None})
    below, above = newcombe_difference(value, (low, high), claimed, limits)
    return Interval(
        value=value - claimed,
        low=below,
        high=above,
        n=measured.n,
        groups=measured.groups,
        method="Newcombe on measured and claimed limits",
    )


def verdict_on(
    claimed: float, measured: Interval, difference: Interval, *, other_backbone: bool
) -> Verdict:
    """Return what a measured share says of a claimed one.

    A claim is about one network: with another backbone it is neither reproduced nor contradicted.
    """
    if not _holds(difference, 0.0):
        return "differs" if other_backbone else "contradicted"
    inside = _holds(measured, claimed)
    return "reproduced" if inside and not other_backbone else "consistent"


def _holds(interval: Interval, value: float) -> bool:
    if interval.low is None or interval.high is None:
        return False
    return interval.low - _PRINTED_ALIKE <= value <= interval.high + _PRINTED_ALIKE


def _is_about(paper: ClaimsFile, suite: FinishedSuite) -> bool:
    dataset = suite.plan.dataset
    images = dataset.images + len(dataset.skipped)
    same_leaves = set(paper.leaves) == set(suite.taxonomy.leaves)
    return not dataset.synthetic and images == paper.images and same_leaves


def _judge_paper(
    key: str, paper: ClaimsFile, suite: FinishedSuite, protocols: Sequence[ProtocolResult]
) -> PaperClaims:
    reference = suite.plan.reference
    runs = suite.runs_of(baseline=reference)
    backbone = runs[0].config.backbone if runs else None
    other = ""
    if backbone is not None and backbone.name.split(".")[0] != paper.backbone:
        other = backbone.name
    own = next((one for one in protocols if one.protocol == paper.protocol), None)
    claims = []
    for claim in paper.claims:
        # The clustering of the paper's images: the same for every measurement of ours.
        effect = _design_effect(claim, own, reference)
        claims += [_judge(claim, effect, one, reference, backbone, other) for one in protocols]
    return PaperClaims(
        key=key,
        source=paper.source,
        title=paper.title,
        protocol=paper.protocol,
        backbone=paper.backbone_title,
        other_backbone=other,
        remark=paper.remark,
        claims=tuple(claims),
    )


def _design_effect(claim: Claim, own: ProtocolResult | None, reference: str) -> float | None:
    """Return the design effect of the claim from our measurement under the paper's protocol."""
    measured = _measure(claim, own, reference) if own is not None else None
    return None if measured is None else design_effect_of_one_seed(measured)


def _measure(claim: Claim, result: ProtocolResult, reference: str) -> Interval | None:
    scores = result.comparison.scores(reference)
    return scores.get(claim.metric, claim.of) if scores is not None else None


def _judge(
    claim: Claim,
    design_effect: float | None,
    result: ProtocolResult,
    reference: str,
    backbone: BackboneRecord | None,
    other_backbone: str,
) -> ClaimResult:
    measured = _measure(claim, result, reference)
    obstacles = tuple(_obstacles(measured, backbone))
    limits = claim_limits(claim.share, claim.n, design_effect)
    difference = difference_from(claim.share, limits, measured) if measured else None
    verdict: Verdict = "not comparable"
    if measured is not None and difference is not None and not obstacles:
        other = bool(other_backbone)
        verdict = verdict_on(claim.share, measured, difference, other_backbone=other)
    size = claim.n if claim.unit == "count" else 1
    return ClaimResult(
        claim=claim.text,
        claimed=claim.value,
        claim_low=size * limits[0],
        claim_high=size * limits[1],
        n=claim.n,
        design_effect=design_effect,
        unit=claim.unit,
        metric=claim.metric,
        of=claim.of,
        protocol=result.protocol,
        measured=_in_unit(measured, claim),
        difference=_in_unit(difference, claim),
        verdict=verdict,
        obstacles=obstacles,
    )


def _in_unit(share: Interval | None, claim: Claim) -> Interval | None:
    """Return a share of the claim's images as the claim counts them."""
    if share is None or claim.unit == "share":
        return share
    return per_seed_count(share, claim.n)


def _obstacles(measured: Interval | None, backbone: BackboneRecord | None) -> list[Obstacle]:
    """Return why the measurement cannot speak about the paper."""
    found: list[Obstacle] = []
    if measured is None:
        found.append("not measured")
    elif measured.value is None:
        found.append("not defined")
    if backbone is None:
        found.append("no backbone")
    elif backbone.random:
        found.append("random weights")
    return found
