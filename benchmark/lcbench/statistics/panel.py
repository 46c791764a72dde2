"""A panel: statistics that are evaluated together on weighted source groups.

A measure is known by its key, any hashable value such as
`lcbench.statistics.registry.MetricKey`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.bootstrap import WeightedStatistic
from lcbench.statistics.design import Design
from lcbench.statistics.distinct import distinct_rows
from lcbench.statistics.limits import Limits, Scale
from lcbench.statistics.metrics import Counts, Values, ratio
from lcbench.statistics.rates import GroupedRate

CountStatistic = Callable[[Values], Values]
"""Takes (B, ...) totals of counts and returns (B,) values."""
SHARE = (0.0, 1.0)
# Of the weights in a central difference: its error is of the order of the square.
_STEP = 1e-4
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Measure(Generic[K]):
    """What is known of a statistic before its interval is computed.

    Parameters
    ----------
    key
        What it is known by.
    bounds
        Smallest and largest possible value.
    scale
        Shape of its interval.
    images, groups
        Images and source groups that enter; 0 where the statistic is undefined.
    trials
        Groups that Wilson's interval takes as trials where they show no variance: of a mean
        over classes, see `trials_of_mean`.
    proportion
        Whether the statistic is a share of its images, so that it has a whole numerator.
    difference
        Whether the statistic is one value minus another.
    rate
        The counts of a share of images.
    design_effect
        How many images of one seed are worth one independent image, the mean over the seeds; None
        where no seed shows a variance, and for what is no share.
    score
        The limits of the score method where the measure knows better ones than its standard error
        gives: those of a difference of rates, see `lcbench.statistics.rates`.
    interval
        Whether an interval of it would cover; where not, only its value is given.
    """

    key: K
    bounds: tuple[float, float]
    scale: Scale
    images: int
    groups: int
    trials: float
    proportion: bool = False
    difference: bool = False
    rate: GroupedRate | None = None
    design_effect: float | None = None
    score: Limits | None = None
    interval: bool = True


@dataclass(frozen=True)
class Panel(Generic[K]):
    """Measures and the function that evaluates all of them.

    Parameters
    ----------
    design
        Groups, seeds, strata and sizes.
    measures
        The S measures, in the order of the columns.
    evaluate
        Takes (B, U) weights of the units and returns (B, S); NaN where undefined.
    influence
        Returns the (U, S) derivatives of the measures with respect to the weight of each unit, at
        weights of 1 (Jaeckel 1972): NaN where undefined.
    """

    design: Design
    measures: tuple[Measure[K], ...]
    evaluate: WeightedStatistic
    influence: Callable[[], Values]

    def on_all(self) -> Values:
        """Return the (S,) measures on all images."""
        return np.asarray(self.evaluate(np.ones((1, self.design.units)))[0])


@dataclass(frozen=True)
class Count:
    """A statistic of counts.

    Parameters
    ----------
    function
        Takes (B, ...) totals and returns (B,).
    images
        Takes (B, ...) totals and returns the (B,) number of images that enter the statistic;
        where it is 0 the statistic is undefined. By default the sum of all counts.
    bounds, scale
        See `Measure`.
    defined
        Takes (B, ...) totals and returns (B,) numbers that are 0 where the statistic is
        undefined, where that is not a matter of images alone. By default `images`.
    proportion
        Whether the statistic is a share of its images.
    trials
        Takes the (G, ...) counts of the groups and returns the number of trials of `Measure`;
        by default the groups with an image that enters.
    """

    function: CountStatistic
    images: CountStatistic | None = None
    bounds: tuple[float, float] = SHARE
    scale: Scale = Scale.bounded
    defined: CountStatistic | None = None
    proportion: bool = False
    trials: Callable[[Values], float] | None = None


def column_share(
    part: int,
    whole: int,
    *,
    bounds: tuple[float, float] = SHARE,
    scale: Scale = Scale.bounded,
    proportion: bool = False,
) -> Count:
    """Return the statistic of one column of (..., C) sums divided by another; 0/0 is 0.

    Parameters
    ----------
    part, whole
        The columns; `whole` holds the images that enter.
    bounds, scale, proportion
        See `Count`.
    """
    return Count(
        lambda sums: ratio(sums[..., part], sums[..., whole]),
        lambda sums: np.asarray(sums[..., whole]),
        bounds,
        scale,
        proportion=proportion,
    )


def count_panel(
    unit_counts: Counts, statistics: Mapping[K, Count], design: Design | None = None
) -> Panel[K]:
    """Return the panel of statistics of counts.

    Parameters
    ----------
    unit_counts
        (U, ...) counts, or sums, of each unit.
    statistics
        The statistics by key.
    design
        Groups, seeds, strata and sizes; by default every unit is a group.
    """
    counts = np.asarray(unit_counts, np.float64)
    design = design or Design(len(counts))
    shape = counts.shape[1:]
    flat = counts.reshape(design.units, math.prod(shape))
    kinds, kind = distinct_rows(np.asarray(unit_counts).reshape(flat.shape))
    functions = [one.function for one in statistics.values()]
    guards = [one.defined or one.images or _all_counts for one in statistics.values()]

    def of_totals(totals: Values) -> Values:
        columns = [
            np.where(guard(totals) > 0, function(totals), np.nan)
            for function, guard in zip(functions, guards, strict=True)
        ]
        return np.stack(columns, axis=-1)

    def influence() -> Values:
        total, rows = flat.sum(axis=0), flat[kinds]
        above, below = (
            of_totals((total + step * rows).reshape(-1, *shape)) for step in (_STEP, -_STEP)
        )
        return np.asarray((above - below) / (2.0 * _STEP))[kind]

    of_groups = _GroupCounts.of(counts, design)
    return Panel(
        design,
        tuple(_measure(key, one, of_groups) for key, one in statistics.items()),
        evaluate=lambda weights: of_totals((weights @ flat).reshape(-1, *shape)),
        influence=influence,
    )


@dataclass(frozen=True, eq=False)
class _GroupCounts:
    """Counts of each source group, over all seeds or under one.

    Parameters
    ----------
    counts
        (G, ...) counts.
    design
        Groups, strata and sizes.
    by_seed
        The counts under each seed.
    """

    counts: Values
    design: Design
    by_seed: tuple[_GroupCounts, ...] = ()

    @classmethod
    def of(cls, unit_counts: Values, design: Design) -> _GroupCounts:
        """Return the counts of groups from the (U, ...) counts of units."""
        counts = unit_counts.reshape(design.groups, design.seeds, *unit_counts.shape[1:])
        sizes = design.sizes.reshape(design.groups, design.seeds).astype(np.int64)
        by_seed = tuple(
            cls(
                counts[:, seed],
                Design(design.groups, 1, design.strata, tuple(sizes[:, seed].tolist())),
            )
            for seed in range(design.seeds)
        )
        return cls(counts.sum(axis=1), design, by_seed)

    @cached_property
    def _kinds(self) -> tuple[Values, NDArray[np.intp]]:
        cells = math.prod(self.counts.shape[1:])
        first, kind = distinct_rows(self.counts.reshape(len(self.counts), cells))
        return self.counts[first], kind

    def each(self, statistic: CountStatistic) -> Values:
        """Return the (G,) values of a statistic of the counts of each group alone."""
        counts, kind = self._kinds
        return np.asarray(statistic(counts)[kind])

    def rate(self, one: Count) -> GroupedRate:
        """Return a share of images as counts of each group."""
        size = self.each(one.images or _all_counts)
        return GroupedRate(self.each(one.function) * size, size, self.design)


def _measure(key: K, one: Count, of: _GroupCounts) -> Measure[K]:
    images, total = one.images or _all_counts, of.counts.sum(axis=0)[None]
    groups = int((of.each(images) > 0).sum())
    trials = groups if one.trials is None else one.trials(of.counts)
    defined = float((one.defined or images)(total)[0]) > 0
    return Measure(
        key,
        one.bounds,
        one.scale,
        images=round(float(images(total)[0])) if defined else 0,
        groups=groups if defined else 0,
        trials=trials if defined else 0,
        proportion=one.proportion,
        rate=of.rate(one) if one.proportion and defined else None,
        design_effect=_design_effect(one, of) if one.proportion else None,
    )


def _design_effect(one: Count, of: _GroupCounts) -> float | None:
    found = []
    for seed in of.by_seed:
        rate = seed.rate(one)
        if rate.size.any() and rate.design_effect is not None:
            found.append(rate.design_effect)
    return sum(found) / len(found) if found else None


def trials_of_mean(trials: NDArray[Any]) -> float:
    """Return the trials of the mean of C independent shares of so many trials each, those with any.

    Their variances add up, so that it is C^2 / sum of 1 / trials; 0 without any.
    """
    known = np.asarray(trials, np.float64)[np.asarray(trials) > 0]
    return float(len(known) ** 2 / (1.0 / known).sum()) if len(known) else 0.0


def _all_counts(counts: Values) -> NDArray[Any]:
    return np.asarray(counts.sum(axis=tuple(range(1, counts.ndim))))
