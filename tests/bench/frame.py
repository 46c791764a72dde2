"""What every bench gives: ratios of figures measured side by side."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Figure = Callable[[], float]


class Skipped(Exception):  # noqa: N818 - it is no error
    """A bench that cannot be done here; the text says why."""


@dataclass(frozen=True)
class Ratio:
    """How much better ours is than what it is measured beside.

    Parameters
    ----------
    name
        What is measured.
    beside
        What stands beside it.
    unit
        Of the figures. More of what ends in "/s" is better; of anything else, less.
    pairs
        Ours and theirs of each repeat.
    goal
        The least ratio that is aimed at; None where there is no aim.
    limit
        What keeps the ratio from being higher, or how it came about.
    """

    name: str
    beside: str
    unit: str
    pairs: tuple[tuple[float, float], ...]
    goal: float | None = None
    limit: str = ""

    @property
    def ratios(self) -> list[float]:
        """One a repeat; above 1, ours is better."""
        return [
            ours / theirs if self.unit.endswith("/s") else theirs / ours
            for ours, theirs in self.pairs
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the medians, the spread of the ratios, and what they are ratios of."""
        ours, theirs = (statistics.median(side) for side in zip(*self.pairs, strict=True))
        return {
            "name": self.name,
            "beside": self.beside,
            "ratio": _rounded(statistics.median(self.ratios)),
            "lowest": _rounded(min(self.ratios)),
            "highest": _rounded(max(self.ratios)),
            "repeats": len(self.pairs),
            "goal": self.goal,
            "unit": self.unit,
            "ours": _rounded(ours),
            "theirs": _rounded(theirs),
            "limit": self.limit,
        }


def side_by_side(ours: Figure, theirs: Figure, repeats: int) -> tuple[tuple[float, float], ...]:
    """Measure both in turn, now the one first and now the other: what disturbs, disturbs both."""
    pairs = []
    for number in range(repeats):
        if number % 2:
            other = theirs()
            pairs.append((ours(), other))
        else:
            mine = ours()
            pairs.append((mine, theirs()))
    return tuple(pairs)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
