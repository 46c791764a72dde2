"""Source groups that the user knows: the manifest's own column or a CSV file."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pandas as pd

from lcbench.errors import UserError

ALONE = "alone:"
"""Prefix of the group of an image that a groups file does not name: its source is unknown."""


def read_groups(path: Path) -> pd.DataFrame:
    """Read a CSV with the columns image and group.

    Raises
    ------
    UserError
        If the file cannot be read, lacks a column, or puts one image into two groups.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable CSV file: {error}") from error
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
    return table[table["group"] != ""]


def assign_groups(manifest: pd.DataFrame, groups: pd.DataFrame, name: str) -> tuple[pd.Series, str]:
    """Give each image its group; an image that the file does not name is a group of its own.

    Parameters
    ----------
    manifest
        With the columns image and label.
    groups
        From `read_groups`. Paths are compared whole; if none agrees, file names are.
    name
        The file's name, for the words.

    Returns
    -------
    pandas.Series, str
        The group of each manifest row, and a sentence that says where groups come from.

    Raises
    ------
    UserError
        If the file names none of the images.
    """
    lookup = dict(zip(groups["image"], groups["group"], strict=True))
    found = manifest["image"].map(lookup)
    if found.isna().all():
        found = match_file_names(manifest["image"], lookup)
    if found.isna().all():
        raise UserError(
            f"{name}: none of its {len(groups):,} images is in the data",
            f"It names e.g. {groups['image'].iloc[0] if len(groups) else '(nothing)'}; "
            f"the data holds e.g. {manifest['image'].iloc[0]}.",
        )
    alone = found.isna()
    source = f"{name} ({int((~alone).sum()):,} images)"
    return found.where(~alone, ALONE + manifest["image"]), source


def unnamed_words(manifest: pd.DataFrame) -> str:
    """Return what becomes of the images that a groups file does not name; empty if it names all."""
    alone = manifest["group"].str.startswith(ALONE)
    if not alone.any():
        return ""
    counts = manifest.loc[alone, "label"].value_counts()
    classes = ", ".join(f"{label} {count:,}" for label, count in counts.items())
    return (
        f"; {int(alone.sum()):,} images are not in that file ({classes}) and count as a group "
        "each: leakage between them is not removed"
    )


def match_file_names(images: pd.Series, values: dict[str, str]) -> pd.Series:
    """Give each image the value of the file name that it shares; missing where there is none.

    Where a file name stands twice, on either side, names say nothing and all are missing.
    """
    own = images.map(lambda image: PurePosixPath(image).name)
    theirs = [PurePosixPath(image).name for image in values]
    if own.duplicated().any() or len(set(theirs)) < len(theirs):
        return pd.Series(None, index=images.index, dtype=object)
    return own.map(dict(zip(theirs, values.values(), strict=True)))
