"""Three tissues as amounts of stain: benign lung, adenocarcinoma, squamous cell carcinoma.

The classes differ in architecture: a network of thin walls, glands, sheets with whorls of
keratin. Nuclei, stroma and torn edges vary alike in all, and some tumours of both kinds are solid
sheets without gland or whorl: these are hard to tell apart, as they are on real slides. Their
share is what keeps networks below 100 %, even where they trained on copies of the tested tiles.
"""

from dataclasses import dataclass

import numpy as np

from lcbench.datasets.demo.fields import (
    SIZE,
    Field,
    grid,
    nearest_point,
    partition,
    rotated,
    scatter,
    slope_angles,
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


_FIBROBLAST = Nuclei(radius=4.5, elongation=2.8, density=0.9)
_LYMPHOCYTE = Nuclei(radius=4.8, elongation=1.1, density=1.2)
_PNEUMOCYTE = Nuclei(radius=5.0, elongation=1.8)


def draw_benign(rng: np.random.Generator) -> Tissue:
    """Draw benign lung: a pale open network of thin walls, in some tiles collapsed or scarred."""
    tissue = Tissue()
    collapse = rng.beta(0.7, 1.2)
    _, _, to_border = partition(rng, rng.uniform(100, 170) * (1 - 0.4 * collapse), 0.09)
    thickness = rng.uniform(4, 8) * (1 + 2.2 * collapse) * np.exp(0.4 * smooth_noise(rng, 40))
    depth = thickness - to_border
    grain = _grain(rng)
    tissue.cover(soft_step(depth), 0.18 * grain, 0.42 * grain)
    places = within(scatter(rng, rng.uniform(13, 18)), depth - 1)
    _draw_nuclei(tissue, rng, places, slope_angles(depth, places) + np.pi / 2, _PNEUMOCYTE)
    _draw_stroma(tissue, rng, soft_step(25 * (smooth_noise(rng, 110) - rng.uniform(0.3, 3.5))))
    _tear(tissue, rng)
    return tissue


def draw_adenocarcinoma(rng: np.random.Generator) -> Tissue:
    """Draw adenocarcinoma: crowded nuclei in glands around a lumen, or often in solid sheets."""
    tissue = Tissue()
    _draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    if rng.random() < 0.55:
        _draw_glands(tissue, rng)
    else:
        _draw_sheet(tissue, rng, keratin=rng.uniform(0.0, 0.3))
    _tear(tissue, rng)
    return tissue


def draw_squamous(rng: np.random.Generator) -> Tissue:
    """Draw squamous cell carcinoma: sheets of polygonal cells, in most tiles whorls of keratin."""
    tissue = Tissue()
    keratin = rng.beta(0.8, 1.2)
    _draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    _draw_sheet(tissue, rng, keratin)
    for _ in range(rng.binomial(3, keratin)):
        _draw_whorl(tissue, rng)
    _tear(tissue, rng)
    return tissue


def _draw_glands(tissue: Tissue, rng: np.random.Generator) -> None:
    """Draw glands: from the stroma inwards a band of cells, then the lumen."""
    nuclei = _tumour_nuclei(rng)
    _, _, to_border = partition(rng, rng.uniform(95, 165), 0.09)
    depth = to_border - rng.uniform(3, 12) * np.exp(0.3 * smooth_noise(rng, 45))
    height = nuclei.radius * rng.uniform(2.2, 3.4) * (1 + 0.2 * smooth_noise(rng, 14))
    grain = _grain(rng)
    tissue.cover(soft_step(depth), rng.uniform(0.15, 0.4) * grain, rng.uniform(0.2, 0.45) * grain)
    mucin = np.clip(rng.uniform(0.0, 0.15) * (1 + smooth_noise(rng, 20)), 0, 1)
    tissue.cover(soft_step(depth - height), mucin, 0.02 + 0.5 * mucin)
    # Nuclei crowd at the base and stand upright on it.
    base = np.minimum(depth - 0.6 * nuclei.radius, rng.uniform(0.5, 0.8) * height - depth)
    places = within(scatter(rng, nuclei.radius * rng.uniform(1.6, 2.0)), base)
    tilt = rng.uniform(0.1, 0.6) * rng.standard_normal(len(places))
    _draw_nuclei(tissue, rng, places, slope_angles(depth, places) + tilt, nuclei)


def _draw_sheet(tissue: Tissue, rng: np.random.Generator, keratin: float) -> None:
    """Draw nests of cells: the more keratin (0 to 1), the larger, pinker and more parted."""
    nuclei = _tumour_nuclei(rng)
    spacing = nuclei.radius * (rng.uniform(2.4, 2.8) + 0.5 * keratin)
    sites, nearest, to_border = partition(rng, spacing, 0.04)
    nests = soft_step(18 * (smooth_noise(rng, 90) + rng.uniform(0.2, 2.2)))
    bodies = soft_step(to_border - rng.uniform(0.2, 0.8) - 0.9 * keratin)
    shade = rng.lognormal(0, 0.15, len(sites))[nearest] * (0.45 + 0.55 * bodies) * _grain(rng)
    eosin = rng.uniform(0.25, 0.35) + 0.15 * keratin
    tissue.cover(nests, rng.uniform(0.2, 0.35) * shade, eosin * shade)
    places = within(sites, nests - 0.5)
    _draw_nuclei(tissue, rng, places, rng.uniform(0, np.pi, len(places)), nuclei)


def _draw_whorl(tissue: Tissue, rng: np.random.Generator) -> None:
    """Draw a pearl: lamellae of keratin, and the flattened cells around them."""
    x, y = grid()
    centre, radius = rng.uniform(0.15, 0.85, 2) * SIZE, rng.uniform(20, 50)
    along, across = rotated(x - centre[0], y - centre[1], rng.uniform(0, np.pi))
    distance = np.sqrt((along / 1.3) ** 2 + across**2) + 6 * smooth_noise(rng, 35)
    lamellae = np.cos(2 * np.pi * distance / rng.uniform(6, 9) + 2 * smooth_noise(rng, 15))
    tissue.cover(soft_step(radius - distance, 3), 0.06, 0.8 + 0.12 * lamellae)
    places = within(scatter(rng, 13), 8 - np.abs(distance - radius - 3))
    _draw_nuclei(tissue, rng, places, slope_angles(distance, places) + np.pi / 2, _FIBROBLAST)


def _draw_stroma(tissue: Tissue, rng: np.random.Generator, mask: Field) -> None:
    """Fill `mask` (in [0, 1], shape (SIZE, SIZE)) with collagen, fibroblasts and lymphocytes."""
    angle = rng.uniform(0, np.pi)
    _, across = rotated(*grid(), -angle)
    phase = 2 * np.pi * across / rng.uniform(9, 16) + 3 * smooth_noise(rng, 40)
    fibres = np.cos(phase + smooth_noise(rng, 9)) * smooth_noise(rng, 25)
    tissue.cover(mask, 0.13, np.clip(rng.uniform(0.3, 0.55) * (1 + 0.3 * fibres), 0, 1))
    places = within(scatter(rng, rng.uniform(16, 30)), mask - 0.5)
    _draw_nuclei(tissue, rng, places, angle + 0.25 * rng.standard_normal(len(places)), _FIBROBLAST)
    clouds = smooth_noise(rng, 50) - rng.uniform(0.4, 3)
    places = within(scatter(rng, 11), np.minimum(mask - 0.5, clouds))
    _draw_nuclei(tissue, rng, places, np.zeros(len(places)), _LYMPHOCYTE)


def _tear(tissue: Tissue, rng: np.random.Generator) -> None:
    """Leave a part of some tiles of any class empty, along a wavy edge."""
    if rng.random() < 0.4:
        along, _ = rotated(*grid(), rng.uniform(0, 2 * np.pi))
        edge = along - np.quantile(along, rng.uniform(0.5, 0.9)) + 14 * smooth_noise(rng, 45)
        tissue.cover(soft_step(edge), 0.0, 0.02)


def _tumour_nuclei(rng: np.random.Generator) -> Nuclei:
    """Draw the nuclei of one tumour of either kind: dark, or vesicular with a rim."""
    radius, elongation, vesicular = rng.uniform(6.8, 8.6), rng.uniform(1.2, 1.5), rng.random()
    return Nuclei(radius, elongation, density=1.15 - 0.5 * vesicular, rim=0.3 * vesicular)


def _grain(rng: np.random.Generator) -> Field:
    """Draw the granularity of cytoplasm: a factor of about 1, shape (SIZE, SIZE)."""
    return np.asarray(np.clip(1 + 0.2 * smooth_noise(rng, 8), 0, 2))


def _draw_nuclei(
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
