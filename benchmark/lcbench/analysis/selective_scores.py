"""What selective prediction gives: coverage and risk at every level of the class tree."""

from __future__ import annotations

from lcbench.result_model import ResultModel
from lcbench.statistics.interval_model import Interval


class CarriedOver(ResultModel):
    """These images at the thresholds of the flattering protocol, each seed at its own."""

    coverage: Interval
    """Share of the images that are answered."""
    risk: Interval
    """Share of wrong answers among those given."""


class OperatingPoint(ResultModel):
    """Coverage and risk on test images, at the thresholds that validation images gave."""

    target: float
    """Largest share of wrong answers that the thresholds allow on validation images."""
    thresholds: tuple[float | None, ...]
    """Least confidence that is answered, of each trained model by seed and fold; 0 where everything
    is answered, null where no threshold keeps the target and nothing is answered."""
    coverage: Interval
    """Share of the images that are answered."""
    risk: Interval
    """Share of wrong answers among those given; not defined without an answer."""
    coverage_difference: Interval | None = None
    """The coverage minus that of the reference on the same images; null for the reference."""
    carried_over: CarriedOver | None = None
    """The same at the thresholds of the flattering protocol; null under that protocol itself, and
    where it was not run."""


class SelectiveScores(ResultModel):
    """One model at one level of the class tree."""

    model: str
    """Name of the model."""
    area: Interval
    """Area under its risk-coverage curve: the mean over the images of the risk when everything at
    least as sure is answered."""
    area_difference: Interval | None
    """The area minus that of the reference on the same images; null for the reference."""
    curve: tuple[float, ...]
    """Risk at each of the coverages of the result."""
    points: tuple[OperatingPoint, ...]
    """One for each target; empty where a run has no predictions on its validation images, and for
    ensembles."""

    def at(self, target: float) -> OperatingPoint | None:
        """Return the point of a target, or None where it has none."""
        return next((one for one in self.points if one.target == target), None)


class SelectiveLevel(ResultModel):
    """One level of the class tree."""

    level: int
    """Depth in the class tree; 1 is below the root."""
    classes: tuple[str, ...]
    """Classes that models can answer at this level."""
    models: tuple[SelectiveScores, ...]
    """One entry for each model."""

    def scores(self, model: str) -> SelectiveScores | None:
        """Return the scores of a model, or None where it has none."""
        return next((one for one in self.models if one.model == model), None)


class AnswersAtLevel(ResultModel):
    """What is answered at one level, and no deeper."""

    level: int
    """Depth in the class tree; 1 is below the root."""
    share: Interval
    """Share of all images."""
    risk: Interval
    """Share of wrong answers among these."""


class HierarchicalPoint(ResultModel):
    """Hierarchical answers at the thresholds of one target: as deep as a model is sure enough."""

    target: float
    """Largest share of wrong answers that the thresholds of a level allow on validation images."""
    levels: tuple[AnswersAtLevel, ...]
    """From below the root down to the leaves."""
    answered: Interval
    """Share of the images that are answered at any level."""
    risk: Interval
    """Share of wrong answers among them."""


class HierarchicalAnswers(ResultModel):
    """One model that answers an inner node where it is not sure of a leaf."""

    model: str
    """Name of the model."""
    points: tuple[HierarchicalPoint, ...]
    """One for each target."""


class SelectiveResult(ResultModel):
    """Selective prediction under one protocol."""

    targets: tuple[float, ...]
    """Risks that thresholds were chosen for."""
    coverages: tuple[float, ...]
    """Coverages at which the curves are given."""
    validation_images: int | None
    """Validation images of the run with the fewest; null where no run has predictions on them."""
    validation_groups: int | None
    """Source groups of the validation images of the run with the fewest; null where unknown."""
    without_validation: tuple[str, ...]
    """Models without thresholds: a run has no predictions on its validation images. Ensembles,
    which have none either, are not named here."""
    levels: tuple[SelectiveLevel, ...]
    """From below the root down to the leaves."""
    answers: tuple[HierarchicalAnswers, ...]
    """One entry for each model that has thresholds; images with a leaf label."""

    def hierarchical(self, model: str, target: float) -> HierarchicalPoint | None:
        """Return the hierarchical answers of a model, or None where it has none."""
        points = (p for one in self.answers if one.model == model for p in one.points)
        return next((one for one in points if one.target == target), None)
