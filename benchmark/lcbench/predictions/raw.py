"""The columns of prediction files as they are written, before anything is understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.predictions.messages import Finding, clipped, counted, listed, near_names
from lcbench.predictions.table import COLUMNS, PROBABILITY, Text, image_name
from lcbench.statistics.decision_rules import LIKELIEST, DecisionRule

if TYPE_CHECKING:
    import pyarrow as pa

REQUIRED = ("image", "true", "predicted")
CONTRACT = (
    "A prediction file needs the columns image, true and predicted; sha256, group, seed, fold, "
    "protocol, baseline and p:<class> for each class are optional."
)
Rows = NDArray[np.bool_]
"""(rows,) True for the rows that are spoken of."""

_TIDY = {"image": image_name, "sha256": str.lower}
_EXACT = 2**53
"""Up to here, every whole number is a float."""
_LONGEST = 100_000
"""Bytes of a text: a path has at most 4,096."""


class _TooLongError(Exception):
    """A text is too long for a name."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


@dataclass(frozen=True)
class RawTable:
    """The columns that are used, and where each row stands.

    Parameters
    ----------
    columns
        (rows,) each: those of `COLUMNS` that the file has, as text (seed and fold too), and its
        `p:` columns as numbers, NaN where a cell holds none. Image names are POSIX paths, hashes
        in lower case.
    unit, numbers
        The line or row that each row stands in, (rows,) from 1.
    files
        (rows,) the file of each row within its folder; None where there is one file only.
    decision
        The rule that the file states, or the usual one.
    """

    columns: dict[str, NDArray[Any]]
    unit: Literal["line", "row"]
    numbers: NDArray[np.int64]
    files: Text | None = None
    decision: DecisionRule = LIKELIEST

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def probability_columns(self) -> list[str]:
        """The names of the `p:` columns."""
        return [name for name in self.columns if name.startswith(PROBABILITY)]

    def keep(self, rows: Rows) -> RawTable:
        """Return some of the rows."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        files = None if self.files is None else self.files[rows]
        return replace(self, columns=columns, numbers=self.numbers[rows], files=files)

    def text(self, name: str) -> Text:
        """Return a text column, all empty where the file has none."""
        return self.columns[name] if name in self.columns else np.full(len(self), "", dtype=object)

    def place(self, row: int) -> str:
        """Return `line 17`, or `row 17 of seed0/predictions.parquet`."""
        place = f"{self.unit} {self.numbers[row]:,}"
        return place if self.files is None else f"{place} of {self.files[row]}"

    def finding(self, rows: Rows, column: str, what: str, remedy: str, more: str = "") -> Finding:
        """Say how many rows there are, what of them, and where the first one stands.

        Parameters
        ----------
        column
            The column that it is about; empty for the `p:` columns together.
        what
            What follows `3 rows`.
        more
            What is said of the first row.
        """
        about = f"column {clipped(column)}" if column else "columns p:..."
        first = int(rows.argmax())
        image = self.text("image")[first]
        place = self.place(first) + (f" ({clipped(image)})" if image else "")
        number = counted(int(rows.sum()), "row")
        return Finding(f"{about}: {number} {what}; the first is {place}{more}", remedy, column)


@dataclass(frozen=True)
class Read:
    """What came of reading: a table where there is one, and what was found."""

    table: RawTable | None
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def refused(what: str, remedy: str) -> Read:
    """Return what comes of a file that is no table at all."""
    return Read(None, (Finding(what, remedy),))


def put_together(tables: Mapping[str, RawTable]) -> RawTable:
    """Put the rows of several files, by their names, below each other.

    A column that only some of them have is empty for the others; files that state different
    decision rules state none together.
    """
    every = tables.values()
    columns = {}
    for name in dict.fromkeys(name for table in every for name in table.columns):
        empty = np.nan if name.startswith(PROBABILITY) else ""
        parts = [
            table.columns[name] if name in table.columns else np.full(len(table), empty, object)
            for table in every
        ]
        dtype = np.float64 if name.startswith(PROBABILITY) else object
        columns[name] = np.concatenate(parts).astype(dtype)
    numbers = np.concatenate([table.numbers for table in every])
    files = np.repeat(np.array(list(tables), dtype=object), [len(table) for table in every])
    rules = {table.decision for table in every}
    decision = rules.pop() if len(rules) == 1 else LIKELIEST
    return RawTable(columns, "row", numbers, files, decision)


def used_columns(names: Sequence[str]) -> tuple[dict[str, int], tuple[Finding, ...]]:
    """Return the positions of the columns that are used, and what is wrong with the header.

    Spaces around names do not count.
    """
    names = [name.strip() for name in names]
    positions: dict[str, int] = {}
    times = Counter(names)
    for position, name in enumerate(names):
        if name in COLUMNS or name.startswith(PROBABILITY):
            positions.setdefault(name, position)
    problems = [
        Finding(
            f"column {clipped(name)}: stands {times[name]} times in the file",
            "Keep one column of that name.",
            name,
        )
        for name in positions
        if times[name] > 1
    ]
    missing = [name for name in REQUIRED if name not in positions]
    if missing:
        problems.append(_missing_columns(missing, [name for name in names if name]))
    return positions, tuple(problems)


def _missing_columns(missing: Sequence[str], names: Sequence[str]) -> Finding:
    near = {name: near_names(name, names) for name in missing}
    hints = [f"{found[0]!r} looks like {name}" for name, found in near.items() if found]
    there = listed((clipped(name) for name in names), 12) or "no columns"
    what = f"no column {' and no column '.join(missing)}: the file has {there}"
    if hints:
        what += f" ({'; '.join(hints)})"
    return Finding(what, CONTRACT)


def raw_table(
    columns: Mapping[str, pa.ChunkedArray],
    unit: Literal["line", "row"],
    numbers: NDArray[np.int64],
) -> tuple[RawTable, tuple[Finding, ...]]:
    """Return columns of whatever type as text and numbers, and those that hold something else."""
    import pyarrow as pa

    arrays: dict[str, NDArray[Any]] = {}
    problems = []
    for name, column in columns.items():
        wanted = "numbers" if name.startswith(PROBABILITY) else "text"
        try:
            arrays[name] = _as_numbers(column) if wanted == "numbers" else _as_text(column)
        except (TypeError, pa.ArrowException):
            kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
            what = f"column {clipped(name)}: holds {clipped(str(kind))}, not {wanted}"
            problems.append(Finding(what, f"Store the column as {wanted}.", name))
        except _TooLongError as error:
            what = f"column {name}: holds a text of {error.size:,} bytes"
            remedy = f"Store names of at most {_LONGEST:,} bytes."
            problems.append(Finding(what, remedy, name))
        else:
            if name in _TIDY:
                arrays[name] = np.array([_TIDY[name](text) for text in arrays[name]], dtype=object)
    return RawTable(arrays, unit, numbers), tuple(problems)


def _as_text(column: pa.ChunkedArray) -> Text:
    """Return text; what is missing, or spaces alone, becomes empty."""
    import pyarrow as pa
    from pyarrow import compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return np.concatenate([_looked_up(part) for part in column.chunks] or [np.array([])])
    if pa.types.is_floating(kind):
        return np.array([_number_words(value) for value in column.to_pylist()], dtype=object)
    if not (is_text(kind) or is_number(kind) or pa.types.is_boolean(kind) or kind == pa.null()):
        raise TypeError(kind)
    text = pc.fill_null(pc.cast(column, pa.string()), "")
    longest = pc.max(pc.binary_length(text)).as_py() or 0
    if longest > _LONGEST:
        raise _TooLongError(longest)
    blank = pc.equal(pc.utf8_trim_whitespace(text), "")
    result: Text = pc.if_else(blank, "", text).to_numpy().astype(object)
    return result


def _looked_up(part: pa.DictionaryArray) -> Text:
    """Return the texts of a dictionary, each held once however often it stands in a column."""
    import pyarrow as pa

    words = np.append(_as_text(pa.chunked_array([part.dictionary])), "")
    codes = part.indices.fill_null(len(words) - 1).to_numpy()
    return np.asarray(words[codes], dtype=object)


def _as_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return numbers, NaN where there is none."""
    import pyarrow as pa
    from pyarrow import compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind) and not is_text(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if is_text(kind):
        numbers = pd.to_numeric(pd.Series(_as_text(column), dtype=object), errors="coerce")
        return numbers.to_numpy(dtype=np.float64)
    if not (is_number(kind) or kind == pa.null()):
        raise TypeError(kind)
    values = pc.cast(column, pa.float64(), safe=False).to_numpy()
    return np.asarray(values, dtype=np.float64)


def _number_words(value: float | None) -> str:
    """Return a float that came from a nullable column as it was meant: 7, not 7.0."""
    if value is None or value != value:
        return ""
    return str(int(value)) if abs(value) < _EXACT and value == int(value) else repr(value)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column type is one of text, or a dictionary of it."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    checks = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_binary,
        types.is_large_binary,
    )
    return any(check(kind) for check in checks)


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a column type is one of numbers."""
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))
