"""What lies in the cache, and what is removed from it: ours, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lcbench.caching.entries import open_entry
from lcbench.caching.upkeep import clear, kept_entries, verify
from lcbench.storage.locks import held

NAMES = [f"{number:016x}" for number in range(4)]
DAY = 86_400


def entry(cache: Path, place: str, size: int = 1000, days: float = 0) -> Path:
    """Make an entry that was last used some days ago."""

    def build(folder: Path) -> dict[str, str]:
        (folder / "values.npy").write_bytes(bytes(size))
        return {}

    folder = open_entry(cache / place, ("key", place), build).folder
    used = time.time() - days * DAY
    os.utime(folder / "facts.json", (used, used))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with three entries, used 1, 20 and 40 days ago."""
    cache = tmp_path / "cache"
    entry(cache, f"colour/{NAMES[0]}", 1000, 1)
    entry(cache, f"embeddings/{NAMES[1]}", 2000, 40)
    entry(cache, f"keypoints/v1/{NAMES[2]}", 3000, 20)
    return cache


def kinds(cache: Path) -> list[str]:
    return [kept.kind for kept in kept_entries(cache)]


def test_entries_are_listed_by_their_last_use_with_size_and_key(cache: Path) -> None:
    found = kept_entries(cache)
    assert [kept.kind for kept in found] == ["embeddings", "keypoints", "colour"]
    for kept, size in zip(found, (2000, 3000, 1000), strict=True):
        assert size < kept.size < size + 1000
        assert kept.key == ("key", kept.path.relative_to(cache).as_posix())
    assert kept_entries(cache / "absent") == []


def test_damage_is_found_in_every_kind(cache: Path) -> None:
    assert verify(kept_entries(cache)) == {}
    (cache / "colour" / NAMES[0] / "values.npy").write_bytes(bytes(999))
    (cache / "embeddings" / NAMES[1] / "facts.json").unlink()
    (cache / "keypoints/v1" / NAMES[2] / "facts.json").write_text("{")
    steps: list[int] = []
    wrong = verify(kept_entries(cache), steps.append)
    assert {path.name: reason.split(" ")[0] for path, reason in wrong.items()} == {
        NAMES[0]: "values.npy", NAMES[1]: "no", NAMES[2]: "facts.json",
    }  # fmt: skip
    assert sum(steps) == 3


def test_everything_is_removed_and_empty_folders_with_it(cache: Path) -> None:
    sizes = sum(kept.size for kept in kept_entries(cache))
    done = clear(cache)
    assert len(done.removed) == 3
    assert done.freed == sizes
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert kept_entries(cache) == []


def test_what_was_not_used_for_long_is_removed(cache: Path) -> None:
    assert [kept.kind for kept in clear(cache, older_than=30 * DAY).removed] == ["embeddings"]
    assert kinds(cache) == ["keypoints", "colour"]


@pytest.mark.parametrize(("size", "left"), [
    (10_000, ["embeddings", "keypoints", "colour"]), (5_500, ["keypoints", "colour"]),
    (2_000, ["colour"]), (0, []),
])  # fmt: skip
def test_what_was_used_least_recently_is_removed_until_the_rest_is_small(
    cache: Path, size: int, left: list[str]
) -> None:
    clear(cache, max_size=size)
    assert kinds(cache) == left


def test_both_limits_hold_together(cache: Path) -> None:
    clear(cache, older_than=30 * DAY, max_size=2_000)
    assert kinds(cache) == ["colour"]


def test_what_others_wrote_is_left_alone(cache: Path) -> None:
    others = [
        "notes.txt", "colour/notes.npy", "colour/my-arrays/values.npy", "demo-images/a.bmp",
        "demo-2024/mine.bmp", "runs/quick/state.json", ".hidden", f"{NAMES[0]}.jsonl",
        f"colour/{NAMES[0]}/thesis.docx",
    ]  # fmt: skip
    for name in others:
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_text("not ours")
    outside = cache.parent / "outside"
    outside.mkdir()
    (outside / "values.npy").write_text("not ours")
    (cache / "colour" / NAMES[3]).symlink_to(outside)
    done = clear(cache)
    assert [kept.foreign for kept in done.foreign] == [("thesis.docx",)]
    assert sorted(kept.kind for kept in done.removed) == ["embeddings", "keypoints"]
    for path in [*(cache / name for name in others), outside / "values.npy"]:
        assert path.read_text() == "not ours"
    assert (cache / "colour" / NAMES[0] / "values.npy").exists()


HOLD = """
import sys
from pathlib import Path
from lcbench.storage.locks import held
with held(Path(sys.argv[1])):
    print("holding", flush=True)
    sys.stdin.read()
"""


def test_what_another_process_makes_is_left_alone_with_what_it_writes(cache: Path) -> None:
    place = cache / "colour" / NAMES[0]
    writing = place.with_name(f".lcbench-new-abcd1234-{place.name}")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "holding\n"
    writing.mkdir()
    try:
        done = clear(cache)
        assert done.held == [place]
        assert done.leftovers == []
        assert place.exists()
        assert writing.exists()
    finally:
        other.stdin.close()
        other.wait()
        other.stdout.close()
    done = clear(cache)
    assert [kept.path for kept in done.removed] == [place]
    assert not writing.exists()


def test_what_killed_processes_left_is_removed(cache: Path) -> None:
    left = [
        f"colour/.lcbench-new-abcd1234-{NAMES[3]}", f"embeddings/.lcbench-old-12345678-{NAMES[1]}",
        f"keypoints/v1/.{NAMES[0]}-k_3fa91x", ".demo-2-k_3fa91x",
    ]  # fmt: skip
    for name in left:
        (cache / name).mkdir(parents=True)
        (cache / name / "values.npy").write_bytes(b"half")
    lock = cache / f"colour/.lcbench-lock-{NAMES[2]}"
    lock.touch()
    done = clear(cache, older_than=1e9)
    assert sorted(done.leftovers) == sorted([*(cache / name for name in left), lock])
    assert not list(cache.rglob(".*"))
    assert kinds(cache) == ["embeddings", "keypoints", "colour"]


def test_an_unfinished_grouping_is_an_entry_too(cache: Path) -> None:
    journal = cache / "sources" / f"{NAMES[0]}.jsonl"
    journal.parent.mkdir()
    journal.write_text("[]\n")
    assert kinds(cache)[-1] == "unfinished source groups"
    with held(journal):
        assert verify(kept_entries(cache)) == {}
    assert len(clear(cache).removed) == 4


def test_what_may_not_be_read_is_named_and_the_others_are_checked(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidden = cache / "embeddings" / NAMES[1]  # the one that is checked first
    real = Path.read_text

    def refuse(path: Path, *words: str, **options: str) -> str:
        if path.parent == forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *words, **options)

    monkeypatch.setattr(Path, "read_text", refuse)
    (cache / "colour" / NAMES[0] / "values.npy").write_bytes(b"")
    wrong = verify(kept_entries(cache))
    assert wrong[forbidden] == "cannot be read: Permission denied"
    assert set(wrong) == {forbidden, cache / "colour" / NAMES[0]}


def test_what_vanishes_while_it_is_listed_is_passed_over(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, real = cache / "embeddings" / NAMES[1], Path.rglob

    def vanishing(path: Path, pattern: str) -> list[Path]:
        found = list(real(path, pattern))
        if path == gone:
            shutil.rmtree(path)
        if path.name == NAMES[2]:
            (path / "values.npy").unlink()
        return found

    monkeypatch.setattr(Path, "rglob", vanishing)
    assert kinds(cache) == ["keypoints", "colour"]
