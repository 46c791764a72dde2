"""Predictions with known truth, on the sizes of LC25000's source groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.design import Design
from lcbench.statistics.groups import class_strata

# How many source groups have how many images: what `lcbench audit` finds in the 15,000 images of
# LC25000's lung classes, 710 groups (reports/lc25000-audit).
BENIGN = {
    1: 2, 9: 1, 10: 2, 11: 2, 12: 4, 13: 4, 14: 15, 15: 8, 16: 14, 17: 6, 18: 31, 19: 16, 20: 18,
    21: 26, 22: 16, 23: 18, 24: 13, 25: 10, 26: 10, 27: 4, 28: 5, 29: 1, 32: 3, 33: 2, 34: 1, 39: 1,
    40: 2, 44: 1, 46: 1, 48: 1, 49: 1, 56: 1,
}  # fmt: skip
ADENOCARCINOMA = {
    1: 1, 7: 1, 9: 1, 11: 1, 12: 7, 13: 6, 14: 7, 15: 16, 16: 14, 17: 10, 18: 17, 19: 21, 20: 19,
    21: 23, 22: 10, 23: 19, 24: 11, 25: 8, 26: 7, 27: 6, 28: 7, 29: 3, 30: 2, 31: 1, 32: 1, 37: 2,
    38: 2, 39: 1, 40: 1, 43: 2, 45: 1, 48: 1, 51: 1, 56: 1, 62: 2,
}  # fmt: skip
SQUAMOUS = {
    8: 1, 10: 1, 11: 2, 12: 5, 13: 8, 14: 13, 15: 10, 16: 15, 17: 17, 18: 24, 19: 10, 20: 21,
    21: 22, 22: 16, 23: 11, 24: 7, 25: 10, 26: 8, 27: 9, 28: 5, 29: 3, 30: 2, 31: 1, 32: 2, 33: 1,
    35: 2, 37: 2, 39: 1, 41: 1, 43: 1, 44: 1, 45: 3, 48: 2,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Groups:
    """Source groups of three classes.

    Parameters
    ----------
    sizes
        (G,) images of each group.
    classes
        (G,) class of each group.
    """

    sizes: NDArray[np.int64]
    classes: NDArray[np.int64]

    def first(self, count: int) -> Groups:
        """Return `count` groups, evenly taken from all."""
        chosen = np.linspace(0, len(self.sizes) - 1, count).astype(int)
        return Groups(self.sizes[chosen], self.classes[chosen])

    def even(self, size: int = 20) -> Groups:
        """Return as many groups of the same classes, all of one size."""
        return Groups(np.full_like(self.sizes, size), self.classes)

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """(N,) group of each image."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def strata(self) -> tuple[int, ...]:
        """(G,) stratum of each group, as the report finds it."""
        return class_strata(self.classes[self.codes], self.codes, len(self.sizes))

    def design(self, seeds: int = 1) -> Design:
        """Return the design of the report: groups within classes, crossed with seeds."""
        images = tuple(np.repeat(self.sizes, seeds).tolist())
        return Design(len(self.sizes), seeds, self.strata, images)

    @property
    def weight(self) -> NDArray[np.float64]:
        """(G,) by how much the chances of a group grow where larger groups err more.

        The square of its size over the mean size: a group of 40 errs four times as often as one
        of 20.
        """
        return (self.sizes / self.sizes.mean()) ** 2


@lru_cache
def lc25000_groups() -> Groups:
    """Return the 710 groups of LC25000's lung classes."""
    tables = (BENIGN, ADENOCARCINOMA, SQUAMOUS)
    sizes = [np.repeat(list(table), list(table.values())) for table in tables]
    classes = np.repeat(np.arange(3), [len(part) for part in sizes])
    return Groups(np.concatenate(sizes), classes)


def outcomes(
    rng: np.random.Generator,
    sizes: NDArray[np.int64],
    chances: Sequence[float] | NDArray[np.float64],
    icc: float,
) -> NDArray[np.int64]:
    """Draw how many images of each group have each outcome, (G, K).

    The chances of a group are drawn from a Dirichlet distribution whose parameters add up to
    (1 - icc) / icc, its images from these chances: two images of a group then have a correlation
    of `icc` in every outcome (Dirichlet-multinomial; beta-binomial for two outcomes). 0 makes
    images independent, 1 makes all images of a group alike.

    Parameters
    ----------
    rng
        Source of chance.
    sizes
        (G,) images of each group.
    chances
        (K,) chances of the outcomes over all groups, or (G, K) of each; they add up to 1.
    icc
        Intra-group correlation.
    """
    return rng.multinomial(sizes, chances_of_groups(rng, len(sizes), chances, icc))


