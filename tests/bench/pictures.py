"""Images to measure with: some of LC25000's where they lie beside the checkout, or drawn ones."""

from __future__ import annotations

import csv
import itertools
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from leakage import DATA, GROUPS
from PIL import Image

from lcbench.datasets.dataset import Dataset, load_dataset
from lcbench.datasets.demo import create_demo
from lcbench.datasets.labels import LabelReader
from lcbench.taxonomy import load_taxonomy

_TILES, _COPIES = 5, 6
"""Of a class of drawn images; where more are wanted, they are moved and stored again."""
_MOVES = 100
"""Pixels to the right before the next row: no two files are the same."""
_TEMPORARY = tempfile.TemporaryDirectory(prefix="lcbench-bench-")


@dataclass(frozen=True)
class Pictures:
    """A folder of class folders, and where its images come from.

    Parameters
    ----------
    folder
        Holds the class folders.
    groups
        CSV of image and group, for the images of the folder; None where they are unknown.
    words
        What the images are.
    """

    folder: Path
    groups: Path | None
    words: str

    def dataset(self) -> Dataset:
        """Return the images as lcbench reads them."""
        return load_dataset(str(self.folder), LabelReader(load_taxonomy()), self.groups)

    def files(self) -> list[Path]:
        """Return the images' files, class by class."""
        return sorted(
            path for folder in self.folder.iterdir() if folder.is_dir() for path in folder.iterdir()
        )


@cache
def pictures(number: int, *, drawn: bool = False) -> Pictures:
    """Return about `number` images in equal shares a class; LC25000's unless `drawn`."""
    folder = Path(_TEMPORARY.name, f"{number}-{drawn}")
    if drawn or not DATA.is_dir():
        _draw(folder, number)
        return Pictures(folder, folder / "groups.csv", "drawn images")
    chosen = []
    for source in sorted(path for path in DATA.iterdir() if path.is_dir()):
        images = sorted(source.iterdir())[:: max(1, 3 * len(list(source.iterdir())) // number)]
        (folder / source.name).mkdir(parents=True)
        for image in images:
            (folder / source.name / image.name).symlink_to(image)
            chosen.append(f"{source.name}/{image.name}")
    _write_groups(folder / "groups.csv", set(chosen))
    return Pictures(folder, folder / "groups.csv", "images of LC25000")


@contextmanager
def empty_cache() -> Iterator[None]:
    """Let lcbench find nothing computed before, nor keep what it computes."""
    before = os.environ.get("LCBENCH_CACHE")
    with tempfile.TemporaryDirectory(prefix="cache-", dir=_TEMPORARY.name) as folder:
        os.environ["LCBENCH_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["LCBENCH_CACHE"]
            else:
                os.environ["LCBENCH_CACHE"] = before


def _draw(folder: Path, number: int) -> None:
    """Draw demonstration images; of more than a few, as many JPEG files as LC25000 would have."""
    few = 3 * _TILES * _COPIES
    if number <= few:
        create_demo(folder, tiles_per_class=max(1, number // 3 // _COPIES), copies=_COPIES)
        return
    with tempfile.TemporaryDirectory(dir=_TEMPORARY.name) as demo:
        create_demo(Path(demo, "images"), tiles_per_class=_TILES, copies=_COPIES)
        with Path(demo, "images", "groups.csv").open(newline="", encoding="utf-8") as file:
            drawn = list(csv.DictReader(file))
        rows = []
        for label, of_class in itertools.groupby(drawn, lambda row: row["image"].split("/")[0]):
            (folder / label).mkdir(parents=True)
            repeated = itertools.islice(itertools.cycle(of_class), number // 3)
            rows += list(enumerate(repeated))
        with ThreadPoolExecutor() as pool:
            files = list(pool.map(lambda row: _move(Path(demo, "images"), folder, *row), rows))
    with (folder / "groups.csv").open("w", newline="", encoding="utf-8") as file:
        names = zip(files, (row["group"] for _, row in rows), strict=True)
        csv.writer(file).writerows([("image", "group"), *names])


def _move(source: Path, folder: Path, number: int, row: dict[str, str]) -> str:
    """Store an image, moved round its own edges; return the file's name."""
    with Image.open(source / row["image"]) as image:
        moved = np.roll(np.asarray(image), divmod(number, _MOVES), (0, 1))
    name = f"{row['image'].removesuffix('.bmp')}-{number}.jpeg"
    Image.fromarray(moved).save(folder / name)
    return name


def _write_groups(path: Path, chosen: set[str]) -> None:
    with GROUPS.open(newline="", encoding="utf-8") as file:
        known = [row for row in csv.DictReader(file) if row["image"] in chosen]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image", "group"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(known)
