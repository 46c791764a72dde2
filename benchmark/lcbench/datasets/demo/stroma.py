"""Fibrous stroma: the connective tissue around tumour nests, and scars in benign lung."""

import numpy as np

from lcbench.datasets.demo.canvas import Canvas
from lcbench.datasets.demo.cells import FIBROBLAST, draw_nuclei
from lcbench.datasets.demo.fields import Field, fibres, fractal_noise, scatter, soft_step
from lcbench.datasets.demo.incidents import draw_lymphocytes


def draw_stroma(canvas: Canvas, rng: np.random.Generator, mask: Field) -> None:
    """Fill `mask` (in [0, 1], shape (SIZE, SIZE)) with fibrous stroma and its cells.

    All classes share it, so that stroma gives no class away.
    """
    angle = rng.uniform(0, np.pi)
    _draw_collagen(canvas, rng, mask, angle)
    spindles = scatter(rng, mask * rng.uniform(0.05, 0.4), 13)
    bend = 0.25 * rng.standard_normal(len(spindles))
    draw_nuclei(canvas, rng, spindles, angle + bend, FIBROBLAST)
    draw_lymphocytes(canvas, rng, mask, max(rng.uniform(-0.5, 0.6), 0.0))


def _draw_collagen(canvas: Canvas, rng: np.random.Generator, mask: Field, angle: float) -> None:
    """Draw collagen fibres, from dense (sclerotic) to loose (oedematous)."""
    looseness = rng.uniform(0.0, 0.6)
    strands = fibres(rng, angle, rng.uniform(3, 6), rng.uniform(5, 18))
    gaps = looseness * soft_step(strands - 1.6 + 2 * looseness, 0.8)
    eosin = rng.uniform(0.3, 0.6) * (1 + 0.22 * strands) * (1 - 0.8 * gaps)
    canvas.cover(
        mask,
        haematoxylin=np.clip(0.14 + 0.04 * fractal_noise(rng, 20), 0, 1),
        eosin=np.clip(eosin, 0, 1.5),
    )
