"""Work in processes beside this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from lcbench.errors import UserError
from lcbench.processes import Lost, run_in_processes

from .processes import require_gone, wait_for

WORK = '''
import os, signal, subprocess, sys, time
from lcbench.errors import UserError


def twice(task):
    return 2 * task, os.getpid()


def fails(task):
    raise UserError(f"task {task}", "a remedy")


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def fails_oddly(task):
    raise Odd("first", "second")


def exits(task):
    sys.exit("no more")


def is_killed(task):
    if task < 0:
        os.kill(os.getpid(), -task)
    return task


def is_gone(task):
    os._exit(task)


def talks(task):
    print("on standard output", flush=True)
    os.system("echo from below")
    return sys.stdin.read()


def forks_and_is_killed(folder, task):
    """Leave a child behind that holds every pipe of this process, and lives half a minute."""
    if os.fork() == 0:
        time.sleep(30)
        (folder / "outlived").touch()
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def waits(folder, task):
    """Show that it began, with a process below it, and wait."""
    below = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(10000)"])
    (folder / f"{task}.part").write_text(f"{os.getpid()} {below.pid}")
    (folder / f"{task}.part").rename(folder / f"{task}.began")
    while not (folder / f"{task}.go").exists():
        time.sleep(0.01)
    return task
'''
PARENT = """
import sys
from functools import partial
from pathlib import Path
from lcbench.processes import run_in_processes
import lcbench_test_work as work
for task, answer in run_in_processes(partial(work.waits, Path(sys.argv[1])), sys.argv[2:], 2):
    print(task, answer)
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Functions that workers can import."""
    import importlib

    (tmp_path / "lcbench_test_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lcbench_test_work")
    del sys.modules["lcbench_test_work"]


def test_every_task_is_done_once_in_so_many_processes_and_none_is_left(work: Any) -> None:
    found = dict(run_in_processes(work.twice, range(20), 3))
    assert {task: answer[0] for task, answer in found.items()} == {n: 2 * n for n in range(20)}  # type: ignore[index]
    pids = {answer[1] for answer in found.values()}  # type: ignore[index]
    assert 1 <= len(pids) <= 3
    assert os.getpid() not in pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not list(run_in_processes(work.twice, (), 3))


def test_what_is_done_first_comes_first(work: Any, tmp_path: Path) -> None:
    answers = run_in_processes(partial(work.waits, tmp_path), ["one", "two"], 2)
    (tmp_path / "two.go").touch()
    assert next(answers) == ("two", "two")
    (tmp_path / "one.go").touch()
    assert list(answers) == [("one", "one")]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_that_is_killed_takes_no_other_task_with_it(work: Any, processes: int) -> None:
    tasks = [1, -9, 2, -11, 3, -15, 4]
    found = dict(run_in_processes(work.is_killed, tasks, processes))
    assert found == {task: Lost(task) if task < 0 else task for task in tasks}


def test_a_process_that_is_killed_is_lost_at_once_and_so_is_what_it_forked(
    work: Any, tmp_path: Path
) -> None:
    found = dict(run_in_processes(partial(work.forks_and_is_killed, tmp_path), [1], 1))
    assert found == {1: Lost(-9)}
    assert not (tmp_path / "outlived").exists()  # nobody waited for its child


def test_one_that_does_not_die_keeps_no_other_alive(
    work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = subprocess.Popen.wait

    def hangs(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is not None:
            raise subprocess.TimeoutExpired("worker", timeout)
        return wait(process)

    answers = run_in_processes(partial(work.waits, tmp_path), ["one", "two", "three"], 2)
    (tmp_path / "one.go").touch()
    next(answers)
    found = began(tmp_path, "one", "two", "three")
    monkeypatch.setattr("subprocess.Popen.wait", hangs)
    answers.close()  # type: ignore[attr-defined]
    require_gone(found)


def test_a_process_that_leaves_by_itself_is_lost_with_its_exit_code(work: Any) -> None:
    assert dict(run_in_processes(work.is_gone, [0, 3], 2)) == {0: Lost(0), 3: Lost(3)}


def test_an_error_is_raised_here_with_the_traceback_from_there(work: Any) -> None:
    with pytest.raises(UserError, match="task 0") as caught:
        list(run_in_processes(work.fails, [0], 2))
    assert caught.value.remedy == "a remedy"
    assert "lcbench_test_work.py" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError, match="Odd: first"):  # it cannot be pickled
        list(run_in_processes(work.fails_oddly, [0], 2))
    with pytest.raises(SystemExit, match="no more"):
        list(run_in_processes(work.exits, [0], 2))


def test_what_a_task_prints_and_reads_does_not_mix_with_what_is_sent(
    work: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    assert list(run_in_processes(work.talks, [1], 1)) == [(1, "")]
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.split("\n")[:2] == ["on standard output", "from below"]


def began(folder: Path, *tasks: str) -> list[psutil.Process]:
    """Wait until tasks began; return their processes and those below them."""
    files = [folder / f"{task}.began" for task in tasks]
    wait_for(lambda: all(file.exists() for file in files), f"the beginning of {tasks}")
    return [psutil.Process(int(pid)) for file in files for pid in file.read_text().split()]


def test_nothing_is_left_when_nobody_wants_further_answers(work: Any, tmp_path: Path) -> None:
    answers = run_in_processes(partial(work.waits, tmp_path), ["one", "two", "three"], 2)
    (tmp_path / "one.go").touch()
    next(answers)
    found = began(tmp_path, "one", "two", "three")
    answers.close()  # type: ignore[attr-defined]
    require_gone(found)


@pytest.fixture
def parent(work: Any, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:  # noqa: ARG001
    """Start a process that lets others do tasks: parent("one", "two")."""
    processes = []

    def start(*tasks: str) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join([str(tmp_path), *sys.path])
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, tmp_path, *tasks],
            env={**os.environ, "PYTHONPATH": paths},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_they_end_with_this_process_and_so_does_what_they_started(
    signal: str, parent: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    import signal as signals

    process = parent("one", "two")
    found = began(tmp_path, "one", "two")
    process.send_signal(getattr(signals, signal))
    process.wait()
    require_gone(found)
