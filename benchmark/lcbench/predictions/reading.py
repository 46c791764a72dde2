"""From a path to raw rows: Parquet or CSV of any tool, or a folder of runs."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lcbench.errors import from_os_error
from lcbench.predictions.messages import Finding, counted
from lcbench.predictions.raw import (
    CONTRACT,
    Read,
    is_number,
    put_together,
    raw_table,
    refused,
    used_columns,
)
from lcbench.predictions.table import COLUMNS, SCHEMA_VERSION, schema_version

RUN_FILE = "predictions.parquet"
_PARQUET = b"PAR1"
_PARQUET_NAMES = (".parquet", ".pq", ".parq")
_AS_CSV = "Store the table as CSV (UTF-8)."
_OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive", _AS_CSV),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", _AS_CSV),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first: gunzip FILE"),
)
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_UTF8 = 'Store it as UTF-8 text; in Excel, "CSV UTF-8 (comma delimited)".'
_QUOTES = "A field that holds a comma or a quotation mark must stand in quotation marks."


def read_source(path: Path) -> Read:
    """Read what lies at a path; whatever is wrong with it becomes a problem.

    Parameters
    ----------
    path
        A prediction file, or a folder: then every `predictions.parquet` in or below it is read,
        and their rows are put below each other. Hidden folders are passed over.
    """
    return _read_folder(path) if os.path.isdir(path) else _read_file(path)  # noqa: PTH112


def _read_folder(folder: Path) -> Read:
    found = sorted(path.relative_to(folder) for path in folder.rglob(RUN_FILE))
    paths = [path for path in found if not any(part.startswith(".") for part in path.parts)]
    if not paths:
        return refused(
            f"no {RUN_FILE} in this folder or below it",
            "Name a prediction file, or the folder of a baseline's runs.",
        )
    reads = {path.as_posix(): _read_file(folder / path) for path in paths}
    tables = {name: read.table for name, read in reads.items() if read.table is not None}
    return Read(
        put_together(tables) if tables else None,
        tuple(_of_file(name, one) for name, read in reads.items() for one in read.problems),
        tuple(_of_file(name, one) for name, read in reads.items() for one in read.notes),
    )


def _of_file(name: str, finding: Finding) -> Finding:
    return replace(finding, what=f"{name}: {finding.what}")


def _read_file(path: Path) -> Read:
    try:
        return _read_any_kind(path)
    except OSError as error:
        known = from_os_error(error, path)
        words = (error.strerror or str(error)).lower()
        return refused(f"the file cannot be read: {words}", known.remedy if known else "")


def _read_any_kind(path: Path) -> Read:
    if not path.exists():
        return refused("no such file or folder", "Check the path.")
    if not path.is_file():
        return refused("this is no regular file", "Store the predictions in a file first.")
    with path.open("rb") as file:
        begin = file.read(4)
    if begin == _PARQUET:
        return _read_parquet(path)
    for mark, kind, remedy in _OTHER_KINDS:
        if begin.startswith(mark):
            return refused(f"the file is {kind}, not Parquet or CSV", remedy)
    if path.suffix.lower() in _PARQUET_NAMES:
        return refused(
            "no readable Parquet file: it does not begin like one",
            "If it is a CSV file, give it a name that ends in .csv.",
        )
    return _read_csv(path)


def _read_parquet(path: Path) -> Read:
    """Read a Parquet file; columns that are not used are not decoded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Not `read_table`, which adds columns where a folder above is named like `seed=3`.
        with pq.ParquetFile(path) as file:
            metadata, names = file.schema_arrow.metadata, list(file.schema_arrow.names)
            version = schema_version(metadata)
            positions, problems = used_columns(names)
            stored = file.read([names[position] for position in positions.values()])
        stored.validate(full=True)
    except (ValueError, OSError, pa.ArrowException) as error:  # broken bytes raise any of them
        words = " ".join(str(error).split())
        return refused(f"no readable Parquet file: {words}", CONTRACT)
    if version > SCHEMA_VERSION:
        return refused(
            f"written by a newer lcbench (predictions schema {version})", "Update lcbench."
        )
    there = stored.column_names  # a name that stands twice is there twice
    columns = {
        name: stored.column(there.index(names[position])) for name, position in positions.items()
    }
    table, odd = raw_table(columns, "row", np.arange(1, stored.num_rows + 1))
    notes: tuple[Finding, ...] = ()
    if "image" in columns and is_number(columns["image"].type):
        what = "column image: holds numbers, which are read without leading zeros"
        remedy = "Store the names as text if other files write 0012 for 12."
        notes = (Finding(what, remedy, "image"),)
    return Read(table, (*problems, *odd), notes)


def _read_csv(path: Path) -> Read:
    """Read a CSV file with commas, in UTF-8 with or without a byte-order mark."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return refused(f"line {line:,} holds bytes that are not UTF-8 text", _UTF8)
    if "\0" in text:
        return refused("the file holds zero bytes: it is no UTF-8 text", _UTF8)
    try:
        return _read_records(_records(text))
    except csv.Error as error:
        return refused(str(error), _QUOTES)


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV text and the line that it begins on.

    pyarrow's own CSV reader neither tells the lines nor minds a stray quotation mark.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    try:
        for record in reader:
            yield begin, record
            begin = reader.line_num + 1
    except csv.Error as error:
        what = f"the row that begins in line {begin:,} is no readable CSV: {error}"
        raise csv.Error(what) from error


def _read_records(records: Iterator[tuple[int, list[str]]]) -> Read:
    import pyarrow as pa

    names = next((record for _, record in records if _is_filled(record)), None)
    if names is None:
        return refused("the file is empty", CONTRACT)
    positions, problems = used_columns(names)
    other = _other_separator(names)
    if problems and other:
        return refused(
            f"the fields seem to be separated by {other}, not by commas",
            "Store the file with commas between the fields and points in decimal numbers.",
        )
    rows = list(records)
    filled = [(line, record) for line, record in rows if _is_filled(record)]
    even = [(line, record) for line, record in filled if len(record) == len(names)]
    columns = {
        name: pa.chunked_array([[record[position] for _, record in even]], pa.string())
        for name, position in positions.items()
    }
    table, _ = raw_table(columns, "line", np.array([line for line, _ in even], dtype=np.int64))
    if len(even) < len(filled):
        line, first = next(row for row in filled if len(row[1]) != len(names))
        what = (
            f"{counted(len(filled) - len(even), 'row')} with more or fewer fields than the "
            f"{len(names)} of the header; the first is line {line:,} with "
            f"{counted(len(first), 'field')}"
        )
        problems += (Finding(what, _QUOTES),)
    blank = len(rows) - len(filled)
    notes = (Finding(f"{counted(blank, 'empty line')} passed over"),) if blank else ()
    return Read(table, problems, notes)


def _is_filled(record: Sequence[str]) -> bool:
    return any(map(str.strip, record))


def _other_separator(names: Sequence[str]) -> str | None:
    line = ",".join(names)
    for mark, word in _SEPARATORS.items():
        if _known(line.split(mark)) > _known(names) or line.startswith(f"sep={mark}"):
            return word
    return None


def _known(names: Sequence[str]) -> int:
    return len(set(COLUMNS) & {name.strip(' "') for name in names})
