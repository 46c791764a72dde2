"""Benign lung: alveoli, their thin walls, the blood in them."""

from dataclasses import dataclass

import numpy as np

from lcbench.datasets.demo.canvas import Canvas
from lcbench.datasets.demo.cells import (
    NucleusStyle,
    draw_macrophages,
    draw_nuclei,
    draw_red_cells,
)
from lcbench.datasets.demo.fields import (
    Field,
    fractal_noise,
    partition,
    sample,
    scatter,
    slope_angles,
    smooth_noise,
    soft_step,
)
from lcbench.datasets.demo.incidents import draw_bleeding, draw_lymphocytes, draw_vessel
from lcbench.datasets.demo.stroma import draw_stroma


@dataclass(frozen=True)
class AlveolarStyle:
    """Architecture of one tile of benign lung.

    Attributes
    ----------
    spacing : float
        Width of an alveolus, px.
    thickness : float
        Half the thickness of a wall, px.
    pneumocytes : float
        Distance between the nuclei in a wall, px.
    reactive : float
        How much the pneumocytes are swollen by irritation, 0 to 1.
    capillaries : float
        Share of the walls that red cells fill.
    bleeding : float
        Share of the air spaces that red cells fill.
    inflammation : float
        Density of lymphocytes in the walls, 0 to 1.
    macrophages : float
        Chance of a macrophage in a place of an air space that could hold one.
    scar : float
        Share of the tile that fibrous tissue takes: pleura, a septum, a scar.
    vessels : int
        Number of larger vessels.
    """

    spacing: float
    thickness: float
    pneumocytes: float
    reactive: float
    capillaries: float
    bleeding: float
    inflammation: float
    macrophages: float
    scar: float
    vessels: int


def draw_benign(rng: np.random.Generator) -> Canvas:
    """Draw the tissue of one tile of benign lung."""
    style = _draw_style(rng)
    canvas = Canvas()
    alveoli = partition(rng, style.spacing, waviness=0.09 * style.spacing, stretch=1.4)
    thickness = style.thickness * np.exp(0.45 * smooth_noise(rng, 40))
    # Here and there a wall ends, as walls that leave the plane of the section do.
    thickness -= 0.5 * style.thickness * np.clip(smooth_noise(rng, 80) - 0.8, 0, 1)
    depth = thickness - alveoli.to_border
    wall = soft_step(depth, 1.5)
    canvas.cover(soft_step(fractal_noise(rng, 60) - 0.5, 3), eosin=0.04)
    _draw_walls(canvas, rng, depth, wall)
    draw_bleeding(canvas, rng, soft_step(-6 - depth), style.bleeding)
    room = soft_step(-14 - depth)
    draw_macrophages(canvas, rng, scatter(rng, room * style.macrophages, 34))
    draw_red_cells(canvas, rng, scatter(rng, soft_step(depth - 5) * style.capillaries, 10), 4.8)
    _draw_pneumocytes(canvas, rng, depth, style)
    draw_lymphocytes(canvas, rng, soft_step(depth - 3), style.inflammation)
    _draw_scar(canvas, rng, style.scar)
    for _ in range(style.vessels):
        draw_vessel(canvas, rng)
    return canvas.distorted(rng, 2.5, 22)


def _draw_style(rng: np.random.Generator) -> AlveolarStyle:
    """Draw an architecture: from open alveoli to collapsed, inflamed lung."""
    collapse = rng.beta(0.7, 1.0)
    irritation = rng.beta(0.8, 1.8)
    return AlveolarStyle(
        spacing=rng.uniform(110, 200) * (1 - 0.4 * collapse),
        thickness=rng.uniform(5, 10) * (1 + 2.0 * collapse),
        pneumocytes=rng.uniform(17, 24) * (1 - 0.35 * irritation),
        reactive=irritation,
        capillaries=max(rng.uniform(-0.15, 0.4), 0.0) * (1 - 0.7 * collapse),
        bleeding=max(rng.uniform(-0.6, 0.5), 0.0),
        inflammation=max(rng.uniform(-0.2, 0.5), 0.0) + 0.4 * irritation * collapse,
        macrophages=rng.uniform(0.0, 0.15) ** 2 * 4,
        scar=max(rng.uniform(-0.7, 0.55), 0.0),
        vessels=int(rng.random() < 0.35),
    )


def _draw_walls(canvas: Canvas, rng: np.random.Generator, depth: Field, wall: Field) -> None:
    """Draw the connective tissue of the walls; `depth` is the distance to the air, px."""
    fibrils = np.cos(2 * np.pi * depth / 6 + 1.5 * smooth_noise(rng, 25))
    lining = np.exp(-((depth - 1.5) ** 2) / 4)
    texture = fractal_noise(rng, 12)
    canvas.cover(
        wall,
        haematoxylin=np.clip(0.16 + 0.03 * texture + 0.08 * lining, 0, 1),
        eosin=np.clip(0.38 + 0.07 * fibrils + 0.08 * texture + 0.1 * lining, 0.05, 1),
    )
    # Capillaries and clefts leave the walls of real alveoli full of pale holes.
    holes = soft_step(smooth_noise(rng, 11) - 1.2, 0.5) * soft_step(depth - 4)
    canvas.cover(0.75 * holes, eosin=0.05)


def _draw_pneumocytes(
    canvas: Canvas, rng: np.random.Generator, depth: Field, style: AlveolarStyle
) -> None:
    """Draw the nuclei of the walls: flat ones along the surface, round ones where swollen."""
    places = scatter(rng, soft_step(depth - 2.0), style.pneumocytes)
    tangent = slope_angles(depth, places) + np.pi / 2
    round_ones = sample(fractal_noise(rng, 70), places) < 3 * style.reactive - 1.5
    flat = NucleusStyle(
        radius=5.4, elongation=1.9, spread=0.2, irregularity=0.06, density=1.0, clumping=0.2
    )
    swollen = NucleusStyle(
        radius=6.2 + 1.6 * style.reactive,
        elongation=1.3,
        spread=0.18,
        density=0.8,
        rim=0.2,
        clumping=0.25,
        nucleoli=0.5 * style.reactive,
    )
    draw_nuclei(canvas, rng, places[~round_ones], tangent[~round_ones], flat)
    draw_nuclei(canvas, rng, places[round_ones], tangent[round_ones], swollen)


def _draw_scar(canvas: Canvas, rng: np.random.Generator, share: float) -> None:
    """Replace about `share` of the tile by fibrous tissue."""
    if share > 0:
        draw_stroma(canvas, rng, soft_step((smooth_noise(rng, 110) + 3.6 * share - 1.8) * 25, 2))
