"""External folders in words: how far above the majority rate the models are."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from lcbench.analysis.results import ExternalLevel, ExternalResult, ExternalScore
from lcbench.rendering.formats import integer, plural, points, points_interval, share
from lcbench.rendering.words import GROUPS_UNKNOWN, capital, node_words, protocol_short
from lcbench.runs.records import LabelCount, OverlapRecord
from lcbench.statistics.intervals import Interval


class Best(NamedTuple):
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
        return " / ".join(node_words(node) for node in self.level.classes)

    @property
    def is_above(self) -> bool:
        """Whether it is shown to be above the majority rate."""
        return _is_above(self.score)

    @property
    def models_above(self) -> int:
        """How many of the models are shown to be above it."""
        return sum(_is_above(score) for score in self.models)


def best_model(level: ExternalLevel, floor: Collection[str]) -> Best:
    """Return the best model at a level; the floor is left out where there are others."""
    models = tuple(score for score in level.scores if score.baseline not in floor) or level.scores
    return Best(level, max(models, key=lambda score: score.accuracy.value or 0.0), models)


def broadest(result: ExternalResult) -> ExternalLevel | None:
    """Return the level that most labels fix, the finest of several; None without predictions."""
    return max(result.levels, key=lambda level: (level.images, level.level), default=None)


def level_words(name: str, best: Best) -> str:
    """Return how the models stand to the majority rate at one level of a folder."""
    level, score, models = best
    who = f"{score.baseline} (training: {protocol_short(score.protocol)})"
    if len(models) > 1:
        who = f"the best of {len(models)} models, {who}, chosen afterwards,"
    return (
        f"On {name}, {best.classes} ({plural(level.images, 'image')}): {who} "
        f"{_standing(score)}: {share(score.accuracy.value)} against {share(level.majority_rate)} "
        f"for always answering {node_words(level.majority_class)}."
    )


def folder_words(result: ExternalResult, floor: Collection[str]) -> tuple[str, ...]:
    """Return what a reader should know of one folder: a sentence each."""
    record = result.record
    levels = [best_model(level, floor) for level in result.levels]
    found = [level_words(record.name, best) for best in levels]
    counts = (
        f"{plural(record.images, 'image')}, {integer(record.scored)} of them scored; "
        f"{plural(record.copies, 'byte-identical copy', 'byte-identical copies')}, resampled with "
        "the original."
    )
    overlap = overlap_words(record.overlap) if record.overlap else ""
    groups = "" if result.groups_known else f"{capital(GROUPS_UNKNOWN)}."
    nothing = "" if levels else "No finished run has predictions on this folder."
    return tuple(part for part in (*found, nothing, counts, overlap, groups) if part)


def read_as(label: LabelCount) -> str:
    """Return what a label of an external folder was read as, or why its images do not count."""
    if label.node:
        return label.node
    return "left out by the label map" if label.left_out else "unknown: left out"


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


def excludes_zero(estimate: Interval) -> bool:
    """Tell whether an interval lies on one side of zero."""
    if estimate.low is None or estimate.high is None:
        return False
    return estimate.low > 0 or estimate.high < 0


def _is_above(score: ExternalScore) -> bool:
    return excludes_zero(score.difference) and (score.difference.value or 0.0) > 0


def _standing(score: ExternalScore) -> str:
    written = points_interval(score.difference)
    if not excludes_zero(score.difference):
        return f"is not shown to be above the majority rate, {written} points"
    side = "above" if _is_above(score) else "below"
    limits = written[written.index("[") :]
    return f"is {points(score.difference.value)} {side} the majority rate {limits}"
