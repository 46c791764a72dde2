"""The command in processes of its own: started, watched, sent signals; nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from .forks import Fork, forked

DEADLINE = 120
"""Seconds until a test that waits for something gives up; no test depends on it."""

FEW_PAIRS = 40
"""Unrelated images that tests lay on each other: five times as many take most of their time."""

_START = f"""
import sys
from lcbench import interrupts
from lcbench.leakage import unrelated
unrelated.PAIRS = {FEW_PAIRS}
interrupts.GRACE_SECONDS = float(sys.argv.pop(1))
exec(sys.argv.pop(1))
sys.argv[0] = "lcbench"
from lcbench.cli import main
main()
"""


@dataclass(frozen=True)
class Started:
    """A command that runs, and where its words go."""

    process: subprocess.Popen[bytes] | Fork
    out: Path
    err: Path

    @property
    def said(self) -> str:
        """What it wrote on standard error until now."""
        return self.err.read_text(encoding="utf-8", errors="replace")

    def children(self) -> list[psutil.Process]:
        """Everything below it that is alive."""
        try:
            return alive(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: int) -> None:
        """Send a signal as a terminal does: to its process group."""
        os.killpg(self.process.pid, number)

    def end(self) -> int:
        """Wait until it has ended; return its exit code."""
        return self.process.wait(DEADLINE)


@contextmanager
def started(
    folder: Path,
    *words: object,
    grace: float = 2.0,
    before: str = "",
    fresh: bool = False,
    **environment: str,
) -> Iterator[Started]:
    """Start `lcbench words` in a folder, as a terminal does; nothing of it is left afterwards.

    Parameters
    ----------
    grace
        Seconds in which it may finish after a first signal: many where a test lets it finish, few
        where a test does not want to wait.
    before
        Python that the process does before the command.
    fresh
        Start an interpreter, which takes seconds to import torch; else fork one that has imported
        the libraries, and nothing of lcbench.
    environment
        Changes to it.
    """
    number = len(list(folder.glob("*.stderr")))
    out, err = folder / f"{number}.stdout", folder / f"{number}.stderr"
    arguments = [str(grace), before, *map(str, words)]
    changed = {**os.environ, **environment}
    process: subprocess.Popen[bytes] | Fork
    if fresh:
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                [sys.executable, "-c", _START, *arguments],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=to_out, stderr=to_err,
                env=changed, start_new_session=True,
            )  # fmt: skip
    else:
        process = forked(_START, arguments, folder, changed, out, err)
    command = Started(process, out, err)
    seen: list[psutil.Process] = []
    try:
        yield command
        seen = command.children()
    finally:
        for one in (*command.children(), *seen):
            _kill(one)
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], what: str, command: Started | None = None) -> None:
    """Wait until something is seen; fail if it is not, or if the command ends before."""
    until = time.monotonic() + DEADLINE
    while not condition():
        ended = command is not None and command.process.poll() is not None and not condition()
        if ended or time.monotonic() > until:
            raise AssertionError(f"not seen: {what}\n{command.said if command else ''}")
        time.sleep(0.01)


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that run; one that ended and that nobody has asked for does not."""
    return [one for one in processes if _status(one) not in (None, psutil.STATUS_ZOMBIE)]


def require_gone(processes: Iterable[psutil.Process]) -> None:
    """Wait until none of them is left."""
    processes = list(processes)
    wait_for(lambda: not alive(processes), f"the end of {processes}")


def _status(process: psutil.Process) -> str | None:
    try:
        return process.status() if process.is_running() else None
    except psutil.NoSuchProcess:
        return None


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
