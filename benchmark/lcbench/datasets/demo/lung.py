"""Lung: benign, and four carcinomas.

The classes differ in architecture: a network of thin walls, glands, sheets with whorls of keratin,
sheets of large cells with nucleoli, crowds of small dark nuclei. Some tumours are solid sheets
without gland or whorl, whichever their kind: these are hard to tell apart, as they are on real
slides. Their share is what keeps networks below 100 %, even where they trained on copies of the
tested tiles.
"""

import numpy as np
from scipy.spatial import cKDTree

from lcbench.datasets.demo.fields import (
    SIZE,
    Field,
    grid,
    partition,
    rotated,
    scatter,
    slope_angles,
    smooth_noise,
    soft_step,
    within,
)
from lcbench.datasets.demo.tissue import (
    FIBROBLAST,
    Nuclei,
    Tissue,
    draw_grain,
    draw_nuclei,
    draw_stroma,
    tear,
    tumour_nuclei,
)

_PNEUMOCYTE = Nuclei(radius=5.0, elongation=1.8)


def draw_benign(rng: np.random.Generator) -> Tissue:
    """Draw benign lung: a pale open network of thin walls, in some tiles collapsed or scarred."""
    tissue = Tissue()
    collapse = rng.beta(0.7, 1.2)
    _, _, to_border = partition(rng, rng.uniform(100, 170) * (1 - 0.4 * collapse), 0.09)
    thickness = rng.uniform(4, 8) * (1 + 2.2 * collapse) * np.exp(0.4 * smooth_noise(rng, 40))
    depth = thickness - to_border
    grain = draw_grain(rng)
    tissue.cover(soft_step(depth), 0.18 * grain, 0.42 * grain)
    places = within(scatter(rng, rng.uniform(13, 18)), depth - 1)
    draw_nuclei(tissue, rng, places, slope_angles(depth, places) + np.pi / 2, _PNEUMOCYTE)
    draw_stroma(tissue, rng, soft_step(25 * (smooth_noise(rng, 110) - rng.uniform(0.3, 3.5))))
    tear(tissue, rng)
    return tissue


def draw_adenocarcinoma(rng: np.random.Generator) -> Tissue:
    """Draw adenocarcinoma: crowded nuclei in glands around a lumen, or often in solid sheets."""
    tissue = Tissue()
    draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    if rng.random() < 0.55:
        _draw_glands(tissue, rng)
    else:
        _draw_sheet(tissue, rng, rng.uniform(0.0, 0.3), tumour_nuclei(rng))
    tear(tissue, rng)
    return tissue


def draw_squamous(rng: np.random.Generator) -> Tissue:
    """Draw squamous cell carcinoma: sheets of polygonal cells, in most tiles whorls of keratin."""
    tissue = Tissue()
    keratin = rng.beta(0.8, 1.2)
    draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    _draw_sheet(tissue, rng, keratin, tumour_nuclei(rng))
    for _ in range(rng.binomial(3, keratin)):
        _draw_whorl(tissue, rng)
    tear(tissue, rng)
    return tissue


def draw_large_cell(rng: np.random.Generator) -> Tissue:
    """Draw large cell carcinoma: sheets of large cells, in most tiles with nucleoli."""
    tissue = Tissue()
    draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    plain = rng.random() < 0.3
    nuclei = tumour_nuclei(rng) if plain else _large_nuclei(rng)
    places = _draw_sheet(tissue, rng, rng.uniform(0.0, 0.3), nuclei)
    if not plain and len(places):
        to_nucleolus, _ = cKDTree(places).query(np.stack(grid(), axis=-1))
        tissue.cover(soft_step(rng.uniform(2.2, 3.2) - to_nucleolus), 1.5, 0.3)
    tear(tissue, rng)
    return tissue


