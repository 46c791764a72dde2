"""What several tests of the statistics compute in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.choices import Method
from lcbench.statistics.effects import Effects, effects_panel, read_effects
from lcbench.statistics.intervals import intervals
from lcbench.statistics.paired_tests import PairedGroups
from lcbench.statistics.panel import Panel


def effects(
    pairs: PairedGroups, *, method: Method = "score", resamples: int = 1000, seed: int = 0
) -> Effects:
    """Return the sizes of the difference of one pair."""
    panel = effects_panel(pairs)
    return read_effects(intervals(panel, method=method, resamples=resamples, seed=seed), pairs)


def left_out(panel: Panel[Any]) -> NDArray[np.float64]:
    """Return the measures without each group in turn, from weights of 0."""
    groups, seeds = panel.design.groups, panel.design.seeds
    return panel.evaluate(np.repeat(1.0 - np.eye(groups), seeds, axis=1))
