"""Claims of papers beside what was measured."""

from __future__ import annotations

from typing import Literal

from lcbench.result_model import ResultModel
from lcbench.statistics.interval_model import Interval

Verdict = Literal["reproduced", "consistent", "contradicted", "differs", "not comparable"]
Obstacle = Literal["not measured", "not defined", "no backbone", "random weights"]


class ClaimResult(ResultModel):
    """A claim of a paper beside what was measured."""

    claim: str
    """What the paper says, in words."""
    claimed: float
    """The claimed value."""
    claim_low: float
    """Lower limit of the claimed value: the paper's sample has an error too."""
    claim_high: float
    """Upper limit of the claimed value."""
    n: int
    """Images that the claimed value is a share of, or a number among."""
    design_effect: float | None
    """What `n` is divided by for these limits: from the paper's protocol, run here; null where
    that says nothing and 1 was taken."""
    unit: Literal["share", "count"]
    """What the claimed value, the measured one and their difference are."""
    metric: str
    """Key of the metric that measures it."""
    of: str
    """The class, node or decision that the metric speaks of."""
    protocol: str
    """Protocol of the measurement."""
    measured: Interval | None
    """What the reference reached; null where it was not measured."""
    difference: Interval | None
    """Measured minus claimed, from the limits of both; null where it was not measured."""
    verdict: Verdict
    """Whether the measurement agrees with the claim.

    "reproduced": the claimed value lies inside the measured interval; "consistent": outside, but
    the interval of the difference holds 0; "contradicted": it does not. With another backbone
    than the paper's, "reproduced" becomes "consistent" and "contradicted" becomes "differs".
    """
    obstacles: tuple[Obstacle, ...]
    """Why it is not comparable; empty where it is."""


class UnreadableClaims(ResultModel):
    """Claims that the suite names and that could not be read for the report."""

    key: str
    """Name of the claims, or their file."""
    reason: str
    """Why, with the file."""


class PaperClaims(ResultModel):
    """The claims of one paper about these data."""

    key: str
    """Name of the claims' file."""
    source: str
    """Where the paper is published."""
    title: str
    """Its authors and title."""
    protocol: str
    """The protocol that the paper used."""
    backbone: str
    """The paper's backbone."""
    other_backbone: str
    """The reference's backbone where it is another one; else empty."""
    remark: str
    """What a reader should know about the claims as printed."""
    claims: tuple[ClaimResult, ...]
    """Each claim, under every protocol that was run."""
