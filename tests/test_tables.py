"""CSV tables: what is written is no formula anywhere, and is read again as it was."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.tables import MOST_CSV, csv_text, read_text_table

FORMULAS = [
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "-", "-inf", "=", "+", "'=1",
    "''@x", "-1,5", "=cmd.png",
]  # fmt: skip
PLAIN = [
    "",
    "a.png",
    "'",
    "it's",
    " =1",
    "-1.5",
    "+2",
    "-1e-5",
    ".5",
    "1.",
    "a=b",
    "a\nb",
    'a"b',
    "ä",
]


def cells(text: str) -> list[str]:
    return [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    (cell,) = cells(csv_text(pd.DataFrame({"image": [text]})))
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_and_numbers_in_words_stay_as_they_are(text: str) -> None:
    assert cells(csv_text(pd.DataFrame({"image": [text]}))) == [text]


def test_numbers_and_gaps_are_written_as_pandas_does() -> None:
    table = pd.DataFrame(
        {"a": [-1.5, None, 1e-9], "b": pd.array([-1, None, 2], "Int64"), "c": ["x", None, -2]}
    )
    assert csv_text(table) == table.to_csv(index=False, lineterminator="\n")


@given(
    st.lists(st.tuples(st.text("=+-@\t\r\n',\"1a＝", max_size=6), st.text(max_size=6)), min_size=1)
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list
) -> None:
    rows = [tuple(part.replace("\0", "") for part in row) for row in rows]
    rows = [row for row in rows if any(part.strip() for part in row)]
    path = tmp_path_factory.getbasetemp() / "tables.csv"
    table = pd.DataFrame([("x", "y"), *rows], columns=["image", "side"], dtype=object)
    path.write_text(csv_text(table), encoding="utf-8", newline="")
    assert read_text_table(path).to_numpy().tolist() == table.to_numpy().tolist()


NO_TABLES = {
    "zero bytes": (b"image,group\na\0,1\n", "zero bytes"),
    "another encoding": (b"image,group\na,1\n\xe9,1\n", "line 3 holds bytes that are not UTF-8"),
    "a name twice": (b"image,group,group\na,1,2\n", "two columns are called group"),
    "more fields": (b"image,group\na,1\nb,1,2\n", "line 3 has 3 fields, but the header 2"),
    "a quote that does not end": (b'image,group\n"a,1\n', "begins in line 2"),
    "a stray quote": (b'image,group\n"a"b,1\n', "begins in line 2"),
    "a huge cell": (b"image,group\na,1\n" + b"a" * 200_000 + b",1\n", "begins in line 3"),
    "many columns": (b"a," * 20_000, "at most 10,000 are read"),
    "very many columns": (b"a," * 2_000_000, "line 1 has 4,000,000 characters"),
    "nothing": (b"\n\n", "the file is empty"),
}


@pytest.mark.parametrize("case", NO_TABLES)
def test_what_is_no_table_is_refused_by_line(tmp_path: Path, case: str) -> None:
    content, words = NO_TABLES[case]
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        read_text_table(path)
    assert raised.value.message.startswith(f"{path}: not a readable CSV file: ")
    assert words in raised.value.message
    assert raised.value.remedy


def test_a_large_file_is_refused_by_its_size_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.csv"
    path.touch()
    os.truncate(path, MOST_CSV + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _path: pytest.fail("it was read"))
    with pytest.raises(UserError, match="at most 250 MB are read"):
        read_text_table(path)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcbench.tables.MOST_ROWS", 3)
    path = tmp_path / "x.csv"
    path.write_text("a\n1\n2\n3\n4\n")
    with pytest.raises(UserError, match="more than 3 rows"):
        read_text_table(path)


def test_short_rows_are_filled_and_empty_lines_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\ufeff image ,group\n\na.png\nb.png,NA,\n")
    table = read_text_table(path)
    assert table.to_dict("list") == {"image": ["a.png", "b.png"], "group": ["", "NA"]}


def test_names_of_columns_are_no_formulas_either(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(csv_text(pd.DataFrame({"=1+1": ["a"], "-2": ["＝b"]})), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "'=1+1,-2\na,'＝b\n"
    read = read_text_table(path)
    assert list(read.columns) == ["=1+1", "-2"]
    assert read["-2"].tolist() == ["＝b"]
