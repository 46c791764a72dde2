"""How sure finished runs are on both sides: their own test images, and an external folder."""

from __future__ import annotations

from lcbench.result_model import ResultModel
from lcbench.statistics.interval_model import Interval


class Sureness(ResultModel):
    """How sure the trained models of one baseline are of some images, and how often rightly."""

    images: int
    """Images that were answered."""
    confidence: Interval
    """Mean probability of the most probable class of the tree's leaves."""
    labelled: int
    """Images of them whose label is a leaf: what follows is of these."""
    accuracy: Interval | None
    """Share whose most probable leaf is the true one; null without such images."""
    gap: Interval | None
    """Mean confidence minus that accuracy: above 0, surer than right."""
    calibration_error: float | None
    """Expected calibration error over 15 bins, less what noise adds; null where it is not
    defined."""


class SurenessShift(ResultModel):
    """One baseline, trained under one protocol, on both sides."""

    baseline: str
    """Name of the baseline."""
    protocol: str
    """Protocol of its training."""
    runs: int
    """Trained models whose predictions are pooled."""
    test: Sureness
    """On the runs' own test images."""
    external: Sureness
    """On the external images whose tissue the models have not seen, labelled or not."""
    change: Interval
    """Mean confidence on the external images minus that on the test images."""
