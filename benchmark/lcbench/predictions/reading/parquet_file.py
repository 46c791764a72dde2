"""Parquet files of any tool: whatever type a column has, text becomes text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lcbench.predictions.reading.findings import Finding
from lcbench.predictions.reading.raw import (
    CONTRACT,
    Header,
    Places,
    RawTable,
    Read,
    Text,
    numbers_in,
    read_header,
    text_array,
)
from lcbench.predictions.table import PROBABILITY, SCHEMA_VERSION, schema_version

_EXACT = 2**53


def read_parquet(path: Path) -> Read:
    """Read a Parquet file; columns that a comparison does not use are not decoded."""
    try:
        # Not `read_table`, which adds columns where a folder above is named like `seed=3`.
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            version = schema_version(schema.metadata)
            names = list(schema.names)
            header = read_header(names)
            stored = file.read([names[position] for position in header.positions.values()])
        stored.validate(full=True)
    except (ValueError, OSError, pa.ArrowException) as error:  # broken bytes raise any of them
        return Read(None, (Finding(f"no readable Parquet file: {_one_line(error)}", CONTRACT),))
    if version > SCHEMA_VERSION:
        newer = f"written by a newer lcbench (predictions schema {version})"
        return Read(None, (Finding(newer, "Update lcbench."),))
    return _Converter(header, names, stored).read()


class _Converter:
    """Arrow columns to a raw table; collects the columns that hold something else."""

    def __init__(self, header: Header, names: list[str], stored: Any) -> None:  # noqa: ANN401
        self._header = header
        self._stored = stored
        self._names = names
        self._problems = list(header.problems)

    def read(self) -> Read:
        """Return the table and what was found."""
        found = ((name, self._text(name)) for name in self._header.texts)
        texts = {name: values for name, values in found if values is not None}
        classes = {name: self._numbers(name) for name in self._header.classes}
        count = self._stored.num_rows
        places = Places(("row",), np.arange(1, count + 1), ("",), np.zeros(count, dtype=np.int64))
        table = RawTable(texts, classes, places)
        return Read(table, tuple(self._problems), self._notes())

    def _column(self, name: str) -> Any:  # noqa: ANN401 - pyarrow has no types
        stored_name = self._names[self._header.positions[name]]
        column = self._stored.column(self._stored.column_names.index(stored_name))
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return column

    def _text(self, name: str) -> Text | None:
        column = self._column(name)
        try:
            return _as_text(column)
        except (TypeError, pa.ArrowException):
            self._refuse(name, column, "text")
            return None

    def _numbers(self, name: str) -> NDArray[np.float64]:
        column = self._column(PROBABILITY + name)
        try:
            return _as_numbers(column)
        except (TypeError, pa.ArrowException):
            self._refuse(PROBABILITY + name, column, "numbers")
            return np.full(len(column), np.nan)

    def _refuse(self, name: str, column: Any, wanted: str) -> None:  # noqa: ANN401
        what = f"column {name}: holds {column.type}, not {wanted}"
        self._problems.append(Finding(what, f"Store the column as {wanted}."))

    def _notes(self) -> tuple[Finding, ...]:
        if "image" not in self._header.positions or not _is_number(self._column("image").type):
            return ()
        return (
            Finding(
                "column image: holds numbers, which are read without leading zeros",
                "Store the names as text if other files write 0012 for 12.",
            ),
        )


def _as_text(column: Any) -> Text:  # noqa: ANN401
    kind = column.type
    if pa.types.is_floating(kind):
        return text_array(_number_words(value) for value in column.to_pylist())
    if pa.types.is_null(kind):
        return np.full(len(column), "", dtype=object)
    if not (_is_text(kind) or _is_number(kind) or pa.types.is_boolean(kind)):
        raise TypeError(kind)
    return text_array(pc.cast(column, pa.string()).to_pylist())


def _as_numbers(column: Any) -> NDArray[np.float64]:  # noqa: ANN401
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if _is_text(kind):
        return numbers_in(_as_text(column))
    if not _is_number(kind):
        raise TypeError(kind)
    values = pc.cast(column, pa.float64(), safe=False).to_numpy()
    return np.asarray(values, dtype=np.float64)


def _number_words(value: float | None) -> str:
    """Return a float that came from a nullable column as it was meant: 7, not 7.0."""
    if value is None or value != value:
        return ""
    return str(int(value)) if abs(value) < _EXACT and value == int(value) else repr(value)


def _is_text(kind: Any) -> bool:  # noqa: ANN401
    checks = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
    )
    return any(check(kind) for check in checks)


def _is_number(kind: Any) -> bool:  # noqa: ANN401
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(check(kind) for check in checks)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
