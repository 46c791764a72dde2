"""Work in processes beside this one, which end with it however it ends."""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Generic, TypeVar

from lcbench import interrupts

Task = TypeVar("Task")
Result = TypeVar("Result")

_POSIX = os.name == "posix"
_END_SECONDS = 10
"""A process that was killed and is not gone by then is waiting for a disk."""
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from lcbench.processes import _serve; _serve()"
)


@dataclass(frozen=True)
class Lost:
    """What became of a task whose process ended under it.

    `exit_code` is the process's; -9 means that signal 9 ended it.
    """

    exit_code: int


@dataclass(frozen=True)
class _Done(Generic[Result]):
    value: Result


@dataclass(frozen=True)
class _Raised:
    error: BaseException


def run_in_processes(
    work: Callable[[Task], Result], tasks: Sequence[Task], processes: int
) -> Iterator[tuple[Task, Result | Lost]]:
    """Yield tasks and what `work` made of them, as they are done.

    Nothing is shared with this process. A process that ends under its task, killed by the system
    or by a crash, takes no other task with it: another one is started in its place. Ctrl-C does not
    reach the processes. When the iteration ends, for whatever reason, they end too; so they do
    when this process is killed.

    Parameters
    ----------
    work
        Can be pickled; is sent once to each process, so that it should hold what tasks share.
    tasks
        Can be pickled; best small.
    processes
        At a time, at most.

    Raises
    ------
    BaseException
        What `work` raised, with its traceback as a note.
    """
    waiting = list(reversed(tasks))
    pool = _Pool[Task, Result](pickle.dumps(work))
    try:
        with interrupts.finishing():
            for _ in range(min(processes, len(waiting))):
                pool.start(waiting.pop())
            while pool.busy:
                worker, task, answer = pool.next_answer()
                if waiting and not interrupts.asked():
                    pool.go_on(worker, answer, waiting.pop())
                if isinstance(answer, _Raised):
                    raise answer.error
                yield task, answer.value if isinstance(answer, _Done) else answer
    finally:
        pool.end()


class _Worker:
    """A process that does one task after another, seen from outside."""

    def __init__(self) -> None:
        # A process group of its own: Ctrl-C in a terminal is for the parent alone, and whatever
        # the worker starts ends with it.
        apart: dict[str, Any] = (
            {"process_group": 0}
            if _POSIX
            else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        )
        self.process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **apart,
        )

    def send(self, *messages: bytes) -> None:
        """Send what it shall do; one that is gone will be noticed by who listens to it."""
        pipe = _pipe(self.process.stdin)
        with suppress(BrokenPipeError):
            for message in messages:
                pickle.dump(message, pipe)
            pipe.flush()

    def answers(self) -> Iterator[bytes]:
        """Yield its answers until it ends."""
        with _pipe(self.process.stdout) as pipe, suppress(EOFError, pickle.UnpicklingError):
            while True:
                yield pickle.load(pipe)  # noqa: S301 - from a process of ours

    def wait(self) -> int:
        """Wait until it has ended; kill what it started, and return its exit code."""
        code = self.process.wait()
        self._kill_group()
        return code

    def kill(self) -> None:
        """Kill it and whatever it started."""
        if self.process.returncode is None:  # else its number may be another's by now
            self._kill_group()
            self.process.kill()

    def leave(self) -> None:
        """Wait until it is gone, unless that takes too long; close the way to it."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_SECONDS)
        with suppress(BrokenPipeError):  # there may be something that it never read
            _pipe(self.process.stdin).close()

    def _kill_group(self) -> None:
        if _POSIX:
            with suppress(ProcessLookupError, PermissionError):  # nobody is left in it
                os.killpg(self.process.pid, signal.SIGKILL)


class _Pool(Generic[Task, Result]):
    """The workers, what each does, and their answers."""

    def __init__(self, work: bytes) -> None:
        self._work = work
        self._tasks: dict[_Worker, Task] = {}
        self._idle: set[_Worker] = set()
        self._answers: queue.SimpleQueue[tuple[_Worker, bytes | Lost]] = queue.SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._tasks)

    def start(self, task: Task) -> None:
        """Start a worker with a task."""
        worker = _Worker()
        self._tasks[worker] = task
        threading.Thread(target=self._watch, args=(worker,), daemon=True).start()
        worker.send(self._work, pickle.dumps(task))

    def next_answer(self) -> tuple[_Worker, Task, _Done[Result] | _Raised | Lost]:
        """Wait for an answer; return who gave it, and to what."""
        worker, answer = self._answers.get()
        while worker not in self._tasks:  # an idle one that was killed
            worker, answer = self._answers.get()
        task = self._tasks.pop(worker)
        if isinstance(answer, Lost):
            worker.leave()
            return worker, task, answer
        self._idle.add(worker)
        return worker, task, pickle.loads(answer)  # noqa: S301 - from a process of ours

    def go_on(self, worker: _Worker, answer: _Done[Result] | _Raised | Lost, task: Task) -> None:
        """Give the next task to the worker that is done, or to one in its place."""
        if isinstance(answer, Lost):
            self.start(task)
        else:
            self._idle.remove(worker)
            self._tasks[worker] = task
            worker.send(pickle.dumps(task))

    def end(self) -> None:
        """End all workers: none lives on because another does not die."""
        workers = (*self._tasks, *self._idle)
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.leave()

    def _watch(self, worker: _Worker) -> None:
        """Hand on its answers, and then its end.

        The pipe alone does not tell of that: what the worker forked holds it open.
        """
        listener = threading.Thread(target=self._listen, args=(worker,), daemon=True)
        listener.start()
        code = worker.wait()
        listener.join(_END_SECONDS)
        self._answers.put((worker, Lost(code)))

    def _listen(self, worker: _Worker) -> None:
        for answer in worker.answers():
            self._answers.put((worker, answer))


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("started without pipes")
    return pipe


def _serve() -> None:
    """Do what arrives on standard input, in a worker; end when the parent ends."""
    tasks, answers = _take_pipes()
    messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(tasks, messages), daemon=True).start()
    work = messages.get()
    do: Callable[[Any], Any] | None = None
    while True:
        task = messages.get()
        try:
            do = do or pickle.loads(work)  # noqa: S301 - from the parent
            answer = pickle.dumps(_Done(do(pickle.loads(task))))  # noqa: S301
        except BaseException as error:  # noqa: BLE001 - it is the parent's to judge
            answer = pickle.dumps(_Raised(_sendable(error)))
        pickle.dump(answer, answers)
        answers.flush()


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output away from whatever reads or prints in a task."""
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return tasks, answers


def _receive(tasks: IO[bytes], messages: queue.SimpleQueue[bytes]) -> None:
    """Hand on what the parent sends; without a parent, end, and whatever was started here too.

    Linux's PR_SET_PDEATHSIG would be there first, and end this process alone.
    """
    with suppress(EOFError, pickle.UnpicklingError):
        while True:
            messages.put(pickle.load(tasks))  # noqa: S301 - from the parent
    if _POSIX:
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _sendable(error: BaseException) -> BaseException:
    """Return the error with its traceback as a note, or its words where it cannot be pickled."""
    words = "".join(traceback.format_exception(error))
    error.add_note(f"In a process beside this one:\n{words}")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - just pickled
    except Exception:  # noqa: BLE001 - some class of a library or of the user's
        return RuntimeError(words)
    return error
