"""The two stains of an image of tissue, haematoxylin and eosin, found in its own pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(height, width, 3) RGB."""

LIGHT = 240.0
"""What a scanner sees where there is no tissue."""
_TRANSPARENT = 0.15
"""Optical density below which a pixel shows no tissue."""
_LEAST_TISSUE = 0.01
"""Share of the pixels: below, there is too little tissue to find its stains."""


def optical_density(image: Pixels) -> NDArray[np.float64]:
    """Return (pixels, 3): natural logarithms of the light that was let in over let out."""
    return np.asarray(-np.log((image.reshape(-1, 3) + 1.0) / LIGHT))


def stain_vectors(image: Pixels) -> NDArray[np.float64] | None:
    """Return the (channels, stains) optical densities of an image's haematoxylin and eosin.

    Macenko et al., "A method for normalizing histology slides for quantitative analysis", ISBI
    2009: the two stains of an image span the plane of the two largest eigenvectors of its optical
    densities, and lie at the 1st and 99th percentile of the angles there.

    Returns
    -------
    array or None
        Columns of unit length; None where less than 1 % of the pixels show tissue, or the stains
        cannot be told apart.
    """
    density = optical_density(image)
    tissue = density[(density >= _TRANSPARENT).all(axis=1)]
    if len(tissue) < max(3, _LEAST_TISSUE * len(density)):
        return None
    stains = _two_stains(tissue)
    return None if np.linalg.matrix_rank(stains, tol=1e-3) < 2 else stains


def _two_stains(tissue: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (channels, stains) haematoxylin and eosin of (pixels, channels) densities."""
    _, vectors = np.linalg.eigh(np.cov(tissue.T))
    plane = vectors[:, 1:]
    across, along = (tissue @ plane).T
    angles = np.percentile(np.arctan2(along, across), [1, 99])
    stains = plane @ np.stack([np.cos(angles), np.sin(angles)])
    # Haematoxylin lets less red through.
    return np.asarray(stains if stains[0, 0] > stains[0, 1] else stains[:, ::-1])
