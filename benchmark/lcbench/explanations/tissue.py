"""Whether a model looks at tissue: attribution on nuclei, other tissue and background.

The stains are told apart by colour deconvolution: Ruifrok, A. C. and Johnston, D. A. (2001).
Quantification of histochemical staining by color deconvolution. Analytical and Quantitative
Cytology and Histology 23, 291-299.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lcbench.explanations.similarity import Maps
from lcbench.features.stains import Pixels, optical_density
from lcbench.statistics.metrics import Values

Compartment = Literal["nuclei", "other tissue", "background"]
COMPARTMENTS: tuple[Compartment, ...] = get_args(Compartment)
"""Where haematoxylin prevails; what else is stained, which is eosin; and where nothing is."""
_MOST_DENSE, _MOST_COLOUR = 0.35, 0.24
"""Background: optical density of every channel, and distance of the densest from the lightest one,
at most. Chosen by eye on LC25000, whose glass is a greyish white."""
_LEAST_TISSUE = 0.01
"""Share of the pixels."""
_GREEN = 0.75
"""Least optical density of green, as a share of the densest channel; below, other dyes prevail."""
_LEAST_COLOUR = 0.1
"""How much denser green is than the lightest channel, in the mean over the tissue, from which it is
stained. Grey images have no colour, whatever their compression adds."""


@dataclass(frozen=True, eq=False)
class TissueShares:
    """What each compartment has of an image, and of its attribution.

    Parameters
    ----------
    areas, shares
        (N, 3) shares of the area, and of the absolute attribution, in the order of
        `COMPARTMENTS`; a row sums to 1. NaN where the image shows no stained tissue; `shares`
        alone where its attribution is zero everywhere.
    """

    areas: Values
    shares: Values

    @property
    def stained(self) -> NDArray[np.bool_]:
        """(N,) whether an image shows stained tissue: of others, the question does not apply."""
        return np.asarray(np.isfinite(self.areas).all(axis=1))


def shares_of(divided: Sequence[NDArray[np.bool_] | None], maps: Maps) -> TissueShares:
    """Return how area and attribution are divided.

    Parameters
    ----------
    divided
        The `compartments` of each image, as the network is shown it.
    maps
        (N, H, W) their attributions.
    """
    areas = np.full((len(maps), len(COMPARTMENTS)), np.nan)
    shares = areas.copy()
    for row, (parts, one) in enumerate(zip(divided, maps, strict=True)):
        if parts is None:
            continue
        weight = np.abs(np.asarray(one, np.float64))
        areas[row] = parts.mean(axis=(1, 2))
        if np.isfinite(weight).all() and weight.any():
            shares[row] = (parts * weight).sum(axis=(1, 2)) / weight.sum()
    return TissueShares(areas, shares)


def compartments(image: Pixels) -> NDArray[np.bool_] | None:
    """Return where nuclei, other tissue and background are.

    Background is bright and without colour. Of the rest, nuclei have more haematoxylin than Otsu's
    threshold of this image. Otsu always divides: in tissue without nuclei, that is the darker part.
    Glass of a strong tint counts as other tissue: so it does in one of 100 tiles of LC25000.

    Parameters
    ----------
    image
        (H, W, 3) RGB.

    Returns
    -------
    ndarray or None
        (3, H, W) in the order of `COMPARTMENTS`, exactly one of them True at each pixel; None for
        an image that shows no stained tissue, such as a grey one.
    """
    density = optical_density(image)
    empty = _is_empty(density)
    if not _is_stained(density[~empty], len(density)):
        return None
    background = empty.reshape(image.shape[:2])
    nuclei = ~background & _is_dark(_haematoxylin(image), ~background)
    return np.stack([nuclei, ~background & ~nuclei, background])


def is_stained(image: Pixels) -> bool:
    """Tell whether an image shows tissue in haematoxylin and eosin, which both absorb green.

    Parameters
    ----------
    image
        (H, W, 3) RGB.
    """
    density = optical_density(image)
    return _is_stained(density[~_is_empty(density)], len(density))


def _is_stained(tissue: Values, pixels: int) -> bool:
    """Tell it from the (n, 3) optical densities of what is not empty, of so many pixels."""
    if len(tissue) < _LEAST_TISSUE * pixels:
        return False
    red, green, blue = tissue.mean(axis=0)
    return bool(green >= _GREEN * max(red, blue) and green - min(red, blue) >= _LEAST_COLOUR)


def _is_empty(density: Values) -> NDArray[np.bool_]:
    """Return which of (pixels, 3) optical densities are bright and without colour."""
    clear = (density < _MOST_DENSE).all(axis=1) & (np.ptp(density, axis=1) < _MOST_COLOUR)
    return np.asarray(clear)


def _haematoxylin(image: Pixels) -> Values:
    from skimage.color import rgb2hed

    return np.asarray(rgb2hed(image)[..., 0], np.float64)


def _is_dark(stain: Values, tissue: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from skimage.filters import threshold_otsu

    if np.ptp(stain[tissue]) == 0:
        return np.zeros_like(tissue)
    return np.asarray(stain > threshold_otsu(stain[tissue]))
