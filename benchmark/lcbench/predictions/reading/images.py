"""Names of images as they are compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from lcbench.predictions.reading.raw import RawTable, Text


def image_name(name: str) -> str:
    """Return a name as a POSIX path without `./` before it, whatever system wrote it."""
    name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return name


def image_names(names: Iterable[str]) -> Text:
    """Return names as POSIX paths without `./` before them."""
    return np.array([image_name(name) for name in names], dtype=object)


def base_names(names: Iterable[str]) -> Text:
    """Return the last part of each name."""
    return np.array([PurePosixPath(name).name for name in names], dtype=object)


def with_comparable_names(table: RawTable) -> RawTable:
    """Return a table whose image names are POSIX paths and whose hashes are in lower case."""
    text = dict(table.text)
    if "image" in text:
        text["image"] = image_names(text["image"])
    if "sha256" in text:
        text["sha256"] = np.array([value.lower() for value in text["sha256"]], dtype=object)
    return replace(table, text=text)