def chances_of_groups(
    rng: np.random.Generator,
    count: int,
    chances: Sequence[float] | NDArray[np.float64],
    icc: float,
) -> NDArray[np.float64]:
    """Draw the (G, K) chances of so many groups, see `outcomes`."""
    mean = np.broadcast_to(np.asarray(chances, np.float64), (count, np.shape(chances)[-1]))
    if icc == 0:
        return mean
    if icc == 1:
        return rng.multinomial(1, mean).astype(np.float64)
    return _dirichlet(rng, mean * (1 - icc) / icc)


def _dirichlet(rng: np.random.Generator, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw from a Dirichlet distribution on the logarithm: tiny parameters underflow otherwise."""
    boosted = rng.gamma(parameters + 1.0)
    logs = np.log(boosted) + np.log(rng.random(boosted.shape)) / parameters
    parts = np.exp(logs - logs.max(axis=1, keepdims=True))
    return parts / parts.sum(axis=1, keepdims=True)


def confusions(
    rng: np.random.Generator,
    groups: Groups,
    error: float | NDArray[np.float64],
    icc: float,
) -> NDArray[np.int64]:
    """Draw (G, 3, 3) confusion counts: errors fall on both other classes alike.

    `error` is the chance of an error, of all groups or of each.
    """
    chances = np.stack(np.broadcast_arrays(1.0 - np.asarray(error), error), axis=-1)
    wrong = outcomes(rng, groups.sizes, chances, icc)[:, 1]
    one = rng.binomial(wrong, 0.5)
    return np.asarray(_placed(groups, groups.sizes - wrong, one, wrong - one), np.int64)


def expected_confusions(groups: Groups, error: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (G, 3, 3) expectation of `confusions`."""
    wrong = groups.sizes * error
    return _placed(groups, groups.sizes - wrong, wrong / 2.0, wrong / 2.0)


def _placed(groups: Groups, *by_shift: NDArray[np.number[Any]]) -> NDArray[np.float64]:
    counts = np.zeros((len(groups.sizes), 3, 3))
    rows = np.arange(len(groups.sizes))
    for shift, number in enumerate(by_shift):
        counts[rows, groups.classes, (groups.classes + shift) % 3] = number
    return counts


def scores(
    rng: np.random.Generator, groups: Groups, separation: float, icc: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw a score, the truth (class 0 or not) and the group of every image.

    Normal scores with a random effect of the group; the AUROC is the normal distribution function
    at separation / sqrt(2), whatever the correlation.
    """
    codes = groups.codes
    true = (groups.classes == 0).astype(np.int64)[codes]
    shared = rng.normal(size=len(groups.sizes))[codes]
    noise = np.sqrt(icc) * shared + np.sqrt(1 - icc) * rng.normal(size=len(codes))
    return separation * true + noise, true, codes


def crossed(
    rng: np.random.Generator,
    sizes: NDArray[np.int64],
    error: float,
    icc: float,
    seeds: int,
    seed_sd: float,
) -> NDArray[np.int64]:
    """Draw the errors of two equal ways of training under crossed seeds, (G, S, 4).

    Outcomes: neither errs, A alone, B alone, both. Every group has a difficulty of its own, which
    a network shares with chance 0.7 and else draws anew; every trained network has an error rate
    of its own, normal around `error` with standard deviation `seed_sd`. Half of the images are as
    hard for B as for A.
    """
    count = len(sizes)

    def difficulty() -> NDArray[np.float64]:
        return chances_of_groups(rng, count, (1 - error, error), icc)[:, 1]

    base = difficulty()

    def network() -> NDArray[np.float64]:
        own = np.where(rng.random(count) < 0.7, base, difficulty())
        off = rng.normal(0.0, seed_sd)
        if off > 0:
            return own + (1.0 - own) * off / (1.0 - error)
        return own * max(0.0, 1.0 + off / error)

    a, b = (np.stack([network() for _ in range(seeds)], axis=1) for _ in range(2))
    both = 0.5 * np.minimum(a, b) + 0.5 * a * b
    chances = np.stack([1.0 - a - b + both, a - both, b - both, both], axis=-1)
    return rng.multinomial(sizes[:, None], np.clip(chances, 0.0, 1.0))
