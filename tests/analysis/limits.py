"""Limits of rates and of their differences in plain numpy, from rows: no code of lcbench.

Every row is a prediction with a source group in `group` and the class of that group in `true`:
groups are strata of their class, whose numbers of rows are fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import norm, t

ENOUGH = 4


def group_sums(values: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Return the sums of values by class and source group."""
    return values.groupby([rows["true"], rows["group"]]).sum()


def influences(values: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Return influences of groups whose squares add up to the variance of a sum over the rows.

    Within each class, u - n / N sum u, times the root of G / (G - 1).
    """
    u, n = group_sums(values, rows), group_sums(values * 0 + 1, rows)
    per_class = u.groupby("true").transform("sum") / n.groupby("true").transform("sum")
    count = u.groupby("true").transform("count")
    return (u - n * per_class) * np.sqrt(count / (count - 1))


def wilson(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Return the roots of (share - p)^2 n = quantile^2 p (1 - p)."""
    if np.isinf(n):
        return share, share
    z = quantile**2
    roots = np.sort(np.roots([n + z, -(2 * n * share + z), n * share**2]).real)
    return min(max(roots[0], 0.0), share), max(min(roots[1], 1.0), share)


def pooled(groups: float, others: list[tuple[float, float]]) -> float:
    """Return the weighted harmonic mean of effective sizes; two failed groups weigh as well."""
    weights = [2 / groups, *(distance for distance, _ in others)]
    sizes = [groups, *(size for _, size in others)]
    return float(sum(weights) / sum(w / n for w, n in zip(weights, sizes, strict=True)))


@dataclass(frozen=True, eq=False)
class Rate:
    """The rate of an event over rows."""

    event: pd.Series
    rows: pd.DataFrame
    others: tuple[tuple[float, float], ...] = ()

    @cached_property
    def value(self) -> float:
        return float(self.event.mean())

    @cached_property
    def influence(self) -> np.ndarray:
        deviations = (self.event.astype(float) - self.value) / len(self.rows)
        return influences(deviations, self.rows).to_numpy()

    @cached_property
    def variance(self) -> float:
        return float((self.influence**2).sum())

    @cached_property
    def sizes(self) -> pd.Series:
        return group_sums(self.event * 0.0 + 1, self.rows)

    @cached_property
    def kish(self) -> float:
        return float(self.sizes.sum() ** 2 / (self.sizes**2).sum())

    @property
    def worth(self) -> list[tuple[float, float]]:
        """Distance from 0 or 1 and effective sample size; nothing without variance."""
        certain = self.value * (1 - self.value)
        if certain == 0 or self.variance < 1e-20:
            return []
        return [(min(self.value, 1 - self.value), certain / self.variance)]

    @cached_property
    def events(self) -> pd.Series:
        return group_sums(self.event.astype(float), self.rows)

    @cached_property
    def share(self) -> pd.Series:
        """Of the class of each group."""
        sums = (one.groupby("true").transform("sum") for one in (self.events, self.sizes))
        events, sizes = sums
        return events / sizes

    @cached_property
    def within(self) -> float:
        """Mean over the rows of r (1 - r), r of the class."""
        return float((self.sizes * self.share * (1 - self.share)).sum() / self.sizes.sum())

    @cached_property
    def spread(self) -> float:
        events, share = self.events, self.share
        found = []
        for often in (share > 0.5, share >= 0.5):
            rarer = np.where(often, self.sizes - events, events) ** 2.0
            found.append(rarer.sum() ** 2 / (rarer**2).sum() if rarer.any() else 0.0)
        return float(min(found))

    def limits(self, tail: float) -> tuple[float, float]:
        """Return Wilson's limits with the effective sample size, before any stand-in."""
        stand_in = pooled(self.kish, list(self.others)) if self.others else self.kish
        if self.value in (0, 1):
            return wilson(self.value, stand_in, norm.isf(tail))
        if self.spread == 0:
            return self.value, self.value
        own = self.variance / (self.value * (1 - self.value))
        unknown = max(0.0, 1 - self.spread / ENOUGH)
        of_groups = self.within / (self.value * (1 - self.value)) / stand_in
        inverse = max(own, (1 - unknown) * own + unknown * of_groups)
        return wilson(self.value, 1 / inverse, t.isf(tail, len(self.sizes) - 1))

    def guarded_limits(self, tail: float) -> tuple[float, float]:
        """Return limits that are never surer than those of a rate of 0 or 1."""
        if self.spread == 0 and self.value not in (0, 1):
            return self.value, self.value
        low, high = self.limits(tail)
        stand_in = pooled(self.kish, list(self.others)) if self.others else self.kish
        least = wilson(0.0, stand_in, norm.isf(tail))[1]
        return min(low, 1 - least), max(high, least)


def difference_limits(
    under_a: pd.Series, under_b: pd.Series, rows: pd.DataFrame, tail: float
) -> tuple[float, float]:
    """Return limits of the rate under b minus that under a: Zou and Donner's of the discordant."""
    every_a, every_b = Rate(under_a, rows), Rate(under_b, rows)
    a = Rate(under_a & ~under_b, rows, tuple(every_a.worth))
    b = Rate(under_b & ~under_a, rows, tuple(every_b.worth))
    scale = np.sqrt(a.variance * b.variance)
    together = min(float(a.influence @ b.influence) / scale, 0.5) if scale > 0 else 0.0
    (low_a, high_a), (low_b, high_b) = a.limits(tail), b.limits(tail)

    def combined(one: float, other: float) -> float:
        return float(np.sqrt(max(one**2 + other**2 - 2 * together * one * other, 0.0)))

    value = b.value - a.value
    below = combined(b.value - low_b, high_a - a.value)
    above = combined(high_b - b.value, a.value - low_a)
    return max(-1.0, value - below), min(1.0, value + above)


def training_limits(
    limits: tuple[float, float], deviations: pd.Series, rows: pd.DataFrame, value: float
) -> tuple[float, float]:
    """Return 95 % limits for the way of training, from those for the trained networks.

    `deviations`: influence of each row, indexed by seed. Groups and seeds are crossed: the
    variance over seeds, less what groups within seeds explain of it, is what new seeds add.
    """
    cells = {
        seed: (
            group_sums(part, rows.loc[part.index]),
            group_sums(part * 0 + 1, rows.loc[part.index]),
        )
        for seed, part in deviations.groupby(level="seed")
    }
    u, n = (
        pd.DataFrame({seed: found[which] for seed, found in cells.items()}).fillna(0.0)
        for which in (0, 1)
    )
    share = u.groupby("true").transform("sum").sum(axis=1) / n.groupby("true").transform("sum").sum(
        axis=1
    )
    u = u.sub(n.mul(share, axis=0))
    per_class = u.groupby("true")[u.columns[0]].transform("count")
    of_groups = float((per_class / (per_class - 1) * u.sum(axis=1) ** 2).sum())
    groups, seeds = u.shape
    between = seeds * float(np.var(u.sum(axis=0).to_numpy())) * seeds / (seeds - 1)
    rest = u.sub(u.mean(axis=1), axis=0)
    rest = rest - rest.mean(axis=0)
    inside = seeds / (seeds - 1) * groups / (groups - 1) * float((rest.to_numpy() ** 2).sum())
    added = max(between - inside, 0.0)
    z = norm.isf(0.025)
    factor = 1.0
    if between > 0:
        freedom = max((of_groups + added) ** 2 * (seeds - 1) / between**2, 1.0)
        factor = t.isf(0.025, freedom) / z
    low, high = limits
    return (
        value - factor * float(np.hypot(value - low, z * np.sqrt(added))),
        value + factor * float(np.hypot(high - value, z * np.sqrt(added))),
    )
