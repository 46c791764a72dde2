"""Whether explanations agree between two copies of one tile.

Augmented data sets hold the same tissue several times, turned, mirrored, scaled or sheared. The
map between two copies is proven on their pixels, as source groups are; it brings the attributions
of one onto those of the other.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lcbench.explanations.estimates import Flags
from lcbench.explanations.similarity import ranked, smoothed
from lcbench.leakage.registration import MIN_OVERLAP

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB, as the network is shown an image."""


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
