"""What few errors do to an interval: 200 source groups of 20 images, nothing drawn at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from simulated import Groups
from study_scores import COUNTS, counts_of_nodes

from lcbench.statistics.effects import difference_panel
from lcbench.statistics.intervals import Interval, intervals
from lcbench.statistics.paired_tests import PairedGroups
from lcbench.statistics.panel import count_panel
from lcbench.statistics.standard import ACCURACY

GROUPS = Groups(np.full(200, 20), np.sort(np.arange(200) % 3))
ERRORS = (0, 1, 2, 5, 20)


def few_rows() -> list[list[str]]:
    """Return the rows of the table: errors, and intervals of the accuracy and the difference."""
    return [
        [
            str(errors),
            *(_shown(_accuracy(place(errors)), 2) for place in (scattered, heaped)),
            *(_shown(_difference(place(errors)), 3) for place in (scattered, heaped)),
        ]
        for errors in ERRORS
    ]


def scattered(errors: int) -> NDArray[np.int64]:
    """Return (G,) errors of which no two lie in one group, over all classes."""
    counts = np.zeros(len(GROUPS.sizes), np.int64)
    counts[np.linspace(0, len(counts) - 1, errors).astype(int)] = 1
    return counts


def heaped(errors: int) -> NDArray[np.int64]:
    """Return (G,) errors that all lie in one group."""
    counts = np.zeros(len(GROUPS.sizes), np.int64)
    counts[0] = errors
    return counts


def _accuracy(wrong: NDArray[np.int64]) -> Interval:
    counts = np.zeros((len(wrong), 3, 3), np.int64)
    rows = np.arange(len(wrong))
    counts[rows, GROUPS.classes, GROUPS.classes] = GROUPS.sizes - wrong
    counts[rows, GROUPS.classes, (GROUPS.classes + 1) % 3] = wrong
    statistics = {ACCURACY: COUNTS[ACCURACY]}
    return intervals(count_panel(counts_of_nodes(counts), statistics, GROUPS.design()))[ACCURACY]


def _difference(wrong: NDArray[np.int64]) -> Interval:
    nothing = np.zeros_like(wrong)
    pairs = PairedGroups(wrong, nothing, nothing, GROUPS.sizes, GROUPS.strata)
    return intervals(difference_panel(pairs))["rate"]


def _shown(found: Interval, decimals: int) -> str:
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    value, low, high = (100 * one for one in (found.value, found.low, found.high))
    return f"{value:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]".replace("-", "−")
