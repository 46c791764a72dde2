"""Limits of a measure: from its variance over source groups, and where the groups show none."""

from __future__ import annotations

import math

from lcbench.statistics.interval_model import ALIKE, FIXED, IDENTICAL, NO_LIMIT, WILSON
from lcbench.statistics.limits import (
    Limits,
    Scale,
    normal_quantile,
    score_interval,
    score_limits,
)
from lcbench.statistics.panel import K, Measure
from lcbench.statistics.variance import Variance


def limits_of_variance(value: float, measure: Measure[K], spread: Variance) -> Limits:
    """Return the score method's limits of a measure that varies over the groups."""

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


def limits_without_variance(value: float, measure: Measure[K]) -> tuple[Limits, str]:
    """Return the limits that stand in where the groups show no variance, and their name.

    Wilson's with the groups as trials for a value at one of its bounds, and around a difference of
    bounded values; nothing above a loss of 0 limits it; any other value has no width.
    """
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


def _margin(measure: Measure[K], tail: float) -> float:
    """Return how far from a bound a score could truly lie that never left it."""
    least, most = measure.bounds
    width = most - least
    return width * score_limits(0.0, measure.trials, normal_quantile(tail))[1]


def _both_sides(value: float, measure: Measure[K], tail: float) -> tuple[float, float]:
    # The bounds of a difference are twice as far apart as those of what is subtracted.
    margin = _margin(measure, tail) / 2.0
    return max(measure.bounds[0], value - margin), min(measure.bounds[1], value + margin)
