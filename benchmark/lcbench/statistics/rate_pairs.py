"""The difference and the ratio of two rates over the same source groups: their limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lcbench.statistics.limits import newcombe_difference
from lcbench.statistics.rates import GroupedRate

_MOST = 0.5
"""Of the correlation of two discordant rates: above, limits that rest on few groups turn back."""


@dataclass(frozen=True, eq=False)
class RateDifference:
    """The rate of B only minus the rate of A only: B's rate minus A's on the same images.

    Limits by the method of variance estimates recovery from those of the two discordant rates, so
    that they are skewed as the rates are: a few groups in which everything goes wrong under A
    are a long tail on A's side.

    Parameters
    ----------
    only_a, only_b
        Images with the event under A only, and under B only.

    References
    ----------
    Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a
    general approach. Statistics in Medicine 27, 1693-1702. Newcombe, R. G. (1998). Improved
    confidence intervals for the difference between binomial proportions based on paired data.
    Statistics in Medicine 17, 2635-2650.
    """

    only_a: GroupedRate
    only_b: GroupedRate

    @property
    def value(self) -> float:
        """Rate of B minus rate of A."""
        return self.only_b.value - self.only_a.value

    @property
    def few_groups(self) -> bool:
        """Whether either rate has events in so few groups that their spread is not known."""
        return self.only_a.few_groups or self.only_b.few_groups

    def limits(self, tail: float) -> tuple[float, float]:
        """Return the limits for the probability of one tail."""
        a, b = self.only_a, self.only_b
        return newcombe_difference(
            b.value, b.plain_limits(tail), a.value, a.plain_limits(tail), _correlation(a, b)
        )


@dataclass(frozen=True, eq=False)
class RateRatio:
    """One rate over another on the same images.

    A ratio r lies within the limits where those of first - r * second, as `RateDifference` has
    them, hold 0. They exclude 1 exactly where the limits of the difference exclude 0.

    Parameters
    ----------
    first, second
        The two rates; not both are 0.
    most
        Largest correlation that is used: that of all errors of two models, which are mostly the
        same ones, is near 1 and is what makes their ratio known.

    References
    ----------
    Donner, A. and Zou, G. Y. (2012). Closed-form confidence intervals for functions of the normal
    mean and standard deviation. Statistical Methods in Medical Research 21, 347-359: ratios by
    the method of variance estimates recovery. Fieller, E. C. (1954). Some problems in interval
    estimation. JRSS B 16, 175-185.
    """

    first: GroupedRate
    second: GroupedRate
    most: float = _MOST

    def limits(self, tail: float) -> tuple[float, float]:
        """Return the limits for the probability of one tail; the upper one may be infinite."""
        inverse = _least_ratio(self.second, self.first, tail, self.most)
        least = _least_ratio(self.first, self.second, tail, self.most)
        return least, 1.0 / inverse if inverse else math.inf


def _least_ratio(first: GroupedRate, second: GroupedRate, tail: float, most: float) -> float:
    """Return the ratio below which first - ratio * second is above 0 at this level."""
    low, high = first.plain_limits(tail)[0], second.plain_limits(tail)[1]
    a, b, below, above = first.value, second.value, first.value - low, high - second.value
    # (a - r b)^2 = below^2 + r^2 above^2 - 2 r correlation below above, solved for r.
    half = a * b - _correlation(first, second, most) * below * above
    rest = max(a**2 - below**2, 0.0)
    root = half + math.sqrt(max(half**2 - (b**2 - above**2) * rest, 0.0))
    return rest / root if root > 0.0 else 0.0


def _correlation(first: GroupedRate, second: GroupedRate, most: float = _MOST) -> float:
    """Return the correlation over groups, at most `most`."""
    scale = math.sqrt(float((first.influence**2).sum()) * float((second.influence**2).sum()))
    together = float((first.influence * second.influence).sum())
    return min(together / scale, most) if scale > 0.0 else 0.0
