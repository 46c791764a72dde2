"""The measured part of the results: estimates, scores, comparisons; every key documented."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from lcbench.runs.records import SplitRecord


class ResultModel(BaseModel):
    """Base of every part of the results: immutable, unknown keys refused, infinity as text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="strings"
    )


class Estimate(ResultModel):
    """A number with its 95 % interval and what it was computed from."""

    value: float | None
    """The estimate; null where it is not defined, such as precision without predictions."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end of the interval."""
    n: int
    """Predictions that the number speaks of."""
    groups: int
    """Units that were resampled: source groups, or images where groups are unknown."""
    method: str
    """How the interval was computed."""


class Metrics(ResultModel):
    """Scores of one baseline under one protocol, pooled over seeds and folds."""

    accuracy: Estimate
    """Share of predictions that are right."""
    balanced_accuracy: Estimate
    """Mean of the recalls of the classes."""
    macro_f1: Estimate
    """Mean of the F1 scores of the classes."""
    sensitivity: Estimate | None
    """Share of images of the negative class (benign) that are called so; null without one."""
    specificity: Estimate | None
    """Share of the other images that are not called the negative class; null without one."""
    subtype_accuracy: Estimate | None
    """Share of images of a subtype that are called this subtype; null without subtypes."""
    subtype_confusion_rate: Estimate | None
    """Share of images of a subtype that are called another subtype; null without subtypes."""
    subtype_confusions: Estimate | None
    """The same as a count for one seed: the rate times the images of a subtype in one seed."""


class ClassScores(ResultModel):
    """Scores of one class."""

    leaf: str
    """The class."""
    images: int
    """Predictions for images of this class, over all seeds."""
    precision: Estimate
    """Share of the predictions of this class that are right."""
    recall: Estimate
    """Share of the images of this class that are found."""
    f1: Estimate
    """Harmonic mean of precision and recall."""


class BaselineScores(ResultModel):
    """What one baseline reached under one protocol."""

    baseline: str
    """Name of the baseline."""
    metrics: Metrics
    """Scores over all classes."""
    classes: tuple[ClassScores, ...]
    """Scores of each class."""
    confusion: tuple[tuple[float, ...], ...]
    """Mean counts for one seed, rows the true class, columns the predicted one."""


class McNemar(ResultModel):
    """Exact McNemar test on the predictions of one seed, which takes images as independent."""

    seed: int
    """The seed that was tested, in which each image counts once."""
    b: int
    """Images that the reference confuses and this baseline does not."""
    c: int
    """Images that this baseline confuses and the reference does not."""
    odds_ratio: float
    """b / c: above 1 this baseline confuses fewer; 1 where b = c = 0."""
    odds_low: float
    """Lower end of its exact 95 % interval."""
    odds_high: float
    """Upper end of its exact 95 % interval."""
    p: float
    """Exact two-sided p-value; 1 where b + c = 0."""
    p_holm: float
    """The same, adjusted for the number of comparisons under this protocol (Holm)."""
    n: int
    """Images of a subtype that were compared."""
    groups: int
    """Their source groups, or images where groups are unknown."""


class Comparison(ResultModel):
    """Subtype confusions of one baseline against the reference, under one protocol."""

    baseline: str
    """The baseline compared with the reference."""
    first_seed: McNemar
    """One seed, images taken as independent."""
    difference: Estimate
    """Confusion rate of the baseline minus that of the reference, over all seeds."""
    p: float
    """Exact two-sided p-value from flipping the sign of each source group's difference."""
    p_holm: float
    """The same, adjusted for the number of comparisons under this protocol (Holm)."""
    smallest_visible: float | None
    """Half the width of the interval: about the smallest difference that could have been shown."""


class Split(ResultModel):
    """One division of the images."""

    seed: int
    """Its seed."""
    fold: int
    """Its fold; 0 where the protocol has one."""
    record: SplitRecord
    """Sizes, hash, and siblings on both sides."""


class ProtocolResult(ResultModel):
    """Everything measured under one protocol."""

    protocol: str
    """Name of the protocol."""
    seeds: tuple[int, ...]
    """Seeds that were compared."""
    images: int
    """Distinct test images."""
    predictions: int
    """Predictions of each baseline: test images times seeds."""
    groups: int
    """Distinct source groups of the test images; distinct images where groups are unknown."""
    groups_known: bool
    """False where images were resampled because their source groups are unknown."""
    notes: tuple[str, ...]
    """What had to be left out so that all baselines speak of the same images."""
    splits: tuple[Split, ...]
    """The divisions of the images."""
    baselines: tuple[BaselineScores, ...]
    """Scores, in the order of the plan."""
    comparisons: tuple[Comparison, ...]
    """Comparisons with the reference: one family of tests. Empty without a reference."""


class Drop(ResultModel):
    """The accuracy of one baseline under both protocols."""

    baseline: str
    """Name of the baseline."""
    paper: Estimate
    """Accuracy under `paper`."""
    grouped: Estimate
    """Accuracy under `grouped`."""
    drop: Estimate
    """`paper` minus `grouped`."""
