"""External folders in words: how far above the majority rate the models are."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from lcbench.analysis.external_results import ExternalLevel, ExternalResult, ExternalScore
from lcbench.rendering.formats import (
    integer,
    listing,
    of_training,
    plural,
    points,
    points_interval,
    share,
)
from lcbench.rendering.report.selective import sure_share, target_words
from lcbench.rendering.words import (
    GROUPS_UNKNOWN,
    capital,
    excludes_zero,
    node_words,
    protocol_short,
)
from lcbench.runs.external_records import Fate, LabelCount, OverlapRecord
from lcbench.runs.records import DatasetRecord
from lcbench.statistics.interval_model import Interval

UNKNOWN = GROUPS_UNKNOWN.partition(":")[0]
"""What stands beside an interval of images that may show the same tissue."""


class LevelBest(NamedTuple):
    """The best model at one level of an external folder."""

    level: ExternalLevel
    """The level."""
    score: ExternalScore
    """What the model reached."""
    models: tuple[ExternalScore, ...]
    """Those that it was chosen from, itself included."""

    @property
    def classes(self) -> str:
        """The classes of the level, with slashes between them."""
        return _classes(self.level)

    @property
    def is_above(self) -> bool:
        """Whether it is shown to be above the majority rate, with limits for all models."""
        return _is_above(self.score)

    @property
    def difference(self) -> Interval:
        """How far above the majority rate it is, with limits for all models of the level."""
        return _judged(self.score)

    @property
    def models_above(self) -> int:
        """How many of the models are shown to be above it."""
        return sum(_is_above(score) for score in self.models)


def _classes(level: ExternalLevel) -> str:
    return " / ".join(node_words(node) for node in level.classes)


def best_at(level: ExternalLevel, floor: Collection[str]) -> LevelBest:
    """Return the best model at a level; the floor is left out where there are others."""
    models = tuple(score for score in level.scores if score.baseline not in floor) or level.scores
    return LevelBest(level, max(models, key=lambda score: score.accuracy.value or 0.0), models)


def broadest(result: ExternalResult) -> ExternalLevel | None:
    """Return the level that most labels fix, the finest of several; None without predictions."""
    return max(result.levels, key=lambda level: (level.images, level.level), default=None)


def level_words(result: ExternalResult, best: LevelBest) -> str:
    """Return how the models stand to the majority rate at one level of a folder."""
    name, (level, score, models) = result.record.name, best
    who = f"{score.baseline} (training: {protocol_short(score.protocol)})"
    if len(models) > 1:
        who = f"the best of {len(models)} models, {who}, chosen afterwards,"
    return (
        f"On {name}, {best.classes} ({plural(level.images, 'image')}): {who} "
        f"{_standing(score)}{_limits_words(result, level, score)}: "
        f"{share(score.accuracy.value)} against "
        f"{share(level.majority_rate)} for always answering {node_words(level.majority_class)}."
    )


def _limits_words(result: ExternalResult, level: ExternalLevel, best: ExternalScore) -> str:
    """Return what the limits hold for, in brackets beside them."""
    adjusted = f"adjusted for all {integer(len(level.scores))} models, the floor's included"
    trained = best.runs > 1
    parts = [
        adjusted if len(level.scores) > 1 else "",
        "of the way of training" if trained else "",
        "" if result.groups_known else UNKNOWN,
    ]
    words = "; ".join(part for part in parts if part)
    return f" ({words})" if words else ""


def images_words(result: ExternalResult, trained_on: DatasetRecord) -> str:
    """Return what images the folder holds, as the user says, and what the models have learned."""
    record = result.record
    about = f"{record.name}: {record.about.rstrip('.')}. " if record.about else ""
    training = f" ({trained_on.about})" if trained_on.about else ""
    tiles = f" Each image is answered by the mean over {record.tiling}." if record.tiling else ""
    return f"{about}The models were trained on {trained_on.name}{training}.{tiles}"


def evidence_words(result: ExternalResult) -> str:
    """Return how many units the intervals rest on, and how many trained models answered each."""
    unit = "source group" if result.groups_known else "different image"
    units = [
        f"{plural(max(score.accuracy.groups for score in level.scores), unit)} at {_classes(level)}"
        for level in result.levels
    ]
    if not units:
        return ""
    runs: dict[str, int] = {}
    for score in result.levels[0].scores:  # an average over seeds is one model of many
        runs[score.protocol] = max(score.runs, runs.get(score.protocol, 0))
    trained = [f"{plural(n, 'trained model')} ({protocol_short(p)})" for p, n in runs.items()]
    counts = "a source group" if result.groups_known else "an image"
    return (
        f"Evidence: {'; '.join(units)}. Each row pools the predictions of "
        f"{listing(trained, last='or')}, but {counts} counts once as evidence, however many models "
        "answered it."
    )


def folder_words(
    result: ExternalResult, floor: Collection[str], trained_on: DatasetRecord
) -> tuple[str, ...]:
    """Return what a reader should know of one folder: a sentence each."""
    record = result.record
    levels = [best_at(level, floor) for level in result.levels]
    found = [words for best in levels for words in (level_words(result, best), _sure_words(best))]
    counts = (
        f"{plural(record.images, 'image')}, {integer(record.scored)} of them scored; "
        f"{plural(record.copies, 'byte-identical copy', 'byte-identical copies')}, counted with "
        "the original."
    )
    overlap = overlap_words(record.overlap) if record.overlap else ""
    groups = "" if result.groups_known else f"{capital(GROUPS_UNKNOWN)}."
    nothing = "" if levels else "No finished run has predictions on this folder."
    parts = (
        images_words(result, trained_on), *found, nothing, evidence_words(result), counts, overlap,
        groups,
    )  # fmt: skip
    return tuple(part for part in parts if part)


def _sure_words(best: LevelBest) -> str:
    """Return what the best model answers where it is sure enough; empty without thresholds."""
    score = best.score
    if not score.points:
        return ""
    point = score.points[0]
    who = f"{score.baseline} (training: {protocol_short(score.protocol)})"
    at = f"At its thresholds for {target_words(point.target)} risk on its own validation images"
    if not point.coverage.value or point.risk.value is None:
        return f"{at}, {who} answers none of these images at {best.classes}."
    return (
        f"{at}, {who} answers {sure_share(point.coverage)} of these images at {best.classes}, and "
        f"{sure_share(point.risk)} of these answers are wrong."
    )


def read_as(label: LabelCount) -> str:
    """Return what a label of an external folder was read as, or why its images do not count."""
    if label.node:
        return label.node
    if label.left_out:
        return "left out by the label map"
    return _FATES[label.fate] if label.fate else "unknown: left out"


_FATES: dict[Fate, str] = {
    "scored": "scored",
    "left out": "left out by the label map",
    "unknown": "unknown: predicted as out of distribution, not scored",
    "out of distribution": "out of distribution by the label map: predicted, not scored",
    "unlabelled": "no label: predicted, not scored",
}


def overlap_words(overlap: OverlapRecord) -> str:
    """Return the sentence that a reader needs before any external score."""
    if overlap.reason:
        return f"Not compared with the training images: {overlap.reason}."
    if overlap.with_sibling == 0:
        return (
            f"None of the {integer(overlap.images)} images is proven to show tissue of the "
            f"{integer(overlap.training_images)} training images (copies and overlapping fields, "
            "by pixels)."
        )
    return (
        f"{integer(overlap.with_sibling)} of {integer(overlap.images)} images show tissue that is "
        f"among the {integer(overlap.training_images)} training images, {integer(overlap.exact)} "
        "of them as exact copies: the scores on this folder are not external."
    )


def _judged(score: ExternalScore) -> Interval:
    """Return the difference with limits for all models at once, and for their training."""
    return of_training(score.simultaneous) or score.simultaneous


def _is_above(score: ExternalScore) -> bool:
    return excludes_zero(_judged(score)) and (score.difference.value or 0.0) > 0


def _standing(score: ExternalScore) -> str:
    written = points_interval(_judged(score))
    if not excludes_zero(_judged(score)):
        return f"is not shown to be above the majority rate, {written} points"
    side = "above" if _is_above(score) else "below"
    limits = written[written.index("[") :]
    return f"is {points(score.difference.value)} {side} the majority rate {limits}"
