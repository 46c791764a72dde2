"""External folders in words: how far above the majority rate the models are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lcbench.analysis.external_results import ExternalLevel, ExternalResult, ExternalScore
from lcbench.rendering.formats import (
    integer,
    is_fixed,
    listing,
    number,
    of_training,
    plural,
    points,
    points_interval,
    share,
)
from lcbench.rendering.words import (
    GROUPS_UNKNOWN,
    excludes_zero,
    node_words,
    protocol_short,
)
from lcbench.runs.external_records import Fate, LabelCount, OverlapRecord
from lcbench.runs.records import DatasetRecord
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.rates import ENOUGH

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
        return classes_words(self.level.classes)

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


def classes_words(names: Sequence[str]) -> str:
    """Return classes with slashes between them."""
    return " / ".join(node_words(name) for name in names)


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
    model = who(score.baseline, score.protocol)
    if len(models) > 1:
        model = f"the best of {len(models)} models, {model}, chosen afterwards,"
    return (
        f"On {name}, {best.classes} ({plural(level.images, 'image')}): {model} "
        f"{_standing(score)}{_limits_words(result, level, score)}: "
        f"{share(score.accuracy.value)} against "
        f"{share(level.majority_rate)} for always answering {node_words(level.majority_class)}."
    )


def _limits_words(result: ExternalResult, level: ExternalLevel, best: ExternalScore) -> str:
    """Return what the limits hold for, in brackets beside them."""
    if is_fixed(_judged(best)):
        return " (no limits: the numbers of each class fix it)"
    adjusted = f"adjusted for all {integer(len(level.scores))} models, the floor's included"
    trained = best.simultaneous.training is not None
    parts = [
        adjusted if len(level.scores) > 1 else "",
        "of the way of training" if trained else "",
        _by_words(result),
    ]
    words = "; ".join(part for part in parts if part)
    return f" ({words})" if words else ""


def _by_words(result: ExternalResult) -> str:
    if not result.groups_known:
        return UNKNOWN
    return f"by {unit_words(result)}" if result.counts is not None else ""


def key_of(score: ExternalScore) -> tuple[str, str]:
    """Return protocol and baseline of a score."""
    return score.protocol, score.baseline


def who(baseline: str, protocol: str) -> str:
    """Return a model with its training: `reference (training: leakage-free)`."""
    return f"{baseline} (training: {protocol_short(protocol)})"


def images_words(result: ExternalResult, trained_on: DatasetRecord) -> str:
    """Return what images the folder holds, as the user says, and what the models have learned."""
    record = result.record
    about = f"{record.name}: {record.about.rstrip('.')}. " if record.about else ""
    training = f" ({trained_on.about})" if trained_on.about else ""
    tiles = f" Each image is answered by the mean over {record.tiling}." if record.tiling else ""
    return f"{about}The models were trained on {trained_on.name}{training}.{tiles}"


def evidence_words(result: ExternalResult) -> str:
    """Return how many units the intervals rest on, and how many trained models answered each."""
    unit = unit_words(result)
    units = [
        f"{plural(max(score.accuracy.groups for score in level.scores), unit, plural_of(unit))}"
        f"{_by_class(level)} at {classes_words(level.classes)}"
        for level in result.levels
    ]
    if not units:
        return ""
    runs: dict[str, int] = {}
    for score in result.levels[0].scores:  # an average over seeds is one model of many
        runs[score.protocol] = max(score.runs, runs.get(score.protocol, 0))
    trained = [f"{plural(n, 'trained model')} ({protocol_short(p)})" for p, n in runs.items()]
    counts = f"a {unit}" if result.groups_known else "an image"
    source = result.record.groups_source
    told = f" (groups from: {source})" if source else ""
    return (
        f"Evidence: {'; '.join(units)}{told}. Each row pools the predictions of "
        f"{listing(trained, last='or')}, but {counts} counts once as evidence, however many models "
        f"answered it.{_training_words(result)}{_few_words(result)}"
    )


def _by_class(level: ExternalLevel) -> str:
    classes = [f"{integer(one.groups)} {node_words(one.node)}" for one in level.groups]
    return f" ({', '.join(classes)})" if classes else ""


def _few_words(result: ExternalResult) -> str:
    """Return which classes have too few groups for an interval to hold what it says."""
    unit = unit_words(result)
    few = {one.node: one for level in result.levels for one in level.groups if one.few}
    if not few:
        return ""
    each = [
        f"the images of {node_words(one.node)} lie in {plural(one.groups, unit, plural_of(unit))}"
        + (f", worth {number(one.equal)} of one size" if one.equal < one.groups - 0.05 else "")
        for one in few.values()
    ]
    return (
        f" Few groups: {listing(each)}. Fewer than {integer(ENOUGH)} of one size do not tell how "
        "errors there spread, and an interval can hold the truth much less often than 95 %."
    )


def _training_words(result: ExternalResult) -> str:
    """Return what limits for the way of training do not hold for."""
    trained = [one for level in result.levels for one in level.scores if one.accuracy.training]
    if not trained:
        return ""
    folds = {}
    for score in trained:
        of = len({one.fold for one in score.alone})
        if of > 1:
            seeds = len({one.seed for one in score.alone})
            name = protocol_short(score.protocol)
            folds[name] = f"{plural(of, 'fold')} of {plural(seeds, 'seed')} ({name})"
    which = f", {listing([*folds.values()])}," if folds else ""
    return (
        f" Limits for the way of training take the trained models{which} as independent. They "
        "learned from overlapping images: other training images can change more than these limits "
        "say."
    )


def unit_words(result: ExternalResult) -> str:
    """Return what the intervals of a folder are by: `patient`, `source group proven by pixels`."""
    if not result.groups_known:
        return "different image"
    if result.record.unit:
        return result.record.unit
    by_pixels = result.record.table is not None
    return "source group proven by pixels" if by_pixels else "source group"


def plural_of(unit: str) -> str:
    """Return several of what `unit_words` gives."""
    group = "source group"
    return unit.replace(group, f"{group}s") if group in unit else f"{unit}s"


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
    "unknown": "unknown: predicted as out of distribution, not scored (--labels says what it is)",
    "out of distribution": "out of distribution by the label map: predicted, not scored",
    "unlabelled": "no label: predicted, not scored",
}


def overlap_words(overlap: OverlapRecord) -> str:
    """Return the sentence that a reader needs before any external score."""
    if overlap.reason:
        return f"Not compared with the training images: {overlap.reason}."
    if overlap.with_sibling == 0:
        none = (
            "The one image is not"
            if overlap.images == 1
            else (f"None of the {integer(overlap.images)} images is")
        )
        return (
            f"{none} proven to show tissue of the "
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
    # A difference that the numbers of each class fix has no limits.
    _, bracket, limits = written.partition(" [")
    return f"is {points(score.difference.value)} {side} the majority rate{bracket}{limits}"
