"""Signals while something is being finished, and while nothing is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import DEADLINE, wait_for

SCRIPT = """
import os, signal, sys, time
from pathlib import Path
from lcbench import interrupts

folder, kind, grace = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
interrupts.GRACE_SECONDS = grace
interrupts.heed(lambda: (folder / "said").touch())
if kind == "pressed again":  # just when the time is up
    signal.pthread_kill = lambda thread, number: os.kill(os.getpid(), signal.SIGINT)
    kind = "finishing"


def work():
    (folder / "began").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    (folder / "saved").touch()


try:
    if kind == "finishing":
        with interrupts.finishing(), interrupts.finishing():
            work()
            time.sleep(0)
        (folder / "went on").touch()
    else:
        work()
except KeyboardInterrupt:
    (folder / f"interrupted {interrupts.asked()}").touch()
    sys.exit(5)
"""


def start(folder: Path, kind: str, grace: float, before: str = "exec") -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", SCRIPT, str(folder), kind, str(grace)]
    process = subprocess.Popen(
        ["sh", "-c", f'{before} "$@"', "sh", *words], stderr=(folder / "err").open("wb")
    )
    wait_for((folder / "began").exists, "its beginning")
    return process


def seen(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"err", "began", "go"}


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_what_need_not_finish_is_interrupted_at_once(number: int, tmp_path: Path) -> None:
    process = start(tmp_path, "plain", 1000)
    process.send_signal(number)
    assert process.wait(DEADLINE) == 5
    assert seen(tmp_path) == {"interrupted True"}


def test_what_is_nearly_done_finishes_and_is_interrupted_then(number: int, tmp_path: Path) -> None:
    process = start(tmp_path, "finishing", 1000)
    process.send_signal(number)
    wait_for((tmp_path / "said").exists, "that it finishes")
    (tmp_path / "go").touch()
    assert process.wait(DEADLINE) == 5
    assert seen(tmp_path) == {"said", "saved", "interrupted True"}


def test_what_takes_too_long_is_interrupted_in_the_middle(number: int, tmp_path: Path) -> None:
    process = start(tmp_path, "finishing", 0)
    process.send_signal(number)
    assert process.wait(DEADLINE) == 5
    assert seen(tmp_path) == {"said", "interrupted True"}


def test_the_second_signal_ends_the_process(number: int, tmp_path: Path) -> None:
    process = start(tmp_path, "finishing", 1000)
    process.send_signal(number)
    wait_for((tmp_path / "said").exists, "that it finishes")
    process.send_signal(number)
    assert process.wait(DEADLINE) == 1
    assert seen(tmp_path) == {"said"}
    assert (tmp_path / "err").read_text() == "\nStopped at once.\n"


def test_the_second_signal_ends_the_process_also_just_when_the_time_is_up(
    number: int, tmp_path: Path
) -> None:
    process = start(tmp_path, "pressed again", 0)
    process.send_signal(number)
    assert process.wait(DEADLINE) == 1
    assert seen(tmp_path) == {"said"}
    assert (tmp_path / "err").read_text() == "\nStopped at once.\n"


def test_without_a_signal_everything_goes_on(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    assert start(tmp_path, "finishing", 1000).wait(DEADLINE) == 0
    assert seen(tmp_path) == {"saved", "went on"}


def test_a_signal_that_the_process_was_started_to_ignore_stays_ignored(tmp_path: Path) -> None:
    process = start(tmp_path, "finishing", 1000, before="trap '' INT; exec")
    process.send_signal(signal.SIGINT)
    (tmp_path / "go").touch()
    assert process.wait(DEADLINE) == 0
    assert seen(tmp_path) == {"saved", "went on"}
