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
_MOSTLY_INSIDE = 0.5
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
        Mean over all windows of which at least half lies inside and in which either image has
        detail; where only one has, they agree in nothing. 0 where there are too few windows.
    """
    longer = max(first.shape)
    side = max(_SMALLEST_WINDOW, round(longer * WINDOW)) | 1
    weight = inside.astype(np.float32)
    blur = longer * DETAIL
    near = np.maximum(cv2.GaussianBlur(weight, (0, 0), blur), 1e-3)
    a, b = (_detail(image, weight, near, blur) for image in (first, second))
    shown = _box(weight, side)
    places = (inside > 0) & (shown >= _MOSTLY_INSIDE)
    share = np.maximum(shown, _MOSTLY_INSIDE)
    mean_a, mean_b = _box(a, side) / share, _box(b, side) / share
    variance_a = np.maximum(_box(a * a, side) / share - mean_a * mean_a, 0)
    variance_b = np.maximum(_box(b * b, side) / share - mean_b * mean_b, 0)
    places &= np.maximum(variance_a, variance_b) >= MIN_DETAIL**2
    if np.count_nonzero(places) < _MIN_PLACES:
        return 0.0
    covariance = (_box(a * b, side) / share - mean_a * mean_b)[places]
    # Beside real detail, next to nothing: its direction is noise of the storage.
    scale = np.maximum(np.sqrt(variance_a[places] * variance_b[places]), _FAINT)
    return float(np.clip(covariance / scale, -1, 1).mean())


def _detail(
    image: NDArray[np.float32],
    weight: NDArray[np.float32],
    near: NDArray[np.float32],
    deviation: float,
) -> NDArray[np.float32]:
    """Return an image less its blurred self; what lies outside counts for nothing, and is 0."""
    blurred = cv2.GaussianBlur(image * weight, (0, 0), deviation)
    return np.asarray((image - blurred / near) * weight, dtype=np.float32)


def _box(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    how = cv2.BORDER_CONSTANT  # beyond the frame, nothing is shown
    return np.asarray(cv2.boxFilter(image, cv2.CV_32F, (side, side), borderType=how))
