"""The columns of prediction files as they are written, before anything is understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.predictions.reading.findings import Finding, clipped, listed, near_names
from lcbench.predictions.table import PROBABILITY

Text = NDArray[np.object_]
"""An array of `str`; empty text is what is not there."""

REQUIRED = ("image", "true", "predicted")
TEXT = ("image", "sha256", "group", "protocol", "baseline", "true", "predicted", "seed", "fold")
"""Columns that are read as text; whole numbers are made of seed and fold afterwards."""

CONTRACT = (
    "A prediction file needs the columns image, true and predicted; sha256, group, seed, fold, "
    "protocol, baseline and p:<class> for each class are optional."
)


@dataclass(frozen=True)
class Places:
    """Where each row stands, for the words of a finding.

    Parameters
    ----------
    unit
        What the numbers count, one word a file: `line` or `row`.
    numbers
        (rows,) the number of the line or row, from 1.
    files
        Names of the files; one empty name where there is one file only.
    file_codes
        (rows,) the file of each row.
    """

    unit: tuple[str, ...]
    numbers: NDArray[np.int64]
    files: tuple[str, ...]
    file_codes: NDArray[np.int64]

    def say(self, row: int) -> str:
        """Return `line 17`, or `row 17 of seed0/predictions.parquet`."""
        code = int(self.file_codes[row])
        words = f"{self.unit[code]} {self.numbers[row]:,}"
        return f"{words} of {self.files[code]}" if self.files[code] else words


@dataclass(frozen=True)
class RawTable:
    """The columns that a comparison uses, and where each row stands.

    Parameters
    ----------
    text
        (rows,) of each text column that the file has.
    probabilities
        (rows,) of each `p:` column, by the class name as written; NaN where it holds no number.
    places
        Where the rows stand.
    """

    text: dict[str, Text]
    probabilities: dict[str, NDArray[np.float64]]
    places: Places

    def __len__(self) -> int:
        return len(self.places.numbers)

    def keep(self, rows: NDArray[np.bool_]) -> RawTable:
        """Return some of the rows."""
        return RawTable(
            {name: values[rows] for name, values in self.text.items()},
            {name: values[rows] for name, values in self.probabilities.items()},
            Places(
                self.places.unit,
                self.places.numbers[rows],
                self.places.files,
                self.places.file_codes[rows],
            ),
        )

    def column(self, name: str) -> Text:
        """Return a text column, all empty where the file has none."""
        absent = np.full(len(self), "", dtype=object)
        return self.text.get(name, absent)

    def where(self, row: int) -> str:
        """Return the place of a row and its image: `line 17 (lung_n/003.png)`."""
        image = self.column("image")[row]
        return self.places.say(row) + (f" ({clipped(image)})" if image else "")

    def first(self, rows: NDArray[np.bool_]) -> str:
        """Return the place of the first of some rows."""
        return self.where(int(np.flatnonzero(rows)[0]))


@dataclass(frozen=True)
class Read:
    """What came of reading one file: a table where it could be read, and what was found."""

    table: RawTable | None
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Header:
    """Where the columns that a comparison uses stand in a file, and what is wrong with them."""

    positions: dict[str, int]
    problems: tuple[Finding, ...]

    @property
    def texts(self) -> list[str]:
        """The text columns."""
        return [name for name in self.positions if not name.startswith(PROBABILITY)]

    @property
    def classes(self) -> list[str]:
        """The class names of the `p:` columns."""
        return [
            name.removeprefix(PROBABILITY)
            for name in self.positions
            if name.startswith(PROBABILITY)
        ]


def read_header(names: Sequence[str]) -> Header:
    """Find the columns that a comparison uses; spaces around names do not count."""
    names = [name.strip() for name in names]
    positions: dict[str, int] = {}
    twice: dict[str, int] = {}
    for position, name in enumerate(names):
        if name not in TEXT and not name.startswith(PROBABILITY):
            continue
        if positions.setdefault(name, position) != position:
            twice[name] = twice.get(name, 1) + 1
    problems = [
        Finding(
            f"column {clipped(name)}: stands {count} times in the file",
            "Keep one column of that name.",
        )
        for name, count in twice.items()
    ]
    missing = [name for name in REQUIRED if name not in positions]
    if missing:
        problems.append(_missing_columns(missing, [name for name in names if name]))
    return Header(positions, tuple(problems))


def text_array(values: Iterable[str | None]) -> Text:
    """Return an array of text; what is None, or spaces alone, becomes empty."""
    return np.array([value if value and value.strip() else "" for value in values], dtype=object)


def numbers_in(text: Text) -> NDArray[np.float64]:
    """Return the numbers that are written as text; NaN where there is none."""
    numbers = pd.to_numeric(pd.Series(text, dtype=object), errors="coerce")
    return numbers.to_numpy(dtype=np.float64)


def put_together(tables: Sequence[RawTable], files: Sequence[str]) -> RawTable:
    """Put the rows of several files below each other.

    Parameters
    ----------
    tables
        One a file. A column that only some of them have is empty for the others.
    files
        Names of the files, for the words.
    """
    texts = dict.fromkeys(name for table in tables for name in table.text)
    classes = dict.fromkeys(name for table in tables for name in table.probabilities)
    sizes = [len(table) for table in tables]
    places = Places(
        tuple(table.places.unit[0] for table in tables),
        np.concatenate([table.places.numbers for table in tables]),
        tuple(files),
        np.repeat(np.arange(len(tables), dtype=np.int64), sizes),
    )
    return RawTable(
        {name: np.concatenate([table.column(name) for table in tables]) for name in texts},
        {
            name: np.concatenate(
                [table.probabilities.get(name, np.full(len(table), np.nan)) for table in tables]
            )
            for name in classes
        },
        places,
    )


def _missing_columns(missing: Sequence[str], names: Sequence[str]) -> Finding:
    near = {name: near_names(name, names) for name in missing}
    hints = [f"{found[0]!r} looks like {name}" for name, found in near.items() if found]
    there = listed((clipped(name) for name in names), 12) or "no columns"
    what = f"no column {' and no column '.join(missing)}: the file has {there}"
    if hints:
        what += f" ({'; '.join(hints)})"
    return Finding(what, CONTRACT)
