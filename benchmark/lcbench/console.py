"""What people see while they wait: one console, one kind of progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Advance = Callable[[int], None]

_PIPED_WIDTH = 160
_LOG_SECONDS = 30


def _console(*, stderr: bool) -> Console:
    """Return a console that does not fold tables to 80 columns where nobody looks at a terminal."""
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    return console


out = _console(stderr=False)
"""Results: tables and the final words."""

err = _console(stderr=True)
"""Progress, warnings and errors, so that results can be piped."""


def no_progress(_count: int) -> None:
    """Advance nothing: for callers that show no bar."""


@contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """Show a bar with the time left; give the function that advances it.

    Where standard error is not a terminal, a line every half minute says the same.
    """
    description = escape(description)
    if not err.is_terminal:
        log = _ProgressLog(description, total)
        yield log.advance
        log.end()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(description, total=total)
        yield lambda count: bar.advance(task, count)


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Show what is being done now; give the function that says what comes next."""
    if not err.is_terminal:
        yield lambda words: err.print(escape(words), soft_wrap=True)
        return
    with err.status("") as status:
        yield lambda words: status.update(escape(words))


class _ProgressLog:
    """Progress for log files: a line at the start, every half minute, and at the end."""

    def __init__(self, description: str, total: int) -> None:
        self._description = description
        self._total = total
        self._done = 0
        self._started = self._said = time.monotonic()
        self._say(f"{total:,} ...")

    def advance(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._said >= _LOG_SECONDS:
            self._said = now
            left = (now - self._started) / self._done * (self._total - self._done)
            self._say(f"{self._done:,} of {self._total:,}, about {left:.0f} s left")

    def end(self) -> None:
        self._say(f"done in {time.monotonic() - self._started:.0f} s")

    def _say(self, words: str) -> None:
        err.print(f"{self._description}: {words}", soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning that the user should read."""
    err.print(f"[yellow]Note:[/yellow] {escape(message)}", soft_wrap=True)


def escape(text: str) -> str:
    """Return text from outside, so that rich shows it as it is."""
    from rich.markup import escape as escape_markup

    return escape_markup(
        "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    )
