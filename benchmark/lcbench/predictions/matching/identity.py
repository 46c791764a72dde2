"""Which rows of several files show the same image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from lcbench.errors import wrong_usage
from lcbench.predictions.reading.findings import clipped
from lcbench.predictions.reading.images import base_names

By = Literal["auto", "sha256", "image"]
"""What may be asked for."""

Identity = Literal["sha256", "image", "base name"]
"""What was used."""

KEY = ["identity", "copy", "seed"]
"""The columns that make a row of `keys` unique."""


@dataclass(frozen=True)
class Keys:
    """What tells which rows of several files show the same image.

    Parameters
    ----------
    identity
        What was compared.
    tables
        One a model: the columns of `KEY`, and `row`, the number of the row in the model's table.
    notes
        What was done that a reader should know.
    """

    identity: Identity
    tables: tuple[pd.DataFrame, ...]
    notes: tuple[str, ...] = ()


def make_keys(tables: Sequence[pd.DataFrame], names: Sequence[str], by: By) -> Keys:
    """Give each row of each model its key.

    Parameters
    ----------
    tables
        One a model: image, sha256, seed and `row`.
    names
        Names of the models, for the words.
    by
        `auto` compares the hashes where every row of every model has one, else the names.

    Raises
    ------
    UserError
        If hashes are asked for and a model lacks some.
    """
    without = [
        name for name, table in zip(names, tables, strict=True) if (table["sha256"] == "").any()
    ]
    if by == "sha256" and without:
        raise wrong_usage(
            f"{clipped(without[0])}: not every image has a sha256, so images cannot be matched by "
            "it",
            "Add the hashes to the column sha256, or match by image name.",
        )
    if by == "sha256" or (by == "auto" and not without):
        return Keys("sha256", tuple(_by_hash(table) for table in tables))
    return _by_name(tables)


def _by_hash(table: pd.DataFrame) -> pd.DataFrame:
    """Return keys in which copies of an image are numbered in the order of their names."""
    keys = table.sort_values("image", kind="stable")
    keys = keys.assign(identity=keys["sha256"], copy=keys.groupby(["sha256", "seed"]).cumcount())
    return keys[[*KEY, "row"]]


def _by_name(tables: Sequence[pd.DataFrame]) -> Keys:
    if _shared([set(table["image"]) for table in tables]):
        return Keys("image", tuple(_named(table, table["image"]) for table in tables))
    short = [pd.Series(base_names(table["image"]), table.index) for table in tables]
    unique = all(
        base.nunique() == table["image"].nunique()
        for base, table in zip(short, tables, strict=True)
    )
    if not unique or not _shared([set(base) for base in short]):
        return Keys("image", tuple(_named(table, table["image"]) for table in tables))
    note = "no full image name is the same in all files: images are matched by the last part"
    keyed = tuple(_named(table, base) for table, base in zip(tables, short, strict=True))
    return Keys("base name", keyed, (note,))


def _named(table: pd.DataFrame, identity: pd.Series) -> pd.DataFrame:
    return table.assign(identity=identity, copy=0)[[*KEY, "row"]]


def _shared(sets: Sequence[set[str]]) -> set[str]:
    return set.intersection(*sets)
