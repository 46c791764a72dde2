"""Several models on an event: Cochran's Q, and the adjustment of a family of p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.choices import ADJUSTMENT_AUTHORS, Adjustment
from lcbench.statistics.metrics import Values
from lcbench.statistics.paired_tests import NO_DISCORDANCE, TestResult, bounded_p
from lcbench.statistics.tree import Codes

PERMUTATIONS = 2_000
_DRAWS = 100_000
_BLOCK_DRAWS = 10_000
_DRAWING_ERRORS = 3.0
"""So many standard errors of the drawing are added to a quantile: none of its luck decides."""
_BLOCK_CELLS = 2**20


def cochran_q(events: NDArray[np.bool_]) -> TestResult:
    """Return Cochran's Q with its chi-squared p-value. It assumes independent images.

    Parameters
    ----------
    events
        (N, K) whether the event happens on an image under each of K models.

    Returns
    -------
    TestResult
        0 and p = 1 where no image tells any two models apart.

    References
    ----------
    Cochran, W. G. (1950). The comparison of percentages in matched samples. Biometrika 37,
    256-266.
    """
    from statsmodels.stats.contingency_tables import cochrans_q

    if not _tells_apart(events).any():
        return NO_DISCORDANCE
    found = cochrans_q(np.asarray(events, np.int64))
    return TestResult(float(found.statistic), bounded_p(found.pvalue))


def cochran_q_permuted(
    events: NDArray[np.bool_], groups: Codes, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> TestResult:
    """Return Cochran's Q with its p-value from permuting the models within each source group.

    If the models are exchangeable, their columns can trade places in each group as a whole,
    whatever the dependence of the images inside it. The p-value counts the table seen among the
    permuted ones, so that it is never 0 and the test holds its level.

    Parameters
    ----------
    events
        (N, K) whether the event happens under each of K models; several seeds of an image are
        several rows of its group.
    groups
        (N,) codes of the source groups.
    permutations, seed
        Number of sampled permutations, and the seed of their generator.

    References
    ----------
    Phipson, B. and Smyth, G. K. (2010). Permutation p-values should never be zero. Statistical
    Applications in Genetics and Molecular Biology 9, 39.
    """
    plain = cochran_q(events)
    _, codes = np.unique(groups, return_inverse=True)
    sums = np.zeros((int(codes.max()) + 1 if codes.size else 0, events.shape[1]))
    np.add.at(sums, codes, np.asarray(events, np.float64))
    sums = sums[_tells_apart(sums)]
    if not len(sums):
        return TestResult(plain.statistic, 1.0)
    seen = _spread(sums.sum(axis=0))
    rng = np.random.Generator(np.random.PCG64(seed))
    block = max(1, _BLOCK_CELLS // sums.size)
    above = 0
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        shuffled = rng.permuted(np.broadcast_to(sums, (rows, *sums.shape)), axis=2)
        above += int((_spread(shuffled.sum(axis=1)) >= seen - 1e-9).sum())
    return TestResult(plain.statistic, bounded_p((above + 1) / (permutations + 1)))


def simultaneous_tail(influences: Values, *, confidence: float = 0.95) -> float:
    """Return the probability of one tail at which the intervals of all differences hold together.

    All pairs of models at once, so that the best may be chosen after seeing them: the quantile of
    the largest of their standardised differences, from normal differences with the correlation
    that the source groups show (100,000 draws). It is the upper limit of that quantile over the
    draws, three standard errors above it, so that no difference is shown by how the draws fell.

    Parameters
    ----------
    influences
        (G, K) influences of the K models' values, scaled so that their squares add up to variances.
    confidence
        Chance that all intervals hold their differences.

    References
    ----------
    Hothorn, T., Bretz, F. and Westfall, P. (2008). Simultaneous inference in general parametric
    models. Biometrical Journal 50, 346-363.
    """
    from scipy.special import ndtr

    models = influences.shape[1]
    pairs = np.array([(a, b) for b in range(models) for a in range(b)])
    if not len(pairs):
        return (1.0 - confidence) / 2.0
    values, vectors = np.linalg.eigh(influences.T @ influences)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    differences = root[pairs[:, 1]] - root[pairs[:, 0]]
    # Not from the root, which holds two equal models apart by rounding.
    apart_by_group = influences[:, pairs[:, 1]] - influences[:, pairs[:, 0]]
    errors = np.sqrt((apart_by_group**2).sum(axis=0))
    apart = errors > 1e-12
    if not apart.any():
        return (1.0 - confidence) / 2.0
    largest = _largest_of_draws((differences[apart] / errors[apart, None]).T)
    drawing = math.sqrt(confidence * (1.0 - confidence) / _DRAWS)
    careful = min(confidence + _DRAWING_ERRORS * drawing, 1.0)
    return float(ndtr(-float(np.quantile(largest, careful))))


def _largest_of_draws(directions: Values) -> Values:
    """Return the (draws,) largest of all pairs, from the (K, pairs) directions of each."""
    rng = np.random.Generator(np.random.PCG64(0))
    blocks = [
        np.abs(rng.standard_normal((_BLOCK_DRAWS, len(directions))) @ directions).max(axis=1)
        for _ in range(_DRAWS // _BLOCK_DRAWS)
    ]
    return np.concatenate(blocks)


def adjust(p_values: Sequence[float], how: Adjustment = "holm") -> list[float]:
    """Return the adjusted p-values of a family, in the order given.

    Raises
    ------
    ValueError
        If one is NaN or outside [0, 1], or no adjustment has this name.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
    Journal of Statistics 6, 65-70. Benjamini, Y. and Hochberg, Y. (1995). Controlling the false
    discovery rate. JRSS B 57, 289-300.
    """
    from scipy.stats import false_discovery_control

    if how not in ADJUSTMENT_AUTHORS:
        raise ValueError(f"no adjustment is called {how!r}")
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"not all p-values lie in [0, 1]: {list(p_values)}")
    if not p_values:
        return []
    family = np.array(p_values, np.float64)
    # statsmodels' multipletests collects garbage in every call: a tenth of a second and more.
    adjusted = _holm(family) if how == "holm" else false_discovery_control(family)
    return [bounded_p(p) for p in adjusted]


def _tells_apart(table: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return the rows that are not alike for all models."""
    return np.asarray((table != table[:, :1]).any(axis=1))


def _spread(totals: Values) -> Values:
    """Return what Q depends on when rows only trade places: the spread of the totals."""
    return np.asarray(((totals - totals.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1))


def _holm(family: Values) -> Values:
    order = np.argsort(family, kind="stable")
    steps = family[order] * np.arange(len(family), 0, -1)
    adjusted = np.empty_like(family)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted
