"""The sides of a split that the user gives as a CSV file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from lcbench.audit.collection import Collection
from lcbench.datasets.groups import match_file_names
from lcbench.errors import UserError

SIDE_NAMES = ("side", "split", "set", "subset", "fold", "partition")


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
    sides = _read(file)
    images = collection.images
    folders = images["folder"].map(lambda position: collection.folders[position].name)
    named = folders + "/" + images["image"]
    found = named.map(sides).fillna(images["image"].map(sides))
    if found.isna().all():
        found = match_file_names(images["image"], sides)
    if found.isna().all():
        raise UserError(
            f"{file}: none of its {len(sides):,} images is in the folders",
            f"It names e.g. {next(iter(sides), '(nothing)')}; "
            f"the folders hold e.g. {images['name'].iloc[0]}.",
        )
    words = f"the split {file.name}"
    return replace(collection, images=images.assign(side=found.fillna("")), divided_by=words)


def _read(file: Path) -> dict[str, str]:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not a readable CSV file: {error}") from error
    column = next((name for name in SIDE_NAMES if name in table), None)
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
