"""TOML and JSON from outside: whatever a file holds, one message that names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from lcbench import documents
from lcbench.datasets.labels import load_label_map
from lcbench.documents import DEEPEST, MOST_JSON, MOST_TOML, read_json, read_toml
from lcbench.errors import UserError
from lcbench.runs.claims import load_claims
from lcbench.runs.records import RunConfig, read_record
from lcbench.runs.suite import load_suite
from lcbench.taxonomy import load_taxonomy


class Named(BaseModel, extra="allow"):
    """What the files below should hold."""

    name: str


DEEP = 5_000
TOML = {
    "arrays": b"a = " + b"[" * DEEP + b"]" * DEEP,
    "arrays that do not end the reader": b"a = " + b"[" * 99 + b"]" * 99,
    "tables": b"a = " + b"{b=" * DEEP + b"1" + b"}" * DEEP,
    "a dotted key": b".".join([b"a"] * 100_000) + b" = 1",
    "a quoted key": b" . ".join([b'"a"', b"'b'"] * DEEP) + b" = 1",
    "a dotted header": b"[" + b".".join([b"a"] * DEEP) + b"]",
    "a long number": b"a = " + b"1" * 6_000,
    "zero bytes": b"a = \0",
    "another encoding": b'name = "\xe9"',
    "no TOML": b"name = ",
    "nothing": b"",
    "many keys": b"name = 1\n" + b"\n".join(b"k%d.a = 1" % number for number in range(10_000)),
}
JSON = {
    "arrays": b"[" * 100_000 + b"]" * 100_000,
    "arrays that do not end the reader": b"[" * 99 + b"]" * 99,
    "a long number": b'{"a": ' + b"1" * 6_000 + b"}",
    "NaN": b'{"a": NaN}',
    "another encoding": b'{"a": "\xe9"}',
    "nothing": b"",
}
READERS: dict[str, Callable[[Path], object]] = {
    "suite": lambda path: load_suite(str(path)),
    "claims": lambda path: load_claims(str(path)),
    "taxonomy": load_taxonomy,
    "labels": lambda path: load_label_map(path, load_taxonomy()),
}


def refused(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(UserError) as raised:
        read(path)
    assert raised.value.message.startswith(f"{path}: ")
    assert "pydantic" not in str(raised.value)
    assert len(raised.value.message) < 1_000
    return raised.value.message


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", TOML)
def test_every_kind_of_toml_file_is_refused_in_one_message(
    tmp_path: Path, content: str, reader: str
) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(TOML[content])
    refused(READERS[reader], path)


@pytest.mark.parametrize("content", JSON)
def test_every_kind_of_json_file_is_refused_in_one_message(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(JSON[content])
    refused(read_json, path)
    refused(lambda record: read_record(record, RunConfig), path)


@pytest.mark.parametrize("content", ["tables", "a dotted key", "arrays"])
def test_what_is_nested_too_deep_is_called_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(TOML[content])
    assert f"nested deeper than {DEEPEST} levels" in refused(READERS["suite"], path)


@pytest.mark.parametrize(
    ("name", "most", "words"),
    [("x.toml", MOST_TOML, "at most 1 MB are read"), ("x.json", MOST_JSON, "at most 100 MB")],
)
def test_a_large_file_is_refused_by_its_size_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int, words: str
) -> None:
    path = tmp_path / name
    path.touch()
    os.truncate(path, most + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _path: pytest.fail("it was read"))
    assert words in refused(READERS["taxonomy"] if name == "x.toml" else read_json, path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    os.mkfifo(path)
    assert "no regular file" in refused(READERS["taxonomy"], path)


def test_what_holds_what_it_should_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('name = "one"\n[a.b.c]\nd = [[1, {e = 2}]]\n')
    assert read_toml(path, Named, "a name", "").name == "one"
    path.write_text('{"a": [{"b": [1, null]}]}')
    assert read_json(path) == {"a": [{"b": [1, None]}]}


def test_of_many_problems_the_first_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\n".join(b"k%d = 1" % number for number in range(50)))
    told = refused(lambda one: load_suite(str(one)), path)
    assert told.count(";") == documents._TOLD
    assert "and " in told
