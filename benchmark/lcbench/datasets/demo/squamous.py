"""Squamous cell carcinoma: sheets of polygonal, keratinising cells."""

from dataclasses import dataclass

import numpy as np

from lcbench.datasets.demo.canvas import Canvas
from lcbench.datasets.demo.cells import FIBROBLAST, PYKNOTIC, NucleusStyle, draw_nuclei
from lcbench.datasets.demo.fields import (
    SIZE,
    oval_distance,
    scatter,
    slope_angles,
    smooth_noise,
    soft_step,
)
from lcbench.datasets.demo.incidents import draw_mishaps
from lcbench.datasets.demo.sheets import SheetStyle, draw_sheet
from lcbench.datasets.demo.stroma import draw_stroma


@dataclass(frozen=True)
class Pearl:
    """A keratin pearl: its centre (x, y) and radius, px."""

    x: float
    y: float
    radius: float


def draw_squamous(rng: np.random.Generator) -> Canvas:
    """Draw the tissue of one tile of squamous cell carcinoma."""
    canvas = Canvas()
    keratin = rng.beta(0.8, 1.0)
    draw_stroma(canvas, rng, np.ones_like(canvas.eosin))
    nests = soft_step(smooth_noise(rng, rng.uniform(60, 120)) * 18 + rng.uniform(-3, 36), 2)
    draw_sheet(canvas, rng, nests, _draw_style(rng, keratin))
    if rng.random() < keratin:
        for _ in range(int(rng.integers(1, 4))):
            _draw_pearl(canvas, rng, _place_pearl(rng))
    dying = scatter(rng, nests * rng.uniform(0.0, 0.25), 30)
    draw_nuclei(canvas, rng, dying, rng.uniform(0, np.pi, len(dying)), PYKNOTIC)
    _draw_necrosis(canvas, rng)
    draw_mishaps(canvas, rng)
    return canvas.distorted(rng, 2.5, 22)


def _draw_style(rng: np.random.Generator, keratin: float) -> SheetStyle:
    """Draw the cells: the more keratin, the larger, pinker and more sharply bordered."""
    nuclei = NucleusStyle(
        radius=rng.uniform(6.4, 9.0),
        elongation=rng.uniform(1.2, 1.8),
        spread=rng.uniform(0.15, 0.32),
        irregularity=rng.uniform(0.05, 0.11),
        density=rng.uniform(0.65, 1.15),
        rim=rng.uniform(0.05, 0.25),
        clumping=rng.uniform(0.2, 0.4),
        nucleoli=rng.uniform(0.0, 0.4),
    )
    return SheetStyle(
        spacing=nuclei.radius * (rng.uniform(1.7, 2.3) + 0.5 * keratin),
        elongation=1 + rng.beta(1.0, 2.0) * 1.4,
        gap=rng.uniform(0.3, 1.4) + 1.2 * keratin,
        haematoxylin=rng.uniform(0.15, 0.4) * (1 - 0.4 * keratin),
        eosin=rng.uniform(0.22, 0.45) + 0.12 * keratin,
        variation=rng.uniform(0.05, 0.25) + 0.1 * keratin,
        vacuoles=max(rng.uniform(-0.1, 0.15), 0.0),
        nuclei=nuclei,
    )


def _place_pearl(rng: np.random.Generator) -> Pearl:
    x, y = rng.uniform(0.1, 0.9, 2) * SIZE
    return Pearl(float(x), float(y), rng.uniform(20, 55))


def _draw_pearl(canvas: Canvas, rng: np.random.Generator, pearl: Pearl) -> None:
    """Draw whorls of keratin and the flattened cells around them."""
    distance = oval_distance(rng, pearl.x, pearl.y, dents=6)
    lamellae = np.cos(2 * np.pi * distance / rng.uniform(5, 8) + 2.0 * smooth_noise(rng, 18))
    strength = rng.uniform(0.6, 1.0)
    canvas.cover(
        soft_step(pearl.radius - distance, 3),
        haematoxylin=0.04 + 0.02 * lamellae,
        eosin=strength * (0.9 + 0.16 * lamellae + 0.1 * smooth_noise(rng, 12)),
    )
    slits = soft_step(lamellae - 0.75, 0.2) * soft_step(smooth_noise(rng, 12) - 0.4, 0.5)
    canvas.cover(slits * soft_step(pearl.radius - distance, 3) * 0.8, eosin=0.12)
    ring = soft_step(8 - np.abs(distance - pearl.radius - 3), 2)
    places = scatter(rng, 0.9 * ring, 14)
    draw_nuclei(canvas, rng, places, slope_angles(distance, places) + np.pi / 2, FIBROBLAST)


def _draw_necrosis(canvas: Canvas, rng: np.random.Generator) -> None:
    """Let a part of some tiles die: granular pink debris with crumbs of nuclei."""
    dead = soft_step((smooth_noise(rng, 90) - rng.uniform(1.2, 3.5)) * 15, 8)
    canvas.cover(dead, haematoxylin=0.12, eosin=0.5 + 0.12 * smooth_noise(rng, 4))
    crumbs = scatter(rng, 0.5 * dead, 10)
    draw_nuclei(canvas, rng, crumbs, rng.uniform(0, np.pi, len(crumbs)), PYKNOTIC)
