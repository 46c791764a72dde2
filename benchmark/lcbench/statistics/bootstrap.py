"""The stratified cluster bootstrap.

Source groups are independent; each lies within a class where that is so, and the number of images
of a class is fixed by the design and not by chance. A resample is a weight for each unit, so
nothing is ever copied: counts become a matrix product, ranks a weighted sort
(`lcbench.statistics.ranking`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.design import Design
from lcbench.statistics.metrics import Values

WeightedStatistic = Callable[[Values], Values]
"""Takes (B, U) weights of the units and returns (B, S) statistics, NaN where undefined."""
Tick = Callable[[int, int], None]
"""Takes how much is done, and out of how much."""
RESAMPLES = 10_000
# Weights held at once: 4 MiB of float64, which stays in the cache.
_BLOCK_CELLS = 2**19


def bootstrap_weights(design: Design, resamples: int, seed: int, block: int) -> Iterator[Values]:
    """Yield the weight of each unit in each resample.

    One group fewer than a stratum has is drawn from it with replacement, which makes the
    variance over resamples unbiased; weights are then scaled so that the images of each stratum
    add up to what they are. All seeds of a group have its weight. The weights depend on the
    design and the seed alone, not on the size of the blocks.

    Parameters
    ----------
    design
        Groups, their strata and sizes. The only group of a stratum always has weight 1.
    resamples
        Number of resamples in all.
    seed
        Seed of the PCG64 generator.
    block
        Number of resamples to hold at once.

    Yields
    ------
    ndarray
        (block, U) weights; the last block may be shorter.

    References
    ----------
    Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and their Application, section
    3.8: with groups as the sampling unit, draw groups and keep each one whole. Rao, J. N. K. and
    Wu, C. F. J. (1988). Resampling inference with complex survey data. JASA 83, 231-241: n - 1 of
    a stratum's n units.
    """
    if design.groups < 1 or resamples < 1:
        raise ValueError(f"cannot draw {resamples} resamples of {design.groups} groups")
    members = [np.flatnonzero(design.stratum == one) for one in range(design.stratum.max() + 1)]
    # One generator each, so that a block never takes what the next block of a stratum would draw.
    streams = np.random.Generator(np.random.PCG64(seed)).spawn(len(members))
    size_of_group = design.sizes.reshape(design.groups, design.seeds).sum(axis=1)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        weights = np.ones((rows, design.groups))
        for rng, chosen in zip(streams, members, strict=True):
            if len(chosen) > 1:
                drawn = _drawn(rng, rows, len(chosen))
                sizes = size_of_group[chosen]
                total = drawn @ sizes
                scale = np.where(total > 0, sizes.sum() / np.where(total > 0, total, 1.0), 0.0)
                weights[:, chosen] = drawn * scale[:, None]
        yield np.repeat(weights, design.seeds, axis=1)


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
    for weights in bootstrap_weights(design, resamples, seed, _block(design)):
        parts.append(statistic(weights))
        done += len(weights)
        if tick is not None:
            tick(done, resamples)
    return np.concatenate(parts)


def _block(design: Design) -> int:
    """Return how many resamples to hold at once."""
    return max(1, _BLOCK_CELLS // max(1, design.units))


def _drawn(rng: np.random.Generator, rows: int, size: int) -> NDArray[np.float64]:
    cells = rng.integers(0, size, size=(rows, size - 1)) + np.arange(rows)[:, None] * size
    counts = np.bincount(cells.ravel(), minlength=rows * size)
    return counts.reshape(rows, size).astype(np.float64)
