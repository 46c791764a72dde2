"""What an image looks like as a whole: its colour as others compute it, and its stains."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from lcbench.features.appearance import appearance, to_lab

STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
"""Haematoxylin and eosin of Ruifrok and Johnston (2001)."""


def tissue(side: int = 60, seed: int = 0) -> np.ndarray:
    """Pixels of either stain alone, or of both, (side, side, 3)."""
    random = np.random.default_rng(seed)
    amounts = random.gamma(2.0, 0.5, (side * side, 2))
    amounts[np.arange(side * side), random.integers(3, size=side * side) % 2] *= 0.02
    light = 240.0 * np.exp(-amounts @ STAINS)
    return light.clip(0, 255).astype(np.uint8).reshape(side, side, 3)


def test_lab_is_that_of_scikit_image() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    # OpenCV reads the curve of sRGB from a table; a just noticeable difference is 2.3.
    assert to_lab(pixels) == pytest.approx(rgb2lab(pixels), abs=0.4)


def test_the_stains_of_tissue_are_found() -> None:
    found = appearance(Image.fromarray(tissue())).stains
    assert found is not None
    unit = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
    cosines = (found * unit).sum(axis=1)
    assert np.degrees(np.arccos(cosines.clip(-1, 1))) == pytest.approx([0, 0], abs=6)


@pytest.mark.parametrize("noise", [0, 2])
def test_a_grey_image_has_no_stains(noise: int) -> None:
    """Nor has one whose greys are a little off, as JPEG makes them."""
    random = np.random.default_rng(0)
    grey = np.repeat(random.integers(0, 250, (50, 50, 1)), 3, axis=2)
    image = (grey + random.integers(0, noise + 1, grey.shape)).astype(np.uint8)
    found = appearance(Image.fromarray(image))
    assert found.stains is None
    assert np.abs(found.lab[1:]).max() < 1


def test_a_large_image_is_looked_at_in_places() -> None:
    small = tissue(96)
    large = np.kron(small, np.ones((4, 4, 1), np.uint8))
    here, there = (appearance(Image.fromarray(one)).lab for one in (small, large))
    assert here == pytest.approx(there)
