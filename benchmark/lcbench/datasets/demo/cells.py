"""Nuclei and free cells."""

from dataclasses import dataclass

import numpy as np

from lcbench.datasets.demo.canvas import Canvas, Stencil
from lcbench.datasets.demo.fields import Field, fractal_noise, smooth_noise

_CORNERS = 20


@dataclass(frozen=True)
class NucleusStyle:
    """What the nuclei of one cell population look like.

    Attributes
    ----------
    radius : float
        Mean radius (of the circle of equal area), px.
    elongation : float
        Mean ratio of the long to the short axis, at least 1.
    spread : float
        Standard deviation of the logarithm of the radius: anisonucleosis.
    irregularity : float
        Relative depth of dents in the outline.
    density : float
        Haematoxylin of the interior: low is vesicular, high is hyperchromatic.
    rim : float
        Haematoxylin that the membrane adds.
    clumping : float
        Relative contrast of the chromatin.
    nucleoli : float
        Chance that a nucleus shows a nucleolus.
    """

    radius: float
    elongation: float = 1.3
    spread: float = 0.12
    irregularity: float = 0.05
    density: float = 0.85
    rim: float = 0.1
    clumping: float = 0.2
    nucleoli: float = 0.0


LYMPHOCYTE = NucleusStyle(radius=5.2, elongation=1.1, density=1.15, rim=0.0, clumping=0.15)
FIBROBLAST = NucleusStyle(radius=4.8, elongation=3.0, spread=0.25, density=0.85, clumping=0.15)
PYKNOTIC = NucleusStyle(radius=4.2, elongation=1.3, spread=0.3, irregularity=0.07, density=1.3)


def outlines(
    rng: np.random.Generator,
    centres: Field,
    angles: Field,
    radii: Field,
    elongation: Field | float,
    irregularity: float,
) -> Field:
    """Draw the outlines of rounded bodies: ellipses with dents.

    Parameters
    ----------
    rng : numpy.random.Generator
    centres : ndarray of float, shape (n, 2)
        As (x, y), px.
    angles : ndarray of float, shape (n,)
        Direction of the long axis, radians.
    radii : ndarray of float, shape (n,)
        Radius of the circle of equal area, px.
    elongation : float or ndarray of float, shape (n,)
        Ratio of the axes.
    irregularity : float
        Standard deviation of the relative radius.

    Returns
    -------
    ndarray of float, shape (n, k, 2)
        Corners as (x, y), px.
    """
    turn = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
    bumps = np.ones((len(centres), _CORNERS))
    for waves in (2, 3, 4):
        phase = rng.uniform(0, 2 * np.pi, (len(centres), 1))
        depth = irregularity * rng.standard_normal((len(centres), 1))
        bumps += depth * np.cos(waves * turn + phase)
    stretch = np.sqrt(np.broadcast_to(elongation, radii.shape))
    along = (radii * stretch)[:, None] * bumps * np.cos(turn)
    across = (radii / stretch)[:, None] * bumps * np.sin(turn)
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    corners = np.stack([along * cosine - across * sine, along * sine + across * cosine], axis=-1)
    return np.asarray(corners + centres[:, None, :])


def shrunk(corners: Field, centres: Field, factor: float) -> Field:
    """Shrink outlines (n, k, 2) towards their centres (n, 2)."""
    return np.asarray(centres[:, None, :] + factor * (corners - centres[:, None, :]))


