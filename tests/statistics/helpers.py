"""What several tests of the statistics compute in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.choices import Method
from lcbench.statistics.effects import Effects, effects_panel, read_effects
from lcbench.statistics.intervals import intervals
from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.panel import Panel


def effects(
    pairs: PairedGroups, *, method: Method = "score", resamples: int = 1000, seed: int = 0
) -> Effects:
    """Return the sizes of the difference of one pair."""
    panel = effects_panel(pairs)
    return read_effects(intervals(panel, method=method, resamples=resamples, seed=seed))


def slopes(panel: Panel[Any], step: float = 1e-3) -> NDArray[np.float64]:
    """Return the (U, S) derivatives by the weight of each unit, from differences of weights."""
    units = step * np.eye(panel.design.units)
    up, down = (panel.evaluate(1.0 + sign * units) for sign in (1, -1))
    return (up - down) / (2.0 * step)
