"""Score intervals of proportions and of their differences."""

from __future__ import annotations

import math


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
    square = quantile**2 / n
    if math.isinf(square):
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
    from scipy.stats import norm

    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes in {n} trials")
    share = successes / n if n else 0.0
    return score_limits(share, n, float(norm.ppf((1.0 + confidence) / 2.0)))


def newcombe_difference(
    first: float,
    first_limits: tuple[float, float],
    second: float,
    second_limits: tuple[float, float],
) -> tuple[float, float]:
    """Return the limits of `first` - `second` from the limits of the two proportions.

    Newcombe's hybrid score interval (method 10) with the correlation of the pairs taken as 0:
    paired models mostly err on the same images, a positive correlation that would narrow the
    interval, so leaving it out is conservative.

    Parameters
    ----------
    first, second
        The two proportions.
    first_limits, second_limits
        Lower and upper limit of each.

    References
    ----------
    Newcombe, R. G. (1998). Improved confidence intervals for the difference between binomial
    proportions based on paired data. Statistics in Medicine 17, 2635-2650.
    """
    difference = first - second
    below = math.hypot(first - first_limits[0], second_limits[1] - second)
    above = math.hypot(first_limits[1] - first, second - second_limits[0])
    return max(-1.0, difference - below), min(1.0, difference + above)
