"""Whether an event is rarer under B than under A by more than a stated share.

A reduction of 0.5 asks for less than half of A's rate. The limits that the report prints decide: a
p-value is the tail at which they reach what was stated, so that test and interval never disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from lcbench.statistics.limits import (
    Limits,
    normal_quantile,
    smallest_level,
    with_training,
)
from lcbench.statistics.metrics import Values
from lcbench.statistics.paired_groups import PairedGroups, of_groups
from lcbench.statistics.power import ALPHA, POWER, detectable_after
from lcbench.statistics.rates import GroupedRate
from lcbench.statistics.variance import Variance, variance


@dataclass(frozen=True)
class Reach:
    """An estimate, its limits over source groups, and what another seed adds.

    Parameters
    ----------
    value
        The estimate.
    limits
        Takes the probability of one tail and returns the limits of these networks.
    spread
        Where its variance comes from.
    """

    value: float
    limits: Limits
    spread: Variance

    @property
    def of_training(self) -> Reach:
        """The same with limits for the way of training."""
        limits = with_training(
            self.limits, self.value, self.spread.training, self.spread.training_freedom
        )
        return Reach(self.value, limits, self.spread)

    def below(self, bound: float) -> float:
        """Return the one-sided p-value of "the true value is at least `bound`".

        The smallest tail at which the upper limit lies below it.
        """
        return self._beyond(bound, 1.0)

    def above(self, bound: float) -> float:
        """Return the one-sided p-value of "the true value is at most `bound`"."""
        return self._beyond(bound, -1.0)

    def _beyond(self, bound: float, side: float) -> float:
        def away(tail: float) -> tuple[float, float]:
            one, other = sorted(side * (bound - limit) for limit in self.limits(tail))
            return one, other

        value = side * (bound - self.value)
        level = smallest_level(away, value) / 2.0
        return level if value >= 0.0 else 1.0 - level


@dataclass(frozen=True, eq=False)
class Reduction:
    """B against A: whether the event is rarer by more than a share of A's rate.

    With a share of 0 it is the test of the difference of the rates, which looks at discordant
    images only; else that of B's rate minus (1 - share) times A's, by the limits of their ratio.

    Parameters
    ----------
    pairs
        Paired events of each group.
    share
        Share by which A's rate has to fall, within [0, 1).

    References
    ----------
    See `lcbench.statistics.rate_pairs.RateRatio` and `RateDifference`. A ratio against a stated
    one, with independent images: Tang, N. S., Tang, M. L. and Chan, I. S. F. (2003). On tests of
    equivalence via non-unity relative risk for matched-pair design. Statistics in Medicine 22,
    1217-1233.
    """

    pairs: PairedGroups
    share: float

    @cached_property
    def _of_a(self) -> GroupedRate:
        return self.pairs.ratio.second

    @property
    def is_defined(self) -> bool:
        """Whether A has the event at all, and more than one group shows how it spreads.

        A ratio needs A's events in more than one group, a difference more than one group.
        """
        with_event = int((of_groups(self.pairs.only_a + self.pairs.both) > 0).sum())
        return with_event > 0 and (with_event if self.share else len(self.pairs.size)) > 1

    @property
    def few_groups(self) -> bool:
        """Whether either has the event in so few groups that its spread is not known."""
        return self._of_a.few_groups or self.pairs.ratio.first.few_groups

    @cached_property
    def reach(self) -> Reach | None:
        """The difference of the rates, or their ratio; None where it is not defined."""
        if not self.is_defined:
            return None
        if self.share == 0.0:
            return difference_reach(self.pairs)
        ratio, of_a = self.pairs.ratio, self._of_a
        value = ratio.first.value / of_a.value
        counts_b = (self.pairs.only_b + self.pairs.both).ravel()
        counts_a = (self.pairs.only_a + self.pairs.both).ravel()
        influence: Values = (counts_b - value * counts_a) / counts_a.sum()
        return Reach(value, ratio.limits, variance(influence, self.pairs.design))

    @property
    def bound(self) -> float:
        """What `reach` has to lie below."""
        return 0.0 if self.share == 0.0 else 1.0 - self.share

    def detectable(self, *, power: float = POWER, alpha: float = ALPHA) -> float | None:
        """Return the smallest reduction that had a chance of `power` to be shown.

        The reduction that lies as many standard errors beyond what was stated as level and power
        ask for. The standard error is that of B making ratio * A's events: of them as large a part
        as seen would be A's too, heaped as those that B keeps are seen to be, and the others would
        lie in groups as B's alone are seen to do.

        Parameters
        ----------
        power, alpha
            Chance to show it; level of the two-sided test.

        Returns
        -------
        float or None
            Within (share, 1]; None where even no event under B would not do.
        """
        if not self.is_defined:
            return None
        if self.share == 0.0:
            needed = detectable_after(self.pairs, power=power, alpha=alpha) / self._of_a.value
            return needed if needed <= 1.0 else None
        from scipy.optimize import brentq

        errors = normal_quantile(alpha / 2.0) + normal_quantile(1.0 - power)

        def shortfall(ratio: float) -> float:
            away = (self.bound - ratio) * self._of_a.value
            return errors * math.sqrt(self._variance_at(ratio)) - away

        if shortfall(0.0) >= 0.0:
            return None
        return 1.0 - float(brentq(shortfall, 0.0, self.bound, xtol=1e-9))

    def _variance_at(self, ratio: float) -> float:
        """Return the variance of B's rate - bound * A's if B's rate were `ratio` times A's."""
        of_a, of_b, alone = self._of_a, self.pairs.ratio.first, self.pairs.rates.only_b
        shared = 1.0 - alone.value / of_b.value if of_b.value > 0.0 else 1.0
        kept = shared * ratio
        of_kept = self._heaping * kept * (1.0 - kept) * of_a.value / self.pairs.rows
        away = self.bound - kept
        found = away**2 * _covariance(of_a, of_a) + of_kept
        if alone.value > 0.0:
            scale = ratio * of_a.value / of_b.value
            found += max(scale, scale**2) * _covariance(alone, alone)
            found -= 2.0 * away * scale * _covariance(of_a, alone)
        return found

    @cached_property
    def _heaping(self) -> float:
        """Design effect, at least 1, of which of A's events B keeps."""
        kept, of_a = of_groups(self.pairs.both), of_groups(self.pairs.only_a + self.pairs.both)
        share = float(kept.sum() / of_a.sum())
        independent = share * (1.0 - share) * float(of_a.sum())
        seen = float(((kept - share * of_a) ** 2).sum())
        # Where B keeps all or none, how that heaps is not seen: as A's events do.
        return max(
            1.0, seen / independent if independent > 0.0 else self._of_a.design_effect or 1.0
        )


def _covariance(one: GroupedRate, other: GroupedRate) -> float:
    return float((one.influence * other.influence).sum())


def difference_reach(pairs: PairedGroups) -> Reach:
    """Return the difference of the rates, B minus A."""
    return Reach(pairs.rates.value, pairs.rates.limits, pairs.variance)
