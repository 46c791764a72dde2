"""Scores of models, pairs of models, and what they rest on: what reports and comparisons share."""

from __future__ import annotations

from typing import Literal

from lcbench.result_model import ResultModel
from lcbench.statistics.answers import Basis
from lcbench.statistics.choices import Adjustment, Method
from lcbench.statistics.interval_model import Interval, Unbounded
from lcbench.statistics.pairwise import DEFAULT_TEST, TestName

EventKind = Literal["any_error", "confusion"]


class MetricInfo(ResultModel):
    """What a metric is, once for all its values."""

    metric: str
    """Its key."""
    title: str
    """Its name in words."""
    unit: Literal["share", "number"]
    """A share is written in per cent and its differences in points."""
    low: Unbounded
    """Smallest possible value."""
    high: Unbounded
    """Largest possible value."""
    higher_is_better: bool | None
    """Direction; null where the best value lies in between."""
    level: Literal["model", "leaf", "node", "decision", "level", "gate"]
    """What a value speaks of: the whole model, a class, a node, a decision of the class tree, a
    level above the leaves, or a gate: an inner node and the choice behind it."""
    what: str
    """What it measures, in a sentence."""


class Score(ResultModel):
    """One metric of one model, or of one model minus another."""

    metric: str
    """Key of the metric."""
    of: str = ""
    """The class, node or decision that it speaks of; empty where it speaks of the whole model."""
    estimate: Interval
    """Its value, interval and basis."""


def find_score(scores: tuple[Score, ...], metric: str, of: str = "") -> Interval | None:
    """Return a metric's interval, or None where it was not computed."""
    return next((one.estimate for one in scores if (one.metric, one.of) == (metric, of)), None)


class Effective(ResultModel):
    """How much the images of one source group repeat each other, for the accuracy of one seed."""

    n: float
    """Effective sample size: as many independent images would give this standard error."""
    design_effect: float
    """Images of one seed divided by the effective sample size; the mean over the seeds."""


class ReliabilityBin(ResultModel):
    """Images on which a model is about equally sure: a point of its reliability curve."""

    confidence: float
    """Mean probability of the most probable class."""
    right: Interval
    """Share of these images on which that class is the true one; its interval is pointwise."""


class ModelScores(ResultModel):
    """What one model reached."""

    model: str
    """Name of the model: a baseline of the suite, or a prediction file's."""
    scores: tuple[Score, ...]
    """Every metric."""
    confusion: tuple[tuple[float, ...], ...]
    """Mean counts for one seed, rows the true leaf, columns the predicted one."""
    reliability: tuple[ReliabilityBin, ...]
    """Up to 15 bins of about as many images each, by confidence; empty without probabilities."""
    effective: Effective | None
    """What the images are worth; null where all answers are right, or all wrong."""
    seeds: dict[int, float]
    """Accuracy of each seed."""
    level_answers: Basis | None = None
    """How it answers at a level above the leaves: "sums", the node of the largest summed
    probability; "own rule", where its predicted leaf lies, as that is not always the most probable
    one; "no probabilities", the same for want of them; null in older reports."""

    def get(self, metric: str, of: str = "") -> Interval | None:
        """Return a metric's interval, or None where it was not computed."""
        return find_score(self.scores, metric, of)

    @property
    def accuracy(self) -> Interval:
        """The accuracy, which every model has."""
        return next(one.estimate for one in self.scores if one.metric == "accuracy")


class PairedTest(ResultModel):
    """One paired test of two models on one event."""

    __test__ = False  # not a test case for pytest

    name: TestName
    """Name of the test."""
    statistic: float
    """Its statistic."""
    p: float
    """Two-sided p-value; 1 where nothing is discordant."""
    p_adjusted: float
    """The same, adjusted for the family: every pair compared on this event by this test."""
    only_a: int
    """Predictions on which the event happens under a only."""
    only_b: int
    """Predictions on which the event happens under b only."""
    n: int
    """Predictions compared: those of the first seed for McNemar's tests, else all."""
    assumes_independent_images: bool
    """Whether the test takes every image as evidence of its own."""


PairVerdict = Literal["different", "different within the margin", "equivalent", "not shown"]


class TrainingTest(ResultModel):
    """The test to read, asked of the way of training: over new seeds as well as new groups."""

    p: float
    """Two-sided p-value."""
    p_adjusted: float
    """The same, adjusted for the family."""


class EventComparison(ResultModel):
    """How often something goes wrong under two models, b against a."""

    event: EventKind
    """Any error, or a confusion among the options of one decision of the class tree."""
    node: str
    """The decision: the inner node whose children are confused; empty for any error."""
    groups: int
    """Source groups compared, or images where groups are unknown."""
    difference: Interval
    """Rate of the event under b minus the rate under a."""
    odds_ratio: Interval
    """Under a only over under b only: above 1 the event is rarer under b."""
    relative_reduction: Interval
    """1 minus the ratio of the rates, b over a: 0.5 means half as often under b."""
    detectable: float
    """Smallest difference that could have been shown with a chance of 80 %, at `level`."""
    level: float
    """Level of the first step of the adjustment: 5 % divided by the comparisons of the family."""
    verdict: PairVerdict
    """Of these networks. Different by the adjusted test to read, within the margin of the suite
    where the whole interval lies inside; else equivalent where it lies inside, the margin is at
    most half of a's own rate, and more than a few groups tell; else not shown."""
    few_groups: bool
    """Whether one of the models errs alone in so few groups that how its errors heap is not known:
    the interval then supposes that groups fail as wholes; see docs/statistics.md."""
    training: TrainingTest | None
    """Of the way of training; null with one seed."""
    tests: tuple[PairedTest, ...]
    """Every paired test."""

    def test(self, name: TestName = DEFAULT_TEST) -> PairedTest:
        """Return one test; by default the one to read."""
        return next(test for test in self.tests if test.name == name)


