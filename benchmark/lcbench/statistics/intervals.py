"""Confidence intervals of statistics, with the source group as the sampling unit."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Generic

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from lcbench.statistics.bootstrap import RESAMPLES, Tick, resample
from lcbench.statistics.choices import METHODS, Method
from lcbench.statistics.limits import (
    Limits,
    Scale,
    bca_limits,
    normal_quantile,
    percentile_limits,
    score_interval,
    score_limits,
    with_training,
)
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import K, Measure, Panel
from lcbench.statistics.rates import pooled_trials
from lcbench.statistics.variance import Variance, group_influence, variance

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
# Influences that cancel do so up to rounding.
_NO_WIDTH = 1e-10

Unbounded = Annotated[
    float, WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["Infinity", "-Infinity"]}]})
]
"""A number, or the text "Infinity" or "-Infinity" in JSON, which has no infinity."""


class TrainingLimits(BaseModel):
    """Limits for the way of training: what other seeds would have given, on other groups."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="strings"
    )

    low: Unbounded
    """Lower limit."""
    high: Unbounded
    """Upper limit."""
    error: float
    """Standard error over source groups and seeds."""
    seeds: int
    """Seeds that they rest on."""


class Interval(BaseModel):
    """An estimate and its confidence interval: low <= value <= high, where it has one."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="strings"
    )

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


CONSTANT = "no interval: the answer does not depend on the image"
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
    alike: Mapping[K, Hashable] | None = None,
) -> dict[K, Interval]:
    """Return an interval for each measure of a panel by key.

    Where the groups show no variance there are stand-ins: Wilson's interval with the groups as
    trials for a statistic at one of its bounds, as [1, 1] would be false certainty; the same for
    a difference of 0; no width where the numbers of each class fix the value, such as the accuracy
    of a constant answer. One group gives no interval. Limits are moved to contain the estimate,
    which a skewed statistic in few groups can leave.

    Parameters
    ----------
    panel, method
        The measures, and how their limits are found; only the bootstrap methods resample.
    confidence, resamples, seed
        Coverage that is aimed at; number of resamples and the seed of their generator.
    tick
        Called now and then with the resamples done, and all of them.
    alike
        See `all_intervals`.
    """
    every = all_intervals(
        panel,
        (method,),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        tick=tick,
        alike=alike,
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
    alike: Mapping[K, Hashable] | None = None,
) -> dict[Method, dict[K, Interval]]:
    """Return the intervals of several methods, the bootstrap's from one set of resamples.

    `alike`: by the key of a measure, what it measures; measures of the same, of several models on
    the same images, tell each other what a score without failures is worth, see
    `lcbench.statistics.rates.pooled_trials`. Other parameters as for `intervals`.
    """
    if unknown := set(methods) - set(METHODS):
        raise ValueError(f"no method of intervals is called {sorted(unknown)}")
    if not any(measure.images for measure in panel.measures):
        return {method: {one.key: NOT_DEFINED for one in panel.measures} for method in methods}
    values, influence = panel.on_all(), panel.influence()
    drawn: Values | None = None
    if set(methods) - {"score"}:
        drawn = resample(panel.evaluate, panel.design, resamples=resamples, seed=seed, tick=tick)
    estimates = [
        _Estimate(
            measure,
            panel,
            float(values[column]),
            influence[:, column],
            None if drawn is None else drawn[:, column],
        )
        for column, measure in enumerate(panel.measures)
    ]
    estimates = _with_pooled_trials(estimates, alike or {})
    return {
        method: {one.measure.key: _interval(one, method, confidence) for one in estimates}
        for method in methods
    }


@dataclass(frozen=True, eq=False)
class _Estimate(Generic[K]):
    """A measure on all images, the influence of each unit, and its values on resamples."""

    measure: Measure[K]
    panel: Panel[K]
    value: float
    influence: Values
    distribution: Values | None

    @cached_property
    def spread(self) -> Variance:
        """Variance over source groups, and over seeds."""
        return variance(self.influence, self.panel.design)

    @property
    def worth(self) -> tuple[float, float] | None:
        """Distance from the nearer bound and effective sample size, on [0, 1]; None without."""
        least, most = self.measure.bounds
        width = most - least
        if self.measure.scale is not Scale.bounded or not self.measure.images:
            return None
        share = (self.value - least) / width
        error = self.spread.groups / width**2
        if not 0.0 < share < 1.0 or error < _NO_WIDTH**2:
            return None
        return min(share, 1.0 - share), share * (1.0 - share) / error

    def pooled(self, others: Sequence[tuple[float, float]]) -> _Estimate[K]:
        """Return the estimate with the trials that others of the same measure show."""
        measure = self.measure
        if not others or not measure.trials:
            return self
        rate = measure.rate
        trials = pooled_trials(measure.trials if rate is None else rate.trials, others)
        rate = None if rate is None else replace(rate, pooled=trials)
        return replace(self, measure=replace(measure, trials=trials, rate=rate))


def _with_pooled_trials(
    estimates: list[_Estimate[K]], alike: Mapping[K, Hashable]
) -> list[_Estimate[K]]:
    """Return the estimates, each with the trials that others of the same measure show."""
    found = []
    for one in estimates:
        what = alike.get(one.measure.key)
        others = [
            other.worth
            for other in estimates
            if what is not None and other is not one and alike.get(other.measure.key) == what
        ]
        found.append(one.pooled([worth for worth in others if worth is not None]))
    return found


def _interval(one: _Estimate[K], method: Method, confidence: float) -> Interval:
    measure, value, design = one.measure, one.value, one.panel.design
    if measure.images == 0 or measure.groups == 0 or math.isnan(value):
        return NOT_DEFINED
    if not measure.interval:
        basis = {"n": measure.images, "groups": measure.groups, "method": NO_COVERAGE}
        return Interval(value=value, low=None, high=None, **basis)
    spread = one.spread
    error = math.sqrt(spread.groups)
    tail = (1.0 - confidence) / 2.0
    extreme = measure.scale is not Scale.linear and value in measure.bounds
    silent = extreme or error < _NO_WIDTH
    low: float | None
    high: float | None
    training = None
    if measure.groups == 1:
        low, high, how = None, None, NO_INTERVAL
    else:
        limits, how = _limits(one, method, spread, silent=silent, confidence=confidence)
        low, high = _around(value, limits(tail))
        if design.seeds > 1:
            training = _training(one, limits, spread, tail)
    return Interval(
        value=value,
        low=low,
        high=high,
        n=measure.images,
        groups=measure.groups,
        method=how,
        error=None if silent or low is None else error,
        count=round(value * measure.images) if measure.proportion else None,
        training=training,
        design_effect=measure.design_effect,
        few_groups=measure.rate is not None and measure.rate.few_groups,
    )


def _around(value: float, limits: tuple[float, float]) -> tuple[float, float]:
    return min(limits[0], value), max(limits[1], value)


def _training(one: _Estimate[K], limits: Limits, spread: Variance, tail: float) -> TrainingLimits:
    widened = with_training(limits, one.value, spread.training, spread.training_freedom)
    low, high = _around(one.value, widened(tail))
    least, most = one.measure.bounds
    return TrainingLimits(
        low=max(low, least),
        high=min(high, most),
        error=math.sqrt(spread.groups + spread.training),
        seeds=one.panel.design.seeds,
    )


def _limits(
    one: _Estimate[K], method: Method, spread: Variance, *, silent: bool, confidence: float
) -> tuple[Limits, str]:
    """Return the limits as a function of the probability of one tail, and their name."""
    measure, value = one.measure, one.value
    own = measure.score if measure.rate is None else measure.rate.limits
    if own is not None and (method == "score" or silent):
        return own, _own_name(one, method, silent=silent)
    if silent:
        return _without_spread(value, measure)
    if method == "score":
        return _score(value, measure, spread), DESCRIPTIONS[method]
    assert one.distribution is not None  # noqa: S101 - drawn for these methods
    if method == "percentile":
        found = percentile_limits(one.distribution, confidence)
    else:
        influence = group_influence(one.influence, one.panel.design)
        found = bca_limits(one.distribution, value, influence, confidence)
    return lambda _tail: found, DESCRIPTIONS[method]


def _own_name(one: _Estimate[K], method: Method, *, silent: bool) -> str:
    """Return the name of the limits that a rate or a difference of rates has of its own."""
    if not silent:
        return DESCRIPTIONS[method]
    rate = one.measure.rate
    if rate is not None:
        return FIXED if math.isinf(rate.effective) else WILSON
    nothing = one.measure.difference and one.value == 0.0
    return IDENTICAL if nothing else WILSON


def _score(value: float, measure: Measure[K], spread: Variance) -> Limits:
    def limits(tail: float) -> tuple[float, float]:
        low, high = score_interval(
            value,
            math.sqrt(spread.groups),
            spread.freedom,
            bounds=measure.bounds,
            scale=measure.scale,
            tail=tail,
        )
        if measure.scale is not Scale.bounded:
            return low, high
        # A score with a failure is not surer than one without.
        least, most = measure.bounds
        margin = _margin(measure, tail)
        return min(low, most - margin), max(high, least + margin)

    return limits


def _margin(measure: Measure[K], tail: float) -> float:
    """Return how far from a bound a score could truly lie that never left it."""
    least, most = measure.bounds
    width = most - least
    return width * score_limits(0.0, measure.trials, normal_quantile(tail))[1]


def _without_spread(value: float, measure: Measure[K]) -> tuple[Limits, str]:
    """Return the limits that stand in where the groups show no variance, and their name."""
    least, most = measure.bounds
    extreme = measure.scale is not Scale.linear and value in measure.bounds
    if extreme and math.isinf(most):
        return lambda _tail: (value, most), NO_LIMIT
    if extreme and value == most:
        return lambda tail: (most - _margin(measure, tail), most), WILSON
    if extreme:
        return lambda tail: (least, least + _margin(measure, tail)), WILSON
    if measure.difference and not math.isinf(most):
        return lambda tail: _both_sides(value, measure, tail), IDENTICAL
    return lambda _tail: (value, value), ALIKE if measure.difference else FIXED


def _both_sides(value: float, measure: Measure[K], tail: float) -> tuple[float, float]:
    # The bounds of a difference are twice as far apart as those of what is subtracted.
    margin = _margin(measure, tail) / 2.0
    return max(measure.bounds[0], value - margin), min(measure.bounds[1], value + margin)
