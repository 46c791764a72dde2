"""Random fields on the square of a source tile: noise, regions, places for nuclei.

Everything is float64 and elementwise, so that the pixels do not depend on a BLAS or on a
processor's vector width.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

Field = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Side of a source tile in px: at any angle a copy finds more pixels in it than its own 224.
SIZE = 308


def grid() -> tuple[Field, Field]:
    """Return the x and y coordinates of the pixels, each of shape (SIZE, SIZE)."""
    axis = np.arange(SIZE, dtype=np.float64)
    x, y = np.meshgrid(axis, axis)
    return x, y


def smooth_noise(rng: np.random.Generator, scale: float) -> Field:
    """Draw smooth noise: a quadratic B-spline through a lattice of normal deviates.

    Parameters
    ----------
    rng : numpy.random.Generator
    scale : float
        Distance between lattice points, px: the size of the bumps.

    Returns
    -------
    ndarray of float, shape (SIZE, SIZE)
        Mean 0, standard deviation about 1.
    """
    count = int(SIZE / scale) + 4
    lattice, zoom = rng.standard_normal((count, count)), np.full(2, 1 / scale)
    noise = ndimage.affine_transform(lattice, zoom, 1, (SIZE, SIZE), order=2, prefilter=False)
    # The spline averages the deviates, which nearly halves their deviation.
    return np.asarray(1.8 * noise, dtype=np.float64)


def scatter(rng: np.random.Generator, spacing: float) -> Field:
    """Scatter points about `spacing` px apart over the tile and its surroundings.

    Returns
    -------
    ndarray of float, shape (n, 2)
        Points as (x, y), px: a triangular lattice turned at random, each point moved a little.
    """
    reach = int(SIZE / spacing) + 3
    row, column = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    x = column + row % 2 / 2 + rng.uniform(-0.35, 0.35, row.shape)
    y = np.sqrt(0.75) * row + rng.uniform(-0.35, 0.35, row.shape)
    turned = np.stack(rotated(x, y, rng.uniform(0, np.pi)), axis=-1)
    return np.asarray(spacing * turned + SIZE / 2, dtype=np.float64)


def within(points: Field, field: Field) -> Field:
    """Keep the points (n, 2) that lie on the tile, where `field` is positive."""
    points = points[np.all((points >= 0) & (points < SIZE), axis=1)]
    column, row = points.astype(np.intp).T
    return np.asarray(points[field[row, column] > 0], dtype=np.float64)


def partition(
    rng: np.random.Generator, spacing: float, waviness: float
) -> tuple[Field, Indices, Field]:
    """Divide the tile into the regions nearest to sites scattered `spacing` px apart.

    `waviness` is the displacement of the borders relative to `spacing`.

    Returns
    -------
    sites : ndarray of float, shape (n, 2)
    nearest : ndarray of int, shape (SIZE, SIZE)
        Index of the site of each pixel.
    to_border : ndarray of float, shape (SIZE, SIZE)
        Approximate distance to the border of the region, px.
    """
    sites = scatter(rng, spacing)
    pixels = [axis + waviness * spacing * smooth_noise(rng, spacing / 2) for axis in grid()]
    distance, nearest = cKDTree(sites).query(np.stack(pixels, axis=-1), k=2)
    return sites, nearest[..., 0], (distance[..., 1] - distance[..., 0]) / 2


def nearest_point(points: Field) -> Indices:
    """Return the index of the point (n, 2) of the tile nearest to each pixel; (SIZE, SIZE)."""
    column, row = points.astype(np.intp).T
    owner = np.full((SIZE, SIZE), -1, dtype=np.intp)
    owner[row, column] = np.arange(len(points))
    there = ndimage.distance_transform_edt(owner < 0, return_distances=False, return_indices=True)
    return np.asarray(owner[tuple(there)], dtype=np.intp)


def rotated(x: Field, y: Field, angle: Field | float) -> tuple[Field, Field]:
    """Rotate coordinates about the origin by an angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return x * cosine - y * sine, x * sine + y * cosine


def slope_angles(field: Field, points: Field) -> Field:
    """Return the direction of steepest ascent at points (n, 2) of the tile, radians, (n,)."""
    along_y, along_x = np.gradient(ndimage.gaussian_filter(field, 2.0))
    column, row = points.astype(np.intp).T
    return np.asarray(np.arctan2(along_y[row, column], along_x[row, column]))


def soft_step(field: Field, width: float = 1.5) -> Field:
    """Map a signed distance to a mask in [0, 1]; `width` is the width of the edge, px."""
    return np.asarray(np.clip(field / width + 0.5, 0.0, 1.0), dtype=np.float64)
