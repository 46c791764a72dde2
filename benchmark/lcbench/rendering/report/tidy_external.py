"""Rows of the tidy table on an external folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lcbench.analysis.external_detail_results import (
    CalibrationResult,
    DetectionPoint,
    ExternalNode,
    LabelAnswers,
    OneClassLevel,
)
from lcbench.analysis.external_results import (
    ExternalComparison,
    ExternalLevel,
    ExternalResult,
    ExternalScore,
    UnitResult,
)
from lcbench.rendering.report.external import read_as
from lcbench.rendering.report.shift_tables import shift_rows
from lcbench.rendering.report.tidy_rows import (
    Place,
    Row,
    estimate_rows,
    metric_rows,
    omnibus_rows,
    operating_rows,
    pair_rows,
    row,
    score_rows,
)


def external_rows(folder: ExternalResult) -> Iterator[Row]:
    """Yield every number on an external folder."""
    place = Place(f"external:{folder.record.name}")
    yield from _record(place, folder)
    yield from shift_rows(folder)
    yield from _levels(place, folder.levels)
    for level in folder.levels:
        for one in level.comparisons:
            yield from _comparison(f"{place.section}:level {level.level}:", level, one)
    yield from _nodes(place, folder.nodes)
    yield from _one_class(place, folder.one_class)
    yield from _levels(Place(f"{place.section}:with contaminated"), folder.contaminated)
    if folder.units is not None:
        yield from _units(Place(f"{place.section}:by {folder.units.unit}"), folder.units)
    for label in folder.answers:
        yield from _answers(Place(f"{place.section}:answers"), label)
    for found in folder.calibration:
        yield from _calibration(Place(f"{place.section}:calibrated"), found)


def _record(place: Place, folder: ExternalResult) -> Iterator[Row]:
    record = folder.record
    for name in ("images", "scored", "copies"):
        yield row(place, name, getattr(record, name))
    for label in record.labels:
        yield row(place, "images_of_label", label.images, label.label, extra=read_as(label))
    if record.overlap is not None:
        yield row(place, "images_with_training_tissue", record.overlap.with_sibling)
        yield row(place, "exact_copies_of_training_images", record.overlap.exact)
    if folder.counts is not None:
        for name, value in folder.counts.model_dump().items():
            yield row(place, f"images_{name}", float(value))


def _units(place: Place, units: UnitResult) -> Iterator[Row]:
    for name in ("units", "images", "contradictory"):
        yield row(place, name, getattr(units, name))
    yield from _levels(place, units.levels)
    yield from _nodes(place, units.nodes)
    yield from _one_class(place, units.one_class)


def _levels(place: Place, levels: Sequence[ExternalLevel]) -> Iterator[Row]:
    for level in levels:
        of = f"level {level.level}: {'/'.join(level.classes)}"
        basis: Row = {"n": level.images, "extra": level.majority_class}
        yield row(place, "majority_rate", level.majority_rate, of, **basis)
        for score in level.scores:
            own = place._replace(protocol=score.protocol, baseline=score.baseline)
            yield from _score(own, score, of)


def _score(place: Place, score: ExternalScore, of: str) -> Iterator[Row]:
    for metric, found in (
        ("accuracy", score.accuracy), ("minus_majority_rate", score.difference),
        ("minus_majority_rate_simultaneous", score.simultaneous),
        ("accuracy_of_their_average", score.average),
    ):  # fmt: skip
        if found is not None:
            yield row(place, metric, found, of, extra=f"runs={score.runs}")
    for one in score.alone:
        extra = f"seed={one.seed} fold={one.fold} alone"
        yield row(place, "accuracy", one.accuracy, of, extra=extra)
    if score.apart is not None:
        yield row(place, "answers_apart_from_the_likeliest_class", score.apart, of)
    for point in score.points:
        yield from operating_rows(place, point, of)


def _comparison(inside: str, level: ExternalLevel, one: ExternalComparison) -> Iterator[Row]:
    for scores in one.comparison.models:
        yield from score_rows(one.protocol, scores, level.classes, inside)
    for pair in one.comparison.pairs:
        yield from pair_rows(one.protocol, pair, inside)
    yield from omnibus_rows(one.protocol, one.comparison, inside)


def _nodes(place: Place, nodes: Sequence[ExternalNode]) -> Iterator[Row]:
    for node in nodes:
        for one in node.scores:
            own = place._replace(protocol=one.protocol, baseline=one.baseline)
            for name in ("sensitivity", "specificity", "auroc", "average_precision"):
                yield from estimate_rows(own, name, getattr(one, name), node.node)
            if one.point is not None:
                yield from _point(own, one.point, node.node, "thresholds of validation images")


def _point(place: Place, point: DetectionPoint, of: str, where: str) -> Iterator[Row]:
    extra = f"{where}; target={point.target:g}"
    for number, threshold in enumerate(point.thresholds, start=1):
        yield row(place, "threshold", threshold, of, extra=f"{extra}; trained model {number}")
    for name in ("sensitivity", "specificity"):
        chosen = getattr(point, f"chosen_{name}")
        yield row(place, name, chosen, of, extra=f"{extra}; where they were chosen")
        yield from estimate_rows(place, name, getattr(point, name), of, extra)


def _one_class(place: Place, levels: Sequence[OneClassLevel]) -> Iterator[Row]:
    for level in levels:
        for one in level.scores:
            own = place._replace(protocol=one.protocol, baseline=one.baseline)
            extra = f"all images of level {level.level} are of this class"
            yield from estimate_rows(own, "called_so", one.called, level.node, extra)


def _answers(place: Place, label: LabelAnswers) -> Iterator[Row]:
    yield row(place, "images", label.images, label.label, extra=label.fate or "")
    for model in label.models:
        own = place._replace(protocol=model.protocol, baseline=model.baseline)
        for level in model.levels:
            extra = f"level {level.level}"
            for one in level.answers:
                words = f"{extra}; {one.node}"
                yield from estimate_rows(own, "answered", one.share, label.label, words)
            yield from estimate_rows(own, "confidence", level.confidence, label.label, extra)
            for sure in level.sure:
                words = f"{extra}; target={sure.target:g}"
                yield from estimate_rows(own, "coverage", sure.share, label.label, words)


def _calibration(place: Place, found: CalibrationResult) -> Iterator[Row]:
    own = place._replace(protocol=found.protocol, baseline=found.baseline)
    basis: Row = {"n": found.images, "groups": found.groups}
    yield row(own, "temperature", found.temperature, extra="on the images set aside", **basis)
    for level in found.levels:
        for words, scores in (
            ("before", level.before), ("after", level.after),
            ("after minus before", level.difference),
        ):  # fmt: skip
            yield from metric_rows(own, scores, f"level {level.level}; {words}")
    for node in found.nodes:
        yield from _point(own, node.point, node.node, "thresholds of the images set aside")
