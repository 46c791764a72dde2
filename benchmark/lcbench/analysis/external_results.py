"""What finished runs reached on an external folder, at every level of the class tree."""

from __future__ import annotations

from lcbench.analysis.selective_scores import OperatingPoint
from lcbench.result_model import ResultModel
from lcbench.runs.external_records import ExternalRecord
from lcbench.statistics.interval_model import Interval


class ExternalScore(ResultModel):
    """One baseline, trained under one protocol, at one level of the class tree."""

    baseline: str
    """Name of the baseline."""
    protocol: str
    """Protocol of its training."""
    runs: int
    """Trained models whose predictions are pooled."""
    accuracy: Interval
    """Share of predictions that are right at this level."""
    difference: Interval
    """Accuracy minus the majority rate."""
    simultaneous: Interval
    """The same difference, with limits that hold for all models of this level at once."""
    points: tuple[OperatingPoint, ...] = ()
    """Selective prediction at the thresholds that the runs' own validation images gave; empty where
    a run has no predictions on them, and in older reports."""


class ExternalLevel(ResultModel):
    """An external folder at one level of the class tree."""

    level: int
    """Depth in the class tree; 1 is below the root."""
    classes: tuple[str, ...]
    """Classes that models can answer at this level."""
    images: int
    """Images whose label fixes this level."""
    majority_class: str
    """The commonest class of these images."""
    majority_rate: float
    """Its share: what answering it always would reach."""
    scores: tuple[ExternalScore, ...]
    """One entry for each baseline and protocol."""


class ExternalResult(ResultModel):
    """Every finished run on one external folder."""

    record: ExternalRecord
    """What the folder holds and how its labels were read."""
    groups_known: bool
    """False where images were taken as independent because their source groups are unknown."""
    levels: tuple[ExternalLevel, ...]
    """From below the root down to the leaves."""
