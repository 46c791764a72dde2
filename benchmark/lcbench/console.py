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
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Advance = Callable[[int], None]
Tick = Callable[[int, int], None]
"""Takes how much of a stage is done, and out of how much."""
Tell = Callable[[int, str], None]
"""Takes how much more is done, and words on how it goes; empty words change nothing."""
Say = Callable[[str], Tick]
"""Says which stage comes next."""

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


_bars: list[Progress] = []
"""What stands on the terminal now: it bears one display, so that inner bars are lines of it."""


def no_progress(_count: int) -> None:
    """Advance nothing: for callers that show no bar."""


@contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """Show a bar with the time left; give the function that advances it.

    Where standard error is not a terminal, a line every half minute says the same.
    """
    with telling_progress(description, total) as tell:
        yield lambda count: tell(count, "")


@contextmanager
def telling_progress(description: str, total: int) -> Iterator[Tell]:
    """Show a bar like `progress`, with words on how the work goes; it may stand inside another."""
    if not err.is_terminal:
        log = _ProgressLog(escape(description), total)
        yield log.tell
        log.end()
        return
    inside = bool(_bars)
    with _standing_bar() as bar:
        task = bar.add_task(escape(description), total=total)

        def tell(count: int, words: str) -> None:
            full = f"{description}: {words}" if words else description
            bar.update(task, advance=count, description=escape(full))

        yield tell
        if inside:
            bar.remove_task(task)


def _bar(*more: ProgressColumn, transient: bool = False) -> Progress:
    before = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    after = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    return Progress(*before, *more, *after, console=err, transient=transient)


@contextmanager
def _standing_bar() -> Iterator[Progress]:
    """Give the display that stands on the terminal, or put one there."""
    if _bars:
        yield _bars[-1]
        return
    with _bar(MofNCompleteColumn()) as bar:
        _bars.append(bar)
        try:
            yield bar
        finally:
            _bars.remove(bar)


@contextmanager
def stages() -> Iterator[Say]:
    """Show what is being done now, with the time left where it is known.

    Gives a function that says what comes next; it returns one that takes how much of it is done,
    and out of how much.
    """
    if not err.is_terminal:
        yield _StageLog().say
        return
    with _bar(transient=True) as bar:
        task = bar.add_task("", total=None)

        def say(words: str) -> Tick:
            bar.reset(task, description=escape(words), total=None)
            return lambda done, total: bar.update(task, completed=done, total=total)

        yield say


class _StageLog:
    """Stages for log files: a line each, and another every half minute."""

    def say(self, words: str) -> Tick:
        err.print(escape(words), soft_wrap=True)
        started = said = time.monotonic()

        def tick(done: int, total: int) -> None:
            nonlocal said
            now = time.monotonic()
            if done and now - said >= _LOG_SECONDS:
                said = now
                left = (now - started) / done * (total - done)
                words_now = f"{words}: {100 * done / total:.0f} %, about {left:.0f} s left"
                err.print(escape(words_now), soft_wrap=True)

        return tick


class _ProgressLog:
    """Progress for log files: a line at the start, every half minute, and at the end."""

    def __init__(self, description: str, total: int) -> None:
        self._description = description
        self._total = total
        self._done = 0
        self._words = ""
        self._started = self._said = time.monotonic()
        self._say(f"{total:,} ...")

    def tell(self, count: int, words: str) -> None:
        self._done += count
        self._words = f"; {escape(words)}" if words else ""
        now = time.monotonic()
        if now - self._said >= _LOG_SECONDS:
            self._said = now
            left = (now - self._started) / self._done * (self._total - self._done)
            self._say(f"{self._done:,} of {self._total:,}, about {left:.0f} s left{self._words}")

    def end(self) -> None:
        self._say(f"done in {time.monotonic() - self._started:.0f} s{self._words}")

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
