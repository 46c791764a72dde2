"""Panels made of panels: side by side, one minus another, under another design or other keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from lcbench.statistics.design import Design
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import K, Measure, Panel
from lcbench.statistics.variance import centred

J = TypeVar("J", bound=Hashable)


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
        # Column by column in memory, as they are read.
        lambda: np.concatenate([panel.influence().T for panel in panels]).T,
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
    measures = map(_difference, first.measures, second.measures)
    return Panel(
        first.design,
        tuple(measures),
        lambda weights: first.evaluate(weights) - second.evaluate(weights),
        lambda: first.influence() - second.influence(),
    )


def under(panel: Panel[K], design: Design) -> Panel[K]:
    """Return a panel under another design of the same units, with the influences of its own.

    What is fixed in its own design stays so: the numbers of images of each class there.
    """
    own = panel.design

    def influence() -> Values:
        columns = panel.influence()
        return np.stack([centred(column, own) for column in columns.T], axis=1)

    return replace(panel, design=design, influence=influence)


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
    added = [
        replace(_difference(panel.measures[a], panel.measures[b]), key=key)
        for key, a, b in zip(differences, first, second, strict=True)
    ]

    def extended(found: Values) -> Values:
        columns = found.T
        return np.concatenate([columns, columns[first] - columns[second]]).T

    return Panel(
        panel.design,
        (*panel.measures, *added),
        lambda weights: extended(panel.evaluate(weights)),
        lambda: extended(panel.influence()),
    )


def _difference(one: Measure[K], other: Measure[K]) -> Measure[K]:
    width = one.bounds[1] - one.bounds[0]
    defined = bool(one.images and other.images)
    return Measure(
        one.key,
        (-width, width),
        Scale.linear,
        images=max(one.images, other.images) if defined else 0,
        groups=max(one.groups, other.groups) if defined else 0,
        trials=min(one.trials, other.trials) if defined else 0,
        difference=True,
        interval=one.interval and other.interval,
    )


def rekeyed(panel: Panel[K], rename: Callable[[K], J]) -> Panel[J]:
    """Return the panel with other keys for its measures."""
    measures = tuple(Measure(**{**vars(one), "key": rename(one.key)}) for one in panel.measures)
    return Panel(panel.design, measures, panel.evaluate, panel.influence)
