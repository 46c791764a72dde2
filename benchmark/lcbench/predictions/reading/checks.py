"""What must hold of every prediction file: filled cells, whole numbers, no image twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.predictions.reading.findings import Finding, clipped, counted
from lcbench.predictions.reading.raw import REQUIRED, RawTable, Text

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
_LARGEST = 2**63 - 1
_REPEATED_REMEDY = (
    "Keep one prediction an image; where a model was trained more than once, give the column "
    "seed another number each time."
)


def empty_cells(table: RawTable) -> Iterator[Finding]:
    """Find rows without an image, a true class or a predicted class."""
    for name in REQUIRED:
        if name not in table.text:
            continue
        empty = table.text[name] == ""
        if empty.any():
            yield Finding(
                f"column {name}: {counted(int(empty.sum()), 'row')} "
                f"{'is' if empty.sum() == 1 else 'are'} empty; the first is {table.first(empty)}",
                f"Fill the column {name} in every row, or leave the row out.",
            )


def whole_numbers(
    table: RawTable, name: str
) -> tuple[NDArray[np.int64] | None, tuple[Finding, ...]]:
    """Return the numbers of a column, 0 where the file has none; None where they are not whole."""
    text = table.column(name)
    if (text == "").all():
        return np.zeros(len(table), dtype=np.int64), ()
    codes, written = pd.factorize(text)
    numbers = [_whole_number(one) for one in written]
    bad = np.array([number is None for number in numbers], dtype=bool)[codes]
    if not bad.any():
        return np.array(numbers, dtype=np.int64)[codes], ()
    first = int(np.flatnonzero(bad)[0])
    value = repr(clipped(text[first])) if text[first] else "nothing"
    finding = Finding(
        f"column {name}: {counted(int(bad.sum()), 'row')} without a whole number; the first is "
        f"{table.where(first)} with {value}",
        f"Write a whole number such as 0 in every row, or leave the column {name} out.",
    )
    return None, (finding,)


def _whole_number(text: str) -> int | None:
    text = text.strip()
    if not _WHOLE.fullmatch(text):
        return None
    number = int(text.split(".")[0])
    return number if abs(number) <= _LARGEST else None


def repeated_images(table: RawTable, seeds: NDArray[np.int64]) -> Iterator[Finding]:
    """Find images that are predicted twice for one seed."""
    rows = _filled_images(table).assign(seed=lambda frame: seeds[frame["row"]])
    rows = rows[rows.duplicated(["image", "seed"], keep=False)]
    if rows.empty:
        return
    groups = rows.groupby(["image", "seed"], sort=False)
    first, second = groups.get_group(next(iter(groups.groups)))["row"].iloc[:2]
    places = f"{table.places.say(first)} and {table.places.say(second)}"
    seed = f" of seed {seeds[first]}" if (seeds != seeds[0]).any() else ""
    yield Finding(
        f"column image: {counted(len(groups), 'image')} more than once for the same seed; the "
        f"first is {clipped(table.text['image'][first])}{seed}, in {places}",
        _REPEATED_REMEDY,
    )


def two_answers(table: RawTable, name: str, values: Text) -> Iterator[Finding]:
    """Find images for which rows of the file say different things about the image itself.

    Parameters
    ----------
    name
        The column, for the words: true, group or sha256.
    values
        (rows,) what each row says; empty where it says nothing.
    """
    rows = _filled_images(table).assign(value=lambda frame: values[frame["row"]])
    rows = rows[rows["value"] != ""].drop_duplicates(["image", "value"])
    second = rows.duplicated("image")
    if not second.any():
        return
    images = rows.loc[second, "image"]
    one, other = rows.loc[rows["image"] == images.iloc[0], "row"].iloc[:2]
    yield Finding(
        f"column {name}: {counted(images.nunique(), 'image')} with different values; the first is "
        f"{clipped(table.text['image'][one])}, which is {clipped(values[one])!r} in "
        f"{table.places.say(one)} and {clipped(values[other])!r} in {table.places.say(other)}",
        f"Give each image one value of {name} in all of its rows.",
    )


def _filled_images(table: RawTable) -> pd.DataFrame:
    images = table.column("image")
    rows = np.flatnonzero(images != "")
    return pd.DataFrame({"image": images[rows], "row": rows})
