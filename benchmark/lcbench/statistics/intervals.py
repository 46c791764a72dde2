"""Confidence intervals of statistics, with the source group as the sampling unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from lcbench.statistics.bootstrap import RESAMPLES, Tick, resample
from lcbench.statistics.choices import METHODS, Method
from lcbench.statistics.limits import (
    Scale,
    bca_limits,
    degrees_of_freedom,
    newcombe_difference,
    percentile_limits,
    score_interval,
    standard_error,
    wilson,
)
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import K, Measure, Panel, Sides

DESCRIPTIONS: dict[Method, str] = {
    "score": "score interval, cluster bootstrap standard error",
    "percentile": "cluster bootstrap, percentile",
    "bca": "cluster bootstrap, BCa",
}
WILSON = "Wilson on groups"
NEWCOMBE = "Newcombe on groups"
ALIKE = "all resamples alike"
NO_LIMIT = "no upper limit: not one image is off"
UNDEFINED = "not defined on these images"
NO_INTERVAL = "no interval from one group"
# Resamples that are alike can differ by rounding.
_NO_WIDTH = 1e-12

Unbounded = Annotated[
    float, WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["Infinity", "-Infinity"]}]})
]
"""A number, or the text "Infinity" or "-Infinity" in JSON, which has no infinity."""


class Interval(BaseModel):
    """An estimate and its confidence interval: low <= value <= high."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="strings"
    )

    value: Unbounded | None
    """The estimate on all images; null where it is not defined, such as precision without
    predictions."""
    low: Unbounded | None
    """Lower limit; may be minus infinity."""
    high: Unbounded | None
    """Upper limit; may be infinity."""
    n: int
    """Number of images that enter; 0 where the statistic is not defined."""
    groups: int
    """Number of source groups that enter."""
    method: str
    """How the limits were found, in plain words."""
    error: float | None = None
    """Bootstrap standard error; null where the bootstrap says nothing."""
    count: int | None = None
    """Numerator, where the statistic is a share of n images."""


NOT_DEFINED = Interval(value=None, low=None, high=None, n=0, groups=0, method=UNDEFINED)
"""What stands for a statistic that is not defined on these images."""


def intervals(
    panel: Panel[K],
    *,
    method: Method = "score",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tick: Tick | None = None,
) -> dict[K, Interval]:
    """Return an interval for each measure of a panel by key, all from the same resamples.

    A bounded statistic gets Wilson's interval with the groups as trials where the bootstrap says
    nothing: no errors or no successes (every resample is alike, and [1, 1] would be false
    certainty), one group, or no spread between groups. The difference of two bounded statistics
    gets Newcombe's hybrid of the two Wilson intervals on groups there (two perfect models, or two
    that err on the same images): it is conservative, see `newcombe_difference`. Limits are moved
    to contain the estimate, which a skewed statistic in few groups can leave.

    Parameters
    ----------
    panel, method
        The measures, and how their limits are found.
    confidence, resamples, seed
        Coverage that is aimed at; number of resamples and the seed of their generator.
    tick
        Called now and then with the resamples done, and all of them.
    """
    every = all_intervals(
        panel, (method,), confidence=confidence, resamples=resamples, seed=seed, tick=tick
    )
    return every[method]


def all_intervals(
    panel: Panel[K],
    methods: Sequence[Method] = METHODS,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tick: Tick | None = None,
) -> dict[Method, dict[K, Interval]]:
    """Return the intervals of several methods from one set of resamples; see `intervals`."""
    if unknown := set(methods) - set(METHODS):
        raise ValueError(f"no method of intervals is called {sorted(unknown)}")
    if not any(measure.images for measure in panel.measures):
        return {method: {one.key: NOT_DEFINED for one in panel.measures} for method in methods}
    distribution = resample(panel.evaluate, panel.design, resamples=resamples, seed=seed, tick=tick)
    values, jackknife = panel.on_all(), panel.without_each_group()
    found: dict[Method, dict[K, Interval]] = {method: {} for method in methods}
    for column, measure in enumerate(panel.measures):
        one = _Estimate(
            measure, float(values[column]), distribution[:, column], jackknife[:, column]
        )
        for method in methods:
            found[method][measure.key] = _interval(one, method, panel.design.groups, confidence)
    return found


@dataclass(frozen=True)
class _Estimate(Generic[K]):
    """A measure on all images, on resampled groups, and without each group."""

    measure: Measure[K]
    value: float
    distribution: Values
    jackknife: Values


def _interval(one: _Estimate[K], method: Method, groups: int, confidence: float) -> Interval:
    measure, value = one.measure, one.value
    if measure.images == 0 or measure.groups == 0 or math.isnan(value):
        return NOT_DEFINED
    error = standard_error(one.distribution, groups)
    extreme = measure.scale is not Scale.linear and value in measure.bounds
    if silent := extreme or measure.trials <= 1 or error < _NO_WIDTH:
        low, high, how = _without_spread(value, measure, confidence)
    else:
        low, high = _limits(one, method, error, confidence)
        how = DESCRIPTIONS[method]
    return Interval(
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=measure.images,
        groups=measure.groups,
        method=how,
        error=None if silent else error,
        count=round(value * measure.images) if measure.proportion else None,
    )


def _limits(
    one: _Estimate[K], method: Method, error: float, confidence: float
) -> tuple[float, float]:
    if method == "percentile":
        return percentile_limits(one.distribution, confidence)
    if method == "bca":
        return bca_limits(one.distribution, one.value, one.jackknife, confidence)
    return score_interval(
        one.value,
        error,
        degrees_of_freedom(one.jackknife),
        # Pairs of images can tell more about a rank than so many single ones.
        n=one.measure.images if one.measure.proportion else math.inf,
        bounds=one.measure.bounds,
        scale=one.measure.scale,
        confidence=confidence,
    )


def _without_spread(
    value: float, measure: Measure[K], confidence: float
) -> tuple[float, float, str]:
    """Return the limits, and their name, that stand in where the bootstrap says nothing."""
    low, high = measure.bounds
    extreme = measure.sides is None and value in measure.bounds
    if math.isinf(high):
        if measure.trials == 1:
            return low, high, NO_INTERVAL
        return (value, high, NO_LIMIT) if extreme else (value, value, ALIKE)
    if measure.sides is not None:
        return *_newcombe(measure.sides, measure.trials, confidence), NEWCOMBE
    if measure.scale is not Scale.bounded and not extreme and measure.trials > 1:
        return value, value, ALIKE  # such as the loss of one and the same answer to every image
    return *_on_groups(value, measure.bounds, measure.trials, confidence), WILSON


def _on_groups(
    value: float, bounds: tuple[float, float], groups: int, confidence: float
) -> tuple[float, float]:
    """Return Wilson's interval with the groups as trials, on the statistic's own range."""
    low, width = bounds[0], bounds[1] - bounds[0]
    share = min(1.0, max(0.0, (value - low) / width))
    below, above = wilson(share * groups, groups, confidence)
    return min(value, low + width * below), max(value, low + width * above)


def _newcombe(sides: Sides, groups: int, confidence: float) -> tuple[float, float]:
    low, width = sides.bounds[0], sides.bounds[1] - sides.bounds[0]
    shares = [min(1.0, max(0.0, (value - low) / width)) for value in (sides.first, sides.second)]
    limits = [wilson(share * groups, groups, confidence) for share in shares]
    below, above = newcombe_difference(shares[0], limits[0], shares[1], limits[1])
    return width * below, width * above
