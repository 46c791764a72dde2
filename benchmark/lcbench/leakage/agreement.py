"""Whether two images that lie on each other agree in detail, place by place.

Two chests of different patients correlate as a whole: outline, lungs and the scanner's table lie in
the same places. What tells a copy is that the detail within each place agrees too.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

DETAIL = 1 / 37
"""Coarser structure than this share of the longer side (one standard deviation of a Gaussian) is
taken out: outlines and the fall of light are what images of one kind share."""

WINDOW = 1 / 14
"""Side of the windows within which images are correlated, as a share of the longer side."""

MIN_DETAIL = 3.0
"""Standard deviation of the detail in grey levels from which a window says anything."""

_SMALLEST_WINDOW = 7
_MIN_PLACES = 30
_FAINT = 0.25


def local_correlation(
    first: NDArray[np.float32], second: NDArray[np.float32], inside: NDArray[np.uint8]
) -> float:
    """Return the mean correlation of the detail of two images over windows of their overlap.

    Parameters
    ----------
    first, second
        (height, width) grey values, laid on each other.
    inside
        (height, width) 1 where both images show something, else 0.

    Returns
    -------
    float
        Mean over all windows that lie inside and in which either image has detail; a window that
        only one of them fills counts as it correlates, near zero. 0 where there are too few.
    """
    longer = max(first.shape)
    side = max(_SMALLEST_WINDOW, round(longer * WINDOW)) | 1
    a, b = (image - _blur(image, longer * DETAIL) for image in (first, second))
    mean_a, mean_b = _mean(a, side), _mean(b, side)
    variance_a = np.maximum(_mean(a * a, side) - mean_a * mean_a, 0)
    variance_b = np.maximum(_mean(b * b, side) - mean_b * mean_b, 0)
    whole = cv2.erode(inside, np.ones((side, side), np.uint8), borderValue=0).astype(bool)
    places = whole & (np.maximum(variance_a, variance_b) >= MIN_DETAIL**2)
    if np.count_nonzero(places) < _MIN_PLACES:
        return 0.0
    covariance = (_mean(a * b, side) - mean_a * mean_b)[places]
    # Beside real detail, next to nothing: its direction is noise of the storage.
    scale = np.maximum(np.sqrt(variance_a[places] * variance_b[places]), _FAINT)
    return float(np.clip(covariance / scale, -1, 1).mean())


def _blur(image: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), deviation))


def _mean(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.asarray(cv2.boxFilter(image, cv2.CV_32F, (side, side)))
