"""Signals to the command and to its workers: what is kept and said, and that nobody is left."""

from __future__ import annotations

import ast
import json
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest

import lcbench.cli
from lcbench.cli.signals import _KEPT, interrupted
from lcbench.storage.hashes import file_sha256

from ..processes import Started, require_gone, started, wait_for

KINDS = """
import os, sys, time
from pathlib import Path
import numpy as np
from lcbench.models.baseline import Baseline, FitSummary, Settings


class Named(Settings):
    named: str


class Waits(Baseline):
    '''Shows that its fit began, and waits until it may go on.'''

    settings_type = Named

    def fit(self, train, validation):
        seed = f"{self.settings.named}-{self.context.seed}"
        began = Path(f"{self.settings.named}.{os.getpid()}.began")
        began.touch()
        while not Path(f"{self.settings.named}.go").exists():
            time.sleep(0.01)
        return FitSummary(parameters=0)

    def predict(self, samples):
        return np.full((len(samples), 3), 1 / 3)

    def state(self):
        return {"nothing": np.zeros(1)}

    def restore(self, state):
        pass


class IsKilled(Waits):
    def fit(self, train, validation):
        os.kill(os.getpid(), 9)


class Exits(Waits):
    def fit(self, train, validation):
        sys.exit("I am done")


class NeedsMemory(Waits):
    def fit(self, train, validation):
        np.ones(2**50)
"""

TOP = """
name = "{name}"
purpose = "A test"
reference = "one"
backbone = "test_resnet"
protocols = ["paper"]
seeds = 1
"""
ONE = '[[baselines]]\nname = "{0}"\nkind = "lcbench_test_kinds:{1}"\npurpose = "x"\nnamed = "{0}"\n'
NETWORK = (
    '[[baselines]]\nname = "one"\nkind = "network"\npurpose = "x"\ntuning = "full"\nepochs = 4\n'
    'hidden = 8\nbatch_size = 16\naugmentation = "flips"\npatience = 4\n'
)
Start = Callable[..., AbstractContextManager[Started]]


@pytest.fixture
def start(tmp_path: Path, small_demo: Path) -> Start:
    """Start a run of baselines of own kinds: start({"one": "Waits"}, jobs=2)."""
    (tmp_path / "lcbench_test_kinds.py").write_text(KINDS)
    paths = os.pathsep.join([str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])

    def make(
        kinds: dict[str, str], *words: object, jobs: int = 2, text: str = "", **options: Any
    ) -> AbstractContextManager[Started]:
        baselines = text or "".join(ONE.format(*one) for one in kinds.items())
        (tmp_path / "tiny.toml").write_text(TOP.format(name="tiny") + baselines)
        return started(
            tmp_path, "run", "--suite", "tiny.toml", "--data", small_demo, "--groups",
            small_demo / "groups.csv", "--weights", "random", "--offline", "--device", "cpu",
            "--precision", "32", "--force", "--jobs", jobs, *words, PYTHONPATH=paths, **options,
        )  # fmt: skip

    return make


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], dict[str, str]]:
    """How each stored run ended."""

    def read() -> dict[str, str]:
        return {
            path.parent.parent.name: json.loads(path.read_text())["status"]
            for path in tmp_path.glob("runs/tiny/paper/*/seed0/state.json")
        }

    return read


def workers(folder: Path, *names: str, command: Started) -> list[psutil.Process]:
    """Wait until fits began; return their processes."""
    wait_for(
        lambda: all(list(folder.glob(f"{name}.*.began")) for name in names),
        f"the beginning of {names}", command,
    )  # fmt: skip
    return [
        psutil.Process(int(path.name.split(".")[1]))
        for name in names
        for path in folder.glob(f"{name}.*.began")
    ]


def leftovers(folder: Path) -> list[Path]:
    return list((folder / "runs").rglob(".*"))


WAITING = dict.fromkeys(("one", "two", "three"), "Waits")
several_cores = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one fit at a time here")


