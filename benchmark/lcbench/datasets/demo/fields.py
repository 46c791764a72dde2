"""Random fields on the square of a source tile: the raw material of texture and architecture.

Everything is float64 and elementwise, so that the pixels do not depend on a BLAS or on a
processor's vector width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

Field = NDArray[np.float64]

#: Side of a source tile in px. The largest square inside a tile rotated by 25 degrees is then
#: 240 px wide, so that a 224 px copy is never magnified.
SIZE = 320


@dataclass(frozen=True)
class Partition:
    """The tile divided around scattered sites.

    Attributes
    ----------
    nearest : ndarray of int, shape (SIZE, SIZE)
        Index of the nearest site.
    first, second : ndarray of float, shape (SIZE, SIZE)
        Distance to the nearest and to the second nearest site, px.
    sites : ndarray of float, shape (n, 2)
        Sites as (x, y), px.
    """

    nearest: NDArray[np.intp]
    first: Field
    second: Field
    sites: Field

    @property
    def to_border(self) -> Field:
        """Approximate distance to the border between two regions, px, shape (SIZE, SIZE)."""
        return (self.second - self.first) / 2


def grid() -> tuple[Field, Field]:
    """Return the x and y coordinates of the pixels, each of shape (SIZE, SIZE)."""
    axis = np.arange(SIZE, dtype=np.float64)
    x, y = np.meshgrid(axis, axis)
    return x, y


def smooth_noise(rng: np.random.Generator, scale: float) -> Field:
    """Draw smooth noise: a cubic B-spline through a lattice of normal deviates.

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
    position = np.arange(SIZE, dtype=np.float64) / scale
    start = position.astype(np.intp)
    weights = _spline_weights(position - start)
    lattice = rng.standard_normal((int(start[-1]) + 4, int(start[-1]) + 4))
    noise = _interpolate(_interpolate(lattice, start, weights).T, start, weights)
    # The spline averages the deviates, which halves their deviation.
    return np.asarray(2 * noise)


def fractal_noise(rng: np.random.Generator, scale: float, octaves: int = 3) -> Field:
    """Add up smooth noise of halving scale and amplitude; shape (SIZE, SIZE), deviation about 1."""
    noise = np.zeros((SIZE, SIZE))
    power = 0.0
    for octave in range(octaves):
        amplitude = 0.5**octave
        noise += amplitude * smooth_noise(rng, scale * amplitude)
        power += amplitude**2
    return np.asarray(noise / np.sqrt(power))


def fibres(rng: np.random.Generator, angle: float, width: float, waviness: float) -> Field:
    """Draw wavy parallel fibres.

    Parameters
    ----------
    rng : numpy.random.Generator
    angle : float
        Main direction, radians.
    width : float
        Width of a fibre, px; fibres are about ten times as long.
    waviness : float
        Sideways displacement, px.

    Returns
    -------
    ndarray of float, shape (SIZE, SIZE)
        Mean 0, standard deviation near 1.
    """
    x, y = grid()
    along, across = rotated(x, y, -angle)
    across = across + waviness * smooth_noise(rng, 60)
    lattice = rng.standard_normal((64, 256))
    where = np.stack([along / (10 * width), across / width])
    sampled = ndimage.map_coordinates(lattice, where, order=1, mode="grid-wrap")
    return np.asarray(sampled, dtype=np.float64) * 1.5


def partition(
    rng: np.random.Generator, spacing: float, waviness: float, stretch: float = 1.0
) -> Partition:
    """Divide the tile around jittered sites.

    Parameters
    ----------
    rng : numpy.random.Generator
    spacing : float
        Distance between sites, px. Meant for tens of sites: the cost grows with their number.
    waviness : float
        Displacement of the borders, px.
    stretch : float
        Elongation of the regions along a random direction.
    """
    turn = rng.uniform(0, np.pi)
    sites = _jittered_sites(rng, spacing)
    x, y = grid()
    x = x + waviness * smooth_noise(rng, spacing / 2)
    y = y + waviness * smooth_noise(rng, spacing / 2)
    along, across = rotated(x, y, -turn)
    sites_along, sites_across = rotated(sites[:, 0], sites[:, 1], -turn)
    nearest = np.zeros((SIZE, SIZE), dtype=np.intp)
    first = np.full((SIZE, SIZE), np.inf)
    second = first.copy()
    for index in range(len(sites)):
        distance = ((along - sites_along[index]) / stretch) ** 2
        distance += (across - sites_across[index]) ** 2
        nearest[distance < first] = index
        np.minimum(second, np.maximum(first, distance), out=second)
        np.minimum(first, distance, out=first)
    return Partition(nearest, np.sqrt(first), np.sqrt(second), sites)


