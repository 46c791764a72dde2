"""What is found in a prediction file, and the words it is told with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LONGEST = 100
_LISTED = 8


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a file, or that it cannot be used for.

    Parameters
    ----------
    what
        One sentence that names the column, the count and the first example.
    remedy
        What to do about it; may be empty.
    column
        The column that it is about; empty where it is about several, or about the file.
    """

    what: str
    remedy: str = ""
    column: str = ""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 row` or `2,250 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def clipped(text: str) -> str:
    """Return a name from outside, without its middle where it is very long."""
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2 - 2
    return f"{text[:half]}...{text[-half:]}"


def printable(text: str) -> str:
    """Return a name from outside on one line, without control characters and broken text."""
    line = " ".join(text.split())
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


def listed(words: Iterable[str], limit: int = _LISTED) -> str:
    """Return words with commas between them; of many, the first and how many more there are."""
    every = list(words)
    more = len(every) - limit
    return ", ".join(every[:limit]) + (f" and {more:,} more" if more > 0 else "")


def near_names(name: str, known: Sequence[str]) -> list[str]:
    """Return the known names that a name may be a misspelling of, nearest first."""
    by_small = {clipped(one).casefold(): one for one in known}
    near = difflib.get_close_matches(clipped(name).casefold(), by_small, n=2, cutoff=0.6)
    return [by_small[one] for one in near]