@several_cores
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_the_fits_finish_and_begins_no_other(
    number: int, start: Start, stored: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    with start(WAITING, grace=1000.0) as command:
        found = workers(tmp_path, "one", "two", command=command)
        command.signal(number)
        wait_for(lambda: "Finishing" in command.said, "that it finishes", command)
        (tmp_path / "one.go").touch()
        (tmp_path / "two.go").touch()
        assert command.end() == 1
        require_gone(found)
    lines = command.said.splitlines()
    begun = lines.index("Finishing what takes under two seconds; Ctrl-C again stops at once.")
    # On a slow machine the fits that finish are shown meanwhile.
    assert [line for line in lines[begun + 1 :] if not line.startswith("Fitting ")] == [
        "Interrupted. Finished runs are kept: the same command goes on from there."
    ]
    assert stored() == {"one": "done", "two": "done"}
    assert not list(tmp_path.glob("three.*.began"))
    (tmp_path / "three.go").touch()
    with start(WAITING) as command:
        assert command.end() == 0
    assert "(2 done before)" in command.said
    assert set(stored()) == set(WAITING)
    assert not leftovers(tmp_path)


@several_cores
def test_fits_that_take_longer_are_given_up_after_the_first_signal(
    start: Start, stored: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "one.go").touch()
    with start(WAITING, grace=0.0) as command:
        found = workers(tmp_path, "two", "three", command=command)
        command.signal(signal.SIGINT)
        assert command.end() == 1
        require_gone(found)
    assert "Interrupted. Finished runs are kept" in command.said
    assert "Traceback" not in command.said
    assert stored() == {"one": "done"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_second_signal_stops_at_once(
    jobs: int, start: Start, stored: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    with start(WAITING, jobs=jobs, grace=1000.0) as command:
        found = workers(tmp_path, "one", command=command)
        command.signal(signal.SIGINT)
        wait_for(lambda: "Finishing" in command.said, "that it finishes", command)
        command.signal(signal.SIGINT)
        assert command.end() == 1
        require_gone(found)
    assert command.said.endswith("\nStopped at once.\n")
    assert "Traceback" not in command.said
    assert stored() == {}


def test_a_fit_in_the_commands_own_process_is_finished_and_stored_too(
    start: Start, stored: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    with start(WAITING, jobs=1, grace=1000.0) as command:
        assert workers(tmp_path, "one", command=command)[0].pid == command.process.pid
        command.signal(signal.SIGINT)
        wait_for(lambda: "Finishing" in command.said, "that it finishes", command)
        (tmp_path / "one.go").touch()
        assert command.end() == 1
    assert stored() == {"one": "done"}
    assert "Interrupted. Finished runs are kept" in command.said


@several_cores
def test_workers_end_with_a_command_that_is_killed_and_the_same_command_finishes(
    start: Start, stored: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    with start(WAITING) as command:
        found = [*workers(tmp_path, "one", "two", command=command), *command.children()]
        command.process.kill()
        command.end()
        require_gone(found)
    assert stored() == {}
    for name in WAITING:
        (tmp_path / f"{name}.go").touch()
    with start(WAITING) as command:
        assert command.end() == 0
    assert set(stored().values()) == {"done"}
    assert len(stored()) == 3
    assert not leftovers(tmp_path)


@several_cores
def test_a_run_whose_worker_is_killed_is_tried_once_more(
    start: Start, stored: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    with start(WAITING) as command:
        one, _ = workers(tmp_path, "one", "two", command=command)
        one.kill()
        for name in ("two", "three"):
            (tmp_path / f"{name}.go").touch()
        wait_for(lambda: len(list(tmp_path.glob("one.*.began"))) == 2, "a second try", command)
        wait_for(lambda: set(stored()) == {"two", "three"}, "the others", command)
        (tmp_path / "one.go").touch()
        assert command.end() == 0
    assert stored() == dict.fromkeys(WAITING, "done")
    assert "Traceback" not in command.said


@several_cores
def test_a_run_that_is_killed_twice_fails_in_plain_words_and_the_others_go_on(
    start: Start, stored: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    kinds = {"one": "Waits", "bad": "IsKilled", "exits": "Exits", "large": "NeedsMemory"}
    (tmp_path / "one.go").touch()
    with start(kinds, "--jobs", 1000) as command:
        assert command.end() == 3
    assert stored() == {"one": "done", "bad": "failed", "exits": "failed", "large": "failed"}
    assert f"--jobs 1000: this machine has {os.cpu_count()} cores" in command.said
    reasons = {
        name: json.loads((tmp_path / f"runs/tiny/paper/{name}/seed0/state.json").read_text())[
            "error"
        ]
        for name in ("bad", "exits", "large")
    }
    assert reasons["bad"].startswith("Its process was killed by the system (signal 9), twice, the")
    assert "memory" in reasons["bad"]
    assert "SystemExit: I am done" in reasons["exits"]
    assert reasons["large"].startswith("not enough memory")
    assert "--jobs 1" in reasons["large"]


EVERY_EPOCH = """
import math, lcbench.training.checkpoint, lcbench.training.loop as loop
lcbench.training.checkpoint.SHARE_OF_TIME = math.inf
train = loop._Training.train
def told(self, examples, epoch):
    print("EPOCH", epoch, file=sys.stderr, flush=True)
    return train(self, examples, epoch)
loop._Training.train = told
"""


def test_fine_tuning_that_is_killed_in_every_epoch_ends_with_the_bytes_of_an_undisturbed_one(
    start: Start, tmp_path: Path
) -> None:
    run = tmp_path / "runs/tiny/paper/one/seed0"
    results = ("model.safetensors", "predictions.parquet", "validation.parquet", "history.csv")
    with start({}, text=NETWORK, before=EVERY_EPOCH) as command:
        assert command.end() == 0, command.said
    undisturbed = [file_sha256(run / name) for name in results]
    assert not leftovers(tmp_path)
    (tmp_path / "runs").rename(tmp_path / "undisturbed")
    for epoch in (1, 2, 3, 4):
        with start({}, text=NETWORK, before=EVERY_EPOCH) as command:
            # in the first try its first epoch, then each goes on from the one before
            wait_for(lambda: f"EPOCH {epoch}\n" in command.said, f"epoch {epoch}", command)  # noqa: B023
            if epoch > 1:
                assert f"EPOCH {epoch - 1}\n" not in command.said
            if epoch < 4:
                wait_for(lambda: f"EPOCH {epoch + 1}\n" in command.said, "the next", command)  # noqa: B023
                command.process.kill()
            command.end()
    assert [file_sha256(run / name) for name in results] == undisturbed
    assert not leftovers(tmp_path)


def test_no_command_that_changes_something_says_that_it_did_not() -> None:
    commands = {
        node.name: "Nothing was changed" in interrupted(node.name)
        for path in Path(lcbench.cli.__file__).parent.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Name) and one.id == "guarded" for one in node.decorator_list)
    }
    reads_only = {name for name, nothing in commands.items() if nothing}
    assert reads_only == {"doctor", "info", "list_", "validate", "verify"}
    assert set(_KEPT) == set(commands)  # each has words of its own
    assert "Nothing" not in interrupted("of a later version")


@pytest.mark.parametrize(
    ("words", "seen", "said"),
    [
        (
            ("audit",),
            "Finding keypoints",
            "The folder of the audit is as it was, or whole; what was computed",
        ),
        (("doctor", "--data"), "Reading images", "Nothing was changed."),
    ],
)
def test_every_command_says_what_is_left_of_it(
    words: tuple[str, ...], seen: str, said: str, tmp_path: Path, small_demo: Path
) -> None:
    with started(tmp_path, *words, small_demo, LCBENCH_CACHE=str(tmp_path / "cache")) as command:
        wait_for(lambda: seen in command.said, seen, command)
        command.signal(signal.SIGTERM)
        assert command.end() == 1
    assert f"Interrupted. {said}" in command.said
    assert "Traceback" not in command.said
    assert not (tmp_path / "audit").exists()
    with started(tmp_path, *words, small_demo, LCBENCH_CACHE=str(tmp_path / "cache")) as command:
        assert command.end() == 0
