"""Source groups that the user knows: the manifest's own column or a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import pandas as pd

from lcbench.errors import UserError
from lcbench.tables import read_text_table

Value = TypeVar("Value")


def read_groups(path: Path) -> dict[str, str]:
    """Read a CSV with the columns image and group: the group of each image that has one.

    Raises
    ------
    UserError
        If the file cannot be read, lacks a column, or puts one image into two groups.
    """
    table = read_text_table(path)
    missing = {"image", "group"} - set(table.columns)
    if missing:
        raise UserError(
            f"{path}: missing columns: {', '.join(sorted(missing))}",
            "A groups file has the columns image and group.",
        )
    table = table[["image", "group"]].drop_duplicates()
    twice = table["image"][table["image"].duplicated()]
    if not twice.empty:
        raise UserError(f"{path}: {twice.iloc[0]} stands in two groups ({len(twice)} such images)")
    table = table[table["group"] != ""]
    return dict(zip(table["image"], table["group"], strict=True))


def match_images(
    spellings: Sequence[pd.Series], values: Mapping[str, Value], file: str
) -> pd.Series:
    """Give each image what a file says of it; missing where the file does not name it.

    Parameters
    ----------
    spellings
        The images' paths; where a path may be spelled in several ways, the first that the file
        knows counts. If none agrees, file names are compared, unless one stands twice on either
        side.
    values
        What the file says of each path.
    file
        Its name, for the error.

    Raises
    ------
    UserError
        If the file names none of the images.
    """
    found = spellings[0].map(values)
    for other in spellings[1:]:
        found = found.fillna(other.map(values))
    images = spellings[-1]
    if found.isna().all():
        found = _match_file_names(images, values)
    if found.isna().all():
        raise UserError(
            f"{file}: none of its {len(values):,} images is in the data",
            f"It names e.g. {next(iter(values), '(nothing)')}; "
            f"the data holds e.g. {images.iloc[0]}.",
        )
    return found


def unnamed_words(labels: pd.Series) -> str:
    """Return what becomes of images of these labels that a groups file does not name."""
    if labels.empty:
        return ""
    classes = ", ".join(f"{label} {count:,}" for label, count in labels.value_counts().items())
    return (
        f"; {len(labels):,} images are not in that file ({classes}) and count as a group "
        "each: leakage between them is not removed"
    )


def _match_file_names(images: pd.Series, values: Mapping[str, Value]) -> pd.Series:
    own = images.map(lambda image: PurePosixPath(image).name)
    theirs = [PurePosixPath(image).name for image in values]
    if own.duplicated().any() or len(set(theirs)) < len(theirs):
        return pd.Series(None, index=images.index, dtype=object)
    return own.map(dict(zip(theirs, values.values(), strict=True)))
