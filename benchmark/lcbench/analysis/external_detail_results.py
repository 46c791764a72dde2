"""Parts of what is said of an external folder: detection, single classes, calibration, answers."""

from __future__ import annotations

from lcbench.analysis.scores import Score
from lcbench.result_model import ResultModel
from lcbench.runs.external_records import Fate
from lcbench.statistics.interval_model import Interval


class DetectionPoint(ResultModel):
    """Detection at the thresholds that other images gave, each trained model at its own."""

    target: float
    """Sensitivity that the thresholds were chosen for."""
    thresholds: tuple[float, ...]
    """Least probability that is called the node, of each trained model."""
    chosen_sensitivity: float
    """Sensitivity on the images that they were chosen on; the mean over the trained models."""
    chosen_specificity: float | None
    """Specificity there; null without images outside the node."""
    sensitivity: Interval
    """Sensitivity on the images of the folder."""
    specificity: Interval
    """Specificity on the images of the folder."""


class NodeScore(ResultModel):
    """How one baseline, trained under one protocol, tells a node from the rest.

    What needs images of both sides, or of one of them, is not defined without them.
    """

    baseline: str
    """Name of the baseline."""
    protocol: str
    """Protocol of its training."""
    runs: int
    """Trained models whose predictions are pooled."""
    sensitivity: Interval
    """Share of the images of the node that are answered so at its level."""
    specificity: Interval
    """Share of the images outside it that are answered otherwise."""
    auroc: Interval
    """Area under the ROC curve of the summed probability, within trained models."""
    average_precision: Interval
    """Average precision of the summed probability, within trained models."""
    point: DetectionPoint | None = None
    """At the thresholds of the runs' own validation images; null where a run has none."""


class ExternalNode(ResultModel):
    """One node that can be looked for in an external folder."""

    node: str
    """Its name."""
    positives: int
    """Images of it."""
    negatives: int
    """Images outside it."""
    scores: tuple[NodeScore, ...]
    """One entry for each baseline and protocol."""


class OneClassScore(ResultModel):
    """How often one baseline answers the only class that there is."""

    baseline: str
    """Name of the baseline."""
    protocol: str
    """Protocol of its training."""
    runs: int
    """Trained models whose predictions are pooled."""
    called: Interval
    """Share of the answers that are this class."""


class OneClassLevel(ResultModel):
    """A level of the class tree at which all images are of one class."""

    level: int
    """Depth in the class tree."""
    node: str
    """The class."""
    images: int
    """Images of it."""
    scores: tuple[OneClassScore, ...]
    """One entry for each baseline and protocol."""


class AnswerShare(ResultModel):
    """How often a node is answered."""

    node: str
    """The node."""
    share: Interval
    """Its share of the answers."""


class SureShare(ResultModel):
    """How much a model would answer at its thresholds."""

    target: float
    """Largest share of wrong answers that the thresholds allow on validation images."""
    share: Interval
    """Share of the images on which it is at least as sure."""


class AnswersAtLevel(ResultModel):
    """What one baseline says at one level of the class tree."""

    level: int
    """Depth in the class tree."""
    answers: tuple[AnswerShare, ...]
    """Each node that can be answered."""
    confidence: Interval
    """Mean probability of the most probable node."""
    sure: tuple[SureShare, ...]
    """One for each target; empty where a run has no predictions on its validation images."""


class ModelAnswers(ResultModel):
    """What one baseline, trained under one protocol, says of some images."""

    baseline: str
    """Name of the baseline."""
    protocol: str
    """Protocol of its training."""
    runs: int
    """Trained models whose predictions are pooled."""
    levels: tuple[AnswersAtLevel, ...]
    """From below the root down to the leaves."""


class LabelAnswers(ResultModel):
    """What the models say of images of a label that fixes nothing in the class tree."""

    label: str
    """The label as it was found; empty for images without one."""
    fate: Fate | None
    """Why it is scored nowhere."""
    images: int
    """Images of it."""
    models: tuple[ModelAnswers, ...]
    """One entry for each baseline and protocol."""


class CalibratedLevel(ResultModel):
    """One level of the class tree before and after a temperature."""

    level: int
    """Depth in the class tree."""
    before: tuple[Score, ...]
    """Accuracy, log loss, Brier score and calibration as the model is."""
    after: tuple[Score, ...]
    """The same at the temperature."""
    difference: tuple[Score, ...]
    """After minus before, on the same images."""


class CalibratedNode(ResultModel):
    """Detection of a node at thresholds from the images that were set aside."""

    node: str
    """The node."""
    point: DetectionPoint
    """At these thresholds; the temperature moves them with the probabilities."""


class CalibrationResult(ResultModel):
    """One baseline, calibrated on the part of a folder that was set aside, scored on the rest."""

    baseline: str
    """Name of the baseline."""
    protocol: str
    """Protocol of its training."""
    runs: int
    """Trained models whose predictions are pooled."""
    images: int
    """Images that were set aside, with a label in the class tree."""
    groups: int
    """Their source groups."""
    temperature: float
    """What the logarithms of the probabilities are divided by: above 1 the model was too sure."""
    levels: tuple[CalibratedLevel, ...]
    """From below the root down to the leaves."""
    nodes: tuple[CalibratedNode, ...]
    """Detection at the thresholds that these images gave."""
