"""The one-stage cluster bootstrap: whole source groups are drawn with replacement.

A resample is a weight for each group, so nothing is ever copied: counts become a matrix product,
ranks a weighted sort (`lcbench.statistics.ranking`). With several seeds of training, groups and
seeds can be drawn independently of each other (two-way).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values

WeightedStatistic = Callable[[Values], Values]
"""Takes (B, U) weights of the units and returns (B, S) statistics, NaN where undefined."""
Tick = Callable[[int, int], None]
"""Takes how much is done, and out of how much."""
RESAMPLES = 10_000
# Weights held at once: 4 MiB of float64, which stays in the cache.
_BLOCK_CELLS = 2**19


@dataclass(frozen=True)
class Design:
    """What is drawn: groups, or groups and seeds.

    Parameters
    ----------
    groups
        Number of source groups, G.
    seeds
        Number of training seeds, S, where they are drawn too; 1 keeps every group's predictions
        of all seeds together.
    """

    groups: int
    seeds: int = 1

    @property
    def units(self) -> int:
        """Number of weights, U = G * S; unit g * S + s is group g under seed s."""
        return self.groups * self.seeds

    @property
    def block(self) -> int:
        """Resamples to hold at once."""
        return max(1, _BLOCK_CELLS // max(1, self.units))


def bootstrap_weights(design: Design, resamples: int, seed: int, block: int) -> Iterator[Values]:
    """Yield how often each unit is drawn in each resample.

    The weights depend on the design and the seed alone, not on the size of the blocks.

    Parameters
    ----------
    design
        Groups, and seeds for the two-way bootstrap (Owen 2007): a unit's weight is then the
        product of its group's and its seed's.
    resamples
        Number of resamples in all.
    seed
        Seed of the PCG64 generators.
    block
        Number of resamples to hold at once.

    Yields
    ------
    ndarray
        (block, U) weights; the last block may be shorter. Group weights sum to G.

    References
    ----------
    Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and their Application, section
    3.8: with groups as the sampling unit, draw groups and keep each one whole. Owen, A. B. (2007).
    The pigeonhole bootstrap. Annals of Applied Statistics 1, 386-411.
    """
    if design.groups < 1 or resamples < 1:
        raise ValueError(f"cannot draw {resamples} resamples of {design.groups} groups")
    of_groups = np.random.Generator(np.random.PCG64(seed))
    of_seeds = np.random.Generator(np.random.PCG64([seed, 1]))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        weights = _drawn(of_groups, rows, design.groups)
        if design.seeds > 1:
            seeds = _drawn(of_seeds, rows, design.seeds)
            weights = (weights[:, :, None] * seeds[:, None, :]).reshape(rows, design.units)
        yield weights


def resample(
    statistic: WeightedStatistic,
    design: Design,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tick: Tick | None = None,
) -> Values:
    """Return the (resamples, S) values of statistics on resampled groups, NaN where undefined.

    Parameters
    ----------
    statistic
        Takes (B, U) weights and returns (B, S).
    design
        What is drawn.
    resamples, seed
        Number of resamples, and the seed of their generator.
    tick
        Called after each block with the resamples done, and all of them.

    Raises
    ------
    ValueError
        Without groups or without resamples.
    """
    parts: list[Values] = []
    done = 0
    for weights in bootstrap_weights(design, resamples, seed, design.block):
        parts.append(statistic(weights))
        done += len(weights)
        if tick is not None:
            tick(done, resamples)
    return np.concatenate(parts)


def _drawn(rng: np.random.Generator, rows: int, size: int) -> NDArray[np.float64]:
    cells = rng.integers(0, size, size=(rows, size)) + np.arange(rows)[:, None] * size
    counts = np.bincount(cells.ravel(), minlength=rows * size)
    return counts.reshape(rows, size).astype(np.float64)
