"""Colon: benign mucosa and adenocarcinoma.

They differ in architecture: round crypts of one size, lined by one row of cells with mucin, against
crowded irregular glands of long dark nuclei, some of them with dead cells in the lumen.
"""

import numpy as np

from lcbench.datasets.demo.fields import (
    SIZE,
    Field,
    grid,
    partition,
    scatter,
    slope_angles,
    smooth_noise,
    soft_step,
    within,
)
from lcbench.datasets.demo.tissue import (
    Nuclei,
    Tissue,
    draw_grain,
    draw_nuclei,
    draw_stroma,
    tear,
)


def draw_benign(rng: np.random.Generator) -> Tissue:
    """Draw benign mucosa: even round crypts around a small lumen, their cells full of mucin."""
    tissue = Tissue()
    draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    spacing = rng.uniform(62, 92)
    depth, inwards = _crypts(rng, spacing)
    nuclei = Nuclei(rng.uniform(4.2, 5.2), rng.uniform(1.3, 1.7))
    shade = draw_grain(rng)
    tissue.cover(soft_step(depth), 0.15 * shade, 0.35 * shade)
    vacuole = smooth_noise(rng, rng.uniform(7, 10)) + rng.uniform(0.0, 0.8)
    tissue.cover(soft_step(np.minimum(depth - 2.2 * nuclei.radius, 6 * vacuole)), 0.1, 0.03)
    tissue.cover(soft_step(depth - 0.27 * spacing), 0.03, 0.02)
    base = np.minimum(depth - 0.5 * nuclei.radius, 1.9 * nuclei.radius - depth)
    places = within(scatter(rng, nuclei.radius * rng.uniform(1.8, 2.2)), base)
    draw_nuclei(tissue, rng, places, slope_angles(inwards, places) + np.pi / 2, nuclei)
    tear(tissue, rng)
    return tissue


def draw_adenocarcinoma(rng: np.random.Generator) -> Tissue:
    """Draw adenocarcinoma: crowded irregular glands, long dark nuclei in several rows, debris."""
    tissue = Tissue()
    draw_stroma(tissue, rng, np.ones((SIZE, SIZE)))
    nuclei = Nuclei(rng.uniform(5.8, 7.2), rng.uniform(1.9, 2.8), density=rng.uniform(0.9, 1.3))
    _, _, to_border = partition(rng, rng.uniform(70, 125), 0.16)
    depth = to_border - rng.uniform(2, 8) * np.exp(0.5 * smooth_noise(rng, 35))
    height = nuclei.radius * rng.uniform(3.0, 4.6) * (1 + 0.25 * smooth_noise(rng, 16))
    shade = draw_grain(rng)
    tissue.cover(soft_step(depth), 0.3 * shade, rng.uniform(0.25, 0.45) * shade)
    lumen = soft_step(depth - height)
    tissue.cover(lumen, 0.02, 0.04)
    debris = soft_step(8 * (smooth_noise(rng, 9) - rng.uniform(-0.4, 1.6)))
    tissue.cover(lumen * debris, rng.uniform(0.2, 0.5), 0.5)
    base = np.minimum(depth - 0.6 * nuclei.radius, 0.8 * height - depth)
    places = within(scatter(rng, nuclei.radius * rng.uniform(1.3, 1.6)), base)
    tilt = rng.uniform(0.1, 0.35) * rng.standard_normal(len(places))
    draw_nuclei(tissue, rng, places, slope_angles(depth, places) + tilt, nuclei)
    tear(tissue, rng)
    return tissue


def _crypts(rng: np.random.Generator, spacing: float) -> tuple[Field, Field]:
    """Return the depth in round crypts, px, and a field that rises towards their centres."""
    sites, nearest, _ = partition(rng, spacing, 0.03)
    x, y = grid()
    radius = spacing * rng.uniform(0.36, 0.44, len(sites))
    offset = np.hypot(x - sites[nearest, 0], y - sites[nearest, 1])
    depth = radius[nearest] - offset + 1.5 * smooth_noise(rng, 25)
    return np.asarray(depth), -offset
