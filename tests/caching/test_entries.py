"""Entries of the cache: checked when they are opened, made anew where they do not hold."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lcbench.caching import entries, seals
from lcbench.caching.entries import believe, checked_entries, open_entry
from lcbench.storage.locks import held

from ..damage import EVERY_DAMAGE, Damage, named

KEY = ("numbers", "of the test")


@pytest.fixture(autouse=True)
def as_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "_checked", set())
    monkeypatch.setattr(entries, "_said", set())


class Maker:
    """Makes an entry of two files, one of them in a folder, and counts how often."""

    def __init__(self, content: bytes = b"0123456789") -> None:
        self.content = content
        self.made = 0

    def __call__(self, folder: Path) -> Mapping[str, Any]:
        self.made += 1
        (folder / "values.npy").write_bytes(self.content)
        (folder / "inside").mkdir()
        (folder / "inside/more.csv").write_bytes(self.content[::-1])
        return {"speed": 7.5}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The entries whose files are hashed from now on."""
    found: list[Path] = []
    check = seals.check_files

    def counted(folder: Path, seal: seals.Seal) -> None:
        found.append(folder)
        check(folder, seal)

    monkeypatch.setattr(entries, "check_files", counted)
    return found


def forget() -> None:
    entries._checked.clear()


def test_an_entry_is_made_once_with_its_key_and_facts_beside_it(tmp_path: Path) -> None:
    maker = Maker()
    for _ in range(2):
        found = open_entry(tmp_path / "a", KEY, maker)
        assert found.facts == {"speed": 7.5}
        assert (found.folder / "values.npy").read_bytes() == maker.content
        forget()
    assert maker.made == 1
    kept = json.loads((tmp_path / "a/facts.json").read_text())
    assert tuple(kept["key"]) == KEY
    assert set(kept["files"]) == {"values.npy", "inside/more.csv"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize("block", [1 << 24, 4])
@pytest.mark.parametrize("file", ["values.npy", "inside/more.csv", "facts.json"])
@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
def test_damage_is_named_once_and_made_good(
    damage: Damage, file: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(seals, "_BLOCK", block)
    maker = Maker()
    open_entry(tmp_path / "a", KEY, maker)
    open_entry(tmp_path / "b", ("another",), Maker(b"abcdefghij"))
    before = (tmp_path / "a" / file).read_bytes()
    damage(tmp_path / "a" / file, tmp_path / "b" / file)  # in the process that had checked it
    open_entry(tmp_path / "a", KEY, maker)
    assert maker.made == 2
    assert (tmp_path / "a" / file).read_bytes() == before
    said = capsys.readouterr().err
    assert said.count("made anew") == 1
    assert str(tmp_path / "a") in said
    assert file in said or "carries no hashes" in said
    open_entry(tmp_path / "a", KEY, maker)
    assert maker.made == 2
    assert capsys.readouterr().err == ""


def test_bytes_count_wherever_they_are(tmp_path: Path) -> None:
    maker = Maker()
    open_entry(tmp_path / "a", KEY, maker)
    for file in ("values.npy", "inside/more.csv", "facts.json"):
        for place in range(0, (tmp_path / "a" / file).stat().st_size, 5):
            data = bytearray((tmp_path / "a" / file).read_bytes())
            data[place] ^= 0x20
            (tmp_path / "a" / file).write_bytes(data)
            made = maker.made
            open_entry(tmp_path / "a", KEY, maker)
            assert maker.made == made + 1, (file, place)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "null", "[]", '{"files": 3}', '{"files": {"a": 1}}', "\0", '{"a": NaN}']
)  # fmt: skip
def test_whatever_stands_in_facts_there_is_no_traceback(tmp_path: Path, text: str) -> None:
    maker = Maker()
    open_entry(tmp_path / "a", KEY, maker)
    (tmp_path / "a/facts.json").write_text(text)
    assert open_entry(tmp_path / "a", KEY, maker).facts == {"speed": 7.5}
    assert maker.made == 2


def test_entries_of_earlier_versions_are_made_anew_and_not_called_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "values.npy").write_bytes(b"what it was")
    facts = {"images_per_second": 3.0, "key": list(KEY)}
    (tmp_path / "a/facts.json").write_text(json.dumps(facts, indent=2))
    makers = {name: Maker() for name in ("a", "b")}
    for name, maker in makers.items():
        open_entry(tmp_path / name, KEY, maker)
        assert maker.made == 1
    said = capsys.readouterr().err
    assert said.count("carries no hashes") == 1
    assert "damaged" not in said


def test_another_key_or_a_file_in_its_place_is_no_entry(tmp_path: Path) -> None:
    open_entry(tmp_path / "a", KEY, Maker())
    maker = Maker(b"other")
    open_entry(tmp_path / "a", ("another",), maker)
    (tmp_path / "b").write_text("a file")
    open_entry(tmp_path / "b", KEY, maker)
    assert maker.made == 2


def test_files_are_hashed_once_a_process_and_again_when_they_change(
    tmp_path: Path, hashed: list[Path]
) -> None:
    maker = Maker()
    for _ in range(3):
        open_entry(tmp_path / "a", KEY, maker)
    assert hashed == []  # it was this process that made it
    forget()
    for _ in range(3):
        open_entry(tmp_path / "a", KEY, maker)
    assert len(hashed) == 1
    file = tmp_path / "a/values.npy"
    facts = file.stat()
    file.write_bytes(b"9876543210")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    open_entry(tmp_path / "a", KEY, maker)
    assert len(hashed) > 1
    assert maker.made == 2


def test_a_process_believes_the_one_that_started_it(tmp_path: Path, hashed: list[Path]) -> None:
    maker = Maker()
    open_entry(tmp_path / "a", KEY, maker)
    known = checked_entries()
    forget()
    believe(known)
    open_entry(tmp_path / "a", KEY, maker)
    assert hashed == []
    (tmp_path / "a/values.npy").write_bytes(b"9876543210")  # after it was told
    open_entry(tmp_path / "a", KEY, maker)
    assert maker.made == 2


def test_a_use_is_noted(tmp_path: Path) -> None:
    open_entry(tmp_path / "a", KEY, Maker())
    os.utime(tmp_path / "a/facts.json", (0, 0))
    open_entry(tmp_path / "a", KEY, Maker())
    assert (tmp_path / "a/facts.json").stat().st_mtime > time.time() - 3600


def test_what_a_maker_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> Mapping[str, Any]:
        (folder / "values.npy").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_entry(tmp_path / "a", KEY, interrupted)
    assert list(tmp_path.iterdir()) == []


def _hold(place: Path, holding: Any, go_on: Any) -> None:
    with held(place):
        holding.set()
        go_on.wait(60)
        Maker(b"of the first")(place.parent / "made")
        seals.seal(place.parent / "made", KEY, {"speed": 1.0})
        (place.parent / "made").rename(place)


def test_a_second_process_waits_and_then_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = multiprocessing.get_context("spawn")
    holding, go_on = context.Event(), context.Event()
    (tmp_path / "made").mkdir()
    first = context.Process(target=_hold, args=(tmp_path / "a", holding, go_on))
    first.start()
    assert holding.wait(60)
    warn: Callable[[str], None] = entries.warn

    def let_it_go_on(words: str) -> None:
        warn(words)
        go_on.set()

    monkeypatch.setattr(entries, "warn", let_it_go_on)
    maker = Maker()
    found = open_entry(tmp_path / "a", KEY, maker)
    first.join()
    assert maker.made == 0
    assert (found.folder / "values.npy").read_bytes() == b"of the first"
    assert "Waiting for another lcbench" in capsys.readouterr().err
