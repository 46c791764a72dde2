"""Augmented copies of a source tile, as LC25000's were made.

A. A. Borkowski et al., "Lung and Colon Cancer Histopathological Image Dataset (LC25000)",
arXiv:1912.12142: rotations of up to 25 degrees to either side and flips in both directions, each
flip with probability 1/2.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Side of a copy, px.
COPY_SIZE = 224
_MAX_ROTATION = np.deg2rad(25)


def draw_copy(tile: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one augmented copy of a tile.

    Parameters
    ----------
    tile : ndarray of uint8, shape (side, side, 3)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (COPY_SIZE, COPY_SIZE, 3)
    """
    copy = np.asarray(rotate(Image.fromarray(tile), rng.uniform(-_MAX_ROTATION, _MAX_ROTATION)))
    if rng.random() < 0.5:
        copy = copy[:, ::-1]
    if rng.random() < 0.5:
        copy = copy[::-1]
    return copy


def rotate(tile: Image.Image, angle: float) -> Image.Image:
    """Rotate a square tile, keep the largest upright square inside it and resize that.

    Parameters
    ----------
    tile : PIL.Image.Image
        Square.
    angle : float
        Radians, at most a quarter turn to either side.
    """
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    inscribed = tile.width / (abs(cosine) + abs(sine))
    step = inscribed / COPY_SIZE
    # Maps the centre of a copy's pixel to a place in the tile; the centres coincide.
    middle, half = tile.width / 2, COPY_SIZE / 2
    matrix = (
        step * cosine,
        -step * sine,
        middle - step * half * (cosine - sine),
        step * sine,
        step * cosine,
        middle - step * half * (cosine + sine),
    )
    return tile.transform(
        (COPY_SIZE, COPY_SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
