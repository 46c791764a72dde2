"""How alike two attributions are: on each pair of maps, whatever model or image they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values

Maps = NDArray[np.floating[Any]]
"""(N, H, W) attributions."""
Likeness = Literal["rank", "signed rank", "structure", "gradients"]
"""What is compared: the order of the absolute values (Spearman's rank correlation), the order of
the signed ones, the structural similarity (SSIM), the histograms of oriented gradients (HOG)."""

BATCH = 4
"""Images that a network is shown at once: on a processor, few go fastest."""
_HOG_CELLS = 14
"""Cells of a histogram along the shorter side: 16 pixels of 224, as is usual."""
_DIGITS = 12
"""Rounding leaves equal maps at 1 - 1e-16."""


def rank_correlation(first: Maps, second: Maps, *, signed: bool = False) -> Values:
    """Return Spearman's rank correlation of each pair of maps.

    Parameters
    ----------
    first, second
        (N, H, W) attributions.
    signed
        Whether a pixel that speaks for the answer is told from one that speaks against it. By
        default absolute values are compared: where does the model look?

    Returns
    -------
    ndarray, shape (N,)
        Within [-1, 1]. A map without any contrast resembles no map that has some: 0. NaN where
        both are without contrast, or one is not finite.
    """
    if not signed:
        first, second = np.abs(first), np.abs(second)
    return _each(first, second, ranked)


def structural_similarity(first: Maps, second: Maps) -> Values:
    """Return the (N,) structural similarity of absolute values, each map scaled to [0, 1].

    Wang, Z. et al. (2004). Image quality assessment: from error visibility to structural
    similarity. IEEE Transactions on Image Processing 13, 600-612. Maps need at least 7 x 7 pixels.
    """
    from skimage.metrics import structural_similarity as of_two

    def alike(one: Maps, other: Maps) -> float:
        return float(of_two(_scaled(one), _scaled(other), data_range=1.0))

    return _each(np.abs(first), np.abs(second), alike)


def gradient_similarity(first: Maps, second: Maps) -> Values:
    """Return the (N,) Pearson correlation of the histograms of oriented gradients of two maps.

    Of absolute values, each map scaled to [0, 1]. Dalal, N. and Triggs, B. (2005). Histograms of
    oriented gradients for human detection. CVPR.
    """
    from skimage.feature import hog

    def described(one: Maps) -> Values:
        side = max(1, min(one.shape) // _HOG_CELLS)
        cells = {"pixels_per_cell": (side, side), "cells_per_block": (1, 1)}
        return np.asarray(hog(_scaled(one), **cells), np.float64)

    def alike(one: Maps, other: Maps) -> float:
        return _pearson(described(one), described(other))

    return _each(np.abs(first), np.abs(second), alike)


def similarities(first: Maps, second: Maps) -> dict[Likeness, Values]:
    """Return every likeness of (N, H, W) maps: those that Adebayo et al. (2018) report."""
    return {
        "rank": rank_correlation(first, second),
        "signed rank": rank_correlation(first, second, signed=True),
        "structure": structural_similarity(first, second),
        "gradients": gradient_similarity(first, second),
    }


def smoothed(maps: Maps, share: float = 1 / 32) -> Maps:
    """Return (N, H, W) absolute values, blurred to the size of structures that a reader sees.

    Single pixels of a gradient change with every stride of a network; where it looks need not.

    Parameters
    ----------
    maps
        (N, H, W) attributions.
    share
        Standard deviation of the blur as a share of the shorter side: 7 pixels of 224.
    """
    from scipy.ndimage import gaussian_filter

    sigma = share * min(maps.shape[1:])
    absolute = np.abs(np.asarray(maps, np.float64))
    return np.asarray(gaussian_filter(absolute, sigma, axes=(1, 2), mode="nearest"))


def ranked(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Spearman's rank correlation of two arrays of one shape, see `rank_correlation`."""
    from scipy.stats import rankdata

    return _pearson(rankdata(first.ravel()), rankdata(second.ravel()))


def _each(first: Maps, second: Maps, alike: Callable[[Maps, Maps], float]) -> Values:
    if first.shape != second.shape:
        raise ValueError(f"maps of {first.shape} and of {second.shape} cannot be compared")
    found = []
    for one, other in zip(first, second, strict=True):
        if not (np.isfinite(one).all() and np.isfinite(other).all()):
            found.append(np.nan)
        elif np.ptp(one) == 0 or np.ptp(other) == 0:
            found.append(np.nan if np.ptp(one) == np.ptp(other) else 0.0)
        else:
            found.append(alike(one, other))
    return np.asarray(np.round(np.array(found, np.float64), _DIGITS))


def _pearson(first: Values, second: Values) -> float:
    one, other = first - first.mean(), second - second.mean()
    length = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / length) if length else np.nan


def _scaled(one: Maps) -> Values:
    lowest, highest = float(one.min()), float(one.max())
    return np.asarray((one - lowest) / (highest - lowest), np.float64)