def draw_nuclei(
    canvas: Canvas, rng: np.random.Generator, centres: Field, angles: Field, style: NucleusStyle
) -> None:
    """Draw nuclei on the canvas.

    Parameters
    ----------
    canvas : Canvas
    rng : numpy.random.Generator
    centres : ndarray of float, shape (n, 2)
        As (x, y), px.
    angles : ndarray of float, shape (n,)
        Direction of the long axis, radians.
    style : NucleusStyle
    """
    count = len(centres)
    radii = style.radius * np.exp(style.spread * rng.standard_normal(count))
    elongation = 1 + (style.elongation - 1) * rng.uniform(0.5, 1.5, count)
    angles = angles + 0.2 * rng.standard_normal(count)
    corners = outlines(rng, centres, angles, radii, elongation, style.irregularity)
    density = style.density * rng.uniform(0.8, 1.2, count)
    body, amount = Stencil(), Stencil()
    body.polygons(corners, 1.0)
    # Levels are in halves, so that amounts of up to 2 fit into a stencil's [0, 1].
    amount.polygons(corners, (density + style.rim) / 2)
    amount.polygons(shrunk(corners, centres, 0.78), density / 2)
    with_nucleolus = rng.random(count) < style.nucleoli
    spots = _nucleoli(rng, centres[with_nucleolus], radii[with_nucleolus])
    amount.polygons(spots, (density[with_nucleolus] + 0.6) / 2)
    _stain_nuclei(canvas, rng, body.levels(), 2 * amount.levels(), style.clumping)


def draw_red_cells(canvas: Canvas, rng: np.random.Generator, centres: Field, radius: float) -> None:
    """Draw red blood cells at centres (n, 2): discs, tilted at random, with a paler middle."""
    count = len(centres)
    angles = rng.uniform(0, np.pi, count)
    radii = radius * np.exp(0.1 * rng.standard_normal(count))
    elongation = 1 + rng.beta(0.7, 1.8, count)
    corners = outlines(rng, centres, angles, radii, elongation, 0.05)
    amounts = rng.uniform(0.9, 1.7, count)
    body, amount = Stencil(), Stencil()
    body.polygons(corners, 1.0)
    amount.polygons(corners, amounts / 2)
    amount.polygons(shrunk(corners, centres, 0.5), 0.8 * amounts / 2)
    canvas.cover(body.levels())
    canvas.blood += 2 * amount.levels()


def draw_macrophages(canvas: Canvas, rng: np.random.Generator, centres: Field) -> None:
    """Draw alveolar macrophages at centres (n, 2): large, foamy, some laden with pigment."""
    count = len(centres)
    angles = rng.uniform(0, np.pi, count)
    radii = rng.uniform(13, 19, count)
    body, laden = Stencil(), Stencil()
    corners = outlines(rng, centres, angles, radii, 1.15, 0.06)
    body.polygons(corners, 1.0)
    laden.polygons(shrunk(corners, centres, 0.85), rng.uniform(-0.6, 0.9, count))
    foam = smooth_noise(rng, 3)
    canvas.cover(
        0.9 * body.levels(),
        haematoxylin=0.22 + 0.06 * foam,
        eosin=0.36 + 0.1 * foam,
        pigment=laden.levels() * np.clip(0.4 + 0.4 * smooth_noise(rng, 2.5), 0, 2),
    )
    shift = rng.uniform(-5, 5, (count, 2))
    style = NucleusStyle(radius=6.5, elongation=1.3, density=0.8, rim=0.2, nucleoli=0.4)
    draw_nuclei(canvas, rng, centres + shift, angles, style)


def _nucleoli(rng: np.random.Generator, centres: Field, radii: Field) -> Field:
    """Outlines of one nucleolus a nucleus, a little off its centre; (n, k, 2)."""
    count = len(centres)
    off = rng.uniform(-0.25, 0.25, (count, 2)) * radii[:, None]
    angles = rng.uniform(0, np.pi, count)
    return outlines(rng, centres + off, angles, radii * rng.uniform(0.2, 0.32, count), 1.1, 0.05)


def _stain_nuclei(
    canvas: Canvas, rng: np.random.Generator, body: Field, amount: Field, clumping: float
) -> None:
    """Put nuclei on the canvas; the cytoplasm above and below a nucleus still shines through."""
    chromatin = np.clip(1 + clumping * fractal_noise(rng, 4, 2), 0.3, 1.9)
    canvas.haematoxylin = canvas.haematoxylin * (1 - body) + amount * chromatin
    canvas.eosin = canvas.eosin * (1 - 0.35 * body) + 0.05 * body
    canvas.blood = canvas.blood * (1 - body)
    canvas.pigment = canvas.pigment * (1 - body)
