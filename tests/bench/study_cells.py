"""A cell of the study: what is drawn, in which source groups; how often its outcomes happen."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from lcbench.statistics.intervals import Interval
from lcbench.statistics.pairwise import DEFAULT_TEST

SCORE, TRAINING, INDEPENDENT = "score", "way of training", "images independent"
COVERAGE, LEVEL = 0.93, 0.065
"""What is asked of a 95 % interval, and of a test at 5 %."""
_CHUNK = 250
_AGAIN = 4
"""A cell that looks as if it failed is drawn anew, so many times as often."""


class Outcome(NamedTuple):
    """What one simulation can show: an interval that holds the truth, a test that rejects.

    `table` names the table, "coverage" and "level" first where something is asked of it; `row` the
    statistic or hypothesis, `measure` the method of the interval or the test.
    """

    table: str
    row: str
    measure: str

    @property
    def is_default(self) -> bool:
        """Whether it speaks of a default of lcbench."""
        return self.measure in (SCORE, TRAINING, DEFAULT_TEST.value)


Seen = dict[Outcome, bool]


@dataclass(frozen=True)
class Place:
    """Where a cell lies.

    Parameters
    ----------
    groups
        Number of source groups.
    icc
        Correlation of two images of a group.
    seeds
        Trained networks of each model.
    seed_sd
        Standard deviation of their error rates, in points.
    """

    groups: int
    icc: float
    seeds: int = 1
    seed_sd: float = 0.0


@dataclass(frozen=True)
class Cell:
    """What is drawn, and where.

    Parameters
    ----------
    name
        What is drawn.
    place
        Where the cell lies.
    draw
        Draws one data set and returns what was seen.
    share
        Part of the simulations asked for, for what takes long.
    """

    name: str
    place: Place
    draw: Callable[[np.random.Generator, Place], Seen]
    share: float = 1.0


def run(cells: Sequence[Cell], simulations: int, parallel: Parallel) -> pd.DataFrame:
    """Simulate, and return a row for each cell and outcome.

    A cell in which a default looks as if it failed is simulated again, with fresh draws, four
    times as often; the new numbers replace the old.
    """
    found = _simulated(cells, simulations, 0, parallel)
    doubtful = [cell for cell, seen in zip(cells, found, strict=True) if _fails(*seen)]
    print(f"  {len(doubtful)} of {len(cells)} cells are drawn again", flush=True)
    again = iter(_simulated(doubtful, _AGAIN * simulations, 1, parallel))
    rows: list[dict[str, object]] = []
    for cell, first in zip(cells, found, strict=True):
        counts, total = next(again) if _fails(*first) else first
        rows += [
            outcome._asdict()
            | asdict(cell.place)
            | {"simulations": total, "share": round(counts[outcome] / total, 6)}
            for outcome in first[0]
        ]
    return pd.DataFrame(rows)


Counted = tuple[dict[Outcome, int], int]


def _simulated(
    cells: Sequence[Cell], simulations: int, stage: int, parallel: Parallel
) -> list[Counted]:
    tasks = list(_tasks(cells, simulations))
    parts = parallel(delayed(_chunk)(cells[one], size, chunk, stage) for one, size, chunk in tasks)
    sums: list[Counter[Outcome]] = [Counter() for _ in cells]
    totals = [0] * len(cells)
    for (one, size, _), part in zip(tasks, parts, strict=True):
        sums[one].update(part)
        totals[one] += size
    return list(zip(map(dict, sums), totals, strict=True))


def _tasks(cells: Sequence[Cell], simulations: int) -> Iterator[tuple[int, int, int]]:
    for number, cell in enumerate(cells):
        left, chunk = max(1, round(simulations * cell.share)), 0
        while left > 0:
            yield number, min(_CHUNK, left), chunk
            left, chunk = left - _CHUNK, chunk + 1


def _chunk(cell: Cell, simulations: int, chunk: int, stage: int) -> Counter[Outcome]:
    place = cell.place
    where = [place.groups, round(1000 * place.icc), place.seeds, round(1000 * place.seed_sd)]
    rng = np.random.default_rng([stage, chunk, zlib.crc32(cell.name.encode()), *where])
    counts: Counter[Outcome] = Counter()
    for _ in range(simulations):
        counts.update({key: int(seen) for key, seen in cell.draw(rng, place).items()})
    return counts


def _fails(counts: dict[Outcome, int], total: int) -> bool:
    return any(
        fails(outcome.table, count / total)
        for outcome, count in counts.items()
        if outcome.is_default
    )


def fails(table: str, share: float) -> bool:
    """Return whether a share of simulations is not what is asked for, if something is."""
    if table.startswith("coverage"):
        return share < COVERAGE
    return table.startswith("level") and share > LEVEL


def holds(interval: Interval, truth: float) -> bool:
    """Return whether an interval holds the truth; where there is none, nothing false is said."""
    if interval.low is None or interval.high is None:
        return True
    return interval.low - 1e-12 <= truth <= interval.high + 1e-12


def training_holds(interval: Interval, truth: float) -> bool:
    """Return whether the limits for the way of training hold the truth."""
    limits = interval.training
    return limits is None or limits.low - 1e-12 <= truth <= limits.high + 1e-12
