"""A panel: statistics that are evaluated together on weighted source groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.bootstrap import Design, WeightedStatistic, leave_each_group_out
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Counts, Values

CountStatistic = Callable[[Values], Values]
"""Takes (B, ...) totals of counts and returns (B,) values."""
SHARE = (0.0, 1.0)


@dataclass(frozen=True)
class Sides:
    """The two values of a difference, and the bounds of each."""

    first: float
    second: float
    bounds: tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """What is known of a statistic before it is resampled.

    Parameters
    ----------
    name
        Its name.
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

    name: str
    bounds: tuple[float, float]
    scale: Scale
    images: int
    groups: int
    trials: int
    sides: Sides | None = None
    proportion: bool = False


@dataclass(frozen=True)
class Panel:
    """Measures and the function that evaluates all of them.

    Parameters
    ----------
    design
        What is drawn.
    measures
        The S measures, in the order of the columns.
    evaluate
        Takes (B, U) weights of the units and returns (B, S); NaN where undefined.
    leave_one_out
        Returns the (G, S) measures without each group, where there is a faster way than weights.
    """

    design: Design
    measures: tuple[Measure, ...]
    evaluate: WeightedStatistic
    leave_one_out: Callable[[], Values] | None = None

    def without_each_group(self) -> Values:
        """Return the (G, S) measures without each group in turn."""
        if self.leave_one_out is not None:
            return self.leave_one_out()
        return leave_each_group_out(self.evaluate, self.design)


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
    unit_counts: Counts, statistics: Mapping[str, Count], design: Design | None = None
) -> Panel:
    """Return the panel of statistics of counts.

    Parameters
    ----------
    unit_counts
        (U, ...) counts, or sums, of each unit.
    statistics
        The statistics by name.
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
        tuple(_measure(name, one, by_group) for name, one in statistics.items()),
        evaluate=lambda weights: of_totals((weights @ flat).reshape(-1, *shape)),
        leave_one_out=lambda: of_totals(by_group.sum(axis=0) - by_group),
    )


def _measure(name: str, one: Count, by_group: Values) -> Measure:
    images, total = one.images or _all_counts, by_group.sum(axis=0)[None]
    groups = int((images(by_group) > 0).sum())
    trials = groups if one.trials is None else one.trials(by_group)
    defined = float((one.defined or images)(total)[0]) > 0
    return Measure(
        name,
        one.bounds,
        one.scale,
        images=round(float(images(total)[0])) if defined else 0,
        groups=groups if defined else 0,
        trials=trials if defined else 0,
        proportion=one.proportion,
    )


def join(panels: Sequence[Panel]) -> Panel:
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


def difference(first: Panel, second: Panel) -> Panel:
    """Return the panel of first minus second.

    Both sides are evaluated on the same weights, which keeps the pairing. The images may differ,
    as long as the groups are the same ones in the same order.

    Raises
    ------
    ValueError
        If the designs or the names of the measures differ.
    """
    if [one.name for one in first.measures] != [one.name for one in second.measures]:
        raise ValueError("the panels measure different things")
    if first.design != second.design:
        raise ValueError("the panels draw different units")
    ones = np.ones((1, first.design.units))
    measures = tuple(
        _difference(one, other, float(value), float(minus))
        for one, other, value, minus in zip(
            first.measures,
            second.measures,
            first.evaluate(ones)[0],
            second.evaluate(ones)[0],
            strict=True,
        )
    )
    return Panel(
        first.design,
        measures,
        lambda weights: first.evaluate(weights) - second.evaluate(weights),
        lambda: first.without_each_group() - second.without_each_group(),
    )


def _difference(one: Measure, other: Measure, first: float, second: float) -> Measure:
    width = one.bounds[1] - one.bounds[0]
    defined = bool(one.images and other.images)
    return Measure(
        one.name,
        (-width, width),
        Scale.linear,
        images=max(one.images, other.images) if defined else 0,
        groups=max(one.groups, other.groups) if defined else 0,
        trials=min(one.trials, other.trials) if defined else 0,
        sides=Sides(first, second, one.bounds),
    )


def join_with_differences(panels: Mapping[str, Panel], pairs: Sequence[tuple[str, str]]) -> Panel:
    """Return every measure of several models, and the differences between some of them.

    Each panel is evaluated once. Names become those of `own_name` and `difference_name`.

    Parameters
    ----------
    panels
        The same measures of each model, by its name.
    pairs
        Names of the two models of each difference: the first minus the second.
    """
    own = [renamed(panel, partial(own_name, name)) for name, panel in panels.items()]
    minus = [
        renamed(difference(panels[one], panels[other]), partial(difference_name, one, other))
        for one, other in pairs
    ]

    def with_differences(found: dict[str, Values]) -> Values:
        subtracted = [found[one] - found[other] for one, other in pairs]
        return np.concatenate([*found.values(), *subtracted], axis=1)

    return Panel(
        own[0].design,
        tuple(measure for panel in (*own, *minus) for measure in panel.measures),
        lambda weights: with_differences({k: one.evaluate(weights) for k, one in panels.items()}),
        lambda: with_differences({k: one.without_each_group() for k, one in panels.items()}),
    )


def own_name(model: str, measure: str) -> str:
    """Return the name of a model's measure in `join_with_differences`."""
    return f"{model}\0{measure}"


def difference_name(first: str, second: str, measure: str) -> str:
    """Return the name of the difference of two models' measures there."""
    return f"{first}\0{second}\0{measure}"


def renamed(panel: Panel, rename: Callable[[str], str]) -> Panel:
    """Return the panel with other names for its measures."""
    measures = tuple(replace(one, name=rename(one.name)) for one in panel.measures)
    return replace(panel, measures=measures)


def _all_counts(counts: Values) -> NDArray[Any]:
    return np.asarray(counts.sum(axis=tuple(range(1, counts.ndim))))
