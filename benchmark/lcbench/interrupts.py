"""Ctrl-C and SIGTERM: the first ends what runs as soon as it is saved, the second at once."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

GRACE_SECONDS = 2.0
"""How long what is nearly done may take after the first signal."""

_TIME_IS_UP = getattr(signal, "SIGURG", signal.SIGABRT)
"""What the main thread is woken with: nobody's Ctrl-C, and ignored where nobody handles it."""
_STOPPED = "\nStopped at once.\n"
_SHOW_CURSOR = "\x1b[?25h"


def _say_nothing() -> None:
    pass


@dataclass
class _State:
    """Of this process, as signals are.

    Parameters
    ----------
    say
        Tells the user that something is being finished.
    asked
        Whether a first signal came.
    finishing
        How many blocks that may finish stand around what runs now.
    overdue
        Whether their time is up.
    """

    say: Callable[[], None] = _say_nothing
    asked: bool = False
    finishing: int = 0
    overdue: bool = False


_state = _State()


def heed(say: Callable[[], None]) -> None:
    """Treat SIGTERM like Ctrl-C from now on, and let `finishing` blocks finish.

    A signal that this process was started to ignore stays ignored.

    Parameters
    ----------
    say
        Tells the user that something is being finished; called in a thread.
    """
    _state.say = say
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)
    signal.signal(_TIME_IS_UP, _give_up)


def asked() -> bool:
    """Tell whether a first signal came: begin nothing new."""
    return _state.asked


@contextmanager
def finishing() -> Iterator[None]:
    """Let the block finish if that takes less than two seconds from the first signal.

    Then, or when the time is up, it raises what the signal would have raised at once.

    Raises
    ------
    KeyboardInterrupt
        If a signal came.
    """
    _state.finishing += 1
    try:
        yield
    finally:
        _state.finishing -= 1
    if _state.asked and not _state.finishing:
        raise KeyboardInterrupt


def _handle(_number: int, _frame: FrameType | None) -> None:
    if _state.asked:
        _stop()
    else:
        _state.asked = True
        if not _state.finishing:
            raise KeyboardInterrupt
        threading.Thread(target=_wait, daemon=True).start()


def _give_up(_number: int, _frame: FrameType | None) -> None:
    """Interrupt what is being finished; such a signal from elsewhere means nothing here."""
    if _state.overdue and _state.finishing:
        _state.overdue = False
        raise KeyboardInterrupt


def _wait() -> None:
    """Wake the main thread when the time is up."""
    _state.say()
    threading.Event().wait(GRACE_SECONDS)
    if _state.finishing:
        _state.overdue = True
        if hasattr(signal, "pthread_kill"):  # wakes the main thread where it waits, too
            signal.pthread_kill(threading.main_thread().ident or 0, _TIME_IS_UP)
        else:
            _thread.interrupt_main(_TIME_IS_UP)


def _stop() -> None:
    """End this process without a further word of Python's; whatever is half written has a mark.

    Written to the descriptor: the console may be in the middle of a line.
    """
    cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
    try:
        os.write(2, f"{cursor}{_STOPPED}".encode())
    finally:
        os._exit(1)
