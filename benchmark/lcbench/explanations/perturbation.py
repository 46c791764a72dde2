"""Whether the answer changes most where an explanation points.

Petsiuk, V., Das, A. and Saenko, K. (2018). RISE: randomized input sampling for explanation of
black-box models. BMVC, section 4.3. Deletion: the parts of an image are taken away, the most
important ones first, and the score shall fall fast. Insertion: they are put back into a blurred
image, and it shall rise fast. Both are compared with the same parts in random order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lcbench.explanations.similarity import Maps
from lcbench.statistics.metrics import Values

if TYPE_CHECKING:
    from torch import Tensor

    Score = Callable[[Tensor], Tensor]
    """Takes (B, 3, H, W) images and returns (B,) scores, such as log-odds of an answer."""

STEPS = 10
"""Steps from nothing to everything. The paper takes 224 pixels a step; so many steps do not change
an area by more than images differ."""
CELLS = 14
"""Parts of an image along a side: 16 pixels of 224."""
_BLUR, _KERNEL = 5.0, 11
"""In pixels, as the authors' own code blurs."""

Orders = NDArray[np.int64]
"""(N, cells) numbers of the parts of each image, from the upper left one, row by row."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Scores while an image is taken apart and put together.

    Parameters
    ----------
    shares
        (S + 1,) share of the parts that were taken away or put back, from 0 to 1.
    insertion, deletion
        (N, S + 1) scores of the images.
    """

    shares: Values
    insertion: Values
    deletion: Values

    @property
    def areas(self) -> tuple[Values, Values]:
        """The (N,) areas under the insertion and the deletion curve, by the trapezoidal rule."""
        insertion, deletion = (
            np.asarray(np.trapezoid(one, self.shares, axis=1))
            for one in (self.insertion, self.deletion)
        )
        return insertion, deletion


def random_orders(images: Iterable[int], *, cells: int = CELLS, seed: int = 0) -> Orders:
    """Return an order of the cells x cells parts of each image, drawn by the image's number.

    Whichever other images are asked for, the order of one is the same, so that methods that are
    checked on other images share what random order gives.
    """
    drawn = [np.random.default_rng((seed, number)) for number in images]
    return np.stack([one.permutation(cells**2) for one in drawn]).astype(np.int64)


def orders_of(maps: Maps, ties: Orders, *, cells: int = CELLS) -> Orders:
    """Return the parts of each image from the one that speaks most for the answer on.

    Parameters
    ----------
    maps
        (N, H, W) attributions, signed where the method is.
    ties
        (N, cells) order of parts that are equally important, see `random_orders`: a map without
        contrast is then no better than chance.
    cells
        Parts along a side.
    """
    means = np.stack([_means(one, cells) for one in maps])
    place = np.argsort(ties, axis=1)
    return np.lexsort((place, -means), axis=1).astype(np.int64)


def curves(
    score: Score, images: Tensor, orders: Orders, *, cells: int = CELLS, steps: int = STEPS
) -> Curves:
    """Return the scores of images that are taken apart, and put together, in some order.

    What is taken away leaves the mean colour of its image, where the paper puts grey, which no
    slide shows.

    Parameters
    ----------
    score
        What falls and rises.
    images
        (N, 3, H, W) input.
    orders
        (N, cells) order of the parts, see `orders_of`.
    cells
        Parts along a side.
    steps
        Steps from nothing to everything; each is one pass of all images.
    """
    import torch

    shares = np.linspace(0.0, 1.0, steps + 1)
    part = torch.from_numpy(_part_of_pixels(images.shape[2], images.shape[3], cells))
    rank = torch.from_numpy(np.argsort(orders, axis=1))
    insertion, deletion = [], []
    with torch.no_grad():
        blurred, empty = _blurred(images), images.mean(dim=(2, 3), keepdim=True)
        for done in np.round(shares * cells**2).astype(int).tolist():
            taken = (rank < done)[:, part][:, None].to(images.device)
            insertion.append(_numbers(score(torch.where(taken, images, blurred))))
            deletion.append(_numbers(score(torch.where(taken, empty, images))))
    return Curves(shares, np.stack(insertion, axis=1), np.stack(deletion, axis=1))


def gains(own: Curves, random: Curves) -> tuple[Values, Values]:
    """Return by how much insertion rises, and deletion falls, faster than in random order.

    Returns
    -------
    tuple of ndarray, shape (N,)
        Differences of the areas, in units of the score; above 0 where the map is better.
    """
    inserted, deleted = own.areas
    inserted_randomly, deleted_randomly = random.areas
    return inserted - inserted_randomly, deleted_randomly - deleted


def _means(one: NDArray[Any], cells: int) -> Values:
    """Return the (cells,) mean of a map over each part, equal means being equal to the last bit."""
    part = _part_of_pixels(one.shape[0], one.shape[1], cells).ravel()
    counts = np.bincount(part, minlength=cells**2)
    sums = np.bincount(part, weights=one.ravel(), minlength=cells**2)
    means = np.divide(sums, counts, out=np.full(cells**2, -np.inf), where=counts > 0)
    return np.asarray(means.astype(np.float32), np.float64)


def _part_of_pixels(height: int, width: int, cells: int) -> NDArray[np.int64]:
    """Return the (H, W) number of the part that each pixel belongs to."""
    rows, columns = (np.arange(side) * cells // side for side in (height, width))
    return np.asarray(rows[:, None] * cells + columns, np.int64)


def _blurred(images: Tensor) -> Tensor:
    from torchvision.transforms.functional import gaussian_blur

    blurred: Tensor = gaussian_blur(images, [_KERNEL, _KERNEL], [_BLUR, _BLUR])
    return blurred


def _numbers(scores: Tensor) -> Values:
    return np.asarray(scores.detach().cpu().numpy(), np.float64)
