"""Sheets of polygonal tumour cells: squamous carcinoma, and solid adenocarcinoma."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import Voronoi

from lcbench.datasets.demo.canvas import Canvas, Stencil
from lcbench.datasets.demo.cells import NucleusStyle, draw_nuclei, outlines, shrunk
from lcbench.datasets.demo.fields import (
    SIZE,
    Field,
    fractal_noise,
    rotated,
    sample,
    scatter,
    smooth_noise,
)

#: Cells are laid out this far beyond the tile, so that those at its edge are complete, px.
_MARGIN = 30


@dataclass(frozen=True)
class SheetStyle:
    """Cohesive tumour cells.

    Attributes
    ----------
    spacing : float
        Least distance between neighbouring cells, px.
    elongation : float
        Ratio of a cell's axes, at least 1: spindle cells are long.
    gap : float
        Width of the clear slit between neighbours, px.
    haematoxylin, eosin : float
        Stain of the cytoplasm.
    variation : float
        Relative difference of the cytoplasm between cells.
    vacuoles : float
        Share of cells with a clear vacuole.
    nuclei : NucleusStyle
    """

    spacing: float
    elongation: float
    gap: float
    haematoxylin: float
    eosin: float
    variation: float
    vacuoles: float
    nuclei: NucleusStyle


@dataclass(frozen=True)
class _Layout:
    """Where the cells lie.

    Attributes
    ----------
    turn : float
        Direction in which the cells are long, radians.
    centres : ndarray of float, shape (n, 2)
        As (x, y), px.
    polygons : ndarray of float, shape (m, k, 2)
        Outlines of the cells that are bounded; the last corner is repeated up to k.
    owners : ndarray of int, shape (m,)
        The centre of each polygon.
    """

    turn: float
    centres: Field
    polygons: Field
    owners: np.ndarray[tuple[int], np.dtype[np.intp]]


def draw_sheet(canvas: Canvas, rng: np.random.Generator, mask: Field, style: SheetStyle) -> None:
    """Fill `mask` (in [0, 1], shape (SIZE, SIZE)) with a sheet of cells."""
    layout = _lay_out(rng, style)
    _draw_cytoplasm(canvas, rng, mask, layout, style)
    centres = layout.centres[sample(mask, layout.centres) > 0.5]
    centres = centres + rng.uniform(-0.1, 0.1, centres.shape) * style.spacing
    _draw_vacuoles(canvas, rng, centres, style)
    # The longer the cells, the better their nuclei are aligned.
    freedom = np.pi / 2 / style.elongation**2
    angles = layout.turn + rng.uniform(-freedom, freedom, len(centres))
    draw_nuclei(canvas, rng, centres, angles, style.nuclei)


def _lay_out(rng: np.random.Generator, style: SheetStyle) -> _Layout:
    """Scatter round cells over a plane, then stretch and turn the plane."""
    turn = rng.uniform(0, np.pi)
    stretch = np.sqrt(style.elongation)
    # Large enough that the stretched square covers the tile however it is turned.
    growth = np.sqrt(2) * stretch * (1 + 2 * _MARGIN / SIZE)
    flat = (scatter(rng, np.ones((SIZE, SIZE)), style.spacing / growth) - SIZE / 2) * growth
    centres = _stretched(flat, turn, stretch)
    near = np.all(np.abs(centres - SIZE / 2) < SIZE / 2 + _MARGIN, axis=1)
    flat, centres = flat[near], centres[near]
    polygons, owners = _voronoi_polygons(flat)
    corners = _stretched(polygons.reshape(-1, 2), turn, stretch)
    return _Layout(turn, centres, corners.reshape(polygons.shape), owners)


def _stretched(points: Field, turn: float, stretch: float) -> Field:
    """Take points (n, 2) around the origin to the tile: longer along `turn`, area unchanged."""
    x, y = rotated(points[:, 0] * stretch, points[:, 1] / stretch, turn)
    return np.stack([x, y], axis=1) + SIZE / 2


def _voronoi_polygons(
    points: Field,
) -> tuple[Field, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return the bounded Voronoi polygons (m, k, 2) of points (n, 2), and the point of each."""
    diagram = Voronoi(points)
    regions = [diagram.regions[region] for region in diagram.point_region]
    owners = [cell for cell, region in enumerate(regions) if region and -1 not in region]
    longest = max(len(regions[cell]) for cell in owners)
    padded = [
        regions[cell] + regions[cell][-1:] * (longest - len(regions[cell])) for cell in owners
    ]
    return np.asarray(diagram.vertices[padded]), np.array(owners, dtype=np.intp)


def _draw_cytoplasm(
    canvas: Canvas, rng: np.random.Generator, mask: Field, layout: _Layout, style: SheetStyle
) -> None:
    """Draw the bodies of the cells, parted by clear slits."""
    # Neighbours lie about 1.2 times the least distance apart.
    kept = 1 - style.gap / (1.2 * style.spacing)
    bodies = shrunk(layout.polygons, layout.centres[layout.owners], kept)
    body, shade = Stencil(), Stencil()
    body.polygons(bodies, 1.0)
    # Levels are in halves, so that a cell can be up to twice as dark as the mean.
    shade.polygons(bodies, np.exp(style.variation * rng.standard_normal(len(bodies))) / 2)
    covered = body.levels()
    relative = 2 * shade.levels() / np.maximum(covered, 1 / 255)
    # The slit is not empty: bridges and fluid stain it faintly.
    canvas.cover(mask, haematoxylin=0.3 * style.haematoxylin, eosin=0.45 * style.eosin)
    canvas.cover(
        mask * covered,
        haematoxylin=style.haematoxylin
        * relative
        * np.clip(1 + 0.12 * fractal_noise(rng, 6), 0, 2),
        eosin=style.eosin * relative * np.clip(1 + 0.1 * smooth_noise(rng, 8), 0, 2),
    )


def _draw_vacuoles(
    canvas: Canvas, rng: np.random.Generator, centres: Field, style: SheetStyle
) -> None:
    """Clear a part of the cytoplasm of some of the cells at `centres` (n, 2)."""
    chosen = centres[rng.random(len(centres)) < style.vacuoles]
    off = chosen + rng.uniform(-0.25, 0.25, chosen.shape) * style.spacing
    radii = style.spacing * rng.uniform(0.25, 0.5, len(chosen))
    angles = rng.uniform(0, np.pi, len(chosen))
    holes = Stencil()
    holes.polygons(outlines(rng, off, angles, radii, 1.2, 0.06), rng.uniform(0.5, 1.0, len(chosen)))
    canvas.cover(holes.levels(), haematoxylin=0.05, eosin=0.06)
