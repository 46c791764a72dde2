"""Write the demonstration set: draw tiles, copy them, name the groups."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lcbench.datasets.demo.adenocarcinoma import draw_adenocarcinoma
from lcbench.datasets.demo.augmentation import draw_copy
from lcbench.datasets.demo.benign import draw_benign
from lcbench.datasets.demo.canvas import Canvas
from lcbench.datasets.demo.png import write_png
from lcbench.datasets.demo.squamous import draw_squamous
from lcbench.datasets.demo.stain import draw_slide, photograph

#: Names the recipe. Bumped whenever a pixel changes.
DEMO_VERSION: str = "1"

#: Class folder to tissue. The position is part of a tile's seed: append, never reorder.
_TISSUES: dict[str, Callable[[np.random.Generator], Canvas]] = {
    "lung_aca": draw_adenocarcinoma,
    "lung_n": draw_benign,
    "lung_scc": draw_squamous,
}


def create_demo(
    folder: Path,
    *,
    tiles_per_class: int = 30,
    copies: int = 8,
    seed: int = 0,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Draw the demonstration set into an empty or absent `folder`.

    Source tiles are drawn for each class, and each tile is copied with rotation and flips, as
    LC25000 was made: copies of one tile are one source group. `groups.csv` in the folder names
    the group of each image. A tile's pixels depend on its class, its number and the seed alone,
    so a small set is a subset of a large one.

    Parameters
    ----------
    folder : pathlib.Path
        Receives `<class folder>/<class folder>-tile<number>-<copy>.png` and `groups.csv`.
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
    for name in _TISSUES:
        (folder / name).mkdir()
        for number in range(tiles_per_class):
            group = f"{name}-tile{number:02d}"
            images = [f"{name}/{group}-{copy}.png" for copy in range(copies)]
            tile = _draw_tile(name, number, seed)
            for copy, image in enumerate(images):
                pixels = draw_copy(tile, _generator(seed, name, number, copy))
                write_png(folder / image, pixels)
            rows += [(image, group) for image in images]
            if advance is not None:
                advance(copies)
    _write_groups(folder / "groups.csv", sorted(rows))


def _draw_tile(name: str, number: int, seed: int) -> NDArray[np.uint8]:
    """Draw one source tile; shape (SIZE, SIZE, 3)."""
    rng = _generator(seed, name, number)
    slide = draw_slide(rng)
    return photograph(_TISSUES[name](rng), slide, rng)


def _generator(seed: int, name: str, *key: int) -> np.random.Generator:
    """Return the generator of a tile (its number) or of a copy (tile number, copy number)."""
    # A spawn key, unlike plain entropy, tells (tile,) from (tile, 0).
    place = (list(_TISSUES).index(name), *key)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=place)))


def _write_groups(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write the table of images and their source groups."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("image", "group"))
        writer.writerows(rows)
