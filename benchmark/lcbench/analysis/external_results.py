"""What finished runs reached on an external folder, at every level of the class tree."""

from __future__ import annotations

from lcbench.analysis.external_detail_results import (
    CalibrationResult,
    ExternalNode,
    LabelAnswers,
    OneClassLevel,
)
from lcbench.analysis.scores import ModelComparison
from lcbench.analysis.selective_scores import OperatingPoint
from lcbench.analysis.shift_results import SurenessShift
from lcbench.result_model import ResultModel
from lcbench.runs.external_records import ExternalRecord
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.rates import ENOUGH


class RunAccuracy(ResultModel):
    """The accuracy of one trained model alone."""

    seed: int
    """Seed of its training."""
    fold: int
    """Fold of its training."""
    accuracy: float
    """Share of images that it answers rightly at this level."""


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
    average: Interval | None = None
    """Accuracy of the average of the trained models' probabilities, one answer an image; null with
    one trained model, and in older reports."""
    alone: tuple[RunAccuracy, ...] = ()
    """Each trained model alone; empty in older reports."""
    apart: int | None = None
    """Answers at this level that are another node than the one above the most probable class; null
    in older reports."""


class ExternalComparison(ResultModel):
    """The models of one protocol side by side at one level of the class tree."""

    protocol: str
    """Protocol of their training."""
    runs: tuple[tuple[int, int], ...]
    """Seed and fold of each trained model: the seeds of the comparison are their places here."""
    comparison: ModelComparison
    """Every metric of the nodes of this level, and paired tests; in each pair, a is the
    reference."""


class ClassGroups(ResultModel):
    """What is independent among the images of one class of a level."""

    node: str
    """The class."""
    groups: int
    """Source groups, patients or slides with an image of it."""
    equal: float
    """How many groups of one size would weigh as these do (Kish): few where one holds most of the
    images."""

    @property
    def few(self) -> bool:
        """Whether they are too few to tell how errors on the class spread."""
        return self.equal < ENOUGH


class ExternalLevel(ResultModel):
    """An external folder at one level of the class tree."""

    level: int
    """Depth in the class tree; 1 is below the root."""
    classes: tuple[str, ...]
    """Classes that models can answer at this level."""
    images: int
    """Images whose label fixes this level; of patients or slides, their number."""
    majority_class: str
    """The commonest class of these images."""
    majority_rate: float
    """Its share: what answering it always would reach."""
    scores: tuple[ExternalScore, ...]
    """One entry for each baseline and protocol."""
    groups: tuple[ClassGroups, ...] = ()
    """What is independent in each class that there are images of; empty in older reports."""
    comparisons: tuple[ExternalComparison, ...] = ()
    """One entry for each protocol; empty in older reports, and where images are scored a second
    time."""


class UnitResult(ResultModel):
    """Patients or slides: the probabilities of a unit's images averaged, one answer a unit."""

    unit: str
    """What a unit is."""
    units: int
    """Units with a label."""
    images: int
    """Images of them."""
    contradictory: int
    """Units whose images carry labels of different branches: their label is the deepest node above
    all of them, and where that is none they are not scored."""
    levels: tuple[ExternalLevel, ...]
    """Scores by unit, from below the root down to the leaves."""
    one_class: tuple[OneClassLevel, ...]
    """Levels at which the units are of one class."""
    nodes: tuple[ExternalNode, ...]
    """Detection by unit."""


class ExternalCounts(ResultModel):
    """What became of the images that were predicted."""

    answered: int
    """All of them."""
    scored: int
    """Those with a label in the class tree that were neither set aside nor trained on."""
    groups: int
    """What these are independent by: their source groups."""
    contaminated: int
    """Those with a label in the tree, not set aside, whose tissue is among the training images."""
    contaminated_known: bool
    """False where an older version stored how many there are, and not which."""
    calibration: int
    """Those that were set aside to calibrate on."""
    unscored: int
    """Those whose label fixes nothing in the class tree."""


class ExternalResult(ResultModel):
    """Every finished run on one external folder.

    `levels`, `one_class` and `nodes` are of images whose tissue the models have not seen.
    """

    record: ExternalRecord
    """What the folder holds and how its labels were read."""
    groups_known: bool
    """False where images were taken as independent because their source groups are unknown."""
    levels: tuple[ExternalLevel, ...]
    """From below the root down to the leaves; without levels at which all images are of one
    class."""
    counts: ExternalCounts | None = None
    """What became of the images; null in older reports."""
    one_class: tuple[OneClassLevel, ...] = ()
    """Levels at which all images are of one class: a majority rate would be 100 %."""
    nodes: tuple[ExternalNode, ...] = ()
    """Detection of each node that can be looked for."""
    contaminated: tuple[ExternalLevel, ...] = ()
    """The levels with the images whose tissue was trained on; empty where there are none."""
    units: UnitResult | None = None
    """Patients or slides; null where they are not known."""
    answers: tuple[LabelAnswers, ...] = ()
    """What the models say of images whose label fixes nothing in the class tree."""
    calibration: tuple[CalibrationResult, ...] = ()
    """Temperatures fitted on images that were set aside; empty where none were."""
    sureness: tuple[SurenessShift, ...] = ()
    """How sure the models are here and on their own test images, of images whose tissue they have
    not seen; empty in older reports."""
