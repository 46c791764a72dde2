"""An estimate with its interval, as it is stored: the limits, their basis, how they were found."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from lcbench.statistics.choices import Method

DESCRIPTIONS: dict[Method, str] = {
    "score": "score interval, variance over source groups",
    "percentile": "cluster bootstrap, percentile",
    "bca": "cluster bootstrap, BCa",
}
WILSON = "Wilson on groups"
IDENTICAL = "no difference seen: Wilson on groups"
ALIKE = "alike in every source group"
FIXED = "fixed by the numbers of each class"
NO_LIMIT = "no upper limit: not one image is off"
UNDEFINED = "not defined on these images"
NO_INTERVAL = "no interval from one group"
NO_COVERAGE = "no interval: none would cover"
CONSTANT = "no interval: the answer does not depend on the image"
DECIDED = "no interval: the thresholds alone decide"
_STORED = ConfigDict(
    extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="strings"
)
Unbounded = Annotated[
    float, WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["Infinity", "-Infinity"]}]})
]
"""A number, or the text "Infinity" or "-Infinity" in JSON, which has no infinity."""


class TrainingLimits(BaseModel):
    """Limits for the way of training: what other seeds would have given, on other groups."""

    model_config = _STORED

    low: Unbounded
    """Lower limit."""
    high: Unbounded
    """Upper limit."""
    error: float | None
    """Standard error over source groups and seeds; null where the value is a function of what was
    estimated, such as odds."""
    seeds: int
    """Seeds that they rest on."""


class Interval(BaseModel):
    """An estimate and its confidence interval: low <= value <= high, where it has one."""

    model_config = _STORED

    value: Unbounded | None
    """The estimate on all images; null where it is not defined, such as precision without
    predictions."""
    low: Unbounded | None
    """Lower limit; may be minus infinity; null where there is no interval."""
    high: Unbounded | None
    """Upper limit; may be infinity; null where there is no interval."""
    n: int
    """Number of images that enter; 0 where the statistic is not defined."""
    groups: int
    """Number of source groups that enter."""
    method: str
    """How the limits were found, in plain words."""
    error: float | None = None
    """Standard error over source groups; null where they show no variance."""
    count: int | None = None
    """Numerator, where the statistic is a share of n images."""
    training: TrainingLimits | None = None
    """Limits for the way of training; null with one seed. `low` and `high` speak of the networks
    as they are trained."""
    design_effect: float | None = None
    """Of a share: how many images of one seed are worth one independent image, the mean over the
    seeds; null where they show no variance."""
    few_groups: bool = False
    """Whether a share has its failures in so few groups that their spread is not known; such
    intervals can hold the truth less often than they should, see docs/statistics.md."""


NOT_DEFINED = Interval(value=None, low=None, high=None, n=0, groups=0, method=UNDEFINED)
"""What stands for a statistic that is not defined on these images."""
