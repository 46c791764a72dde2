"""From stain amounts to a photographed slide.

Stains absorb by the Beer-Lambert law: the light that passes falls exponentially with the sum of
amount times absorption. The absorption of haematoxylin and eosin in the red, green and blue
channel is that of A. C. Ruifrok and D. A. Johnston, "Quantification of histochemical staining by
color deconvolution", Analytical and Quantitative Cytology and Histology 23(4), 2001.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lcbench.datasets.demo.canvas import Canvas
from lcbench.datasets.demo.fields import SIZE, Field, grid, rotated, smooth_noise

_HAEMATOXYLIN = np.array([0.65, 0.70, 0.29])
_EOSIN = np.array([0.07, 0.99, 0.11])
_BLOOD = np.array([0.06, 1.00, 0.55])
_PIGMENT = np.array([0.35, 0.55, 0.80])


@dataclass(frozen=True)
class Slide:
    """How one slide was stained, lit and photographed.

    Attributes
    ----------
    haematoxylin, eosin : float
        Strength of the stains.
    blueness : float
        Shift of haematoxylin's colour from purple (negative) to blue (positive).
    light : tuple of float
        Red, green and blue of the empty slide, in [0, 1].
    shading : float
        Fall of the light from one side of the tile to the other.
    blur : float
        Standard deviation of the defocus, px.
    noise : float
        Standard deviation of the camera's noise, grey levels.
    """

    haematoxylin: float
    eosin: float
    blueness: float
    light: tuple[float, float, float]
    shading: float
    blur: float
    noise: float


#: Tiles come from a few laboratories, and every class from all of them.
_LABORATORIES = (
    Slide(1.00, 1.00, 0.00, (0.93, 0.91, 0.94), shading=0.03, blur=0.6, noise=2.0),
    Slide(0.80, 0.85, -0.06, (0.95, 0.93, 0.92), shading=0.04, blur=0.7, noise=1.6),
    Slide(1.25, 0.90, 0.06, (0.88, 0.90, 0.93), shading=0.05, blur=0.6, noise=2.4),
    Slide(0.90, 1.30, -0.04, (0.95, 0.91, 0.86), shading=0.06, blur=0.6, noise=2.0),
    Slide(1.15, 1.25, 0.02, (0.86, 0.85, 0.87), shading=0.04, blur=0.7, noise=2.4),
)


def draw_slide(rng: np.random.Generator) -> Slide:
    """Draw the slide of one tile: a laboratory, and how the slide departs from its protocol."""
    usual = _LABORATORIES[int(rng.integers(len(_LABORATORIES)))]
    exposure, warmth = rng.normal(0.0, 0.015), rng.normal(0.0, 0.009)
    red, green, blue = usual.light
    return replace(
        usual,
        haematoxylin=usual.haematoxylin * np.exp(rng.normal(0.0, 0.11)),
        eosin=usual.eosin * np.exp(rng.normal(0.0, 0.14)),
        blueness=usual.blueness + rng.normal(0.0, 0.02),
        light=(red + exposure + warmth, green + exposure, blue + exposure - warmth),
        blur=usual.blur + rng.gamma(1.5, 0.35),
        noise=usual.noise * rng.uniform(0.6, 1.6),
    )


def photograph(canvas: Canvas, slide: Slide, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Photograph a canvas.

    Parameters
    ----------
    canvas : Canvas
    slide : Slide
    rng : numpy.random.Generator
        Draws the direction of the shading and the noise.

    Returns
    -------
    ndarray of uint8, shape (SIZE, SIZE, 3)
        Red, green, blue.
    """
    lamp = _illumination(slide, rng)
    # Staining is never even: it drifts slowly across the slide.
    drift = 1 + 0.06 * smooth_noise(rng, 120)
    grain = rng.standard_normal((SIZE, SIZE))
    channels = []
    for channel, light in enumerate(slide.light):
        passed = lamp * light * np.exp(-drift * _optical_density(canvas, slide, channel))
        focused = ndimage.gaussian_filter(passed, slide.blur, mode="nearest")
        speckle = grain + 0.5 * rng.standard_normal((SIZE, SIZE))
        channels.append(np.clip(np.rint(255 * focused + slide.noise * speckle), 0, 255))
    return np.stack(channels, axis=-1).astype(np.uint8)


def _optical_density(canvas: Canvas, slide: Slide, channel: int) -> Field:
    """Sum amount times absorption over the stains, in one channel; shape (SIZE, SIZE)."""
    haematoxylin = _HAEMATOXYLIN + slide.blueness * np.array([1.0, -0.4, -0.6])
    density: Field = (
        canvas.haematoxylin * (slide.haematoxylin * haematoxylin[channel])
        + canvas.eosin * (slide.eosin * _EOSIN[channel])
        + canvas.blood * _BLOOD[channel]
        + canvas.pigment * _PIGMENT[channel]
    )
    return density


def _illumination(slide: Slide, rng: np.random.Generator) -> Field:
    """Light that falls off linearly in a random direction; shape (SIZE, SIZE), at most 1."""
    x, y = grid()
    along, _ = rotated(x / SIZE - 0.5, y / SIZE - 0.5, rng.uniform(0, 2 * np.pi))
    light: Field = 1 - slide.shading * (along / np.sqrt(2) + 0.5)
    return light
