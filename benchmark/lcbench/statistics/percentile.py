"""Limits from a bootstrap distribution, and what stands in where it degenerates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lcbench.statistics.metrics import Values
from lcbench.statistics.proportions import newcombe_difference, wilson

BOOTSTRAP = "cluster percentile bootstrap"
WILSON = "Wilson on groups"
NEWCOMBE = "Newcombe on groups"
NO_IMAGES = "no images"
NO_INTERVAL = "no interval from one group"
# Resamples that are alike can differ by rounding.
_NO_WIDTH = 1e-12


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval.

    Parameters
    ----------
    value
        The estimate on all images.
    low, high
        Limits; low <= value <= high.
    n
        Number of images that enter.
    groups
        Number of source groups that enter.
    method
        How the limits were found, in plain words.
    """

    value: float
    low: float
    high: float
    n: int
    groups: int
    method: str


def interval_from_distribution(
    distribution: Values,
    value: float,
    *,
    n: int,
    groups: int,
    confidence: float = 0.95,
    proportion: bool = True,
) -> Interval:
    """Return the percentile interval of a bootstrap distribution.

    A proportion gets Wilson's interval with the groups as trials where the bootstrap says
    nothing: no errors or no successes (every resample is alike, and [1, 1] would be false
    certainty), one group, or no spread between groups. Both limits of a percentile interval are
    moved to contain the estimate, which a skewed statistic in few groups can leave.

    Parameters
    ----------
    distribution
        (resamples,) values; NaN where a resample has no image for the statistic.
    value
        The statistic on all images.
    n, groups
        Images and source groups that enter.
    confidence
        Coverage that is aimed at.
    proportion
        Whether the statistic lies in [0, 1].

    Returns
    -------
    Interval
        [0, 1] around 0 without images; infinite for one group and no proportion.
    """
    if n == 0 or groups == 0:
        return no_images(0.0, 1.0)
    low, high = _percentiles(distribution, value, confidence)
    if proportion and (high - low < _NO_WIDTH or groups == 1 or value in (0.0, 1.0)):
        low, high = wilson(value * groups, groups, confidence)
        return _containing(value, low, high, n, groups, WILSON)
    return _bootstrapped(value, low, high, n, groups)


def difference_from_distribution(
    distribution: Values,
    first: float,
    second: float,
    *,
    n: int,
    groups: int,
    confidence: float = 0.95,
    proportion: bool = True,
) -> Interval:
    """Return the percentile interval of `first` - `second`.

    The difference of two proportions gets Newcombe's hybrid of the two Wilson intervals on groups
    where the bootstrap says nothing: all resamples alike (two perfect models, or two that err on
    the same images) or one group. It is conservative, see `proportions.newcombe_difference`.

    Parameters
    ----------
    distribution
        (resamples,) differences; NaN where a resample has no image for one of the two.
    first, second
        The two statistics on all images.
    n, groups, confidence, proportion
        As for `interval_from_distribution`; `proportion` speaks of each statistic.

    Returns
    -------
    Interval
        [-1, 1] around 0 without images; infinite for one group and no proportion.
    """
    if n == 0 or groups == 0:
        return no_images(-1.0, 1.0)
    value = first - second
    low, high = _percentiles(distribution, value, confidence)
    if proportion and (high - low < _NO_WIDTH or groups == 1):
        limits = [wilson(share * groups, groups, confidence) for share in (first, second)]
        low, high = newcombe_difference(first, limits[0], second, limits[1])
        return _containing(value, low, high, n, groups, NEWCOMBE)
    return _bootstrapped(value, low, high, n, groups)


def no_images(low: float, high: float) -> Interval:
    """Return what is known of a statistic without images: its whole range."""
    return Interval(0.0, low, high, 0, 0, NO_IMAGES)


def _bootstrapped(value: float, low: float, high: float, n: int, groups: int) -> Interval:
    if groups == 1:
        return Interval(value, -math.inf, math.inf, n, groups, NO_INTERVAL)
    return _containing(value, low, high, n, groups, BOOTSTRAP)


def _containing(
    value: float, low: float, high: float, n: int, groups: int, method: str
) -> Interval:
    return Interval(value, min(low, value), max(high, value), n, groups, method)


def _percentiles(distribution: Values, value: float, confidence: float) -> tuple[float, float]:
    defined = distribution[~np.isnan(distribution)]
    if defined.size == 0:
        return value, value
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return float(low), float(high)
