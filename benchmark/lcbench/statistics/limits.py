"""Confidence limits: of proportions, from a standard error (score), from resamples (bootstrap)."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values

_FAR = 1e6
# 0.025 is among them, so that a p-value and the 95 % limits agree.
_TAILS = (0.3, 0.1, 0.025, 0.005, 5e-4, 1e-6, 1e-12, 1e-30, 1e-100, sys.float_info.min)
Limits = Callable[[float], tuple[float, float]]
"""Takes the probability of one tail, 0.025 for a coverage of 95 %, and returns the two limits."""


class Scale(StrEnum):
    """What values a statistic can take, which decides the shape of its score interval."""

    bounded = "bounded"
    """Between two bounds, such as a share: Wilson's interval."""
    positive = "positive"
    """Above 0, such as a loss: symmetric on the logarithm."""
    linear = "linear"
    """Such as a difference: symmetric."""


def normal_quantile(tail: float) -> float:
    """Return the quantile of the normal distribution above which one tail lies."""
    from scipy.special import ndtri

    return -float(ndtri(tail))


def t_quantile(tail: float, freedom: float) -> float:
    """Return the quantile of Student's t above which one tail lies; the normal one at infinity."""
    from scipy.special import stdtrit

    if math.isinf(freedom) or freedom > 1e8:
        return normal_quantile(tail)
    # Out of reach for floats it is infinite, with either sign.
    return abs(float(stdtrit(max(freedom, 1.0), tail)))


