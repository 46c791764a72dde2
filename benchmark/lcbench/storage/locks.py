"""One writer of a file or folder at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lcbench.errors import at_places
from lcbench.storage.leftovers import LOCK, sweep_beside

_PATIENCE_SECONDS = 0.3
"""Before anybody is told of a wait: whoever only asks whether a place is held has it for less."""


@contextmanager
def held(place: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Keep other processes from writing a file or folder while the block runs.

    Waits for one that writes it now. What a killed one left beside `place` is removed. The lock is
    the system's: it ends with the process that holds it. Within one process it is held once, by
    whoever asked first; what that one calls may ask again.

    Parameters
    ----------
    wait
        Called once where another process is there first, to say so.

    Raises
    ------
    UserError
        If the system refuses to write there.
    """
    from filelock import FileLock, Timeout

    place = Path(os.path.abspath(place))  # noqa: PTH100 - follows no link
    file = _lock_file(place)
    with at_places(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, thread_local=False, is_singleton=True)
        try:
            lock.acquire(timeout=_PATIENCE_SECONDS)
        except Timeout:
            wait()
            lock.acquire()
    try:
        if lock.lock_counter == 1:
            sweep_beside(place.parent, f"-{place.name}")
        yield
    finally:
        if lock.lock_counter == 1:
            file.unlink(missing_ok=True)  # while it is held: whoever waits notices, and asks again
        lock.release()


def waiting(place: Path) -> str:
    """Say that another process is waited for, and how to leave."""
    return f"Waiting for another lcbench that works in {place}; Ctrl-C ends the wait"


def is_held(place: Path) -> bool:
    """Tell whether another process holds a file or folder now, without waiting for it."""
    from filelock import FileLock, Timeout

    file = _lock_file(Path(os.path.abspath(place)))  # noqa: PTH100
    if not file.is_file():
        return False
    lock = FileLock(file, thread_local=False, is_singleton=True)
    try:
        with lock.acquire(timeout=0):
            if lock.lock_counter == 1:
                file.unlink(missing_ok=True)  # left by a process that was killed
    except Timeout:
        return True
    except OSError:  # nobody writes where the system lets nobody write
        return False
    return False


def _lock_file(place: Path) -> Path:
    return place.with_name(f"{LOCK}{place.name}")
