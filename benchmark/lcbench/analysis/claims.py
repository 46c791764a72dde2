"""The paper's claims beside what the reference reached, each with a verdict from its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lcbench.analysis.context import Context
from lcbench.analysis.measures import BaselineScores, Estimate, ProtocolResult
from lcbench.analysis.pools import Pool
from lcbench.analysis.results import ClaimResult, Verdict
from lcbench.analysis.scores import per_seed_count
from lcbench.rendering import formats as wording
from lcbench.runs.records import BackboneRecord, DatasetRecord
from lcbench.statistics import metrics
from lcbench.statistics.metrics import Counts, Values
from lcbench.statistics.panel import Count, count_panel

PAPER = "arXiv 2510.16310"
PAPER_TITLE = 'Akinyemi et al., "Lung Cancer Classification from CT Images Using ResNet"'
_IMAGES = 15_000
_TEST_IMAGES = 2_250
_BACKBONE = "resnet50"


@dataclass(frozen=True)
class Measured:
    """What the reference reached under one protocol."""

    scores: BaselineScores
    confused_of_all: Estimate
    confused_of_errors: Estimate


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Parameters
    ----------
    text
        What the paper says.
    value
        The claimed value.
    unit
        Whether it is a share or a count.
    measure
        Takes what was measured and returns the matching estimate, None where there is none.
    """

    text: str
    value: float
    unit: Literal["share", "count"]
    measure: Callable[[Measured], Estimate | None]


CLAIMS = (
    Claim(
        "accuracy of 98.8 % on 2,250 test images with ResNet-50",
        0.988,
        "share",
        lambda measured: measured.scores.metrics.accuracy,
    ),
    Claim(
        "benign tissue told apart perfectly: sensitivity 100 %",
        1.0,
        "share",
        lambda measured: measured.scores.metrics.sensitivity,
    ),
    Claim(
        "benign tissue told apart perfectly: specificity 100 %",
        1.0,
        "share",
        lambda measured: measured.scores.metrics.specificity,
    ),
    Claim(
        "17 errors between the malignant subtypes in 2,250 test images",
        17.0,
        "count",
        lambda measured: per_seed_count(measured.confused_of_all, _TEST_IMAGES),
    ),
    Claim(
        "all errors are between the malignant subtypes",
        1.0,
        "share",
        lambda measured: measured.confused_of_errors,
    ),
)


def judge_claims(
    measurements: list[tuple[Pool, ProtocolResult]],
    reference: str,
    backbone: BackboneRecord | None,
    dataset: DatasetRecord,
    context: Context,
) -> tuple[ClaimResult, ...]:
    """Return every claim with its verdict, under every protocol that was run.

    Empty where the class tree has no negative class or no subtypes: the claims speak of them.
    """
    if not context.roles.negative or not context.roles.subtypes:
        return ()
    obstacle = _obstacle(backbone, dataset)
    caveat = _caveat(backbone)
    found = []
    for pool, result in measurements:
        measured = _measure(pool, result, reference, context)
        found += [_judge(claim, result.protocol, measured, obstacle, caveat) for claim in CLAIMS]
    return tuple(sorted(found, key=lambda one: [claim.text for claim in CLAIMS].index(one.claim)))


def _measure(
    pool: Pool, result: ProtocolResult, reference: str, context: Context
) -> Measured | None:
    scores = next((one for one in result.baselines if one.baseline == reference), None)
    if scores is None:
        return None
    clusters, size = pool.own_clusters, len(context.roles.leaves)
    counts = metrics.confusion_by_group(pool.true, pool.predicted[reference], clusters, size)

    def confused(totals: Counts) -> Values:
        return metrics.subtype_confusions(totals, context.roles.subtypes)

    def errors(totals: Counts) -> Values:
        wrong: Values = metrics.support(totals) - np.trace(totals, axis1=-2, axis2=-1)
        return wrong

    found = context.estimates(
        count_panel(
            counts,
            {
                "all": Count(
                    lambda totals: metrics.ratio(confused(totals), metrics.support(totals)),
                    metrics.support,
                    proportion=True,
                ),
                "errors": Count(
                    lambda totals: metrics.ratio(confused(totals), errors(totals)),
                    errors,
                    proportion=True,
                ),
            },
        )
    )
    return Measured(scores, found["all"], found["errors"])


def _judge(
    claim: Claim, protocol: str, measured: Measured | None, obstacle: str, caveat: str
) -> ClaimResult:
    reached = claim.measure(measured) if measured is not None else None
    verdict, position, obstacle = _verdict(claim, reached, obstacle)
    if caveat and verdict == "reproduced":
        verdict = "consistent"  # the claim is about another network
    return ClaimResult(
        claim=claim.text,
        claimed=claim.value,
        unit=claim.unit,
        protocol=protocol,
        measured=reached,
        verdict=verdict,
        position=position,
        obstacle=obstacle,
        caveat=caveat,
    )


def _verdict(claim: Claim, reached: Estimate | None, obstacle: str) -> tuple[Verdict, str, str]:
    """Return the verdict, where the claimed value lies, and why it cannot be judged."""
    if reached is None:
        return "cannot be judged", "not measured", obstacle or "the reference was not run"
    if reached.value is None or reached.low is None or reached.high is None:
        return "cannot be judged", "no errors to look at", obstacle or "no errors to look at"
    position, verdict = _position(claim.value, reached.low, reached.high)
    return ("cannot be judged" if obstacle else verdict), position, obstacle


def _position(claimed: float, low: float, high: float) -> tuple[str, Verdict]:
    if claimed < low:
        return "measured above the claim", "above the claim"
    if claimed > high:
        return "measured below the claim", "below the claim"
    return "claimed value inside the interval", "reproduced"


def _obstacle(backbone: BackboneRecord | None, dataset: DatasetRecord) -> str:
    """Return why the measurement cannot speak about the paper, or nothing."""
    reasons = []
    if dataset.synthetic:
        reasons.append("the data are synthetic")
    elif dataset.images + len(dataset.skipped) != _IMAGES:
        reasons.append(
            f"other data ({wording.integer(dataset.images)} images; the paper had "
            f"{wording.integer(_IMAGES)})"
        )
    if backbone is None:
        reasons.append("the reference has no backbone")
    elif backbone.random:
        reasons.append("the weights are random")
    return "; ".join(reasons)


def _caveat(backbone: BackboneRecord | None) -> str:
    """Return what differs from the paper without making the comparison void, or nothing."""
    if backbone is None or backbone.name.split(".")[0] == _BACKBONE:
        return ""
    return f"the backbone is {backbone.name}, not ResNet-50"
