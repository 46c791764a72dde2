"""Killed at any moment, a command leaves nothing; typed again, it ends as if undisturbed."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from .cli.commands import SUITE
from .processes import Started, alive, require_gone, started

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL)
KILLS = {"run": 5, "evaluate": 2, "audit": 2, "report": 2}
"""Commands in the order in which they build on each other, and signals that strike each.

What they share, the writing of files and folders, is killed at every named point besides."""
MADE = {"run": "runs", "evaluate": "runs/quick/external", "audit": "audit", "report": "report"}
SEED = 20261126
"""Of the moments, signals and processes; no check depends on what they are."""
OF_THE_CLOCK = {
    "started", "created", "command", "commands", "train_seconds", "images_per_second",
    "peak_memory_mb", "seconds", "efficiency", "files", "root", "invocations", "checksum", "hash",
}  # fmt: skip
"""Keys of JSON files that say when, where and how fast; and hashes of what holds them."""


@dataclass
class Place:
    """A folder in which commands are typed, with a cache of its own."""

    folder: Path
    data: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "quick.toml").write_text(SUITE)

    def start(
        self, command: str, *more: str, jobs: int = 2, before: str = "", fresh: bool = False
    ) -> AbstractContextManager[Started]:
        """Start a command, after some Python."""
        common = ["--offline", "--device", "cpu", "--precision", "32"]
        words: dict[str, list[object]] = {
            "run": [
                "--suite", "quick.toml", "--data", self.data, "--weights", "random",
                "--jobs", jobs, *common,
            ],
            "evaluate": [self.data, "--weights", "random", *common],
            "audit": [self.data, "--out", "audit"],
            "report": ["runs", "--out", "report"],
        }  # fmt: skip
        environment = {"LCBENCH_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1"}
        return started(
            self.folder, command, *words[command], *more, before=before, fresh=fresh, **environment
        )

    def finish(self, command: str, fresh: bool = False) -> None:
        """Let a command end by itself."""
        before = time.monotonic()
        with self.start(command, fresh=fresh) as running:
            assert running.end() == 0, running.said
        self.seconds[command] = time.monotonic() - before

    def strike(self, command: str, moments: random.Random, seconds: float) -> bool:
        """Send a signal to a process of a command; return whether any was there any more."""
        with self.start(command) as running:
            own = psutil.Process(running.process.pid)
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(moments.uniform(0.05, 1) * seconds)
            family = [own, *running.children()]
            living = alive(family)
            if living:
                with suppress(psutil.NoSuchProcess):
                    moments.choice(living).send_signal(moments.choice(SIGNALS))
            running.end()
            require_gone(family)
        return bool(living)

    def forget(self, command: str) -> None:
        """Remove what a command made, so that it has everything to do again."""
        for made in (MADE[command], "cache"):
            shutil.rmtree(self.folder / made, ignore_errors=True)


def without_times(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_times(one) for key, one in value.items() if key not in OF_THE_CLOCK}
    if isinstance(value, list):
        return [without_times(one) for one in value]
    return value


def contents(folder: Path) -> dict[str, object]:
    """Everything below a folder by name: bytes, but for times and speeds."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            found[name] = without_times(json.loads(path.read_text(encoding="utf-8")))
        elif path.name == "results.csv":
            lines = path.read_text(encoding="utf-8").splitlines()
            found[name] = [line for line in lines if not line.startswith("efficiency")]
        elif path.is_file() and path.suffix not in (".md", ".html", ".png"):  # they hold times
            found[name] = path.read_bytes()
        else:
            found[name] = None
    return found


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, small_demo: Path) -> Place:
    """Where nobody disturbed the commands."""
    place = Place(tmp_path_factory.mktemp("kills") / "calm", small_demo)
    for command in KILLS:
        place.finish(command)
    return place


def test_what_is_killed_ends_as_if_undisturbed(calm: Place, tmp_path: Path) -> None:
    moments = random.Random(SEED)  # noqa: S311 - no secret
    struck = Place(tmp_path / "struck", calm.data)
    for command, kills in KILLS.items():
        hits = 0
        while hits < kills:
            hit = struck.strike(command, moments, calm.seconds[command])
            hits += hit
            if not hit:
                struck.forget(command)
        struck.finish(command, fresh=True)  # with hashes of another seed
    for name in ("runs", "audit", "report", "cache"):
        found, expected = contents(struck.folder / name), contents(calm.folder / name)
        if name == "cache":  # of which commands that came last may have needed less
            expected = {key: expected[key] for key in found.keys() & expected.keys()}
        assert found.keys() == expected.keys()  # so no lock and no leftover is there either
        assert [key for key in expected if found[key] != expected[key]] == []


DIES = """
import os
from pathlib import Path
move = Path.replace
def replace(path, target):
    place = "/".join(Path(target).parts[-3:])
    if place.endswith("{1}") and "{0}" == "before":
        os.kill(os.getpid(), 9)
    moved = move(path, target)
    if place.endswith("{1}") or Path(target).name.startswith("{1}"):
        os.kill(os.getpid(), 9)
    return moved
Path.replace = replace
"""
POINTS = {
    "a whole file, before it is moved": ("before", "quick/plan.json"),
    "a whole file, after it was moved": ("after", "quick/plan.json"),
    "a whole folder, before it is moved": ("before", "paper/knn/seed0"),
    "a whole folder, after it was moved": ("after", "paper/knn/seed0"),
}
"""Where `run` is killed, one after another: before or after a move to a place of such a name."""
SWAP = ("after", ".lcbench-old-")
"""Between the two renames of a swap."""


@pytest.fixture
def struck(calm: Place, tmp_path: Path) -> Place:
    """Where everything was computed, and nothing run."""
    place = Place(tmp_path / "struck", calm.data)
    shutil.copytree(calm.folder / "cache", place.folder / "cache")
    return place


def require_undisturbed(struck: Place, calm: Place) -> None:
    found, expected = contents(struck.folder / "runs"), contents(calm.folder / "runs")
    for name in [name for name in expected if name.startswith("quick/external")]:
        del expected[name]
    assert found.keys() == expected.keys()
    assert [key for key in expected if found[key] != expected[key]] == []


def test_a_run_that_is_killed_at_each_named_point_ends_as_if_undisturbed(
    struck: Place, calm: Place
) -> None:
    for name, point in POINTS.items():
        with struck.start("run", jobs=1, before=DIES.format(*point)) as running:
            assert running.end() == -signal.SIGKILL, (name, running.said)
    with struck.start("run", jobs=1) as running:
        assert running.end() == 0, running.said
    require_undisturbed(struck, calm)


def test_a_run_that_is_killed_while_it_replaces_another_ends_as_if_undisturbed(
    struck: Place, calm: Place
) -> None:
    shutil.copytree(calm.folder / "runs", struck.folder / "runs")
    shutil.rmtree(struck.folder / "runs/quick/external")
    with struck.start("run", "--fresh", jobs=1, before=DIES.format(*SWAP)) as running:
        assert running.end() == -signal.SIGKILL, running.said
    with struck.start("run", "--fresh", jobs=1) as running:
        assert running.end() == 0, running.said
    require_undisturbed(struck, calm)
