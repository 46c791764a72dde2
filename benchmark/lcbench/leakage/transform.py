"""What a registration says in the words of people: mirrored, turned, scaled, sheared."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DEGREES = 1.0
_RIGHT_ANGLE = 90.0
_SCALE = 0.03
_STRETCH = 1.05
_GREY_LEVELS = 6.0
_FULL = 0.97


@dataclass(frozen=True)
class Transform:
    """An affine map, taken apart: mirror first, then stretch, turn and scale.

    Parameters
    ----------
    mirrored
        Whether the first image is flipped from left to right.
    rotation
        Degrees, clockwise as seen on the screen, in (-180, 180].
    scale
        Pixels of the second image for a pixel of the first; the root of the area's factor.
    stretch
        Larger over smaller factor of the two directions; 1 where nothing is sheared.
    """

    mirrored: bool
    rotation: float
    scale: float
    stretch: float


def decompose(matrix: NDArray[np.float64]) -> Transform:
    """Take a (2, 3) affine matrix apart (polar decomposition of its linear part)."""
    linear = matrix[:, :2]
    mirrored = bool(np.linalg.det(linear) < 0)
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    left, factors, right = np.linalg.svd(linear)
    turn = left @ right
    return Transform(
        mirrored=mirrored,
        rotation=math.degrees(math.atan2(turn[1, 0], turn[0, 0])),
        scale=float(np.sqrt(factors.prod())),
        stretch=float(factors[0] / factors[1]),
    )


def transform_words(
    transform: Transform,
    overlap_first: float,
    overlap_second: float,
    brightness: float,
    *,
    recoloured: bool = False,
) -> str:
    """Return for example `mirrored, turned by 24°, scaled by 1.2, cropped`.

    Parameters
    ----------
    transform
        From the first image to the second.
    overlap_first, overlap_second
        Share of each image that the other one shows.
    brightness
        Grey levels that the second image is brighter by.
    recoloured
        Whether the colours differ by more than brightness.
    """
    parts = []
    degrees = abs(transform.rotation)
    if transform.mirrored and degrees > _RIGHT_ANGLE:  # a flip from top to bottom, turned by less
        parts.append("mirrored upside down")
        degrees = 2 * _RIGHT_ANGLE - degrees
    elif transform.mirrored:
        parts.append("mirrored")
    if degrees >= _DEGREES:
        parts.append(f"turned by {degrees:.0f}°")
    if abs(math.log(transform.scale)) >= _SCALE:
        parts.append(f"scaled by {transform.scale:.2f}")
    if transform.stretch >= _STRETCH:
        parts.append(f"stretched by {transform.stretch:.2f}")
    if min(overlap_first, overlap_second) < _FULL:
        parts.append("cropped")
    if abs(brightness) >= _GREY_LEVELS:
        parts.append("brighter" if brightness > 0 else "darker")
    if recoloured:
        parts.append("recoloured")
    return ", ".join(parts) or "in place, stored anew"
