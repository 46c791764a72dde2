"""What `lcbench compare` finds: one typed schema, every key documented."""

from __future__ import annotations

from typing import Literal

from lcbench.analysis.measures import Estimate, ResultModel
from lcbench.statistics.choices import Adjustment, Method
from lcbench.statistics.events import Event
from lcbench.statistics.pairwise import TestName

SCHEMA_VERSION = 1


class MetricRow(ResultModel):
    """One metric of one model."""

    model: str
    """Name of the model."""
    name: str
    """Name of the metric; with `:<class>` at its end it speaks of one class."""
    value: float | None
    """The estimate; null where it is not defined on these images."""
    low: float | None
    """Lower end of its 95 % interval; null where there is none."""
    high: float | None
    """Upper end of its 95 % interval; null where there is none."""
    n: int
    """Predictions that it speaks of."""
    count: int | None
    """Numerator, where it is a share of the n predictions."""
    groups: int
    """Source groups that were resampled, or images where groups are unknown."""
    method: str
    """How the interval was computed."""


class DifferenceRow(ResultModel):
    """One metric of model b minus that of model a, on the same resampled groups."""

    a: str
    """Name of the first model."""
    b: str
    """Name of the second model."""
    name: str
    """Name of the metric."""
    value: float | None
    """b minus a."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end of its 95 % interval."""
    n: int
    """Predictions that it speaks of."""
    groups: int
    """Source groups that were resampled, or images where groups are unknown."""


class TestRow(ResultModel):
    """One paired test of two models on one event."""

    __test__ = False  # not a test case for pytest

    a: str
    """Name of the first model."""
    b: str
    """Name of the second model."""
    event: Event
    """What goes wrong."""
    name: TestName
    """Name of the test."""
    statistic: float
    """Its statistic."""
    p: float
    """Two-sided p-value; 1 where nothing is discordant."""
    p_adjusted: float
    """The same, adjusted for all pairs of models: they are one family for each event and test."""
    only_a: int
    """Predictions on which the event happens under a only."""
    only_b: int
    """Predictions on which the event happens under b only."""
    n: int
    """Predictions compared: for McNemar's tests those of the first seed."""
    groups: int
    """Source groups compared, or images where groups are unknown."""
    assumes_independent_images: bool
    """Whether the test takes every image as evidence of its own."""


class EffectRow(ResultModel):
    """How much two models differ on one event, b against a."""

    a: str
    """Name of the first model."""
    b: str
    """Name of the second model."""
    event: Event
    """What goes wrong."""
    difference: Estimate
    """Rate of the event under b minus the rate under a."""
    odds_ratio: Estimate
    """Under a only over under b only: above 1 the event is rarer under b."""
    relative_reduction: Estimate
    """1 minus the ratio of the rates, b over a: 0.5 means half as often under b."""
    detectable: float
    """Smallest difference that could have been shown with a chance of 80 %."""


class OmnibusRow(ResultModel):
    """Cochran's Q over all models on one event; only with three models or more."""

    event: Event
    """What goes wrong."""
    statistic: float
    """Cochran's Q."""
    p: float
    """From permuting the models within each source group."""
    p_independent: float
    """From the chi-squared distribution, which assumes independent images."""


class UnmatchedRow(ResultModel):
    """Images of one model that lack a partner."""

    model: str
    """Name of the model."""
    images: int
    """Their number."""
    examples: tuple[str, ...]
    """The first of them."""


class ComparisonResults(ResultModel):
    """Everything that `lcbench compare` finds."""

    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    lcbench_version: str
    """Version of lcbench."""
    models: tuple[str, ...]
    """Names of the models, in the order of the command line."""
    images: int
    """Images that all models have."""
    predictions: int
    """Predictions of each model for them."""
    seeds: int
    """Seeds of each model."""
    groups: int
    """Source groups of the images, or images where groups are unknown."""
    groups_known: bool
    """False where the source group of some image is unknown."""
    images_without_group: int
    """Images whose source group is unknown: each was resampled by itself."""
    matched_by: Literal["sha256", "image", "base name"]
    """What images were matched by."""
    unmatched: tuple[UnmatchedRow, ...]
    """What did not match."""
    notes: tuple[str, ...]
    """What was done that a reader should know."""
    classes: tuple[str, ...]
    """The classes that models answer: the leaves of the class tree."""
    negative: str | None
    """The class that means "no finding": sensitivity is for it; null where the tree has none."""
    interval: Method
    """Method of the intervals."""
    resamples: int
    """Bootstrap resamples of each interval."""
    adjustment: Adjustment
    """How p-values are adjusted."""
    default_test: TestName
    """The test to read."""
    metrics: tuple[MetricRow, ...]
    """Metrics of each model."""
    differences: tuple[DifferenceRow, ...]
    """Metrics of each pair of models, subtracted."""
    tests: tuple[TestRow, ...]
    """Paired tests of each pair of models."""
    effects: tuple[EffectRow, ...]
    """Sizes of the differences that the tests look at."""
    omnibus: tuple[OmnibusRow, ...]
    """Cochran's Q."""

    @property
    def units(self) -> str:
        """What was resampled, in words."""
        if self.groups_known:
            return "source groups"
        return "images" if self.images_without_group == self.images else "groups and single images"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs of models, (a, b)."""
        return tuple(dict.fromkeys((row.a, row.b) for row in self.effects))

    def metric(self, model: str, name: str) -> MetricRow | None:
        """Return one metric of one model, or None where it was not computed."""
        rows = (row for row in self.metrics if (row.model, row.name) == (model, name))
        return next(rows, None)

    def test(self, effect: EffectRow, name: TestName) -> TestRow:
        """Return a test of the pair and event of an effect."""
        key = (effect.a, effect.b, effect.event, name)
        return next(row for row in self.tests if (row.a, row.b, row.event, row.name) == key)
