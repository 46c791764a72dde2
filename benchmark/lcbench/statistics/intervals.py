"""Confidence intervals of statistics, with the source group as the sampling unit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.bootstrap import (
    RESAMPLES,
    Statistic,
    bootstrap_weights,
    cluster_bootstrap,
)
from lcbench.statistics.metrics import Counts, Values
from lcbench.statistics.percentile import (
    Interval,
    difference_from_distribution,
    interval_from_distribution,
    no_images,
)
from lcbench.statistics.proportions import wilson

__all__ = [
    "Interval", "Statistic", "bootstrap_weights", "cluster_bootstrap",
    "difference_from_distribution", "difference_interval", "interval",
    "interval_from_distribution", "many_intervals", "wilson",
]  # fmt: skip


def interval(
    group_counts: Counts,
    statistic: Statistic,
    *,
    n: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    proportion: bool = True,
    groups_in_use: int | None = None,
    denominator: Statistic | None = None,
) -> Interval:
    """Return a statistic with its percentile interval over source groups.

    Parameters
    ----------
    group_counts
        (G, ...) counts of each source group.
    statistic
        Takes (B, ...) counts and returns (B,).
    n
        Number of images that enter; without any there is no interval.
    confidence, resamples, seed
        Coverage that is aimed at; number of resamples and the seed of their generator.
    proportion
        Whether the statistic lies in [0, 1] and gets Wilson's limits where the bootstrap
        degenerates; see `interval_from_distribution`.
    groups_in_use
        Number of groups that enter the denominator; by default those with a positive
        `denominator`.
    denominator
        Takes (B, ...) counts and returns the (B,) denominator of the statistic, such as
        `metrics.support` of one leaf; by default the sum of all counts. Resamples that drew no
        image for it are left out. Give it where few groups enter: such resamples would
        otherwise score 0/0 = 0 and pull the lower limit down.

    Returns
    -------
    Interval
        [0, 1] around 0 without images.
    """
    counts = np.asarray(group_counts, np.float64)
    denominator = denominator or _all_counts
    if groups_in_use is None:
        groups_in_use = int((denominator(counts) > 0).sum())
    if n == 0 or groups_in_use == 0:
        return no_images(0.0, 1.0)
    value = float(statistic(counts.sum(axis=0)[None])[0])
    distribution = cluster_bootstrap(
        counts, _undefined_as_nan(statistic, denominator), resamples=resamples, seed=seed
    )
    return interval_from_distribution(
        distribution,
        value,
        n=n,
        groups=groups_in_use,
        confidence=confidence,
        proportion=proportion,
    )


def many_intervals(
    group_counts: Counts,
    statistics: Mapping[str, Statistic],
    *,
    denominators: Mapping[str, Statistic] | None = None,
    unbounded: Collection[str] = (),
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return an interval for each of many statistics, all from the same resamples.

    Parameters
    ----------
    group_counts
        (G, ...) counts of images in each source group.
    statistics
        Functions from (B, ...) counts to (B,) values, by name.
    denominators
        Functions from (B, ...) counts to the (B,) number of images that enter the statistic of
        that name, such as `metrics.support`; by default every image. They set `n` and `groups` of
        each interval; see `interval`.
    unbounded
        Names of the statistics that are not proportions.
    confidence, resamples, seed
        As for `interval`.

    Returns
    -------
    dict
        Intervals by name, in the order of `statistics`.
    """
    counts = np.asarray(group_counts, np.float64)
    chosen = {name: (denominators or {}).get(name, _all_counts) for name in statistics}
    total = counts.sum(axis=0)[None]
    images = {name: round(float(enter(total)[0])) for name, enter in chosen.items()}
    if not any(images.values()):
        return {name: no_images(0.0, 1.0) for name in statistics}
    guarded = [_undefined_as_nan(statistics[name], chosen[name]) for name in statistics]
    distributions = cluster_bootstrap(
        counts,
        lambda totals: np.stack([function(totals) for function in guarded], axis=-1),
        resamples=resamples,
        seed=seed,
    )
    return {
        name: interval_from_distribution(
            distributions[:, column],
            float(statistic(total)[0]),
            n=images[name],
            groups=int((chosen[name](counts) > 0).sum()),
            confidence=confidence,
            proportion=name not in unbounded,
        )
        for column, (name, statistic) in enumerate(statistics.items())
    }


def difference_interval(
    group_counts_a: Counts,
    group_counts_b: Counts,
    statistic: Statistic,
    *,
    n: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    proportion: bool = True,
    groups_in_use: int | None = None,
    denominator: Statistic | None = None,
) -> Interval:
    """Return statistic(A) - statistic(B) with its percentile interval over shared groups.

    Both sides are computed on the same resampled groups, which keeps the pairing. The images may
    differ, as long as the groups are the same ones in the same order.

    Parameters
    ----------
    group_counts_a, group_counts_b
        (G, ...) counts of each source group on either side; a group may be empty on one.
    n
        Number of images that enter.
    proportion
        Whether the statistic lies in [0, 1] and gets Newcombe's limits where the bootstrap
        degenerates; see `difference_from_distribution`.
    statistic, confidence, resamples, seed, groups_in_use, denominator
        As for `interval`.

    Returns
    -------
    Interval
        [-1, 1] around 0 where either side has no images.

    Raises
    ------
    ValueError
        If the two shapes differ.
    """
    sides = np.stack(
        [np.asarray(group_counts_a, np.float64), np.asarray(group_counts_b, np.float64)], axis=1
    )
    denominator = denominator or _all_counts
    enters_a, enters_b = (denominator(sides[:, side]) > 0 for side in (0, 1))
    if groups_in_use is None:
        groups_in_use = int((enters_a | enters_b).sum())
    if n == 0 or groups_in_use == 0 or not (enters_a.any() and enters_b.any()):
        return no_images(-1.0, 1.0)
    guarded = _undefined_as_nan(statistic, denominator)
    distribution = cluster_bootstrap(
        sides,
        lambda totals: guarded(totals[:, 0]) - guarded(totals[:, 1]),
        resamples=resamples,
        seed=seed,
    )
    first, second = (float(value) for value in statistic(sides.sum(axis=0)))
    return difference_from_distribution(
        distribution,
        first,
        second,
        n=n,
        groups=groups_in_use,
        confidence=confidence,
        proportion=proportion,
    )


def _undefined_as_nan(statistic: Statistic, denominator: Statistic) -> Statistic:
    return lambda counts: np.where(denominator(counts) > 0, statistic(counts), np.nan)


def _all_counts(counts: Values) -> NDArray[Any]:
    return np.asarray(counts.sum(axis=tuple(range(1, counts.ndim))))