def score_limits(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Return the score interval of a share for any quantile, n not necessarily whole.

    The roots of (share - p)^2 = quantile^2 p (1 - p) / n, Wilson's equation.

    Parameters
    ----------
    share
        The share, within [0, 1].
    n
        Number of trials, or of effective trials.
    quantile
        Quantile of the normal distribution, or of Student's t where n was estimated.
    """
    if n <= 0:
        return 0.0, 1.0
    square = quantile * quantile / n
    if square > 1e100:  # its square could not be held, and the limits are these to the last digit
        return 0.0, 1.0
    centre = (share + square / 2.0) / (1.0 + square)
    half = math.sqrt(square * share * (1.0 - share) + square**2 / 4.0) / (1.0 + square)
    # Rounding can leave a limit 1e-17 on the wrong side of a share of 0 or 1.
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion.

    Parameters
    ----------
    successes, n
        Successes and trials; they need not be whole numbers.
    confidence
        Coverage that is aimed at.

    Returns
    -------
    tuple of float
        Lower and upper limit, within [0, 1]; (0, 1) without trials.

    Raises
    ------
    ValueError
        Unless 0 <= successes <= n.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    JASA 22, 209-212.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes in {n} trials")
    share = successes / n if n else 0.0
    return score_limits(share, n, normal_quantile((1.0 - confidence) / 2.0))


def newcombe_difference(
    first: float,
    first_limits: tuple[float, float],
    second: float,
    second_limits: tuple[float, float],
    correlation: float = 0.0,
) -> tuple[float, float]:
    """Return the limits of `first` - `second` from the limits of the two proportions.

    Newcombe's hybrid score interval (method 10); in general, the method of variance estimates
    recovery. Taken as 0, the correlation of pairs is left out: models mostly err on the same
    images, which would narrow the interval, so that is conservative.

    Parameters
    ----------
    first, second
        The two proportions.
    first_limits, second_limits
        Lower and upper limit of each.
    correlation
        Of the two estimates.

    References
    ----------
    Newcombe, R. G. (1998). Improved confidence intervals for the difference between binomial
    proportions based on paired data. Statistics in Medicine 17, 2635-2650. Zou, G. Y. and Donner,
    A. (2008). Construction of confidence limits about effect measures: a general approach.
    Statistics in Medicine 27, 1693-1702.
    """

    def together(one: float, other: float) -> float:
        return math.sqrt(max(one**2 + other**2 - 2.0 * correlation * one * other, 0.0))

    difference = first - second
    below = together(first - first_limits[0], second_limits[1] - second)
    above = together(first_limits[1] - first, second - second_limits[0])
    return max(-1.0, difference - below), min(1.0, difference + above)


def score_interval(
    value: float,
    error: float,
    freedom: float,
    *,
    bounds: tuple[float, float],
    scale: Scale,
    tail: float,
) -> tuple[float, float]:
    """Return limits from a standard error, in the shape that fits the statistic's range.

    `bounded`: Wilson's interval with the effective sample size v (1 - v) / error^2, where v is
    the value scaled to [0, 1], and Student's t in place of the normal quantile (Korn and Graubard
    1998 use the same effective size for surveys; Kottas et al. 2014 for AUROC). `positive`:
    Student's t on the logarithm, whose standard error is error / value. `linear`: Student's t.
    Both are cut at the bounds.

    Parameters
    ----------
    value, error, freedom
        The statistic, its standard error and degrees of freedom.
    bounds
        Smallest and largest possible value.
    scale
        Shape of the interval.
    tail
        Probability of one tail: 0.025 for a coverage of 95 %.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data. Survey Methodology 24, 193-201.
    Kottas, M. et al. (2014). A modified Wald interval for the area under the ROC curve (AUC) in
    diagnostic case-control studies. BMC Medical Research Methodology 14, 26.
    """
    quantile = t_quantile(tail, freedom)
    low, high = bounds
    if scale is Scale.bounded:
        share, width = (value - low) / (high - low), high - low
        effective = share * (1.0 - share) * (width / error) ** 2
        below, above = score_limits(share, effective, quantile)
        return low + width * below, low + width * above
    if scale is Scale.positive:
        factor = math.exp(min(quantile * error / value, 700.0))
        return max(low, value / factor), min(high, value * factor)
    return max(low, value - quantile * error), min(high, value + quantile * error)


def percentile_limits(distribution: Values, confidence: float) -> tuple[float, float]:
    """Return the tails of a bootstrap distribution (Efron 1979); NaN resamples are left out."""
    tail = (1.0 - confidence) / 2.0
    return _quantiles(distribution, np.array([tail, 1.0 - tail]))


def bca_limits(
    distribution: Values, value: float, influence: Values, confidence: float
) -> tuple[float, float]:
    """Return bias-corrected and accelerated limits, with groups as the unit of both corrections.

    Parameters
    ----------
    distribution
        (resamples,) values, NaN where undefined.
    value
        The statistic on all images.
    influence
        (G,) centred influence of each group.
    confidence
        Coverage that is aimed at.

    References
    ----------
    Efron, B. (1987). Better bootstrap confidence intervals. JASA 82, 171-185, equations 2.3 and
    6.6. Resamples that equal the value count half on either side.
    """
    from scipy.stats import norm

    defined = distribution[~np.isnan(distribution)]
    # Of differences, equal ones are equal up to rounding only.
    equal = np.isclose(defined, value, rtol=1e-9, atol=1e-12)
    below = ((defined < value) & ~equal).sum() + 0.5 * equal.sum()
    edge = 0.5 / max(1, defined.size)
    bias = float(norm.ppf(np.clip(below / max(1, defined.size), edge, 1.0 - edge)))
    second = float((influence**2).sum())
    acceleration = float((influence**3).sum()) / (6.0 * second**1.5) if second > 0 else 0.0
    tail = (1.0 - confidence) / 2.0
    shifted = bias + norm.ppf([tail, 1.0 - tail])
    # Beyond the pole the limit is the end of the distribution.
    adjusted = bias + shifted / np.maximum(1.0 - acceleration * shifted, 1e-9)
    return _quantiles(distribution, norm.cdf(adjusted))


def with_training(limits: Limits, value: float, training: float, freedom: float) -> Limits:
    """Return limits for the way of training from those for the networks as they are trained.

    The distance of each limit grows by what new seeds add, in quadrature, and by Student's
    quantile with few seeds over the normal one.

    Parameters
    ----------
    limits
        Takes the probability of one tail and returns the limits over source groups.
    value
        The estimate.
    training, freedom
        See `lcbench.statistics.variance.Variance`.
    """

    def widened(tail: float) -> tuple[float, float]:
        normal = normal_quantile(tail)
        factor = t_quantile(tail, freedom) / normal if normal > 0.0 else 1.0
        seeds = normal * math.sqrt(training)
        low, high = limits(tail)
        return (
            value - factor * math.hypot(value - low, seeds),
            value + factor * math.hypot(high - value, seeds),
        )

    return widened


def smallest_level(limits: Limits, value: float) -> float:
    """Return the two-sided p-value of the test that limits make of a true value of 0.

    The smallest level at which the limits exclude 0, within (0, 1].

    Parameters
    ----------
    limits
        Takes the probability of one tail and returns the limits.
    value
        The estimate.
    """
    from scipy.optimize import brentq

    def beyond(logarithm: float) -> float:
        low, high = limits(math.exp(logarithm))
        # Student's limits can be infinite there, which the search cannot bear.
        return max(-_FAR, min(_FAR, low if value > 0.0 else -high))

    if value == 0.0:
        return 1.0
    # From the largest level down to the first at which they hold 0: where limits rest on very few
    # groups, narrower ones can exclude it again, which says nothing.
    upper = math.log(0.5 - 1e-9)
    for tail in _TAILS:
        lower = math.log(tail)
        if beyond(lower) <= 0.0:
            if beyond(upper) <= 0.0:
                return 1.0
            return min(1.0, 2.0 * math.exp(brentq(beyond, lower, upper, xtol=1e-9)))
        upper = lower
    return sys.float_info.min


def _quantiles(distribution: Values, levels: NDArray[Any]) -> tuple[float, float]:
    defined = distribution[~np.isnan(distribution)]
    if defined.size == 0:
        return math.nan, math.nan
    low, high = np.quantile(defined, levels)
    return float(low), float(high)
