"""The measured part of the results: estimates, scores, comparisons; every key documented."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from lcbench.runs.records import SplitRecord
from lcbench.statistics.events import Event
from lcbench.statistics.pairwise import DEFAULT_TEST, TestName


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
    count: int | None = None
    """Numerator, where the number is a share of the n predictions."""


class Effective(ResultModel):
    """How much the predictions for one source group repeat each other, for the accuracy."""

    n: float
    """Effective sample size: as many independent predictions would give this standard error."""
    design_effect: float
    """Predictions divided by the effective sample size."""


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
    cohen_kappa: Estimate
    """Cohen's kappa: agreement with the truth beyond chance, -1 to 1."""
    matthews_correlation: Estimate
    """Matthews' correlation coefficient, -1 to 1."""
    macro_auroc: Estimate
    """Mean over the classes of the area under the one-vs-rest ROC curve."""
    macro_average_precision: Estimate
    """Mean over the classes of the one-vs-rest average precision."""
    log_loss: Estimate
    """Mean of minus the logarithm of the probability of the true class; lower is better."""
    brier_score: Estimate
    """Squared distance of the probabilities from the truth, 0 to 2; lower is better."""
    calibration_error: Estimate
    """Expected calibration error of the top class, 15 bins of equal width."""
    calibration_error_equal_mass: Estimate
    """The same with 15 bins of about equal numbers of predictions."""


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
    auroc: Estimate
    """Area under the ROC curve of this class against the rest."""
    average_precision: Estimate
    """Average precision of this class against the rest."""


class SeedSpread(ResultModel):
    """What a new seed of training changes; only where there are several."""

    accuracies: dict[int, float]
    """Accuracy of each seed."""
    two_way: Estimate
    """Accuracy with an interval from resampling source groups and seeds."""


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
    effective: Effective | None
    """What the predictions are worth; null where all of them are right, or all wrong."""
    seeds: SeedSpread | None
    """What a new seed changes; null with one seed."""
    against_reference: dict[str, Estimate]
    """Each metric minus the reference's, on the same resampled groups; empty for the reference."""


class PairedTest(ResultModel):
    """One paired test of a baseline against the reference."""

    name: TestName
    """Name of the test."""
    statistic: float
    """Its statistic."""
    p: float
    """Two-sided p-value; 1 where nothing is discordant."""
    p_adjusted: float
    """The same, adjusted for the comparisons of this event under this protocol."""
    only_reference: int
    """Predictions on which the event happens under the reference only."""
    only_baseline: int
    """Predictions on which the event happens under the baseline only."""
    n: int
    """Predictions compared: those of the first seed for McNemar's test, else all."""


class Comparison(ResultModel):
    """One baseline against the reference on one event, under one protocol."""

    baseline: str
    """The baseline compared with the reference."""
    event: Event
    """What goes wrong."""
    groups: int
    """Source groups compared, or images where groups are unknown."""
    difference: Estimate
    """Rate of the event under the baseline minus the rate under the reference."""
    odds_ratio: Estimate
    """Reference only over baseline only: above 1 the event is rarer under the baseline."""
    relative_reduction: Estimate
    """1 minus the ratio of the rates: 0.5 means half as often as under the reference."""
    detectable: float
    """Smallest difference that could have been shown with a chance of 80 %."""
    tests: tuple[PairedTest, ...]
    """Every paired test."""

    def test(self, name: TestName = DEFAULT_TEST) -> PairedTest:
        """Return one test; by default the one to read."""
        return next(test for test in self.tests if test.name == name)


class Omnibus(ResultModel):
    """Cochran's Q over all baselines: whether any of them differs on an event."""

    event: Event
    """What goes wrong."""
    statistic: float
    """Cochran's Q."""
    p: float
    """From permuting the baselines within each source group, 2,000 times."""
    p_independent: float
    """From the chi-squared distribution, which assumes independent predictions."""
    n: int
    """Predictions of each baseline."""
    groups: int
    """Source groups, or images where groups are unknown."""


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
    """Comparisons with the reference, a family of tests for each event. Empty without one."""
    omnibus: tuple[Omnibus, ...]
    """Cochran's Q for each event; empty with fewer than three baselines."""

    def comparisons_on(self, event: Event) -> tuple[Comparison, ...]:
        """Return the comparisons on one event: one family."""
        return tuple(one for one in self.comparisons if one.event == event)


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
