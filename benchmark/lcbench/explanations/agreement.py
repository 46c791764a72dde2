"""Whether explanations agree where they should: between seeds, and when an image is turned.

An explanation that changes when the tile is turned explains nothing: tissue has no upright.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lcbench.explanations.similarity import BATCH, Maps, rank_correlation, smoothed
from lcbench.statistics.metrics import Values

if TYPE_CHECKING:
    from torch import Tensor

TURNS = (1, 4)
"""A quarter turn, and the mirror image: see `lcbench.models.symmetries`. The other symmetries of
the square are made of these two."""


def between_seeds(maps: Sequence[Maps], *, smooth: bool = True) -> Values:
    """Return how alike the attributions of networks are that differ by their seed alone.

    Parameters
    ----------
    maps
        (N, H, W) attributions of the same images under each seed, at least two.
    smooth
        Whether maps are compared at the size of structures, see `smoothed`.

    Returns
    -------
    ndarray, shape (N,)
        Mean rank correlation over all pairs of seeds.

    Raises
    ------
    ValueError
        With fewer than two seeds.
    """
    if len(maps) < 2:
        raise ValueError("one seed agrees with nothing")
    shown = [smoothed(one) for one in maps] if smooth else maps
    return _mean([rank_correlation(one, other) for one, other in combinations(shown, 2)])


def when_turned(
    attribute: Callable[[Tensor], Tensor],
    images: Tensor,
    maps: Maps,
    turns: Sequence[int] = TURNS,
    batch: int = BATCH,
) -> Values:
    """Return how alike attributions are when the image was turned, and they are turned back.

    Parameters
    ----------
    attribute
        Takes (B, 3, side, side) images and returns (B, side, side) attributions.
    images
        (N, 3, side, side) input.
    maps
        (N, side, side) attributions of the images as they are.
    turns
        Symmetries of the square, 1 to 7, see `lcbench.models.symmetries.one_by_one`.
    batch
        Images that are attributed at once.

    Returns
    -------
    ndarray, shape (N,)
        Mean rank correlation over the turns, at the size of structures, see `smoothed`.
    """
    import torch

    own = smoothed(maps)
    found = []
    for turn in turns:
        made = [attribute(_turned(some, turn)).detach() for some in torch.split(images, batch)]
        back = np.concatenate([_turned_back(one, turn).cpu().numpy() for one in made])
        found.append(rank_correlation(own, smoothed(back)))
    return _mean(found)


def _turned(images: Tensor, turn: int) -> Tensor:
    import torch

    from lcbench.models.symmetries import all_at_once

    return all_at_once(images, torch.full((len(images),), turn)).contiguous()


def _turned_back(maps: Tensor, turn: int) -> Tensor:
    # A mirror image, turned or not, is its own inverse.
    return _turned(maps[:, None], turn if turn >= 4 else -turn % 4)[:, 0]


def _mean(found: Sequence[Values]) -> Values:
    """Return the mean over pairs or turns; NaN where one of them is not defined."""
    return np.asarray(np.mean(np.stack(found), axis=0))
