"""What happens to any tissue of the lung: bleeding, inflammation, vessels, torn edges."""

import numpy as np

from lcbench.datasets.demo.canvas import Canvas
from lcbench.datasets.demo.cells import FIBROBLAST, LYMPHOCYTE, draw_nuclei, draw_red_cells
from lcbench.datasets.demo.fields import (
    SIZE,
    Field,
    fractal_noise,
    grid,
    oval_distance,
    rotated,
    scatter,
    slope_angles,
    smooth_noise,
    soft_step,
)


def draw_lymphocytes(canvas: Canvas, rng: np.random.Generator, mask: Field, density: float) -> None:
    """Scatter inflammatory cells in clouds over `mask` (in [0, 1], shape (SIZE, SIZE)).

    `density`, 0 to 1, is the density inside a cloud.
    """
    clouds = np.clip(0.5 + 0.8 * smooth_noise(rng, 50), 0, 1)
    cells = scatter(rng, mask * clouds * density, 11.5)
    draw_nuclei(canvas, rng, cells, rng.uniform(0, np.pi, len(cells)), LYMPHOCYTE)


def draw_bleeding(canvas: Canvas, rng: np.random.Generator, mask: Field, share: float) -> None:
    """Scatter red cells in pools over `mask` (in [0, 1], shape (SIZE, SIZE)).

    `share` is about the part of the mask that the pools take.
    """
    if share <= 0:
        return
    pools = soft_step(smooth_noise(rng, 60) + 3.2 * share - 1.9, 1.2)
    canvas.cover(0.6 * mask * pools, eosin=0.12)
    draw_red_cells(canvas, rng, scatter(rng, mask * pools, 9), 5.0)


def draw_vessel(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a blood vessel at a random place."""
    lumen, wall = rng.uniform(16, 45), rng.uniform(8, 18)
    distance = oval_distance(rng, rng.uniform(0, SIZE), rng.uniform(0, SIZE), dents=4)
    layers = np.cos(2 * np.pi * distance / 5 + smooth_noise(rng, 25))
    canvas.cover(soft_step(lumen + wall - distance), haematoxylin=0.15, eosin=0.5 + 0.1 * layers)
    canvas.cover(soft_step(lumen - distance), eosin=0.06)
    draw_red_cells(canvas, rng, scatter(rng, soft_step(lumen - 5 - distance), 8.5), 5.0)
    ring = soft_step(wall / 2 - np.abs(distance - lumen - wall / 2), 2)
    cells = scatter(rng, 0.6 * ring, 15)
    draw_nuclei(canvas, rng, cells, slope_angles(distance, cells) + np.pi / 2, FIBROBLAST)


def draw_tear(canvas: Canvas, rng: np.random.Generator, share: float) -> None:
    """Tear the tissue: leave about `share` of the tile empty, along a wavy edge."""
    if share <= 0:
        return
    x, y = grid()
    along, _ = rotated(x - SIZE / 2, y - SIZE / 2, rng.uniform(0, 2 * np.pi))
    empty = along + (share - 0.5) * SIZE + 20 * fractal_noise(rng, 80, 4)
    canvas.cover(soft_step(empty, 2), eosin=0.02)
    draw_bleeding(canvas, rng, 0.3 * soft_step(empty - 8), rng.uniform(-0.2, 0.5))


def draw_mishaps(canvas: Canvas, rng: np.random.Generator) -> None:
    """Let a vessel run through some tumours, bleed into some, and tear some."""
    if rng.random() < 0.15:
        draw_vessel(canvas, rng)
    draw_bleeding(canvas, rng, np.full((SIZE, SIZE), 0.8), max(rng.uniform(-0.8, 0.35), 0.0))
    draw_tear(canvas, rng, max(rng.uniform(-0.7, 0.55), 0.0))
