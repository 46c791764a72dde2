"""Adenocarcinoma: glands of crowded, enlarged nuclei around a lumen, in fibrous stroma."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lcbench.datasets.demo.canvas import Canvas
from lcbench.datasets.demo.cells import PYKNOTIC, NucleusStyle, draw_nuclei
from lcbench.datasets.demo.fields import (
    Field,
    fractal_noise,
    partition,
    scatter,
    slope_angles,
    smooth_noise,
    soft_step,
)
from lcbench.datasets.demo.incidents import draw_bleeding, draw_mishaps
from lcbench.datasets.demo.sheets import SheetStyle, draw_sheet
from lcbench.datasets.demo.stroma import draw_stroma


@dataclass(frozen=True)
class EpitheliumStyle:
    """The malignant epithelium of one tile.

    Attributes
    ----------
    height : float
        Height of the cells from the stroma to the lumen, px.
    crowding : float
        Distance between nuclei, px.
    haematoxylin, eosin : float
        Stain of the cytoplasm.
    mucin : float
        Share of the lumina that mucin fills.
    nuclei : NucleusStyle
    """

    height: float
    crowding: float
    haematoxylin: float
    eosin: float
    mucin: float
    nuclei: NucleusStyle


def draw_adenocarcinoma(rng: np.random.Generator) -> Canvas:
    """Draw the tissue of one tile of adenocarcinoma, in one of its growth patterns."""
    patterns: list[Callable[[np.random.Generator], Canvas]] = [_acinar, _papillary, _solid]
    pattern = patterns[int(rng.choice(3, p=[0.55, 0.2, 0.25]))]
    canvas = pattern(rng)
    draw_mishaps(canvas, rng)
    return canvas.distorted(rng, 2.5, 22)


def _draw_nuclear_style(rng: np.random.Generator) -> NucleusStyle:
    """Draw the nuclei of one adenocarcinoma: hyperchromatic, or vesicular with nucleoli."""
    vesicular = rng.beta(0.9, 1.1)
    return NucleusStyle(
        radius=rng.uniform(6.8, 9.5),
        elongation=rng.uniform(1.15, 1.7),
        spread=rng.uniform(0.12, 0.28),
        irregularity=rng.uniform(0.03, 0.08),
        density=1.15 - 0.5 * vesicular,
        rim=0.05 + 0.25 * vesicular,
        clumping=rng.uniform(0.15, 0.35),
        nucleoli=0.75 * vesicular,
    )


def _acinar(rng: np.random.Generator) -> Canvas:
    """Glands with lumina, in stroma."""
    canvas = Canvas()
    style = _draw_epithelium(rng)
    spacing = rng.uniform(110, 200)
    glands = partition(rng, spacing, waviness=0.09 * spacing, stretch=rng.uniform(1.0, 1.6))
    radii = spacing * rng.uniform(0.42, 0.7, len(glands.sites))
    between = rng.uniform(2, 12)
    depth = np.minimum(radii[glands.nearest] - glands.first, glands.to_border - between)
    # Ragged cells at the lumen.
    height = style.height * (1 + 0.2 * smooth_noise(rng, 12) + 0.15 * smooth_noise(rng, 60))
    draw_stroma(canvas, rng, np.ones_like(canvas.eosin))
    draw_bleeding(canvas, rng, soft_step(-4 - depth), max(rng.uniform(-0.6, 0.35), 0.0))
    _draw_cleft(canvas, rng, depth)
    _draw_epithelium_band(canvas, rng, depth, height, style)
    _draw_lumina(canvas, rng, depth - height, style.mucin)
    _draw_band_nuclei(canvas, rng, depth, height, style)
    return canvas


def _papillary(rng: np.random.Generator) -> Canvas:
    """Tumour cells that line air spaces: the lepidic and papillary patterns."""
    canvas = Canvas()
    style = _draw_epithelium(rng)
    spacing = rng.uniform(90, 160)
    spaces = partition(rng, spacing, waviness=0.1 * spacing, stretch=1.4)
    core = rng.uniform(3, 14) * np.exp(0.5 * smooth_noise(rng, 45))
    depth = spaces.to_border - core
    height = 0.8 * style.height * (1 + 0.25 * smooth_noise(rng, 14))
    draw_stroma(canvas, rng, np.ones_like(canvas.eosin))
    _draw_epithelium_band(canvas, rng, depth, height, style)
    _draw_lumina(canvas, rng, depth - height, 0.3 * style.mucin)
    air = soft_step(depth - height - 5)
    draw_bleeding(canvas, rng, air, max(rng.uniform(-0.5, 0.4), 0.0))
    _draw_band_nuclei(canvas, rng, depth, height, style)
    return canvas


def _solid(rng: np.random.Generator) -> Canvas:
    """Sheets with hardly a lumen."""
    canvas = Canvas()
    draw_stroma(canvas, rng, np.ones_like(canvas.eosin))
    nests = soft_step(smooth_noise(rng, rng.uniform(60, 110)) * 18 + rng.uniform(0, 30), 2)
    epithelium = _draw_epithelium(rng)
    sheet = SheetStyle(
        spacing=epithelium.crowding * rng.uniform(1.25, 1.6),
        elongation=rng.uniform(1.0, 1.3),
        gap=rng.uniform(0.0, 1.4),
        haematoxylin=epithelium.haematoxylin,
        eosin=epithelium.eosin,
        variation=rng.uniform(0.05, 0.2),
        vacuoles=max(rng.uniform(-0.1, 0.15), 0.0),
        nuclei=epithelium.nuclei,
    )
    draw_sheet(canvas, rng, nests, sheet)
    small_lumina = 14 * (smooth_noise(rng, 32) - rng.uniform(1.5, 2.4))
    _draw_lumina(canvas, rng, small_lumina, epithelium.mucin)
    return canvas


def _draw_epithelium(rng: np.random.Generator) -> EpitheliumStyle:
    """Draw an epithelium; the tall ones are pale with mucin."""
    nuclei = _draw_nuclear_style(rng)
    tall = rng.beta(1.0, 2.0)
    return EpitheliumStyle(
        height=nuclei.radius * rng.uniform(2.3, 3.2) * (1 + 0.5 * tall),
        crowding=nuclei.radius * rng.uniform(1.5, 1.95),
        haematoxylin=rng.uniform(0.2, 0.4) * (1 - 0.3 * tall),
        eosin=rng.uniform(0.2, 0.4) * (1 - 0.3 * tall),
        mucin=rng.uniform(0.0, 0.5) + 0.4 * tall,
        nuclei=nuclei,
    )


def _draw_cleft(canvas: Canvas, rng: np.random.Generator, depth: Field) -> None:
    """Let some glands shrink away from the stroma, as they do in fixation."""
    width = 5 * np.clip(smooth_noise(rng, 60) - rng.uniform(-0.5, 1.5), 0, 1)
    canvas.cover(soft_step(depth + width, 1.5), eosin=0.03)


def _draw_epithelium_band(
    canvas: Canvas, rng: np.random.Generator, depth: Field, height: Field, style: EpitheliumStyle
) -> None:
    """Draw cytoplasm between depth 0 (the stroma) and `height` (the lumen), px."""
    grain = fractal_noise(rng, 7)
    apex = np.clip(depth / height, 0, 1)
    canvas.cover(
        soft_step(depth, 1.5),
        haematoxylin=np.clip(style.haematoxylin * (1.1 - 0.3 * apex + 0.12 * grain), 0, 1),
        eosin=np.clip(style.eosin * (1.1 - 0.2 * apex + 0.15 * grain), 0, 1),
    )


def _draw_lumina(canvas: Canvas, rng: np.random.Generator, inside: Field, mucin: float) -> None:
    """Empty the lumina where `inside` (px from their edge) is positive, leaving mucin, debris."""
    mask = soft_step(inside, 1.5)
    strands = np.exp(-(fractal_noise(rng, 24) ** 2) * 6)
    filled = soft_step(smooth_noise(rng, 60) + 3 * mucin - 1.5, 1)
    canvas.cover(
        mask,
        haematoxylin=filled * (0.07 + 0.13 * strands),
        eosin=0.02 + filled * (0.03 + 0.04 * strands),
    )
    debris = scatter(rng, 0.08 * soft_step(inside - 6) * soft_step(smooth_noise(rng, 50)), 12)
    draw_nuclei(canvas, rng, debris, rng.uniform(0, np.pi, len(debris)), PYKNOTIC)


def _draw_band_nuclei(
    canvas: Canvas, rng: np.random.Generator, depth: Field, height: Field, style: EpitheliumStyle
) -> None:
    """Crowd nuclei towards the base of the epithelium, upright on it."""
    apex = depth / height
    reach = rng.uniform(0.45, 0.75)
    radius = style.nuclei.radius
    likelihood = soft_step(depth - 0.7 * radius, 2) * soft_step(8 * (reach - apex), 2)
    places = scatter(rng, likelihood, style.crowding)
    upright = slope_angles(depth, places)
    loss_of_polarity = rng.uniform(0.1, 0.7) * rng.standard_normal(len(places))
    draw_nuclei(canvas, rng, places, upright + loss_of_polarity, style.nuclei)
