"""CSV files of any tool: text stays text, and every field stands where its header says."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import numpy as np

from lcbench.predictions.reading.findings import Finding, counted
from lcbench.predictions.reading.raw import (
    CONTRACT,
    TEXT,
    Header,
    Places,
    RawTable,
    Read,
    numbers_in,
    read_header,
    text_array,
)
from lcbench.predictions.table import PROBABILITY

_SEPARATORS = ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"))
_UTF8 = 'Store it as UTF-8 text; in Excel, "CSV UTF-8 (comma delimited)".'
_QUOTES = "A field that holds a comma or a quotation mark must stand in quotation marks."


def read_csv(path: Path) -> Read:
    """Read a CSV file with commas, in UTF-8 with or without a byte-order mark."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(f"line {line:,} holds bytes that are not UTF-8 text", _UTF8)
    if "\0" in text:
        return _unreadable("the file holds zero bytes: it is no UTF-8 text", _UTF8)
    records = _Records(text)
    try:
        return _read_records(records)
    except csv.Error as error:
        return _unreadable(
            f"the row that begins in line {records.begin:,} is no readable CSV: {error}", _QUOTES
        )


@dataclass
class _Body:
    """The fields of the rows that have as many fields as the header."""

    rows: list[Sequence[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    uneven: list[tuple[int, int]] = field(default_factory=list)
    blank: int = 0


class _Records:
    """The records of a CSV text, each with the line it begins on."""

    def __init__(self, text: str) -> None:
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self.begin = 1

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for record in self._reader:
            yield self.begin, record
            self.begin = self._reader.line_num + 1


def _read_records(records: _Records) -> Read:
    stream = iter(records)
    names = next((record for _, record in stream if _is_filled(record)), None)
    if names is None:
        return _unreadable("the file is empty", CONTRACT)
    header = read_header(names)
    other = _other_separator(names)
    if header.problems and other:
        return _unreadable(
            f"the fields seem to be separated by {other}, not by commas",
            "Store the file with commas between the fields and points in decimal numbers.",
        )
    body = _read_body(stream, header, len(names))
    return Read(
        _table(header, body),
        (*header.problems, *_uneven_rows(body, len(names))),
        _blank_lines(body),
    )


def _read_body(stream: Iterator[tuple[int, list[str]]], header: Header, width: int) -> _Body:
    body = _Body()
    pick = _picker(list(header.positions.values()))
    for line, record in stream:
        if not _is_filled(record):
            body.blank += 1
        elif len(record) == width:
            body.rows.append(pick(record))
            body.lines.append(line)
        else:
            body.uneven.append((line, len(record)))
    return body


def _picker(positions: list[int]) -> Callable[[list[str]], Sequence[str]]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda record: [record[position] for position in positions]


def _table(header: Header, body: _Body) -> RawTable:
    columns = list(zip(*body.rows, strict=True)) or [()] * len(header.positions)
    arrays = {
        name: text_array(column) for name, column in zip(header.positions, columns, strict=True)
    }
    places = Places(
        ("line",),
        np.array(body.lines, dtype=np.int64),
        ("",),
        np.zeros(len(body.lines), dtype=np.int64),
    )
    return RawTable(
        {name: arrays[name] for name in header.texts},
        {name: numbers_in(arrays[PROBABILITY + name]) for name in header.classes},
        places,
    )


def _is_filled(record: Sequence[str]) -> bool:
    return any(cell.strip() for cell in record)


def _other_separator(names: Sequence[str]) -> str | None:
    line = ",".join(names)
    for mark, word in _SEPARATORS:
        if _known(line.split(mark)) > _known(names) or line.startswith(f"sep={mark}"):
            return word
    return None


def _known(names: Sequence[str]) -> int:
    return len(set(TEXT) & {name.strip(' "') for name in names})


def _uneven_rows(body: _Body, width: int) -> list[Finding]:
    if not body.uneven:
        return []
    line, fields = body.uneven[0]
    return [
        Finding(
            f"{counted(len(body.uneven), 'row')} with more or fewer fields than the {width} of "
            f"the header; the first is line {line:,} with {counted(fields, 'field')}",
            _QUOTES,
        )
    ]


def _blank_lines(body: _Body) -> tuple[Finding, ...]:
    if not body.blank:
        return ()
    return (Finding(f"{counted(body.blank, 'empty line')} passed over"),)


def _unreadable(what: str, remedy: str) -> Read:
    return Read(None, (Finding(what, remedy),))
