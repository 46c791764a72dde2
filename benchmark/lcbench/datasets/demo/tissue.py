"""What a tissue is made of: amounts of stain, nuclei, stroma, torn edges.

Nuclei, stroma and torn edges vary alike in all classes; what tells them apart is architecture.
"""

from dataclasses import dataclass

import numpy as np

from lcbench.datasets.demo.fields import (
    SIZE,
    Field,
    grid,
    nearest_point,
    rotated,
    scatter,
    smooth_noise,
    soft_step,
    within,
)


class Tissue:
    """Stain amounts of a tile, empty at first; 1 is a well stained structure.

    Attributes
    ----------
    haematoxylin : ndarray of float, shape (SIZE, SIZE)
        Nuclei, mucin.
    eosin : ndarray of float, shape (SIZE, SIZE)
        Cytoplasm, collagen, keratin.
    """

    def __init__(self) -> None:
        self.haematoxylin: Field = np.zeros((SIZE, SIZE))
        self.eosin: Field = np.zeros((SIZE, SIZE))

    def cover(self, mask: Field, haematoxylin: Field | float, eosin: Field | float) -> None:
        """Replace what lies under `mask` (in [0, 1], shape (SIZE, SIZE)) by new amounts."""
        self.haematoxylin = self.haematoxylin * (1 - mask) + mask * haematoxylin
        self.eosin = self.eosin * (1 - mask) + mask * eosin


@dataclass(frozen=True)
class Nuclei:
    """What the nuclei of one cell population look like.

    Attributes
    ----------
    radius : float
        Mean radius of the circle of equal area, px.
    elongation : float
        Mean ratio of the long to the short axis, at least 1.
    density : float
        Haematoxylin of the interior: low is vesicular, high is hyperchromatic.
    rim : float
        Haematoxylin that the membrane adds.
    """

    radius: float
    elongation: float
    density: float = 1.0
    rim: float = 0.0


FIBROBLAST = Nuclei(radius=4.5, elongation=2.8, density=0.9)
LYMPHOCYTE = Nuclei(radius=4.8, elongation=1.1, density=1.2)


def draw_stroma(tissue: Tissue, rng: np.random.Generator, mask: Field) -> None:
    """Fill `mask` (in [0, 1], shape (SIZE, SIZE)) with collagen, fibroblasts and lymphocytes."""
    angle = rng.uniform(0, np.pi)
    _, across = rotated(*grid(), -angle)
    phase = 2 * np.pi * across / rng.uniform(9, 16) + 3 * smooth_noise(rng, 40)
    fibres = np.cos(phase + smooth_noise(rng, 9)) * smooth_noise(rng, 25)
    tissue.cover(mask, 0.13, np.clip(rng.uniform(0.3, 0.55) * (1 + 0.3 * fibres), 0, 1))
    places = within(scatter(rng, rng.uniform(16, 30)), mask - 0.5)
    draw_nuclei(tissue, rng, places, angle + 0.25 * rng.standard_normal(len(places)), FIBROBLAST)
    clouds = smooth_noise(rng, 50) - rng.uniform(0.4, 3)
    places = within(scatter(rng, 11), np.minimum(mask - 0.5, clouds))
    draw_nuclei(tissue, rng, places, np.zeros(len(places)), LYMPHOCYTE)


def tear(tissue: Tissue, rng: np.random.Generator) -> None:
    """Leave a part of some tiles of any class empty, along a wavy edge."""
    if rng.random() < 0.4:
        along, _ = rotated(*grid(), rng.uniform(0, 2 * np.pi))
        edge = along - np.quantile(along, rng.uniform(0.5, 0.9)) + 14 * smooth_noise(rng, 45)
        tissue.cover(soft_step(edge), 0.0, 0.02)


def tumour_nuclei(rng: np.random.Generator) -> Nuclei:
    """Draw the nuclei of one tumour of either kind: dark, or vesicular with a rim."""
    radius, elongation, vesicular = rng.uniform(6.8, 8.6), rng.uniform(1.2, 1.5), rng.random()
    return Nuclei(radius, elongation, density=1.15 - 0.5 * vesicular, rim=0.3 * vesicular)


def draw_grain(rng: np.random.Generator) -> Field:
    """Draw the granularity of cytoplasm: a factor of about 1, shape (SIZE, SIZE)."""
    return np.asarray(np.clip(1 + 0.2 * smooth_noise(rng, 8), 0, 2))


def draw_nuclei(
    tissue: Tissue, rng: np.random.Generator, places: Field, angles: Field, style: Nuclei
) -> None:
    """Draw nuclei around `places` (n, 2) of the tile, long along `angles` (n,), radians."""
    if not len(places):
        return
    radius = style.radius * np.exp(0.2 * rng.standard_normal(len(places)))
    stretch = np.sqrt(1 + (style.elongation - 1) * rng.uniform(0.5, 1.5, len(places)))
    density = rng.uniform(0.8, 1.2, len(places))
    nearest = nearest_point(places)
    x, y = grid()
    offset = x - places[nearest, 0], y - places[nearest, 1]
    along, across = rotated(*offset, -angles[nearest])
    distance = np.sqrt((along / stretch[nearest]) ** 2 + (across * stretch[nearest]) ** 2)
    depth = radius[nearest] - distance + 0.6 * smooth_noise(rng, 6)
    chromatin = style.density * np.clip(1 + 0.2 * smooth_noise(rng, 3), 0, 2)
    membrane = style.rim * soft_step(2 - depth)
    tissue.cover(soft_step(depth), density[nearest] * (chromatin + membrane), 0.1)
