"""Source groups that the user knows: the manifest's own column or a CSV file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import pandas as pd

from lcbench.errors import UserError
from lcbench.tables import read_text_table
from lcbench.taxonomy import normalise

UNITS = ("patient", "case", "subject", "specimen", "block", "slide", "scan", "study", "series",
         "group")  # fmt: skip
"""What a column of a file can call what images come from, the coarsest first."""


_MISSING = ("na", "n/a", "<na>", "nan", "null", "none")


@dataclass(frozen=True)
class Units:
    """The patients or slides that a file names.

    Parameters
    ----------
    column
        The column that they stand in.
    word
        One of `UNITS`.
    of_images
        Of each image that has one.
    """

    column: str
    word: str
    of_images: Mapping[str, str]


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
    return _of_images(path, table, "group")


def read_units(path: Path) -> Units:
    """Read a CSV with the column image and one that names patients, slides or groups.

    Of several such columns the coarsest counts.

    Raises
    ------
    UserError
        If the file cannot be read, lacks a column, puts one image into two units, or names none.
    """
    table = read_text_table(path)
    units = unit_column(table)
    if "image" not in table or units is None:
        raise UserError(
            f"{path}: needs the column image and one of {', '.join(UNITS)}",
            f"It has: {', '.join(map(str, table.columns))}.",
        )
    column, word = units
    named = _of_images(path, table, column)
    if not named:
        raise UserError(f"{path}: names no {word}: the column {column} is empty")
    return Units(column, word, {PurePosixPath(image).as_posix(): of for image, of in named.items()})


def unit_column(table: pd.DataFrame) -> tuple[str, str] | None:
    """Return the column of a table that names patients or slides, and the word for these."""
    words = {_unit_word(str(column)): str(column) for column in reversed(table.columns)}
    return next(((words[unit], unit) for unit in UNITS if unit in words), None)


def _unit_word(column: str) -> str:
    """Return the name of a column without what says that it is one of names: `PatientID`."""
    return re.sub(r" ?(id|ids|no|nr|number|name|code)$", "", normalise(column)).strip()


def _of_images(path: Path, table: pd.DataFrame, column: str) -> dict[str, str]:
    table = table[["image", column]].drop_duplicates()
    twice = table["image"][table["image"].duplicated()]
    if not twice.empty:
        raise UserError(
            f"{path}: {twice.iloc[0]} stands in two {column}s "
            f"({len(twice):,} {'image does' if len(twice) == 1 else 'images do'})",
            "Keep one row of each image.",
        )
    table = table[table[column] != ""]
    _require_names(path, table, column)
    return dict(zip(table["image"], table[column], strict=True))


def _require_names(path: Path, table: pd.DataFrame, column: str) -> None:
    """Refuse several images with what other tools write for a missing value: they are no unit."""
    missing = table[table[column].str.strip().str.lower().isin(_MISSING)]
    if len(missing) > 1:
        raise UserError(
            f"{path}: {missing['image'].iloc[0]} has the {column} "
            f"'{missing[column].iloc[0]}' ({len(missing):,} rows): a missing value, by its look",
            "Leave the cell empty where nobody knows, or call it otherwise where it is a name.",
        )


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
