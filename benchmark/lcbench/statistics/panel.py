"""A panel: statistics that are evaluated together on weighted source groups.

A measure is known by its key, any hashable value such as
`lcbench.statistics.registry.MetricKey`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.bootstrap import Design, WeightedStatistic
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Counts, Values

CountStatistic = Callable[[Values], Values]
"""Takes (B, ...) totals of counts and returns (B,) values."""
SHARE = (0.0, 1.0)
K = TypeVar("K", bound=Hashable)
J = TypeVar("J", bound=Hashable)


@dataclass(frozen=True)
class Sides:
    """The two values of a difference, and the bounds of each."""

    first: float
    second: float
    bounds: tuple[float, float]


@dataclass(frozen=True)
class Measure(Generic[K]):
    """What is known of a statistic before it is resampled.

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
        Groups that Wilson's interval takes as trials where the bootstrap says nothing: of a mean
        over classes, those of the scarcest class.
    sides
        What is subtracted, where the statistic is a difference.
    proportion
        Whether the statistic is a share of its images, so that it has a whole numerator.
    """

    key: K
    bounds: tuple[float, float]
    scale: Scale
    images: int
    groups: int
    trials: int
    sides: Sides | None = None
    proportion: bool = False


@dataclass(frozen=True)
class Panel(Generic[K]):
    """Measures and the function that evaluates all of them.

    Parameters
    ----------
    design
        What is drawn.
    measures
        The S measures, in the order of the columns.
    evaluate
        Takes (B, U) weights of the units and returns (B, S); NaN where undefined.
    without_each_group
        Returns the (G, S) measures without each group in turn.
    """

    design: Design
    measures: tuple[Measure[K], ...]
    evaluate: WeightedStatistic
    without_each_group: Callable[[], Values]

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
    trials: Callable[[Values], int] | None = None


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
        What is drawn; by default every unit is a group.
    """
    counts = np.asarray(unit_counts, np.float64)
    design = design or Design(len(counts))
    shape = counts.shape[1:]
    flat = counts.reshape(design.units, math.prod(shape))
    by_group = counts.reshape(design.groups, design.seeds, *shape).sum(axis=1)
    functions = [one.function for one in statistics.values()]
    guards = [one.defined or one.images or _all_counts for one in statistics.values()]

    def of_totals(totals: Values) -> Values:
        columns = [
            np.where(guard(totals) > 0, function(totals), np.nan)
            for function, guard in zip(functions, guards, strict=True)
        ]
        return np.stack(columns, axis=-1)

    return Panel(
        design,
        tuple(_measure(key, one, by_group) for key, one in statistics.items()),
        evaluate=lambda weights: of_totals((weights @ flat).reshape(-1, *shape)),
        without_each_group=lambda: of_totals(by_group.sum(axis=0) - by_group),
    )


def _measure(key: K, one: Count, by_group: Values) -> Measure[K]:
    images, total = one.images or _all_counts, by_group.sum(axis=0)[None]
    groups = int((images(by_group) > 0).sum())
    trials = groups if one.trials is None else one.trials(by_group)
    defined = float((one.defined or images)(total)[0]) > 0
    return Measure(
        key,
        one.bounds,
        one.scale,
        images=round(float(images(total)[0])) if defined else 0,
        groups=groups if defined else 0,
        trials=trials if defined else 0,
        proportion=one.proportion,
    )


def join(panels: Sequence[Panel[K]]) -> Panel[K]:
    """Return one panel with the measures of several, evaluated on the same weights.

    Raises
    ------
    ValueError
        If their designs differ.
    """
    if len({panel.design for panel in panels}) != 1:
        raise ValueError("panels of different designs cannot be joined")
    measures = tuple(measure for panel in panels for measure in panel.measures)
    return Panel(
        panels[0].design,
        measures,
        lambda weights: np.concatenate([panel.evaluate(weights) for panel in panels], axis=1),
        lambda: np.concatenate([panel.without_each_group() for panel in panels], axis=1),
    )


def difference(first: Panel[K], second: Panel[K]) -> Panel[K]:
    """Return the panel of first minus second.

    Both sides are evaluated on the same weights, which keeps the pairing. The images may differ,
    as long as the groups are the same ones in the same order.

    Raises
    ------
    ValueError
        If the designs or the keys of the measures differ.
    """
    if [one.key for one in first.measures] != [one.key for one in second.measures]:
        raise ValueError("the panels measure different things")
    if first.design != second.design:
        raise ValueError("the panels draw different units")
    measures = map(_difference, first.measures, second.measures, first.on_all(), second.on_all())
    return Panel(
        first.design,
        tuple(measures),
        lambda weights: first.evaluate(weights) - second.evaluate(weights),
        lambda: first.without_each_group() - second.without_each_group(),
    )


def with_differences(panel: Panel[K], differences: Mapping[K, tuple[K, K]]) -> Panel[K]:
    """Return the panel with differences between its own measures added.

    Parameters
    ----------
    panel
        The measures.
    differences
        By the key of each difference, those of its two sides: the first minus the second.
    """
    column = {one.key: number for number, one in enumerate(panel.measures)}
    first, second = ([column[sides[side]] for sides in differences.values()] for side in (0, 1))
    values = panel.on_all()
    added = [
        replace(_difference(panel.measures[a], panel.measures[b], values[a], values[b]), key=key)
        for key, a, b in zip(differences, first, second, strict=True)
    ]

    def extended(found: Values) -> Values:
        return np.concatenate([found, found[:, first] - found[:, second]], axis=1)

    return Panel(
        panel.design,
        (*panel.measures, *added),
        lambda weights: extended(panel.evaluate(weights)),
        lambda: extended(panel.without_each_group()),
    )


def _difference(
    one: Measure[K], other: Measure[K], first: np.float64, second: np.float64
) -> Measure[K]:
    width = one.bounds[1] - one.bounds[0]
    defined = bool(one.images and other.images)
    return Measure(
        one.key,
        (-width, width),
        Scale.linear,
        images=max(one.images, other.images) if defined else 0,
        groups=max(one.groups, other.groups) if defined else 0,
        trials=min(one.trials, other.trials) if defined else 0,
        sides=Sides(float(first), float(second), one.bounds),
    )


def rekeyed(panel: Panel[K], rename: Callable[[K], J]) -> Panel[J]:
    """Return the panel with other keys for its measures."""
    measures = tuple(Measure(**{**vars(one), "key": rename(one.key)}) for one in panel.measures)
    return Panel(panel.design, measures, panel.evaluate, panel.without_each_group)


def _all_counts(counts: Values) -> NDArray[Any]:
    return np.asarray(counts.sum(axis=tuple(range(1, counts.ndim))))
