"""The results as one tidy table: a row a number, whatever the page leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.scores import ModelScores, PairResult, Score
from lcbench.analysis.selective_scores import (
    HierarchicalAnswers,
    OperatingPoint,
    SelectiveResult,
    SelectiveScores,
)
from lcbench.rendering.formats import of_training
from lcbench.rendering.report.external import read_as
from lcbench.statistics.interval_model import Interval
from lcbench.tables import csv_text

COLUMNS = (
    "section", "protocol", "baseline", "metric", "of", "value", "low", "high", "error", "n",
    "count", "groups", "method", "extra",
)  # fmt: skip
_WHOLE = ("n", "count", "groups")
Row = dict[str, Any]


class _Place(NamedTuple):
    """What a number is about."""

    section: str
    protocol: str = ""
    baseline: str = ""


def write_tidy(results: Results, path: Path) -> Path:
    """Write results.csv."""
    import pandas as pd

    rows = [_flagged(row, results) for row in tidy_rows(results)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in _WHOLE:
        table[column] = table[column].astype("Int64")
    path.write_text(csv_text(table), encoding="utf-8", newline="\n")
    return path


def tidy_rows(results: Results) -> Iterator[Row]:
    """Yield every number of the results as a row; what it lacks of `COLUMNS` is empty."""
    yield from _dataset(results)
    for result in results.protocols:
        yield from _protocol(result)
        for scores in result.comparison.models:
            yield from _scores(result.protocol, scores, results.leaves)
        for pair in result.comparison.pairs:
            yield from _pair(result.protocol, pair)
        yield from _best(result)
        yield from _ensembles(result)
        yield from _hypothesis(result)
        yield from _omnibus(result)
        if result.selective is not None:
            yield from _selective(result.protocol, result.selective, results.reference)
    for drop in results.drops:
        sides = {"": drop.drop, "flattering": drop.flattering, "leakage-free": drop.leakage_free}
        for side, accuracy in sides.items():
            yield _row(_Place("drop", side, drop.baseline), "accuracy", accuracy)
    yield from _efficiency(results)
    yield from _claims(results)
    for folder in results.external:
        yield from _external(folder)


def _row(
    place: _Place, metric: str, found: Interval | float | None, of: str = "", **more: object
) -> Row:
    numbers = found.model_dump() if isinstance(found, Interval) else {"value": found}
    texts = {"metric": metric, "of": of, "method": "", "extra": ""}
    return {**place._asdict(), **texts, **numbers, **more}


def _flagged(row: Row, results: Results) -> Row:
    """Say so in every row of a baseline whose weights are random."""
    baseline = results.baseline(str(row["baseline"]))
    if baseline is None or not baseline.random_weights:
        return row
    return {**row, "extra": f"random weights; {row['extra']}".removesuffix("; ")}


def _dataset(results: Results) -> Iterator[Row]:
    dataset, place = results.dataset, _Place("dataset")
    yield _row(place, "images", dataset.images)
    yield _row(place, "source_groups", dataset.source_groups)
    for name, count in dataset.images_by_class.items():
        yield _row(place, "images", count, name)


def _protocol(result: ProtocolResult) -> Iterator[Row]:
    part, place = result.comparison, _Place("protocol", result.protocol)
    yield _row(place, "images", part.images)
    yield _row(place, "predictions", part.predictions)
    yield _row(place, "source_groups", part.groups)
    yield _row(place, "images_without_group", part.images_without_group)
    yield _row(place, "images_tested", result.tested)
    yield _row(place, "images_planned", result.planned)
    for label, count in part.coarse.items():
        yield _row(place, "coarse_labels", count, label)
    for one in part.unmatched:
        own = place._replace(baseline=one.model)
        yield _row(own, "images_without_partner", one.images)
        yield _row(own, "predictions_without_partner", one.predictions)
    for split in result.splits:
        of, extra = f"seed={split.seed} fold={split.fold}", f"sha256={split.record.sha256}"
        for name, value in split.record.model_dump(exclude={"sha256"}).items():
            yield _row(_Place("splits", result.protocol), name, value, of, extra=extra)


def _scores(protocol: str, scores: ModelScores, leaves: tuple[str, ...]) -> Iterator[Row]:
    place = _Place("scores", protocol, scores.model)
    yield from _metrics(place, scores.scores)
    for leaf, counts in zip(leaves, scores.confusion, strict=True):
        for predicted, count in zip(leaves, counts, strict=True):
            confusion, extra = place._replace(section="confusion"), f"predicted={predicted}"
            yield _row(confusion, "mean_count_of_a_seed", count, leaf, extra=extra)
    curve = place._replace(section="reliability")
    for number, one in enumerate(scores.reliability, start=1):
        yield _row(curve, "confidence", one.confidence, f"bin {number}", n=one.right.n)
        yield _row(curve, "share_right", one.right, f"bin {number}")
    if scores.effective is not None:
        yield _row(place, "effective_sample_size", scores.effective.n, "accuracy")
        yield _row(place, "design_effect", scores.effective.design_effect, "accuracy")
    seeds = place._replace(section="seeds")
    for seed, value in scores.seeds.items():
        yield _row(seeds, "accuracy", value, f"seed={seed}")


def _metrics(place: _Place, scores: tuple[Score, ...], extra: str = "") -> Iterator[Row]:
    for one in scores:
        yield from _estimate(place, one.metric, one.estimate, one.of, extra)


def _training(place: _Place, metric: str, estimate: Interval, of: str, extra: str) -> Iterator[Row]:
    """Yield an estimate with its limits for the way of training, where there are several seeds."""
    found = of_training(estimate)
    if found is not None:
        words = "; ".join(part for part in (extra, "way of training") if part)
        yield _row(place, metric, found, of, extra=words)


def _pair(protocol: str, pair: PairResult) -> Iterator[Row]:
    yield from _metrics(
        _Place("difference", protocol, pair.b), pair.differences, extra=f"minus {pair.a}"
    )
    place, extra = _Place("comparison", protocol, pair.b), f"against {pair.a}"
    for event in pair.events:
        of = _event_name(event.event, event.node)
        for effect in ("difference", "odds_ratio", "relative_reduction"):
            yield _row(place, effect, getattr(event, effect), of, extra=extra)
            yield from _training(place, effect, getattr(event, effect), of, extra)
        more: Row = {"groups": event.groups, "extra": extra}
        yield _row(place, "detectable_difference", event.detectable, of, **more)
        yield _row(place, "level", event.level, of, extra="; ".join((extra, event.verdict)))
        if event.training is not None:
            for key in ("p", "p_adjusted"):
                method = "clustered-score, way of training"
                yield _row(place, key, getattr(event.training, key), of, method=method, **more)
        for test in event.tests:
            basis: Row = {"n": test.n, "method": test.name.value, **more}
            for key in ("p", "p_adjusted", "statistic", "only_a", "only_b"):
                yield _row(place, key, getattr(test, key), of, **basis)


def _best(result: ProtocolResult) -> Iterator[Row]:
    best = result.comparison.best
    for rival in best.rivals if best else ():
        place = _Place("simultaneous", result.protocol, rival.model)
        extra = f"{best.model if best else ''} minus this; all pairs at once"
        yield _row(place, "accuracy", rival.difference, extra=extra)


def _ensembles(result: ProtocolResult) -> Iterator[Row]:
    for one in result.ensembles:
        place = _Place("ensemble", result.protocol, one.ensemble)
        yield _row(place, "accuracy", one.over_mean, extra="this minus the mean of its members")
        extra = f"this minus its best member, {one.best_member}; all members at once"
        yield _row(place, "accuracy", one.over_best, extra=extra)


def _hypothesis(result: ProtocolResult) -> Iterator[Row]:
    found = result.hypothesis
    for arm in found.arms if found else ():
        place = _Place("hypothesis", result.protocol, arm.baseline)
        of = _event_name(found.event, found.node) if found else ""
        for name in ("reduction", "difference"):
            yield from _estimate(place, name, getattr(arm, name), of)
        yield from _estimate(place, "accuracy", arm.accuracy, "")
        yield _row(place, "detectable_reduction", arm.detectable, of)
        for words, test in (("", arm.networks), ("way of training", arm.training)):
            if test is not None:
                extra = "; ".join(part for part in (test.verdict, words) if part)
                for name, p in test.model_dump(exclude={"verdict"}).items():
                    yield _row(place, name, p, of, extra=extra)


def _omnibus(result: ProtocolResult) -> Iterator[Row]:
    place = _Place("comparison", result.protocol)
    for one in result.comparison.omnibus:
        of = _event_name(one.event, one.node)
        basis: Row = {
            "n": one.n,
            "groups": one.groups,
            "method": "cochran-q",
            "extra": "all but floor and shortcuts",
        }
        for key in ("p", "p_independent", "statistic"):
            yield _row(place, key, getattr(one, key), of, **basis)


def _selective(protocol: str, found: SelectiveResult, reference: str) -> Iterator[Row]:
    place = _Place("selective", protocol)
    yield _row(place, "validation_images", found.validation_images)
    yield _row(place, "validation_source_groups", found.validation_groups)
    for level in found.levels:
        of = f"level {level.level}: {'/'.join(level.classes)}"
        for one in level.models:
            own = place._replace(baseline=one.model)
            yield from _selective_scores(own, one, found.coverages, of, reference)
    for answers in found.answers:
        yield from _hierarchical(place._replace(baseline=answers.model), answers)


def _selective_scores(
    place: _Place, one: SelectiveScores, coverages: tuple[float, ...], of: str, reference: str
) -> Iterator[Row]:
    yield from _estimate(place, "area", one.area, of)
    if one.area_difference is not None:
        yield from _estimate(place, "area", one.area_difference, of, f"minus {reference}")
    for coverage, risk in zip(coverages, one.curve, strict=True):
        yield _row(place, "curve_risk", risk, of, extra=f"coverage={coverage:g}")
    for point in one.points:
        yield from _operating_point(place, point, of, reference)


def _operating_point(
    place: _Place, point: OperatingPoint, of: str, reference: str = ""
) -> Iterator[Row]:
    extra = f"target={point.target:g}"
    for number, threshold in enumerate(point.thresholds, start=1):
        yield _row(place, "threshold", threshold, of, extra=f"{extra}; trained model {number}")
    for name, found in (("coverage", point.coverage), ("risk", point.risk)):
        yield from _estimate(place, name, found, of, extra)
    if point.coverage_difference is not None:
        minus = f"{extra}; minus {reference}"
        yield from _estimate(place, "coverage", point.coverage_difference, of, minus)
    if point.carried_over is not None:
        there = f"{extra}; thresholds of the flattering protocol"
        yield from _estimate(place, "coverage", point.carried_over.coverage, of, there)
        yield from _estimate(place, "risk", point.carried_over.risk, of, there)


def _hierarchical(place: _Place, answers: HierarchicalAnswers) -> Iterator[Row]:
    for point in answers.points:
        extra = f"target={point.target:g}"
        every = {f"level {one.level} alone": (one.share, one.risk) for one in point.levels}
        for of, (share, risk) in {**every, "any level": (point.answered, point.risk)}.items():
            yield from _estimate(place, "coverage", share, of, extra)
            yield from _estimate(place, "risk", risk, of, extra)


def _estimate(
    place: _Place, metric: str, found: Interval, of: str, extra: str = ""
) -> Iterator[Row]:
    yield _row(place, metric, found, of, extra=extra)
    yield from _training(place, metric, found, of, extra)


def _event_name(event: str, node: str) -> str:
    return f"{event}@{node}" if node else event


def _efficiency(results: Results) -> Iterator[Row]:
    for one in results.efficiency:
        place = _Place("efficiency", baseline=one.baseline)
        basis: Row = {
            "n": one.runs,
            "method": "over runs",
            "extra": f"{one.device}, {one.precision}",
        }
        numbers = one.model_dump(exclude={"baseline", "device", "precision", "runs"})
        for metric, value in numbers.items():
            yield _row(place, metric, value, **basis)


def _claims(results: Results) -> Iterator[Row]:
    for paper in results.claims:
        for one in paper.claims:
            place = _Place(f"claims:{paper.key}", one.protocol, results.reference)
            extra = "; ".join((one.claim, one.verdict, *one.obstacles))
            yield _row(place, one.metric, one.measured, one.of, extra=extra)
            yield _row(place, f"{one.metric}_minus_claimed", one.difference, one.of, extra=extra)
            for name in ("claimed", "claim_low", "claim_high", "n", "design_effect"):
                called = f"{one.metric}_{name}"
                yield _row(place, called, getattr(one, name), one.of, extra=extra)


def _external(folder: ExternalResult) -> Iterator[Row]:
    record = folder.record
    place = _Place(f"external:{record.name}")
    for name in ("images", "scored", "copies"):
        yield _row(place, name, getattr(record, name))
    for label in record.labels:
        yield _row(place, "images_of_label", label.images, label.label, extra=read_as(label))
    if record.overlap is not None:
        yield _row(place, "images_with_training_tissue", record.overlap.with_sibling)
        yield _row(place, "exact_copies_of_training_images", record.overlap.exact)
    for level in folder.levels:
        of = f"level {level.level}: {'/'.join(level.classes)}"
        basis = {"n": level.images, "extra": level.majority_class}
        yield _row(place, "majority_rate", level.majority_rate, of, **basis)
        for score in level.scores:
            own = place._replace(protocol=score.protocol, baseline=score.baseline)
            for metric, found in (
                ("accuracy", score.accuracy), ("minus_majority_rate", score.difference),
                ("minus_majority_rate_simultaneous", score.simultaneous),
            ):  # fmt: skip
                yield _row(own, metric, found, of, extra=f"runs={score.runs}")
            for point in score.points:
                yield from _operating_point(own, point, of)
