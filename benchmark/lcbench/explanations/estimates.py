"""Means of what is measured on each explained image, with the source group as sampling unit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.design import Design
from lcbench.statistics.groups import ClusterCodes
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values, ratio
from lcbench.statistics.panel import SHARE, Count, K, column_share, count_panel

CORRELATION = (-1.0, 1.0)
"""Bounds of a correlation."""
ANY = (-math.inf, math.inf)
"""Bounds of a number that has none, such as log-odds."""
POSITIVE = (0.0, math.inf)
"""Bounds of a ratio."""
Flags = NDArray[np.bool_]


def means(
    values: Mapping[K, Values], groups: ClusterCodes, bounds: tuple[float, float] = SHARE
) -> dict[K, Interval]:
    """Return the mean of each measure over the images, with its interval.

    Several seeds of one image are averaged before: the interval speaks of the models as they are
    trained.

    Parameters
    ----------
    values
        By key, the (N,) values of the images; NaN where the measure is not defined.
    groups
        Source groups of the images.
    bounds
        Smallest and largest possible value, infinite where there is none.
    """
    scale = Scale.bounded if math.isfinite(bounds[1] - bounds[0]) else Scale.linear
    columns: list[Values] = []
    statistics: dict[K, Count] = {}
    for key, each in values.items():
        known = np.isfinite(each)
        place = len(columns)
        share = column_share(place, place + 1, bounds=bounds, scale=scale)
        statistics[key] = replace(share, trials=_trials(place))
        columns += [_sums(np.where(known, each, 0.0), groups), _sums(known, groups)]
    return _intervals(columns, statistics, groups)


def mean(values: Values, groups: ClusterCodes, bounds: tuple[float, float] = SHARE) -> Interval:
    """Return the mean of one measure over the images, see `means`."""
    return means({"": values}, groups, bounds)[""]


def mean_ratio(part: Values, whole: Values, groups: ClusterCodes) -> Interval:
    """Return the mean of one positive measure over the mean of another one.

    Parameters
    ----------
    part, whole
        (N,) values of the images; those where one of them is NaN are left out.
    groups
        Source groups of the images.
    """
    known = np.isfinite(part) & np.isfinite(whole)
    columns = [_sums(np.where(known, each, 0.0), groups) for each in (part, whole, known)]
    share = Count(
        lambda sums: ratio(sums[..., 0], sums[..., 1]),
        lambda sums: np.asarray(sums[..., 2]),
        POSITIVE,
        Scale.positive,
        defined=lambda sums: np.asarray(sums[..., 1]),
    )
    return _intervals(columns, {"": share}, groups)[""]


def mean_difference(values: Values, first: Flags, second: Flags, groups: ClusterCodes) -> Interval:
    """Return the mean over some images minus the mean over others; source groups may be in both.

    Parameters
    ----------
    values
        (N,) values of the images; NaN where the measure is not defined.
    first, second
        (N,) which images are meant.
    groups
        Source groups of the images.
    """
    columns = []
    for chosen in (first, second):
        known = chosen & np.isfinite(values)
        columns += [_sums(np.where(known, values, 0.0), groups), _sums(known, groups)]
    difference = Count(
        lambda sums: ratio(sums[..., 0], sums[..., 1]) - ratio(sums[..., 2], sums[..., 3]),
        lambda sums: np.asarray(sums[..., 1] + sums[..., 3]),
        ANY,
        Scale.linear,
        defined=lambda sums: np.asarray(np.minimum(sums[..., 1], sums[..., 3])),
    )
    return _intervals(columns, {"": difference}, groups)[""]


def some(groups: ClusterCodes, chosen: NDArray[Any]) -> ClusterCodes:
    """Return the source groups of some images only.

    Parameters
    ----------
    groups
        Source groups of all images.
    chosen
        Rows, or (N,) whether an image is meant.
    """
    names, codes = np.unique(groups.codes[chosen], return_inverse=True)
    return ClusterCodes(np.asarray(codes, np.int64), len(names), groups.known)


def _trials(place: int) -> Callable[[Values], float]:
    """Return the trials of Wilson's interval, from sums and numbers of values in two columns.

    Groups are trials where all agree. Where they do not, the spread of a measure says all: it need
    not be as wide as that of so many events that happen or not.
    """

    def trials(sums: Values) -> float:
        known = sums[sums[:, place + 1] > 0]
        values = known[:, place] / known[:, place + 1]
        return float(len(values)) if len(set(values.tolist())) < 2 else math.inf

    return trials


def _sums(values: NDArray[Any], groups: ClusterCodes) -> Values:
    return np.bincount(groups.codes, weights=values, minlength=groups.count).astype(np.float64)


def _intervals(
    columns: list[Values], statistics: Mapping[K, Count], groups: ClusterCodes
) -> dict[K, Interval]:
    return intervals(count_panel(np.stack(columns, axis=1), statistics, Design(groups.count)))
