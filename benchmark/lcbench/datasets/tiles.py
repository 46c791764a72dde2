"""Large images cut into tiles: a dataset of tiles, each with the label and group of its image."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from lcbench.caching.entries import open_entry
from lcbench.caching.place import cache_folder
from lcbench.console import progress, warn
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.images import ImageFile, open_again
from lcbench.datasets.listing import manifest_hash
from lcbench.errors import wrong_usage
from lcbench.storage.hashes import content_hash
from lcbench.storage.whole import write_text
from lcbench.tables import csv_text

SMALLEST, LARGEST = 32, 10_000
"""Sides that a tile can have, in pixels."""

WHITE, BLACK = 220, 10
"""A pixel all of whose channels are at least this light, or at most this dark, shows nothing."""

EMPTY_SHARE = 0.95
"""A tile with at least this share of such pixels is background."""

_VERSION = "1"
_TABLE = "tiles.csv"


@dataclass(frozen=True)
class Tiles:
    """Tiles of a dataset's images.

    Parameters
    ----------
    dataset
        The tiles. Each has the label and the source group of its image.
    image_of
        (tiles,) the manifest row of the image that each was cut from.
    images
        How many there are.
    words
        By which rule they were cut, and what became of them.
    """

    dataset: Dataset
    image_of: NDArray[np.intp]
    images: int
    words: str

    def mean_by_image(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the mean of (tiles, k) values over the tiles of each image, (images, k)."""
        sums = np.zeros((self.images, values.shape[1]))
        np.add.at(sums, self.image_of, values)
        tiles = np.bincount(self.image_of, minlength=self.images)
        means: NDArray[np.float64] = sums / tiles[:, None]
        return means


class _Tile(NamedTuple):
    image: str
    image_of: int
    sha256: str
    width: int
    height: int


def require_tile_size(size: int | None) -> None:
    """Raise a UserError if tiles cannot have that side; None stands for no tiles."""
    if size is not None and not SMALLEST <= size <= LARGEST:
        raise wrong_usage(f"--tile {size}: not a side in pixels between {SMALLEST} and {LARGEST:,}")


def tiles_of(dataset: Dataset, size: int | None) -> Tiles | None:
    """Cut images into tiles, see `cut_into_tiles`.

    Returns
    -------
    Tiles or None
        None where no size is asked for, and where no image is larger than a tile: images then stay
        what they are, and the latter is said.
    """
    if size is None:
        return None
    if not _larger(dataset.manifest, size):
        count = len(dataset.manifest)
        warn(f"--tile {size}: none of the {count:,} images is larger, so none is cut")
        return None
    return cut_into_tiles(dataset, size)


def _larger(manifest: pd.DataFrame, size: int) -> int:
    """Return how many images have a side that is longer than a tile's."""
    return int((manifest[["width", "height"]].max(axis=1) > size).sum())