def draw_small_cell(rng: np.random.Generator) -> Tissue:
    """Draw small cell carcinoma: crowded small dark nuclei with hardly any cytoplasm; necrosis."""
    tissue = Tissue()
    draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    radius = rng.uniform(5.0, 6.2)
    nuclei = Nuclei(radius, rng.uniform(1.2, 1.9), density=rng.uniform(1.0, 1.35))
    nests = 18 * (smooth_noise(rng, 90) + rng.uniform(0.5, 2.4))
    dead = 18 * (smooth_noise(rng, 70) - rng.uniform(0.6, 2.6))
    shade = draw_grain(rng)
    tissue.cover(soft_step(nests), 0.25 * shade, 0.15 * shade)
    tissue.cover(soft_step(np.minimum(nests, dead)), 0.12, 0.4 * shade)
    places = within(scatter(rng, radius * rng.uniform(1.75, 2.1)), np.minimum(nests, -dead))
    # The nuclei of one tile stream along one another, as crushed tissue does.
    flow = np.pi * smooth_noise(rng, 110) / 4 + rng.uniform(0, np.pi)
    column, row = places.astype(np.intp).T
    draw_nuclei(tissue, rng, places, flow[row, column], nuclei)
    tear(tissue, rng)
    return tissue


def _large_nuclei(rng: np.random.Generator) -> Nuclei:
    return Nuclei(rng.uniform(9.5, 12.0), rng.uniform(1.1, 1.5), density=0.55, rim=0.35)


def _draw_glands(tissue: Tissue, rng: np.random.Generator) -> None:
    """Draw glands: from the stroma inwards a band of cells, then the lumen."""
    nuclei = tumour_nuclei(rng)
    _, _, to_border = partition(rng, rng.uniform(95, 165), 0.09)
    depth = to_border - rng.uniform(3, 12) * np.exp(0.3 * smooth_noise(rng, 45))
    height = nuclei.radius * rng.uniform(2.2, 3.4) * (1 + 0.2 * smooth_noise(rng, 14))
    grain = draw_grain(rng)
    tissue.cover(soft_step(depth), rng.uniform(0.15, 0.4) * grain, rng.uniform(0.2, 0.45) * grain)
    mucin = np.clip(rng.uniform(0.0, 0.15) * (1 + smooth_noise(rng, 20)), 0, 1)
    tissue.cover(soft_step(depth - height), mucin, 0.02 + 0.5 * mucin)
    # Nuclei crowd at the base and stand upright on it.
    base = np.minimum(depth - 0.6 * nuclei.radius, rng.uniform(0.5, 0.8) * height - depth)
    places = within(scatter(rng, nuclei.radius * rng.uniform(1.6, 2.0)), base)
    tilt = rng.uniform(0.1, 0.6) * rng.standard_normal(len(places))
    draw_nuclei(tissue, rng, places, slope_angles(depth, places) + tilt, nuclei)


def _draw_sheet(tissue: Tissue, rng: np.random.Generator, keratin: float, nuclei: Nuclei) -> Field:
    """Draw nests of cells: the more keratin (0 to 1), the larger, pinker and more parted.

    Returns the centres of the nuclei (n, 2).
    """
    spacing = nuclei.radius * (rng.uniform(2.4, 2.8) + 0.5 * keratin)
    sites, nearest, to_border = partition(rng, spacing, 0.04)
    nests = soft_step(18 * (smooth_noise(rng, 90) + rng.uniform(0.2, 2.2)))
    bodies = soft_step(to_border - rng.uniform(0.2, 0.8) - 0.9 * keratin)
    shade = rng.lognormal(0, 0.15, len(sites))[nearest] * (0.45 + 0.55 * bodies) * draw_grain(rng)
    eosin = rng.uniform(0.25, 0.35) + 0.15 * keratin
    tissue.cover(nests, rng.uniform(0.2, 0.35) * shade, eosin * shade)
    places = within(sites, nests - 0.5)
    draw_nuclei(tissue, rng, places, rng.uniform(0, np.pi, len(places)), nuclei)
    return places


def _draw_whorl(tissue: Tissue, rng: np.random.Generator) -> None:
    """Draw a pearl: lamellae of keratin, and the flattened cells around them."""
    x, y = grid()
    centre, radius = rng.uniform(0.15, 0.85, 2) * SIZE, rng.uniform(20, 50)
    along, across = rotated(x - centre[0], y - centre[1], rng.uniform(0, np.pi))
    distance = np.sqrt((along / 1.3) ** 2 + across**2) + 6 * smooth_noise(rng, 35)
    lamellae = np.cos(2 * np.pi * distance / rng.uniform(6, 9) + 2 * smooth_noise(rng, 15))
    tissue.cover(soft_step(radius - distance, 3), 0.06, 0.8 + 0.12 * lamellae)
    places = within(scatter(rng, 13), 8 - np.abs(distance - radius - 3))
    draw_nuclei(tissue, rng, places, slope_angles(distance, places) + np.pi / 2, FIBROBLAST)
