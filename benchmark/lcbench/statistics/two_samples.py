"""Two samples of points: how far their distributions lie apart, and which points lie outside.

Points of one source group are not independent, so that a sample here has one point a group: that
alone makes groups exchangeable where the distributions are the same, however unequal their sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values

PERMUTATIONS = 999
FEWEST = 2
"""Points a sample needs for a distance within it."""
_BLOCK = 512
_PERMUTED_AT_ONCE = 100
Points = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class EnergyTest:
    """How far two distributions lie apart.

    Parameters
    ----------
    distance
        Energy distance between them, unbiased: about 0, also below, where they are the same.
    share
        The same over twice the mean distance between the samples: 1 where neither sample varies.
    p
        Share of permutations that give as large a distance, the observed one among them.
    """

    distance: float
    share: float
    p: float


def energy_test(
    first: Points, second: Points, permutations: int = PERMUTATIONS, seed: int = 0
) -> EnergyTest:
    """Test whether two samples come from one distribution.

    The energy distance is 2 E|X - Y| - E|X - X'| - E|Y - Y'| with Euclidean distances, each mean
    over pairs of different points (a U-statistic). Memory is quadratic in the number of points.

    Parameters
    ----------
    first, second
        (n, d) and (m, d) points, each of another source group; two or more in each.
    permutations
        How often the points are dealt anew.
    seed
        Of the random numbers.

    Raises
    ------
    ValueError
        If a sample has fewer than two points.

    References
    ----------
    Székely, G. J. and Rizzo, M. L. (2013). Energy statistics: a class of statistics based on
    distances. Journal of Statistical Planning and Inference 143, 1249-1272: distance, coefficient
    and permutation test. Phipson, B. and Smyth, G. K. (2010). Permutation p-values should never be
    zero. Statistical Applications in Genetics and Molecular Biology 9, 39.
    """
    n, m = len(first), len(second)
    if min(n, m) < FEWEST:
        raise ValueError(f"a sample has fewer than {FEWEST} points: {n} and {m}")
    distances = pairwise(np.concatenate([first, second]))
    is_first = np.zeros((1, n + m), np.float64)
    is_first[0, :n] = 1.0
    observed, between = _energies(distances, is_first)
    random = np.random.default_rng(seed)
    as_large = 0
    # What differs by rounding alone is as large.
    least = float(observed[0]) - 1e-9 * float(between[0])
    for start in range(0, permutations, _PERMUTED_AT_ONCE):
        count = min(_PERMUTED_AT_ONCE, permutations - start)
        dealt = random.permuted(np.repeat(is_first, count, axis=0), axis=1)
        as_large += int((_energies(distances, dealt)[0] >= least).sum())
    distance, scale = float(observed[0]), 2.0 * float(between[0])
    return EnergyTest(
        distance, distance / scale if scale > 0.0 else 0.0, (1 + as_large) / (1 + permutations)
    )


def _energies(distances: Values, is_first: Values) -> tuple[Values, Values]:
    """Return (P,) energy distances and mean distances between, of (P, N) 0/1 memberships."""
    n = is_first[0].sum()
    m = is_first.shape[1] - n
    to_first = is_first @ distances
    of_first = (to_first * is_first).sum(axis=1)
    between = (to_first * (1.0 - is_first)).sum(axis=1)
    of_second = distances.sum() - of_first - 2.0 * between
    mean = between / (n * m)
    within = of_first / (n * (n - 1.0)) + of_second / (m * (m - 1.0))
    return np.asarray(2.0 * mean - within), np.asarray(mean)


def pairwise(points: Points) -> Values:
    """Return the (N, N) Euclidean distances of (N, d) points."""
    from scipy.spatial.distance import pdist, squareform

    return np.asarray(squareform(pdist(np.asarray(points, np.float64))))


def nearest_distances(points: Points, reference: Points) -> Values:
    """Return the (N,) Euclidean distances of (N, d) points to the nearest of (M, d) others."""
    whole = np.asarray(reference, np.float64)
    squares = (whole**2).sum(axis=1) / 2.0
    found = np.zeros(len(points))
    for start in range(0, len(points), _BLOCK):
        block = np.asarray(points[start : start + _BLOCK], np.float64)
        # Matrix products find the nearest one; differences then give its distance exactly.
        nearest = (squares - block @ whole.T).argmin(axis=1)
        found[start : start + _BLOCK] = np.linalg.norm(block - whole[nearest], axis=1)
    return found
