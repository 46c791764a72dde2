"""From a path to raw rows: Parquet or CSV of any tool, or a folder of runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lcbench.errors import from_os_error
from lcbench.predictions.messages import Finding, clipped, counted
from lcbench.predictions.raw import (
    CONTRACT,
    Read,
    is_number,
    is_text,
    put_together,
    raw_table,
    refused,
    used_columns,
)
from lcbench.predictions.table import (
    COLUMNS,
    PROBABILITY,
    SCHEMA_VERSION,
    schema_version,
    stated_decision,
)
from lcbench.tables import (
    MOST_COLUMNS,
    MOST_CSV,
    MOST_ROWS,
    QUOTES,
    NoTableError,
    decoded,
    is_filled,
    records,
    unshielded,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

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
_MOST_BYTES = 1_000_000_000
"""Bytes of the used columns of a Parquet file, unpacked."""
_BATCH = 2**18
_MOST_CELLS = 100_000_000
_MOST_LEAVES = 1_000
_SMALLER = "Store the predictions of one model alone, each image once for each seed."


def read_source(path: Path) -> Read:
    """Read what lies at a path; whatever is wrong with it becomes a problem.

    Parameters
    ----------
    path
        A prediction file, or a folder: then every `predictions.parquet` in or below it is read,
        and their rows are put below each other. Hidden folders are passed over.
    """
    return _read_folder(path) if os.path.isdir(path) else _read_file(path)  # noqa: PTH112


def prediction_files(folder: Path) -> list[Path]:
    """Return the prediction files in or below a folder, relative to it; not in hidden folders."""
    found = sorted(path.relative_to(folder) for path in folder.rglob(RUN_FILE))
    return [path for path in found if not any(part.startswith(".") for part in path.parts)]


def _read_folder(folder: Path) -> Read:
    paths = prediction_files(folder)
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
            used = {names[position] for position in positions.values()}
            _require_bounded(file.metadata.num_rows, names, used)
            kinds = dict(zip(names, file.schema_arrow.types, strict=True))
        # One text may stand in every row: it stays in a dictionary.
        texts = [name for name in used if is_text(kinds[name])]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            stored = _unpacked(file, sorted(used))
        stored.validate(full=True)
    except NoTableError as error:
        return refused(str(error), error.remedy)
    except (ValueError, OSError, pa.ArrowException) as error:  # broken bytes raise any of them
        words = clipped(" ".join(str(error).split()))
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
    return Read(replace(table, decision=stated_decision(metadata)), (*problems, *odd), notes)


def _unpacked(file: pq.ParquetFile, names: Sequence[str]) -> pa.Table:
    """Read columns, as long as they take no more memory than predictions do.

    Not by the sizes in the metadata: asking for those of an encrypted column ends the process.
    """
    import pyarrow as pa

    before, batches = pa.total_allocated_bytes(), []
    for batch in file.iter_batches(batch_size=_BATCH, columns=names):
        batches.append(batch)
        if pa.total_allocated_bytes() - before > _MOST_BYTES:
            what = f"unpacked, it takes more than the {_MOST_BYTES // 10**6:,} MB that are read"
            raise NoTableError(what, _SMALLER)
    return pa.Table.from_batches(batches) if batches else file.read(names)


def _require_bounded(rows: int, names: Sequence[str], used: Collection[str]) -> None:
    """Hold a Parquet file to limits by its metadata: a tiny one can hold a great deal."""
    if rows > MOST_ROWS:
        what = f"it holds {rows:,} rows, but at most {MOST_ROWS:,} are read"
        raise NoTableError(what, _SMALLER)
    if rows * len(used) > _MOST_CELLS:
        what = f"it holds {rows * len(used):,} cells, but at most {_MOST_CELLS:,} are read"
        raise NoTableError(what, _SMALLER)
    _require_narrow(names)


def _require_narrow(names: Sequence[str]) -> None:
    leaves = sum(name.strip().startswith(PROBABILITY) for name in names)
    for number, most, kind in ((len(names), MOST_COLUMNS, ""), (leaves, _MOST_LEAVES, " p:...")):
        if number > most:
            what = f"it has {number:,} columns{kind}, but at most {most:,} are read"
            raise NoTableError(what, _SMALLER)


def _read_csv(path: Path) -> Read:
    """Read a CSV file with commas, in UTF-8 with or without a byte-order mark."""
    size = path.stat().st_size
    if size > MOST_CSV:
        what = f"the file has {size:,} bytes, but at most {MOST_CSV:,} are read of a CSV file"
        return refused(what, f"Store it as Parquet. {_SMALLER}")
    try:
        return _read_records(records(decoded(path.read_bytes())))
    except NoTableError as error:
        return refused(str(error), error.remedy)


def _read_records(rows: Iterator[tuple[int, list[str]]]) -> Read:
    import pyarrow as pa

    names = next((record for _, record in rows if is_filled(record)), None)
    if names is None:
        return refused("the file is empty", CONTRACT)
    _require_narrow(names)
    positions, problems = used_columns(names)
    other = _other_separator(names)
    if problems and other:
        return refused(
            f"the fields seem to be separated by {other}, not by commas",
            "Store the file with commas between the fields and points in decimal numbers.",
        )
    cells: dict[str, list[str]] = {name: [] for name in positions}
    lines: list[int] = []
    uneven: list[tuple[int, int]] = []
    blank = 0
    for line, record in rows:
        if not is_filled(record):
            blank += 1
        elif len(record) != len(names):
            uneven.append((line, len(record)))
        else:
            lines.append(line)
            for name, position in positions.items():
                cells[name].append(unshielded(record[position]))
    columns = {name: pa.chunked_array([column], pa.string()) for name, column in cells.items()}
    table, odd = raw_table(columns, "line", np.array(lines, dtype=np.int64))
    problems += odd
    if uneven:
        line, fields = uneven[0]
        what = (
            f"{counted(len(uneven), 'row')} with more or fewer fields than the {len(names)} of "
            f"the header; the first is line {line:,} with {counted(fields, 'field')}"
        )
        problems += (Finding(what, QUOTES),)
    notes = (Finding(f"{counted(blank, 'empty line')} passed over"),) if blank else ()
    return Read(table, problems, notes)


def _other_separator(names: Sequence[str]) -> str | None:
    line = ",".join(names)
    for mark, word in _SEPARATORS.items():
        if _known(line.split(mark)) > _known(names) or line.startswith(f"sep={mark}"):
            return word
    return None


def _known(names: Sequence[str]) -> int:
    return len(set(COLUMNS) & {name.strip(' "') for name in names})