def oval_distance(rng: np.random.Generator, x: float, y: float, dents: float) -> Field:
    """Measure the distance from a point along a dented oval of random direction.

    Parameters
    ----------
    rng : numpy.random.Generator
    x, y : float
        The point, px.
    dents : float
        Depth of the dents, px.

    Returns
    -------
    ndarray of float, shape (SIZE, SIZE)
        The level set r is an oval with a short half axis of r px.
    """
    turn, ratio = rng.uniform(0, np.pi), rng.uniform(1.0, 1.6)
    columns, rows = grid()
    along, across = rotated(columns - x, rows - y, -turn)
    distance = np.sqrt((along / ratio) ** 2 + across**2)
    return np.asarray(distance + dents * smooth_noise(rng, 35))


def rotated(x: Field, y: Field, angle: float) -> tuple[Field, Field]:
    """Rotate coordinates about the origin by an angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return x * cosine - y * sine, x * sine + y * cosine


def scatter(rng: np.random.Generator, likelihood: Field, spacing: float) -> Field:
    """Scatter points that keep their distance (dart throwing).

    Parameters
    ----------
    rng : numpy.random.Generator
    likelihood : ndarray of float, shape (SIZE, SIZE)
        Chance in [0, 1] that a dart at that pixel is kept.
    spacing : float
        Smallest distance between two points, px.

    Returns
    -------
    ndarray of float, shape (n, 2)
        Points as (x, y), px.
    """
    darts = rng.uniform(0, SIZE, (int(5 * (SIZE / spacing) ** 2) + 1, 2))
    chance = rng.random(len(darts))
    darts = darts[chance < sample(likelihood, darts)]
    if len(darts) < 2:
        return darts
    pairs = cKDTree(darts).query_pairs(spacing, output_type="ndarray")
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    kept = np.ones(len(darts), dtype=bool)
    for earlier, later in pairs.tolist():
        # A dart falls only to an earlier one that itself stands.
        if kept[earlier]:
            kept[later] = False
    return darts[kept]


def sample(field: Field, points: Field) -> Field:
    """Read a field at points (x, y), shape (n, 2), nearest pixel; shape (n,)."""
    cells = np.clip(points, 0, SIZE - 1).astype(np.intp)
    return np.asarray(field[cells[:, 1], cells[:, 0]], dtype=np.float64)


def slope_angles(field: Field, points: Field) -> Field:
    """Return the direction of steepest ascent at points (n, 2), radians, shape (n,)."""
    along_y, along_x = np.gradient(ndimage.gaussian_filter(field, 2.0))
    return np.asarray(np.arctan2(sample(along_y, points), sample(along_x, points)))


def soft_step(field: Field, width: float = 1.0) -> Field:
    """Map a signed distance to a mask in [0, 1]; `width` is the width of the edge, px."""
    return np.asarray(np.clip(field / width + 0.5, 0.0, 1.0), dtype=np.float64)


def _spline_weights(offset: Field) -> Field:
    """Cubic B-spline weights of the four lattice points around each offset; shape (4, n)."""
    # Products, not powers: a power may be rounded differently on another machine.
    t = offset
    rest = 1 - t
    return np.stack(
        [
            rest * rest * rest / 6,
            (3 * t * t * t - 6 * t * t + 4) / 6,
            (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6,
            t * t * t / 6,
        ]
    )


def _interpolate(lattice: Field, start: NDArray[np.intp], weights: Field) -> Field:
    """Interpolate along the first axis: weighted sums of four rows each."""
    rows = np.ascontiguousarray(lattice)
    total: Field = weights[0][:, None] * rows[start]
    for k in range(1, 4):
        total += weights[k][:, None] * rows[start + k]
    return total


def _jittered_sites(rng: np.random.Generator, spacing: float) -> Field:
    """Sites of a jittered square lattice that reaches one spacing beyond the tile; (n, 2)."""
    count = int(np.ceil(SIZE / spacing)) + 2
    origin = rng.uniform(-1.0, 0.0, 2) * spacing
    axis = np.arange(count) * spacing
    lattice = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return np.asarray(lattice + origin + rng.uniform(-0.4, 0.4, lattice.shape) * spacing)
