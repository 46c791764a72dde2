"""Write the demonstration set: draw tiles, copy them, name the groups."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.datasets.demo import colon, lung
from lcbench.datasets.demo.stain import photograph
from lcbench.datasets.demo.tissue import Tissue

#: Names the recipe. Bumped whenever a pixel changes.
DEMO_VERSION: str = "2"
#: Side of a copy, px.
COPY_SIZE = 224

#: Class folder to tissue. The position is part of a tile's seed: append, never reorder.
_TISSUES: dict[str, Callable[[np.random.Generator], Tissue]] = {
    "lung_aca": lung.draw_adenocarcinoma,
    "lung_n": lung.draw_benign,
    "lung_scc": lung.draw_squamous,
    "lung_lcc": lung.draw_large_cell,
    "lung_sclc": lung.draw_small_cell,
    "colon_aca": colon.draw_adenocarcinoma,
    "colon_n": colon.draw_benign,
}
#: Class folders that can be drawn, and those of the default class tree.
DRAWN: tuple[str, ...] = tuple(_TISSUES)
LUNG: tuple[str, ...] = DRAWN[:3]
#: How many images a class has.
TILES, COPIES = 30, 8


def create_demo(
    folder: Path,
    *,
    classes: Sequence[str] = LUNG,
    tiles_per_class: int = TILES,
    copies: int = COPIES,
    seed: int = 0,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Draw the demonstration set into an empty or absent `folder`.

    Source tiles are drawn for each class, and each tile is copied with rotation and flips, as
    LC25000 was made: copies of one tile are one source group. `groups.csv` in the folder names
    the group of each image. A tile's pixels depend on its class, its number and the seed alone,
    so a small set is a subset of a large one. Images are uncompressed BMP files, whose bytes do
    not depend on the version of a compressor.

    Parameters
    ----------
    folder : pathlib.Path
        Receives `<class folder>/<class folder>-tile<number>-<copy>.bmp` and `groups.csv`.
    classes : sequence of str
        Class folders, of `DRAWN`.
    tiles_per_class : int
        Number of source tiles a class.
    copies : int
        Number of augmented copies a tile.
    seed : int
        Not negative.
    advance : callable, optional
        Called with k after k more images were written.

    Raises
    ------
    FileExistsError
        If the folder holds anything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    rows = []
    for name in classes:
        (folder / name).mkdir()
        for number in range(tiles_per_class):
            group = f"{name}-tile{number:02d}"
            rng = _generator(seed, name, number)
            tile = photograph(_TISSUES[name](rng), rng)
            for copy in range(copies):
                image = f"{name}/{group}-{copy}.bmp"
                draw_copy(tile, _generator(seed, name, number, copy)).save(folder / image)
                rows.append((image, group))
            if advance is not None:
                advance(copies)
    with (folder / "groups.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("image", "group"), *sorted(rows)])


def draw_copy(tile: NDArray[np.uint8], rng: np.random.Generator) -> Image.Image:
    """Draw an augmented copy of a square tile, as LC25000's were made.

    The tile is rotated by up to 25 degrees to either side, cut to the largest upright square
    without an empty corner, resized to COPY_SIZE, and flipped in both directions with probability
    1/2 each: A. A. Borkowski et al., "Lung and Colon Cancer Histopathological Image Dataset
    (LC25000)", arXiv:1912.12142.

    Parameters
    ----------
    tile : ndarray of uint8, shape (side, side, 3)
    rng : numpy.random.Generator
    """
    degrees = rng.uniform(-25, 25)
    turned = Image.fromarray(tile).rotate(degrees, Image.Resampling.BILINEAR)
    angle = np.deg2rad(abs(degrees))
    # The filters reach 3 px beyond a pixel, and the corners of the rotated image are empty.
    half = len(tile) / (np.cos(angle) + np.sin(angle)) / 2 - 3
    box = (len(tile) / 2 - half,) * 2 + (len(tile) / 2 + half,) * 2
    copy = turned.resize((COPY_SIZE, COPY_SIZE), Image.Resampling.BICUBIC, box)
    for flip in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM):
        if rng.random() < 0.5:
            copy = copy.transpose(flip)
    return copy


def _generator(seed: int, name: str, *key: int) -> np.random.Generator:
    """Return the generator of a tile (its number) or of a copy (tile number, copy number)."""
    # A spawn key, unlike plain entropy, tells (tile,) from (tile, 0).
    place = (DRAWN.index(name), *key)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=place)))
