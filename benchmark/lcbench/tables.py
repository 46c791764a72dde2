"""CSV tables: bounded and checked when read, without a formula when written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lcbench.documents import read_within
from lcbench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

MOST_CSV = 250_000_000
"""Bytes of a CSV file."""
MOST_ROWS = 5_000_000
"""Rows of a table: LC25000 with ten seeds gives 150,000 predictions."""
MOST_COLUMNS = 10_000
"""Of a table: predictions have a column a leaf, and a class tree at most a thousand nodes."""
_LONGEST_LINE = 1_000_000
"""Characters: a row of so many columns has some hundred thousand."""

# Full-width signs begin a formula in some spreadsheets, and so does what follows a line break.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_SHIELDED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

_UTF8 = 'Store it as UTF-8 text; in Excel, "CSV UTF-8 (comma delimited)".'
QUOTES = "A field that holds a comma or a quotation mark must stand in quotation marks."


class NoTableError(ValueError):
    """What makes a text no CSV table, and what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def csv_text(table: pd.DataFrame) -> str:
    r"""Return a table as CSV text in which no cell is a formula to a spreadsheet.

    Text that begins with = + - @, a tab or a line break gets an apostrophe before it, which
    `read_text_table` takes away; numbers stay as they are. Names of columns are text too.
    """
    safe = table.copy()
    texts = [name for name in table.columns if table[name].dtype.kind not in "biufc"]
    for name in texts:
        safe[name] = table[name].map(shielded, na_action="ignore").astype(object)
    # The writer leaves a carriage return bare, which readers take for the end of a row.
    bare = any(safe[name].astype(str).str.contains("\r").any() for name in texts)
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL
    safe.columns = safe.columns.map(shielded)
    return safe.to_csv(index=False, lineterminator="\n", quoting=quoting)


def shielded(cell: object) -> object:
    """Return a cell of which no spreadsheet makes a formula; see `csv_text`."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def unshielded(cell: str) -> str:
    """Return the text that `csv_text` wrote a cell of."""
    return cell[1:] if _SHIELDED.match(cell) else cell


def read_text_table(path: Path) -> pd.DataFrame:
    """Read a CSV file, every value as text; short rows are filled with empty text.

    Raises
    ------
    UserError
        If the file cannot be read, is too large, or is no CSV.
    """
    import pandas as pd

    try:
        text = decoded(read_within(path, MOST_CSV, "Split the file."))
        names, rows = _header_and_rows(text)
    except NoTableError as error:
        raise UserError(f"{path}: not a readable CSV file: {error}", error.remedy) from error
    return pd.DataFrame(rows, columns=names, dtype=object)


def _header_and_rows(text: str) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and rows of as many cells each."""
    found = ((line, row) for line, row in records(text) if is_filled(row))
    names = [unshielded(name.strip()) for name in next(found, (1, []))[1]]
    if not names:
        raise NoTableError("the file is empty", "It needs a line with the names of the columns.")
    twice = next((name for name, times in Counter(names).items() if name and times > 1), None)
    if twice is not None:
        raise NoTableError(f"two columns are called {twice}", "Keep one column of that name.")
    rows = []
    for line, row in found:
        if any(row[len(names) :]):
            raise NoTableError(
                f"line {line:,} has {len(row)} fields, but the header {len(names)}", QUOTES
            )
        cells = [unshielded(cell) for cell in row[: len(names)]]
        rows.append(cells + [""] * (len(names) - len(cells)))
    return names, rows


def decoded(content: bytes) -> str:
    """Return the text of a CSV file, in UTF-8 with or without a byte-order mark.

    Raises
    ------
    NoTableError
        If it is no such text.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NoTableError(f"line {line:,} holds bytes that are not UTF-8 text", _UTF8) from error
    if "\0" in text:
        raise NoTableError("the file holds zero bytes: it is no UTF-8 text", _UTF8)
    return text


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV text and the line that it begins on.

    Not by pandas or pyarrow: neither tells the lines nor minds a stray quotation mark.

    Raises
    ------
    NoTableError
        If a record is no CSV, or there is more than any table of images holds.
    """
    reader = csv.reader(_lines(text), strict=True)
    begin, count = 1, 0
    try:
        for record in reader:
            if len(record) > MOST_COLUMNS:
                what = f"line {begin:,} has {len(record):,} fields"
                raise NoTableError(f"{what}; at most {MOST_COLUMNS:,} are read", QUOTES)
            yield begin, record
            begin, count = reader.line_num + 1, count + 1
            if count > MOST_ROWS:
                what = f"more than {MOST_ROWS:,} rows, which is the most that are read"
                raise NoTableError(what, "Split the file.")
    except csv.Error as error:
        what = f"the row that begins in line {begin:,} is no readable CSV: {error}"
        raise NoTableError(what, QUOTES) from error


def _lines(text: str) -> Iterator[str]:
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > _LONGEST_LINE:
            what = f"line {number:,} has {len(line):,} characters"
            raise NoTableError(f"{what}; at most {_LONGEST_LINE:,} are read", QUOTES)
        yield line


def is_filled(record: list[str]) -> bool:
    """Tell whether a record holds anything but spaces."""
    return any(map(str.strip, record))
