"""What ensembles gain over their members, and why some cannot be made."""

from __future__ import annotations

from typing import Literal

from lcbench.result_model import ResultModel
from lcbench.statistics.interval_model import Interval


class MemberAccuracy(ResultModel):
    """A member of an ensemble."""

    member: str
    """A baseline, or one seed of it."""
    accuracy: float
    """Its accuracy on the images of the ensemble."""


class EnsembleResult(ResultModel):
    """What an ensemble gains over its members, on the same images."""

    ensemble: str
    """Its name."""
    over: Literal["seeds", "baselines", "both"]
    """What was averaged."""
    members: tuple[MemberAccuracy, ...]
    """Its members."""
    best_member: str
    """The member of the highest accuracy, chosen by the same answers."""
    over_mean: Interval
    """Accuracy minus the mean accuracy of the members: the honest gain, fixed in advance."""
    over_best: Interval
    """Accuracy minus the best member's, with limits for all members at once."""


class EnsembleLeftOut(ResultModel):
    """An ensemble of the suite that cannot be made under a protocol."""

    ensemble: str
    """Its name."""
    reason: str
    """Why."""
