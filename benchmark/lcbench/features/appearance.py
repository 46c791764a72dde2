"""What an image looks like as a whole: its mean colour and its stains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.features.stains import Pixels, stain_vectors

_SIDE = 96
"""Pixels are taken at so many places along the shorter side: none is blended with another."""
_GREY = 2.0
"""Mean chroma in CIE Lab below which an image has no colour; a just noticeable difference is 2.3
(Mahy, M., Van Eycken, L. and Oosterlinck, A. (1994). Color Research and Application 19, 105-121)"""


@dataclass(frozen=True)
class Appearance:
    """The colour of an image.

    Parameters
    ----------
    lab
        (3,) mean lightness, a and b in CIE Lab (D65, of sRGB pixels).
    stains
        (2, 3) haematoxylin and eosin, see `stain_vectors`; None where none can be told.
    """

    lab: NDArray[np.float64]
    stains: NDArray[np.float64] | None


def appearance(image: Image.Image) -> Appearance:
    """Return the mean colour and the stains of an RGB image; a grey image has no stains."""
    pixels = _some_pixels(np.asarray(image))
    lab = to_lab(pixels)
    chroma = float(np.hypot(lab[..., 1], lab[..., 2]).mean())
    stains = None if chroma < _GREY else stain_vectors(pixels)
    return Appearance(lab.reshape(-1, 3).mean(axis=0), None if stains is None else stains.T)


def to_lab(pixels: Pixels) -> NDArray[np.float64]:
    """Return the CIE Lab values of sRGB pixels, (height, width, 3): L 0 to 100, a, b."""
    import cv2

    scaled = np.ascontiguousarray(pixels, dtype=np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float64)


def _some_pixels(pixels: Pixels) -> Pixels:
    step = max(1, min(pixels.shape[:2]) // _SIDE)
    return pixels[step // 2 :: step, step // 2 :: step]
