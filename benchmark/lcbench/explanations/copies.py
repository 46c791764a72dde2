"""Whether explanations agree between two copies of one tile.

Augmented data sets hold the same tissue several times, turned, mirrored, scaled or sheared. The
map between two copies is proven on their pixels, as source groups are; it brings the attributions
of one onto those of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lcbench.explanations.estimates import Flags
from lcbench.explanations.similarity import Maps, ranked, smoothed
from lcbench.leakage.registration import MIN_OVERLAP
from lcbench.statistics.groups import ClusterCodes
from lcbench.statistics.metrics import Values

Pair = tuple[int, int]
Pixels = NDArray[np.uint8]
"""(N, H, W, 3) RGB images as the network is shown them."""


@dataclass(frozen=True, eq=False)
class CopyAgreement:
    """How alike the attributions of copies are.

    Parameters
    ----------
    pairs
        Rows of the two images of each pair.
    likeness
        (pairs,) rank correlation in what both show; NaN where the pixels prove no map between
        them, or the attributions there have no contrast.
    """

    pairs: tuple[Pair, ...]
    likeness: Values

    def groups(self, of_images: ClusterCodes) -> ClusterCodes:
        """Return the source groups of the pairs from those of the images."""
        codes = of_images.codes[[first for first, _ in self.pairs]]
        return ClusterCodes(codes, of_images.count, of_images.known)


def copy_pairs(groups: ClusterCodes, each: int = 1, seed: int = 0) -> tuple[Pair, ...]:
    """Return pairs of images of one source group, no image in two of them.

    Parameters
    ----------
    groups
        Source groups of the images.
    each
        Pairs a group at most.
    seed
        Which images are drawn.
    """
    pairs: list[Pair] = []
    for group in range(groups.count):
        rows = np.flatnonzero(groups.codes == group)
        drawn = np.random.default_rng((seed, group)).permutation(rows).tolist()
        found = list(zip(drawn[::2], drawn[1::2], strict=False))
        pairs += found[:each]
    return tuple(pairs)


def between_copies(pixels: Pixels, maps: Maps, pairs: Sequence[Pair]) -> CopyAgreement:
    """Return how alike the attributions of copies are, once they are laid on each other.

    Parameters
    ----------
    pixels
        (N, H, W, 3) images as the network is shown them.
    maps
        (N, H, W) their attributions.
    pairs
        Rows of the copies, see `copy_pairs`.
    """
    found = []
    for first, second in pairs:
        matrix = affine_between(pixels[first], pixels[second])
        likeness = np.nan if matrix is None else laid_likeness(maps[first], maps[second], matrix)
        found.append(likeness)
    return CopyAgreement(tuple(pairs), np.array(found, np.float64))


def affine_between(first: Pixels, second: Pixels) -> NDArray[np.float64] | None:
    """Return the (2, 3) affine map from pixels of one image to those of its copy.

    Parameters
    ----------
    first, second
        (H, W, 3) RGB.

    Returns
    -------
    ndarray or None
        None where the pixels do not prove that the images show the same tissue, see
        `lcbench.leakage.grouping.is_proof`.
    """
    from PIL import Image

    from lcbench.leakage.grouping import is_proof
    from lcbench.leakage.keypoints import describe
    from lcbench.leakage.registration import register

    ours, theirs = (describe(Image.fromarray(one)) for one in (first, second))
    tried = (register(ours, theirs, mirror=mirror) for mirror in (False, True))
    proven = [one for one in tried if one is not None and is_proof(one)]
    return max(proven, key=lambda one: one.local).matrix if proven else None


def laid_likeness(
    first: NDArray[np.floating], second: NDArray[np.floating], matrix: NDArray[np.float64]
) -> float:
    """Return the rank correlation of two maps where one lies on the other.

    Parameters
    ----------
    first, second
        (H, W) attributions, compared at the size of structures, see `smoothed`.
    matrix
        (2, 3) affine map from pixels of the first to those of the second.

    Returns
    -------
    float
        NaN where they share too little, or are without contrast there.
    """
    ours, theirs = (smoothed(one[None])[0] for one in (first, second))
    laid, inside = _brought_over(theirs, matrix, (ours.shape[0], ours.shape[1]))
    if inside.mean() < MIN_OVERLAP or not np.isfinite(laid).all():
        return np.nan
    return ranked(ours[inside], laid[inside])


def _brought_over(
    one: NDArray[np.float64], matrix: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], Flags]:
    """Return a map in the frame of another one, and where it shows something there."""
    size, back = (shape[1], shape[0]), cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(one, matrix, size, flags=cv2.INTER_LINEAR | back)
    ones = np.ones(one.shape, np.uint8)
    inside = cv2.warpAffine(ones, matrix, size, flags=cv2.INTER_NEAREST | back)
    whole = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=0)
    return np.asarray(laid, np.float64), np.asarray(whole > 0)
