"""The one-stage cluster bootstrap: whole source groups are drawn with replacement.

Only counts per group are kept, so a resample is a weight for each group, and 10,000 resamples are
a matrix product; no image is ever copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Counts, Values

Statistic = Callable[[NDArray[np.float64]], NDArray[Any]]
RESAMPLES = 10_000
# Weights held at once: 4 MiB of float64, which stays in the cache.
_BLOCK_CELLS = 2**19


def bootstrap_weights(
    n_groups: int,
    resamples: int,
    seed: int,
    block: int,
    strata: NDArray[np.integer[Any]] | None = None,
) -> Iterator[Values]:
    """Yield how often each group is drawn in each resample.

    The weights depend on the seed alone, not on the size of the blocks.

    Parameters
    ----------
    n_groups
        Number of groups, G.
    resamples
        Number of resamples in all.
    seed
        Seed of the PCG64 generator.
    block
        Number of resamples to hold at once.
    strata
        (G,) stratum of each group, where groups are to be drawn within strata.

    Yields
    ------
    ndarray
        (block, G) weights, each row summing to G; the last block may be shorter.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    order, starts, ends = _strata_bounds(n_groups, strata)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(starts, ends, size=(rows, n_groups))
        cells = order[drawn] + np.arange(rows)[:, None] * n_groups
        counts = np.bincount(cells.ravel(), minlength=rows * n_groups)
        yield counts.reshape(rows, n_groups).astype(np.float64)


def cluster_bootstrap(
    group_counts: Counts,
    statistic: Statistic,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    strata: NDArray[np.integer[Any]] | None = None,
) -> Values:
    """Return a statistic on resampled groups.

    Parameters
    ----------
    group_counts
        (G, ...) counts of each source group, such as (G, L, L) confusion counts.
    statistic
        Takes (B, ...) totals of B resamples and returns (B,), or (B, S) for S statistics.
    resamples, seed
        Number of resamples, and the seed of their generator.
    strata
        (G,) stratum of each group: groups are then drawn within strata.

    Returns
    -------
    ndarray
        (resamples,) or (resamples, S).

    Raises
    ------
    ValueError
        Without groups or without resamples.

    References
    ----------
    Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and their Application, section
    3.8: with groups as the sampling unit, draw groups and keep each one whole.
    """
    totals_of = np.asarray(group_counts, np.float64)
    n_groups = totals_of.shape[0] if totals_of.ndim else 0
    if n_groups == 0 or resamples < 1:
        raise ValueError(f"cannot draw {resamples} resamples of {n_groups} groups")
    flat = totals_of.reshape(n_groups, -1)
    block = max(1, _BLOCK_CELLS // n_groups)
    parts = [
        statistic((weights @ flat).reshape(-1, *totals_of.shape[1:]))
        for weights in bootstrap_weights(n_groups, resamples, seed, block, strata)
    ]
    return np.concatenate(parts).astype(np.float64, copy=False)


def _strata_bounds(
    n_groups: int, strata: NDArray[np.integer[Any]] | None
) -> tuple[NDArray[np.intp], Any, Any]:
    """Return the groups sorted by stratum, and where each one's stratum starts and ends there."""
    if strata is None:
        return np.arange(n_groups), 0, n_groups
    strata = np.asarray(strata)
    if strata.shape != (n_groups,):
        raise ValueError(f"{strata.shape} strata for {n_groups} groups")
    order = np.argsort(strata, kind="stable")
    ordered = strata[order]
    return order, np.searchsorted(ordered, ordered), np.searchsorted(ordered, ordered, "right")
