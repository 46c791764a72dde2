"""Rates of an event over source groups, and their limits.

Wilson's interval with an effective sample size. How many images a rate is worth shows in how its
events spread over the groups. As long as they were seen in fewer than four groups, that is not
known: the effective size is then drawn towards the number of groups, as if whole groups failed
together, the more the fewer groups there are. Without an event the groups are the trials.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import DESCRIPTIONS, NO_INTERVAL, Interval
from lcbench.statistics.limits import normal_quantile, score_limits, t_quantile
from lcbench.statistics.metrics import Values
from lcbench.statistics.variance import group_influence

ENOUGH = 4.0
"""Groups with an event from which on the spread of the events is taken as it is seen; chosen by the
study in docs/statistics.md."""
# Influences that cancel leave squares of this size, whose ratio says nothing.
_NO_VARIANCE = 1e-20


@dataclass(frozen=True, eq=False)
class GroupedRate:
    """The rate of an event, counted in each source group.

    Parameters
    ----------
    events, size
        (G,) events and images; several seeds of an image are several images of its group.
    design
        Groups, strata and sizes of the design; seeds are added up.
    pooled
        Effective sample size that other events on these images show, see `pooled_trials`; it takes
        the place of the number of groups where the own events show nothing.
    """

    events: Values
    size: Values
    design: Design
    pooled: float | None = None

    @cached_property
    def value(self) -> float:
        """Share of the images with the event; 0 without images."""
        return float(self.events.sum() / max(float(self.size.sum()), 1.0))

    @property
    def groups(self) -> int:
        """Groups with an image."""
        return int((self.size > 0).sum())

    @cached_property
    def influence(self) -> Values:
        """(G,) centred influences, scaled so that their squares add up to the variance."""
        raw = (self.events - self.value * self.size) / self.size.sum()
        return group_influence(_on_units(raw, self.design), self.design)

    @cached_property
    def trials(self) -> float:
        """Groups, each as much as its images weigh: (sum n)^2 / sum n^2 (Kish 1965)."""
        return equal_groups(self.size)

    @property
    def worth(self) -> tuple[float, float] | None:
        """Distance from the nearer of 0 and 1, and effective sample size; None without variance."""
        return worth(self.value, float((self.influence**2).sum()))

    @property
    def design_effect(self) -> float | None:
        """How many images are worth one independent image; None without variance (Kish 1965)."""
        independent = self.value * (1.0 - self.value) / float(self.size.sum())
        over_groups = float((self.influence**2).sum())
        if independent <= 0.0 or over_groups <= _NO_VARIANCE:
            return None
        return over_groups / independent

    @property
    def stand_in(self) -> float:
        """Effective sample size where the own events show none."""
        return self.trials if self.pooled is None else self.pooled

    @cached_property
    def _fixed(self) -> NDArray[np.bool_]:
        """(H,) whether the design fixes the images of a stratum: not those that a model calls so.

        Precision counts what was called a class, which is chance: within the stratum of each class
        all of it is right or all of it wrong, and yet it varies.
        """
        moves = group_influence(_on_units(self.size, self.design), self.design)
        free = np.bincount(self.design.stratum, weights=np.abs(moves) > 1e-9 * self.size.sum())
        return np.asarray(free == 0)

    @cached_property
    def of_strata(self) -> Values:
        """(H,) rate of each stratum; that of all where its images are none, or not fixed."""
        events, size = (
            np.bincount(self.design.stratum, weights=of) for of in (self.events, self.size)
        )
        known = self._fixed & (size > 0)
        return np.asarray(
            np.divide(events, size, out=np.full(events.shape, self.value), where=known)
        )

    @cached_property
    def spread(self) -> float:
        """Over how many groups the rarer outcome spreads: (sum x^2)^2 / sum x^4, 0 without any.

        The rarer one of each stratum: where one class is always right and another hardly ever, the
        few surprises of either are what is known of both.
        """
        rates = self.of_strata[self.design.stratum]
        # Where both outcomes are as rare, the one that spreads less is taken.
        return min(_spread(self.size, self.events, often) for often in (rates > 0.5, rates >= 0.5))

    @property
    def few_groups(self) -> bool:
        """Whether the rarer outcome lies in so few groups that its spread is not known."""
        return self.spread < ENOUGH

    @cached_property
    def effective(self) -> float:
        """Effective sample size; infinite where the numbers of each class fix the rate."""
        certainty = self.value * (1.0 - self.value)
        if certainty <= 0.0:
            return self.stand_in
        if self.spread <= 0.0:
            return math.inf
        own = float((self.influence**2).sum()) / certainty
        fade = max(0.0, 1.0 - self.spread / ENOUGH)
        of_groups = self._within_strata / certainty / self.stand_in
        inverse = max(own, (1.0 - fade) * own + fade * of_groups)
        return 1.0 / inverse if inverse > 1e-15 else self.stand_in

    @property
    def _within_strata(self) -> float:
        """Mean over the images of r (1 - r), with the rate of each one's stratum."""
        rates = self.of_strata
        sizes = np.bincount(self.design.stratum, weights=self.size, minlength=len(rates))
        return float((sizes * rates * (1.0 - rates)).sum() / self.size.sum())

    def plain_limits(self, tail: float) -> tuple[float, float]:
        """Return Wilson's limits for the probability of one tail.

        The quantile is Student's with G - 1 degrees of freedom, or the normal one where no event
        was seen: nothing was estimated then.
        """
        seen = 0.0 < self.value < 1.0
        quantile = t_quantile(tail, self.groups - 1.0) if seen else normal_quantile(tail)
        return score_limits(self.value, self.effective, quantile)

    def limits(self, tail: float) -> tuple[float, float]:
        """Return the limits: never nearer to 0 or 1 than those of a rate of exactly that.

        A score without a single failure has Wilson's interval with the groups as trials. One with
        a failure is not surer than that, however its few failures happen to be spread.
        """
        if math.isinf(self.effective):
            return self.value, self.value
        low, high = self.plain_limits(tail)
        below, above = self._of_silent_strata(tail)
        low = self.value - math.hypot(self.value - low, below)
        high = self.value + math.hypot(high - self.value, above)
        least = score_limits(0.0, self.stand_in, normal_quantile(tail))[1]
        return max(0.0, min(low, 1.0 - least)), min(1.0, max(high, least))

    def _of_silent_strata(self, tail: float) -> tuple[float, float]:
        """Return how far strata that show no variance can move the rate, down and up.

        Where one class is always right and another mostly wrong, the variance is all of the second,
        and what the first could do is Wilson's margin of its own groups.
        """
        rates = self.of_strata
        below = above = 0.0
        if rates.min() >= 0.5 or rates.max() <= 0.5:
            return below, above
        for stratum in np.flatnonzero((rates == 0.0) | (rates == 1.0)):
            size = self.size[self.design.stratum == stratum]
            if size.any():
                margin = score_limits(0.0, equal_groups(size), normal_quantile(tail))[1]
                margin *= float(size.sum() / self.size.sum())
                below += margin**2 if rates[stratum] else 0.0
                above += 0.0 if rates[stratum] else margin**2
        return math.sqrt(below), math.sqrt(above)


def grouped_share(events: Values, size: Values, confidence: float = 0.95) -> Interval:
    """Return a share of images with its limits over source groups; one group gives none.

    Parameters
    ----------
    events, size
        (G,) images with the event, and images, of each group; none of them without images.
    confidence
        Of the limits.
    """
    groups = len(size)
    rate = GroupedRate(events, size, Design(groups, images=tuple(size.astype(int))))
    low, high = rate.limits((1.0 - confidence) / 2.0) if groups > 1 else (None, None)
    return Interval(
        value=rate.value,
        low=None if low is None else min(low, rate.value),
        high=None if high is None else max(high, rate.value),
        n=round(float(size.sum())),
        groups=groups,
        method=DESCRIPTIONS["score"] if groups > 1 else NO_INTERVAL,
        count=round(float(events.sum())),
        few_groups=rate.few_groups,
    )


def worth(share: float, variance: float) -> tuple[float, float] | None:
    """Return what a share tells `pooled_trials` of others; None at 0 and 1, and without variance.

    Its distance from the nearer of 0 and 1, and its effective sample size.
    """
    certainty = share * (1.0 - share)
    if certainty <= 0.0 or variance <= _NO_VARIANCE:
        return None
    return min(share, 1.0 - share), certainty / variance


def pooled_trials(groups: float, others: Iterable[tuple[float, float]]) -> float:
    """Return the effective sample size of a score without failures, from other failures.

    The variance per failure of the others, and of two source groups that failed as a whole, so
    that without others it is the number of groups. A score's own failures do not enter: one more
    of them must never make it surer.

    Parameters
    ----------
    groups
        Source groups, see `GroupedRate.trials`.
    others
        Of each other score of the same images, the distance q from its nearer bound, within
        [0, 1], and its effective sample size q (1 - q) / variance.
    """
    prior = 2.0 / groups
    weight, inverse = prior, prior / groups
    for distance, effective in others:
        weight += distance
        inverse += distance / effective
    return weight / inverse


def equal_groups(size: Values) -> float:
    """Return how many groups of one size would weigh as these do (Kish 1965)."""
    return float(size.sum() ** 2 / (size**2).sum())


def _spread(size: Values, events: Values, often: NDArray[np.bool_]) -> float:
    square = np.where(often, size - events, events) ** 2
    return equal_groups(square) if square.any() else 0.0


def _on_units(of_groups: Values, design: Design) -> NDArray[np.float64]:
    """Return values of groups as values of units, all of a group's with its first seed."""
    units = np.zeros((design.groups, design.seeds))
    units[:, 0] = of_groups
    return units.ravel()
