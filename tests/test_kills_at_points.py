"""Killed at a named point of a write, a command typed again ends as if undisturbed."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from .processes import started
from .test_kills import contents

DIES = """
import os, pathlib, signal
real = pathlib.Path.replace
def die(self, target):
    if {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, target)
    if {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    return target
pathlib.Path.replace = die
"""
OLD, NEVER = '".lcbench-old-" in str(target)', "False"
POINTS = {
    "before the first file of an audit": ('target.name == "groups.csv"', NEVER),
    "between two files of an audit": (NEVER, 'target.name == "pairs.csv"'),
    "before the swap": (OLD, NEVER),
    "between the two renames of the swap": (NEVER, OLD),
    "after the swap": (NEVER, 'target.name == "audit"'),
    "while a cache entry is written": ('target.name == "facts.json"', NEVER),
    "before a cache entry is moved": ('target.parent.parent.name == "v1"', NEVER),
}


def audit(folder: Path, data: Path, before: str = "") -> int:
    words = ("audit", data, "--no-pictures", "--out", "audit")
    with started(folder, *words, before=before, LCBENCH_CACHE=str(folder / "cache")) as command:
        return command.end()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, small_demo: Path) -> Path:
    folder = tmp_path_factory.mktemp("calm")
    assert audit(folder, small_demo) == 0
    return folder


@pytest.mark.parametrize("point", POINTS)
def test_an_audit_that_is_killed_there_is_whole_and_the_next_one_undisturbed(
    point: str, calm: Path, small_demo: Path, tmp_path: Path
) -> None:
    before, after = POINTS[point]
    if "cache" not in point:
        for name in ("audit", "cache"):
            shutil.copytree(calm / name, tmp_path / name)
        first = contents(tmp_path / "audit")
    dies = DIES.format(before=before, after=after)
    assert audit(tmp_path, small_demo, dies) == -signal.SIGKILL
    if "cache" not in point and "between the two" not in point:
        assert contents(tmp_path / "audit") == first
    assert audit(tmp_path, small_demo) == 0
    for name in ("audit", "cache"):
        assert contents(tmp_path / name) == contents(calm / name)
    assert not list(tmp_path.glob(".lcbench-*"))