def cut_into_tiles(dataset: Dataset, size: int) -> Tiles:
    """Cut every image into square tiles that do not overlap, and keep those that show something.

    The grid lies in the middle of the image: what is left at the edges, less than a tile together,
    is not looked at. A side that is shorter than a tile is not cut. Tiles of background are left
    out, but for images that are background everywhere.

    Parameters
    ----------
    dataset
        Whole images; where source groups are unknown, each image is one.
    size
        Side of a tile, in pixels.

    Raises
    ------
    UserError
        If an image changed since the dataset was read, or the cache cannot be written.
    """
    manifest = dataset.manifest
    key = (
        f"tiles {_VERSION}",
        f"{size} px",
        content_hash(*manifest["image"], *manifest["sha256"]),
        *dataset.decoding,
        f"pillow {importlib.metadata.version('pillow')}",
    )
    entry = open_entry(
        cache_folder() / "tiles" / content_hash(*key), key, lambda place: _cut(dataset, size, place)
    )
    texts = {"image": str, "sha256": str}
    table = pd.read_csv(entry.folder / _TABLE, dtype=texts, keep_default_na=False)
    image_of = table["image_of"].to_numpy(dtype=np.intp)
    group = manifest["group"] if dataset.groups_known else manifest["image"]
    tiles = pd.DataFrame(
        {
            "image": table["image"],
            "label": manifest["label"].to_numpy()[image_of],
            "group": group.to_numpy()[image_of],
            "sha256": table["sha256"],
            "width": table["width"],
            "height": table["height"],
            "mode": "RGB",
            "problem": "",
        }
    )
    source = dataset.groups_source or "the images that tiles were cut from"
    whole = len(manifest) - _larger(manifest, size)
    words = (
        f"tiles of {size} px without overlap, from the middle of each image: {len(tiles):,} from "
        f"{len(manifest):,} images{f', {whole:,} of them no larger than a tile' if whole else ''}; "
        f"{entry.facts['background']:,} of background left out (at least "
        f"{EMPTY_SHARE:.0%} of their pixels white or black)"
    ).replace("%", " %")
    cut = replace(
        dataset,
        root=entry.folder,
        manifest=tiles,
        groups_source=source,
        sha256=manifest_hash(tiles),
        unknown_source=frozenset(tiles["image"][~dataset.source_known.to_numpy()[image_of]]),
        tiling=words,
    )
    return Tiles(cut, image_of, len(manifest), words)


def _cut(dataset: Dataset, size: int, place: Path) -> dict[str, Any]:
    files = list(enumerate(dataset.files()))
    found: list[_Tile] = []
    background = 0
    with (
        progress(f"Cutting tiles of {size} px", len(files)) as advance,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        for kept, left_out in pool.map(lambda one: _cut_one(one[0], one[1], size, place), files):
            found += kept
            background += left_out
            advance(1)
    table = pd.DataFrame(found, columns=list(_Tile._fields)).sort_values("image")
    write_text(place / _TABLE, csv_text(table))
    return {"background": background}


def _cut_one(number: int, file: ImageFile, size: int, place: Path) -> tuple[list[_Tile], int]:
    """Store the tiles of an image; return them, and how many were left out."""
    pixels = np.asarray(open_again(file))
    every = [(name, pixels[box]) for name, box in boxes(pixels.shape[0], pixels.shape[1], size)]
    shown = [(name, tile) for name, tile in every if not is_background(tile)] or every
    # Numbered, because a CSV may name images outside its folder, or two of one name.
    folder = f"{number:06d} {PurePosixPath(file.path.name).stem}"[:100].strip()
    (place / folder).mkdir()
    kept = [_store(place, f"{folder}/{name}.png", number, tile) for name, tile in shown]
    return kept, len(every) - len(kept)


def _store(place: Path, image: str, number: int, tile: NDArray[np.uint8]) -> _Tile:
    buffer = io.BytesIO()
    Image.fromarray(tile).save(buffer, "PNG", compress_level=1)
    (place / image).write_bytes(buffer.getvalue())
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    return _Tile(image, number, sha256, tile.shape[1], tile.shape[0])


def boxes(height: int, width: int, size: int) -> Iterator[tuple[str, tuple[slice, slice]]]:
    """Yield the name of each tile of an image, by its row and column, and where it lies."""
    rows, columns = list(_cuts(height, size)), list(_cuts(width, size))
    for row, down in enumerate(rows):
        for column, across in enumerate(columns):
            yield f"r{row:04d}-c{column:04d}", (down, across)


def _cuts(length: int, size: int) -> Iterator[slice]:
    side = min(length, size)
    count = length // side
    first = (length - count * side) // 2
    for number in range(count):
        yield slice(first + number * side, first + (number + 1) * side)


def is_background(tile: NDArray[np.uint8]) -> bool:
    """Tell whether nearly all of (height, width, 3) pixels are white or black."""
    empty = (tile >= WHITE).all(axis=2) | (tile <= BLACK).all(axis=2)
    return bool(empty.mean() >= EMPTY_SHARE)
