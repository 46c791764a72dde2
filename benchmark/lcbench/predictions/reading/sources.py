"""From a path to raw rows: one file, or a folder with a `predictions.parquet` a run."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lcbench.errors import from_os_error
from lcbench.predictions.reading.csv_file import read_csv
from lcbench.predictions.reading.findings import Finding
from lcbench.predictions.reading.raw import Read, put_together

RUN_FILE = "predictions.parquet"
_PARQUET = b"PAR1"
_PARQUET_NAMES = (".parquet", ".pq", ".parq")
_AS_CSV = "Store the table as CSV (UTF-8)."
_OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive", _AS_CSV),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", _AS_CSV),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first: gunzip FILE"),
)


def read_source(path: Path) -> Read:
    """Read what lies at a path; whatever is wrong with it becomes a problem.

    Parameters
    ----------
    path
        A prediction file, or a folder: then every `predictions.parquet` in or below it is read,
        and their rows are put below each other. Hidden folders are passed over.
    """
    return _read_folder(path) if os.path.isdir(path) else _read_file(path)  # noqa: PTH112


def _read_file(path: Path) -> Read:
    try:
        return _read_any_kind(path)
    except OSError as error:
        known = from_os_error(error)
        words = (error.strerror or str(error)).lower()
        return _refused(f"the file cannot be read: {words}", known.remedy if known else "")


def _read_any_kind(path: Path) -> Read:
    if not path.exists():
        return _refused("no such file or folder", "Check the path.")
    if not path.is_file():
        return _refused("this is no regular file", "Store the predictions in a file first.")
    with path.open("rb") as file:
        begin = file.read(4)
    if begin == _PARQUET:
        from lcbench.predictions.reading.parquet_file import read_parquet

        return read_parquet(path)
    for mark, kind, remedy in _OTHER_KINDS:
        if begin.startswith(mark):
            return _refused(f"the file is {kind}, not Parquet or CSV", remedy)
    if path.suffix.lower() in _PARQUET_NAMES:
        return _refused(
            "no readable Parquet file: it does not begin like one",
            "If it is a CSV file, give it a name that ends in .csv.",
        )
    return read_csv(path)


def _read_folder(folder: Path) -> Read:
    found = sorted(path.relative_to(folder) for path in folder.rglob(RUN_FILE))
    paths = [path for path in found if not any(part.startswith(".") for part in path.parts)]
    if not paths:
        return _refused(
            f"no {RUN_FILE} in this folder or below it",
            "Name a prediction file, or the folder of a baseline's runs.",
        )
    reads = {path.as_posix(): _read_file(folder / path) for path in paths}
    tables = {name: read.table for name, read in reads.items() if read.table is not None}
    return Read(
        put_together(list(tables.values()), list(tables)) if tables else None,
        tuple(_of_file(name, one) for name, read in reads.items() for one in read.problems),
        tuple(_of_file(name, one) for name, read in reads.items() for one in read.notes),
    )


def _of_file(name: str, finding: Finding) -> Finding:
    return replace(finding, what=f"{name}: {finding.what}")


def _refused(what: str, remedy: str) -> Read:
    return Read(None, (Finding(what, remedy),))
