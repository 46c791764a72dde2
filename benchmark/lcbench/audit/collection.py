"""The images of an audit: one table over all folders, and the sides that they stand on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path, PurePosixPath

import pandas as pd

from lcbench.console import progress
from lcbench.datasets.groups import match_images
from lcbench.datasets.images import SUFFIXES, ImageFile
from lcbench.datasets.labels import LabelReader
from lcbench.datasets.listing import decode_listed, image_files, read_image_table
from lcbench.errors import UserError, wrong_usage
from lcbench.tables import read_text_table
from lcbench.taxonomy import normalise

SIDE_NAMES = ("side", "split", "set", "subset", "fold", "partition")


@dataclass(frozen=True)
class Folder:
    """A folder of the audit, or a CSV that lists images.

    Parameters
    ----------
    path
        Where it lies.
    name
        Its own name, made longer where two folders share it.
    """

    path: Path
    name: str

    @property
    def is_listed(self) -> bool:
        """Whether a CSV says which images there are."""
        return is_listing(self.path)

    @property
    def root(self) -> Path:
        """What names of images are relative to."""
        return self.path.parent if self.is_listed else self.path


@dataclass(frozen=True)
class Collection:
    """Images of one folder or of several.

    Parameters
    ----------
    folders
        In the order of the command line.
    images
        One row a readable image: folder (its position), image (POSIX path relative to the folder),
        name (the same, with the folder's name in front where there are several), given (name of
        the folder that labels it), label (what that stands for; two spellings of a class are one),
        sha256, side (empty where nothing divides the images).
    unreadable
        "file: reason" of each image that cannot be read.
    split
        Name of the file that the sides are from; None where they are the folders, or where there
        are none.
    """

    folders: tuple[Folder, ...]
    images: pd.DataFrame
    unreadable: tuple[str, ...]
    split: str | None = None

    def by_name(self) -> dict[str, ImageFile]:
        """Return the file of each image."""
        files = (file for folder in self.files() for file in folder)
        return dict(zip(self.images["name"], files, strict=True))

    def files(self) -> list[list[ImageFile]]:
        """Return the files of each folder, in the order of the images."""
        found: list[list[ImageFile]] = [[] for _ in self.folders]
        table = self.images[["folder", "image", "sha256"]]
        for folder, image, sha256 in table.itertuples(index=False):
            found[folder].append(ImageFile(self.folders[folder].root / image, sha256))
        return found


def collect(paths: Sequence[Path], reader: LabelReader) -> Collection:
    """Find and decode the images of some folders, or of CSV files with the column image.

    A CSV may have the column label. With several folders, each is a side of its own.

    Raises
    ------
    UserError
        If a folder is missing, named twice, inside another one, or holds no readable image.
    """
    folders = _name(paths)
    tables = [_list(position, folder, reader) for position, folder in enumerate(folders)]
    several = len(folders) > 1
    for folder, table in zip(folders, tables, strict=True):
        table["name"] = f"{folder.name}/" + table["image"] if several else table["image"]
        table["side"] = folder.name if several else ""
    images = pd.concat(tables, ignore_index=True)
    bad = images["problem"] != ""
    for folder, (_, unreadable) in zip(folders, bad.groupby(images["folder"]), strict=True):
        if unreadable.all():
            raise UserError(f"{folder.path}: none of its {len(unreadable)} images can be read")
    return Collection(
        folders=folders,
        images=images[~bad].drop(columns="problem").reset_index(drop=True),
        unreadable=tuple(images["name"][bad] + ": " + images["problem"][bad]),
    )


def is_listing(path: Path) -> bool:
    """Tell whether a path is a CSV that lists images, rather than a folder of them."""
    return path.suffix.lower() == ".csv" and path.is_file()


def column_of_sides(table: pd.DataFrame) -> str | None:
    """Return the column that divides the images of a table; None where there is none."""
    return next((name for name in SIDE_NAMES if name in table), None)


def divide(collection: Collection, file: Path) -> Collection:
    """Give each image the side that a CSV file puts it on.

    Parameters
    ----------
    collection
        The images. A path in the file is relative to the image's folder, or begins with the
        folder's name; if no path agrees, file names are compared.
    file
        CSV with the columns image and side (or split, set, subset, fold, partition).

    Returns
    -------
    Collection
        Images that the file does not name have no side.

    Raises
    ------
    UserError
        If the file cannot be read, lacks a column, puts an image on two sides, or names none of
        the images.
    """
    sides = _read_sides(file)
    images = collection.images
    folders = images["folder"].map(lambda position: collection.folders[position].name)
    spellings = [folders + "/" + images["image"], images["image"]]
    found = match_images(spellings, sides, str(file))
    return replace(collection, images=images.assign(side=found.fillna("")), split=file.name)


def _name(paths: Sequence[Path]) -> tuple[Folder, ...]:
    real = [path.resolve() for path in paths]
    for path, place in zip(paths, real, strict=True):
        if not place.exists():
            raise UserError(f"{path}: no such folder", "Check the path.")
        if not place.is_dir() and not is_listing(place):
            raise UserError(
                f"{path}: not a folder",
                "Give the folder that the images lie in, or a .csv with the column image.",
            )
    for (other, first), (place, second) in combinations(zip(real, paths, strict=True), 2):
        if place.is_relative_to(other) or other.is_relative_to(place):
            raise wrong_usage(
                f"{second} and {first}: one is in the other",
                "Every image would be compared with itself. Give folders beside each other, "
                "or one folder with --split.",
            )
    names = [place.name for place in real]
    length = 1
    while max(Counter(names).values()) > 1:
        length += 1
        names = ["/".join(place.parts[-length:]) for place in real]
    return tuple(Folder(path, name) for path, name in zip(paths, names, strict=True))


def _list(position: int, folder: Folder, reader: LabelReader) -> pd.DataFrame:
    found = _listed(folder.path, reader) if folder.is_listed else _walked(folder, reader)
    with progress(f"Reading {folder.name}", len(found)) as advance:
        facts = decode_listed(folder.root, found["image"].tolist(), advance)
    return pd.concat([found, facts[["sha256", "problem"]]], axis=1).assign(folder=position)


def _walked(folder: Folder, reader: LabelReader) -> pd.DataFrame:
    """Return image, given and label of the images below a folder."""
    files = sorted(file.as_posix() for file in image_files(folder.path))
    if not files:
        raise UserError(
            f"{folder.path}: no images found",
            f"Expected files ending in {', '.join(sorted(SUFFIXES))}.",
        )
    labels = [_label(folder, file, reader) for file in files]
    return pd.DataFrame(
        [(file, *label) for file, label in zip(files, labels, strict=True)],
        columns=["image", "given", "label"],
        dtype=object,
    )


def _listed(file: Path, reader: LabelReader) -> pd.DataFrame:
    """Return the same of the images that a CSV lists."""
    remedy = f"It needs the column image, and may have label, group and {SIDE_NAMES[0]}."
    table = read_image_table(file, ("image",), remedy).sort_values("image", ignore_index=True)
    if table.empty:
        raise UserError(f"{file}: no images listed", remedy)
    given = table["label"] if "label" in table else pd.Series("", index=table.index)
    label = given.map(lambda name: reader.read(name) or normalise(name))
    return pd.DataFrame({"image": table["image"], "given": given, "label": label})


def _label(folder: Folder, file: str, reader: LabelReader) -> tuple[str, str]:
    """Return the name of the folder that labels an image, and what two spellings share.

    The audited folder's own name counts only if it is that of a class: it may be `train`.
    """
    given, node = reader.read_path(Path(file).parts[:-1])
    own = folder.path.resolve().name
    if node is None and reader.read(own) is not None:
        given, node = own, reader.read(own)
    return given, node or normalise(given)


def _read_sides(file: Path) -> dict[str, str]:
    table = read_text_table(file)
    column = column_of_sides(table)
    if "image" not in table or column is None:
        raise UserError(
            f"{file}: needs the columns image and {SIDE_NAMES[0]}",
            f"It has: {', '.join(map(str, table.columns))}. "
            f"{SIDE_NAMES[0]} may also be called {', '.join(SIDE_NAMES[1:])}.",
        )
    normal = table["image"].map(lambda image: PurePosixPath(image).as_posix())
    table = table.assign(image=normal)[["image", column]].drop_duplicates()
    twice = table["image"][table["image"].duplicated()]
    if not twice.empty:
        raise UserError(f"{file}: {twice.iloc[0]} stands on two sides ({len(twice)} such images)")
    return dict(zip(table["image"], table[column], strict=True))