class PairResult(ResultModel):
    """Two models on the same images, b against a."""

    a: str
    """Name of the first model; in a report, the reference."""
    b: str
    """Name of the second model."""
    differences: tuple[Score, ...]
    """Every metric of b minus that of a, on the same groups."""
    events: tuple[EventComparison, ...]
    """What goes wrong under either; one family of tests an event."""

    def get(self, metric: str, of: str = "") -> Interval | None:
        """Return the difference of a metric, or None where it was not computed."""
        return find_score(self.differences, metric, of)

    def on(self, event: EventKind, node: str = "") -> EventComparison | None:
        """Return the comparison on an event, or None where no image can have it."""
        found = (one for one in self.events if (one.event, one.node) == (event, node))
        return next(found, None)


class Omnibus(ResultModel):
    """Cochran's Q over several models: whether any of them differs on an event."""

    event: EventKind
    """What goes wrong."""
    node: str
    """The decision; empty for any error."""
    statistic: float
    """Cochran's Q."""
    p: float
    """From permuting the models within each source group, 2,000 times."""
    p_independent: float
    """From the chi-squared distribution, which assumes independent predictions."""
    n: int
    """Predictions of each model."""
    groups: int
    """Source groups, or images where groups are unknown."""


class Rival(ResultModel):
    """A model beside the one that scores highest."""

    model: str
    """Its name."""
    difference: Interval
    """Accuracy of the highest minus its own, with limits that hold for all pairs of models at
    once."""


class Best(ResultModel):
    """Who scores highest in accuracy, and who is not shown to be worse."""

    model: str
    """The model with the highest accuracy on these images."""
    rivals: tuple[Rival, ...]
    """The other candidates by falling accuracy."""

    @property
    def level_with(self) -> tuple[str, ...]:
        """The rivals that are not shown to be worse."""
        return tuple(
            one.model
            for one in self.rivals
            if one.difference.low is None or one.difference.low <= 0.0
        )


class Unmatched(ResultModel):
    """Images of one model that lack a partner in another, and were left out."""

    model: str
    """Name of the model."""
    images: int
    """Their number."""
    predictions: int
    """Predictions for them: an image may lack a partner in some seeds only."""
    examples: tuple[str, ...]
    """The first of them."""


class ModelComparison(ResultModel):
    """Several models on the same images: the part that reports and comparisons share."""

    images: int
    """Distinct images that all models have."""
    predictions: int
    """Predictions of each model: images times seeds, where every seed has every image."""
    seeds: tuple[int, ...]
    """Seeds that were compared."""
    groups: int
    """Distinct source groups of the images; distinct images where groups are unknown."""
    groups_known: bool
    """False where the source group of some image is unknown: it was taken by itself."""
    images_without_group: int
    """Images whose source group is unknown."""
    coarse: dict[str, int]
    """Predictions of each model by label, where it is no leaf: they count where it decides."""
    unmatched: tuple[Unmatched, ...]
    """What did not match."""
    notes: tuple[str, ...]
    """What was noted when predictions were put side by side."""
    models: tuple[ModelScores, ...]
    """Scores of each model."""
    pairs: tuple[PairResult, ...]
    """Pairs of models that were compared."""
    omnibus: tuple[Omnibus, ...]
    """Cochran's Q for each event over the models that are neither floor nor shortcut; empty with
    fewer than three of them."""
    best: Best | None = None
    """Who scores highest, the floor aside; null with fewer than two models."""
    same_answers: tuple[tuple[str, ...], ...] = ()
    """Models that give every image the same answer, though their probabilities may differ."""

    def scores(self, model: str) -> ModelScores | None:
        """Return the scores of a model, or None where it has none."""
        return next((one for one in self.models if one.model == model), None)

    @property
    def events(self) -> tuple[tuple[EventKind, str], ...]:
        """The events that were compared, the first one first."""
        return tuple(dict.fromkeys((e.event, e.node) for pair in self.pairs for e in pair.events))


class AnalysisSettings(ResultModel):
    """How numbers were computed."""

    interval: Method = "score"
    """Method of the intervals."""
    resamples: int
    """Resamples of the bootstrap methods of intervals; the score method draws none."""
    adjustment: Adjustment = "holm"
    """How the p-values of a family are adjusted."""
    default_test: TestName = DEFAULT_TEST
    """The test to read."""
    margin: float | None = None
    """Difference of a rate that counts as none; null where none was stated."""
