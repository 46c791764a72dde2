"""From stain amounts to a photographed slide.

Stains absorb by the Beer-Lambert law: the light that passes falls exponentially with the sum of
amount times absorption. The absorption of haematoxylin and eosin in the red, green and blue
channel is that of A. C. Ruifrok and D. A. Johnston, "Quantification of histochemical staining by
color deconvolution", Analytical and Quantitative Cytology and Histology 23(4), 2001.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lcbench.datasets.demo.fields import SIZE, smooth_noise
from lcbench.datasets.demo.tissue import Tissue

_HAEMATOXYLIN = np.array([0.65, 0.70, 0.29])
_EOSIN = np.array([0.07, 0.99, 0.11])
_FROM_PURPLE_TO_BLUE = np.array([1.0, -0.4, -0.6])

#: One laboratory a row: strength of haematoxylin and of eosin; shift of haematoxylin's colour from
#: purple to blue; red, green and blue of the empty slide. Every class has tiles from all of them.
_LABORATORIES = np.array(
    [
        (1.00, 1.00, 0.00, 0.93, 0.91, 0.94),
        (0.80, 0.85, -0.06, 0.95, 0.93, 0.92),
        (1.25, 0.90, 0.06, 0.88, 0.90, 0.93),
        (0.90, 1.15, -0.04, 0.95, 0.91, 0.86),
        (1.15, 1.20, 0.02, 0.86, 0.85, 0.87),
        (0.75, 1.10, 0.04, 0.91, 0.88, 0.90),
        (1.25, 1.05, -0.03, 0.92, 0.88, 0.84),
    ]
)
#: Standard deviation with which a slide departs from its laboratory's.
_DEPARTURE = np.array([0.04, 0.05, 0.01, 0.008, 0.008, 0.008])


def photograph(tissue: Tissue, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Photograph a tissue on a slide of one of the laboratories.

    Returns
    -------
    ndarray of uint8, shape (SIZE, SIZE, 3)
        Red, green, blue.
    """
    usual = _LABORATORIES[rng.integers(len(_LABORATORIES))]
    haematoxylin, eosin, blueness, *light = rng.normal(usual, _DEPARTURE)
    # Staining is never even: it drifts slowly across the slide.
    drift = 1 + 0.06 * smooth_noise(rng, 120)
    absorption = haematoxylin * (_HAEMATOXYLIN + blueness * _FROM_PURPLE_TO_BLUE), eosin * _EOSIN
    blur = rng.uniform(0.9, 1.5)
    channels = []
    for lamp, by_haematoxylin, by_eosin in zip(light, *absorption, strict=True):
        density = tissue.haematoxylin * by_haematoxylin + tissue.eosin * by_eosin
        focused = ndimage.gaussian_filter(lamp * np.exp(-drift * density), blur)
        noise = 2 * rng.standard_normal((SIZE, SIZE))
        channels.append(np.clip(np.rint(255 * focused + noise), 0, 255))
    return np.stack(channels, axis=-1).astype(np.uint8)
