"""Confidence intervals of statistics, with the source group as the sampling unit."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic

import numpy as np

from lcbench.statistics.bootstrap import RESAMPLES, Tick, resample
from lcbench.statistics.choices import METHODS, Method
from lcbench.statistics.interval_model import (
    DESCRIPTIONS,
    FIXED,
    IDENTICAL,
    NO_COVERAGE,
    NO_INTERVAL,
    NOT_DEFINED,
    WILSON,
    Interval,
    TrainingLimits,
)
from lcbench.statistics.limits import (
    Limits,
    Scale,
    bca_limits,
    percentile_limits,
    with_training,
)
from lcbench.statistics.measure_limits import limits_of_variance, limits_without_variance
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import K, Measure, Panel
from lcbench.statistics.rates import pooled_trials, worth
from lcbench.statistics.variance import Variance, group_influence, variance

# Influences that cancel do so up to rounding.
_NO_WIDTH = 1e-10


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
    values, influence = panel.on_all(), np.asfortranarray(panel.influence())
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
        return worth(share, error)

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
    worths: dict[Hashable, list[tuple[K, tuple[float, float]]]] = {}
    for one in estimates:
        key = one.measure.key
        if key in alike and (known := one.worth) is not None:
            worths.setdefault(alike[key], []).append((key, known))

    def others(key: K) -> list[tuple[float, float]]:
        same = worths.get(alike[key], ()) if key in alike else ()
        return [known for other, known in same if other != key]

    return [one.pooled(others(one.measure.key)) for one in estimates]


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
        return limits_without_variance(value, measure)
    if method == "score":
        return limits_of_variance(value, measure, spread), DESCRIPTIONS[method]
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
