"""Confidence intervals of statistics, with the source group as the sampling unit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lcbench.statistics.bootstrap import RESAMPLES, Tick, resample
from lcbench.statistics.choices import Method
from lcbench.statistics.limits import (
    Scale,
    bca_limits,
    degrees_of_freedom,
    percentile_limits,
    score_interval,
    standard_error,
)
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import Measure, Panel, Sides
from lcbench.statistics.proportions import newcombe_difference, wilson

DESCRIPTIONS = {
    Method.score: "score interval, cluster bootstrap standard error",
    Method.percentile: "cluster bootstrap, percentile",
    Method.bca: "cluster bootstrap, BCa",
}
WILSON = "Wilson on groups"
NEWCOMBE = "Newcombe on groups"
ALIKE = "all resamples alike"
NO_LIMIT = "no upper limit: not one image is off"
UNDEFINED = "not defined on these images"
NO_INTERVAL = "no interval from one group"
# Resamples that are alike can differ by rounding.
_NO_WIDTH = 1e-12


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval.

    Parameters
    ----------
    value
        The estimate on all images; 0 where it is not defined, see `n`.
    low, high
        Limits; low <= value <= high.
    n
        Number of images that enter; 0 where the statistic is not defined.
    groups
        Number of source groups that enter.
    method
        How the limits were found, in plain words.
    error
        Bootstrap standard error, NaN where the bootstrap says nothing.
    count
        Numerator, where the statistic is a share of n images.
    """

    value: float
    low: float
    high: float
    n: int
    groups: int
    method: str
    error: float = math.nan
    count: int | None = None


def intervals(
    panel: Panel,
    *,
    method: Method = Method.score,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tick: Tick | None = None,
) -> dict[str, Interval]:
    """Return an interval for each measure of a panel, all from the same resamples.

    A bounded statistic gets Wilson's interval with the groups as trials where the bootstrap says
    nothing: no errors or no successes (every resample is alike, and [1, 1] would be false
    certainty), one group, or no spread between groups. The difference of two bounded statistics
    gets Newcombe's hybrid of the two Wilson intervals on groups there (two perfect models, or two
    that err on the same images): it is conservative, see `newcombe_difference`. Limits are moved
    to contain the estimate, which a skewed statistic in few groups can leave.

    Parameters
    ----------
    panel
        The measures.
    method
        How limits are found.
    confidence, resamples, seed
        Coverage that is aimed at; number of resamples and the seed of their generator.
    tick
        Called now and then with the resamples done, and all of them.

    Returns
    -------
    dict
        Intervals by name, in the order of the panel.
    """
    every = all_intervals(
        panel, (method,), confidence=confidence, resamples=resamples, seed=seed, tick=tick
    )
    return every[method]


def all_intervals(
    panel: Panel,
    methods: tuple[Method, ...] = tuple(Method),
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tick: Tick | None = None,
) -> dict[Method, dict[str, Interval]]:
    """Return the intervals of several methods from one set of resamples; see `intervals`."""
    methods = tuple(Method(method) for method in methods)  # a plain string is taken too
    if not any(measure.images for measure in panel.measures):
        empty = {measure.name: _undefined(measure) for measure in panel.measures}
        return dict.fromkeys(methods, empty)
    drawn = resample(
        panel.evaluate,
        panel.design,
        resamples=resamples,
        seed=seed,
        leave_one_out=panel.without_each_group,
        tick=tick,
    )
    found: dict[Method, dict[str, Interval]] = {method: {} for method in methods}
    for column, measure in enumerate(panel.measures):
        one = _Column(measure, drawn.values, drawn.distribution, drawn.jackknife, column)
        for method in methods:
            found[method][measure.name] = _interval(one, method, panel.design.groups, confidence)
    return found


@dataclass(frozen=True)
class _Column:
    """One measure of what was resampled."""

    measure: Measure
    values: Values
    distributions: Values
    jackknives: Values
    column: int

    @property
    def value(self) -> float:
        return float(self.values[self.column])

    @property
    def distribution(self) -> Values:
        return self.distributions[:, self.column]

    @property
    def jackknife(self) -> Values:
        return self.jackknives[:, self.column]


def _interval(one: _Column, method: Method, groups: int, confidence: float) -> Interval:
    measure = one.measure
    if measure.images == 0 or measure.groups == 0 or math.isnan(one.value):
        return _undefined(measure)
    error = standard_error(one.distribution, groups)
    count = round(one.value * measure.images) if measure.proportion else None
    plain = Interval(
        one.value, one.value, one.value, measure.images, measure.groups, ALIKE, count=count
    )
    extreme = measure.scale is not Scale.linear and one.value in measure.bounds
    if extreme or measure.trials <= 1 or error < _NO_WIDTH:
        return _without_spread(plain, measure, confidence)
    low, high = _limits(one, method, error, confidence)
    return replace(
        plain,
        low=min(low, one.value),
        high=max(high, one.value),
        method=DESCRIPTIONS[method],
        error=error,
    )


def _limits(one: _Column, method: Method, error: float, confidence: float) -> tuple[float, float]:
    if method is Method.percentile:
        return percentile_limits(one.distribution, confidence)
    if method is Method.bca:
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


def _without_spread(plain: Interval, measure: Measure, confidence: float) -> Interval:
    """Return what stands in where the bootstrap says nothing."""
    low, high = measure.bounds
    extreme = measure.sides is None and plain.value in measure.bounds
    if math.isinf(high):
        if measure.trials == 1:
            return replace(plain, low=low, high=high, method=NO_INTERVAL)
        return replace(plain, high=high, method=NO_LIMIT) if extreme else plain
    if measure.sides is None:
        if measure.scale is not Scale.bounded and not extreme and measure.trials > 1:
            return plain  # such as the loss of one and the same answer to every image
        low, high = _on_groups(plain.value, measure.bounds, measure.trials, confidence)
        return replace(plain, low=low, high=high, method=WILSON)
    low, high = _newcombe(measure.sides, measure.trials, confidence)
    return replace(plain, low=min(low, plain.value), high=max(high, plain.value), method=NEWCOMBE)


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


def _undefined(measure: Measure) -> Interval:
    return Interval(0.0, measure.bounds[0], measure.bounds[1], 0, 0, UNDEFINED)
