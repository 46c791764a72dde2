"""Predictions with known truth, on the sizes of LC25000's source groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# How many source groups have how many images. Malignant classes: LC25000-clean (Batchkala et al.,
# MICCAI DEMI 2024). Benign groups are unpublished: 249, as even as 5,000 images allow.
BENIGN = {20: 229, 21: 20}
ADENOCARCINOMA = {
    7: 1, 9: 1, 11: 1, 12: 7, 13: 6, 14: 9, 15: 16, 16: 17, 17: 10, 18: 18, 19: 23, 20: 19, 21: 26,
    22: 13, 23: 19, 24: 13, 25: 9, 26: 7, 27: 8, 28: 6, 29: 3, 30: 2, 31: 1, 32: 1, 37: 1, 38: 2,
    39: 1, 40: 1, 43: 1, 45: 1,
}  # fmt: skip
SQUAMOUS = {
    8: 1, 10: 1, 11: 2, 12: 5, 13: 9, 14: 14, 15: 11, 16: 15, 17: 19, 18: 27, 19: 10, 20: 25,
    21: 24, 22: 16, 23: 13, 24: 10, 25: 11, 26: 8, 27: 9, 28: 6, 29: 3, 30: 3, 31: 1, 32: 2, 33: 1,
    44: 1, 45: 1,
}  # fmt: skip


@dataclass(frozen=True)
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


def lc25000_groups() -> Groups:
    """Return the 740 groups of LC25000's lung classes."""
    tables = (BENIGN, ADENOCARCINOMA, SQUAMOUS)
    sizes = [np.repeat(list(table), list(table.values())) for table in tables]
    classes = np.repeat(np.arange(3), [len(part) for part in sizes])
    return Groups(np.concatenate(sizes), classes)


def outcomes(
    rng: np.random.Generator, sizes: NDArray[np.int64], chances: Sequence[float], icc: float
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
        (K,) chances of the outcomes over all groups, adding up to 1.
    icc
        Intra-group correlation.
    """
    mean = np.asarray(chances, np.float64)
    if icc == 0:
        return rng.multinomial(sizes, mean)
    if icc == 1:
        return rng.multinomial(1, mean, size=len(sizes)) * sizes[:, None]
    return rng.multinomial(sizes, _dirichlet(rng, mean * (1 - icc) / icc, len(sizes)))


def _dirichlet(
    rng: np.random.Generator, parameters: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Draw from a Dirichlet distribution on the logarithm: tiny parameters underflow otherwise."""
    boosted = rng.gamma(parameters + 1.0, size=(count, len(parameters)))
    logs = np.log(boosted) + np.log(rng.random(boosted.shape)) / parameters
    parts = np.exp(logs - logs.max(axis=1, keepdims=True))
    return parts / parts.sum(axis=1, keepdims=True)


def confusions(
    rng: np.random.Generator, groups: Groups, error: float, icc: float
) -> NDArray[np.int64]:
    """Draw (G, 3, 3) confusion counts: errors fall on both other classes alike."""
    wrong = outcomes(rng, groups.sizes, (1 - error, error), icc)[:, 1]
    one = rng.binomial(wrong, 0.5)
    counts = np.zeros((len(groups.sizes), 3, 3), np.int64)
    rows = np.arange(len(groups.sizes))
    for shift, number in ((0, groups.sizes - wrong), (1, one), (2, wrong - one)):
        counts[rows, groups.classes, (groups.classes + shift) % 3] = number
    return counts


def scores(
    rng: np.random.Generator, groups: Groups, separation: float, icc: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw a score, the truth (class 0 or not) and the group of every image.

    Normal scores with a random effect of the group; the AUROC is the normal distribution function
    at separation / sqrt(2), whatever the correlation.
    """
    codes = np.repeat(np.arange(len(groups.sizes)), groups.sizes)
    true = (groups.classes == 0).astype(np.int64)[codes]
    shared = rng.normal(size=len(groups.sizes))[codes]
    noise = np.sqrt(icc) * shared + np.sqrt(1 - icc) * rng.normal(size=len(codes))
    return separation * true + noise, true, codes
