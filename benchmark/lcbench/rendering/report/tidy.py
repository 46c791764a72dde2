"""The results as one tidy table: a row a number, whatever the page leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lcbench.analysis.given_results import GivenModel
from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.selective_scores import (
    HierarchicalAnswers,
    SelectiveResult,
    SelectiveScores,
)
from lcbench.rendering.report.tidy_external import external_rows
from lcbench.rendering.report.tidy_rows import (
    Place,
    Row,
    estimate_rows,
    event_name,
    omnibus_rows,
    operating_rows,
    pair_rows,
    row,
    score_rows,
)
from lcbench.tables import csv_text

COLUMNS = (
    "section", "protocol", "baseline", "metric", "of", "value", "low", "high", "error", "n",
    "count", "groups", "method", "extra",
)  # fmt: skip
_WHOLE = ("n", "count", "groups")


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
            yield from score_rows(result.protocol, scores, results.leaves)
        for pair in result.comparison.pairs:
            yield from pair_rows(result.protocol, pair)
        yield from _best(result)
        yield from _ensembles(result)
        yield from _hypothesis(result)
        yield from omnibus_rows(result.protocol, result.comparison)
        if result.selective is not None:
            yield from _selective(result.protocol, result.selective, results.reference)
    for drop in results.drops:
        sides = {"": drop.drop, "flattering": drop.flattering, "leakage-free": drop.leakage_free}
        for side, accuracy in sides.items():
            yield row(Place("drop", side, drop.baseline), "accuracy", accuracy)
    yield from _efficiency(results)
    yield from _claims(results)
    for given in results.given:
        yield from _given(given, results.leaves)
    for folder in results.external:
        yield from external_rows(folder)


def _flagged(row: Row, results: Results) -> Row:
    """Say so in every row of a baseline whose weights are random."""
    baseline = results.baseline(str(row["baseline"]))
    if baseline is None or not baseline.random_weights:
        return row
    return {**row, "extra": f"random weights; {row['extra']}".removesuffix("; ")}


def _dataset(results: Results) -> Iterator[Row]:
    dataset, place = results.dataset, Place("dataset")
    yield row(place, "images", dataset.images)
    yield row(place, "source_groups", dataset.source_groups)
    for name, count in dataset.images_by_class.items():
        yield row(place, "images", count, name)


def _protocol(result: ProtocolResult) -> Iterator[Row]:
    part, place = result.comparison, Place("protocol", result.protocol)
    yield row(place, "images", part.images)
    yield row(place, "predictions", part.predictions)
    yield row(place, "source_groups", part.groups)
    yield row(place, "images_without_group", part.images_without_group)
    yield row(place, "images_tested", result.tested)
    yield row(place, "images_planned", result.planned)
    for label, count in part.coarse.items():
        yield row(place, "coarse_labels", count, label)
    for one in part.unmatched:
        own = place._replace(baseline=one.model)
        yield row(own, "images_without_partner", one.images)
        yield row(own, "predictions_without_partner", one.predictions)
    for split in result.splits:
        of, extra = f"seed={split.seed} fold={split.fold}", f"sha256={split.record.sha256}"
        for name, value in split.record.model_dump(exclude={"sha256"}).items():
            yield row(Place("splits", result.protocol), name, value, of, extra=extra)


def _best(result: ProtocolResult) -> Iterator[Row]:
    best = result.comparison.best
    for rival in best.rivals if best else ():
        place = Place("simultaneous", result.protocol, rival.model)
        extra = f"{best.model if best else ''} minus this; all pairs at once"
        yield row(place, "accuracy", rival.difference, extra=extra)


def _ensembles(result: ProtocolResult) -> Iterator[Row]:
    for one in result.ensembles:
        place = Place("ensemble", result.protocol, one.ensemble)
        yield row(place, "accuracy", one.over_mean, extra="this minus the mean of its members")
        extra = f"this minus its best member, {one.best_member}; all members at once"
        yield row(place, "accuracy", one.over_best, extra=extra)


def _hypothesis(result: ProtocolResult) -> Iterator[Row]:
    found = result.hypothesis
    for arm in found.arms if found else ():
        place = Place("hypothesis", result.protocol, arm.baseline)
        of = event_name(found.event, found.node) if found else ""
        for name in ("reduction", "difference"):
            yield from estimate_rows(place, name, getattr(arm, name), of)
        yield from estimate_rows(place, "accuracy", arm.accuracy, "")
        yield row(place, "detectable_reduction", arm.detectable, of)
        for words, test in (("", arm.networks), ("way of training", arm.training)):
            if test is not None:
                extra = "; ".join(part for part in (test.verdict, words) if part)
                for name, p in test.model_dump(exclude={"verdict"}).items():
                    yield row(place, name, p, of, extra=extra)


def _selective(protocol: str, found: SelectiveResult, reference: str) -> Iterator[Row]:
    place = Place("selective", protocol)
    yield row(place, "validation_images", found.validation_images)
    yield row(place, "validation_source_groups", found.validation_groups)
    for level in found.levels:
        of = f"level {level.level}: {'/'.join(level.classes)}"
        for one in level.models:
            own = place._replace(baseline=one.model)
            yield from _selective_scores(own, one, found.coverages, of, reference)
    for answers in found.answers:
        yield from _hierarchical(place._replace(baseline=answers.model), answers)


def _selective_scores(
    place: Place, one: SelectiveScores, coverages: tuple[float, ...], of: str, reference: str
) -> Iterator[Row]:
    yield from estimate_rows(place, "area", one.area, of)
    if one.area_difference is not None:
        yield from estimate_rows(place, "area", one.area_difference, of, f"minus {reference}")
    for coverage, risk in zip(coverages, one.curve, strict=True):
        yield row(place, "curve_risk", risk, of, extra=f"coverage={coverage:g}")
    for point in one.points:
        yield from operating_rows(place, point, of, reference)


def _hierarchical(place: Place, answers: HierarchicalAnswers) -> Iterator[Row]:
    for point in answers.points:
        extra = f"target={point.target:g}"
        every = {f"level {one.level} alone": (one.share, one.risk) for one in point.levels}
        for of, (share, risk) in {**every, "any level": (point.answered, point.risk)}.items():
            yield from estimate_rows(place, "coverage", share, of, extra)
            yield from estimate_rows(place, "risk", risk, of, extra)


def _given(given: GivenModel, leaves: tuple[str, ...]) -> Iterator[Row]:
    """Yield a given model beside the baselines, on the images that all of them have."""
    for found in given.comparisons:
        part, inside = found.comparison, f"given:{given.model}:"
        place = Place(f"given:{given.model}", found.protocol)
        for name in ("images", "predictions", "groups"):
            yield row(place, name, getattr(part, name), extra=f"sha256={given.sha256}")
        for scores in part.models:
            yield from score_rows(found.protocol, scores, leaves, inside)
        for pair in part.pairs:
            yield from pair_rows(found.protocol, pair, inside)


def _efficiency(results: Results) -> Iterator[Row]:
    for one in results.efficiency:
        place = Place("efficiency", baseline=one.baseline)
        basis: Row = {
            "n": one.runs,
            "method": "over runs",
            "extra": f"{one.device}, {one.precision}",
        }
        numbers = one.model_dump(exclude={"baseline", "device", "precision", "runs"})
        for metric, value in numbers.items():
            yield row(place, metric, value, **basis)


def _claims(results: Results) -> Iterator[Row]:
    for paper in results.claims:
        for one in paper.claims:
            place = Place(f"claims:{paper.key}", one.protocol, results.reference)
            extra = "; ".join((one.claim, one.verdict, *one.obstacles))
            yield row(place, one.metric, one.measured, one.of, extra=extra)
            yield row(place, f"{one.metric}_minus_claimed", one.difference, one.of, extra=extra)
            for name in ("claimed", "claim_low", "claim_high", "n", "design_effect"):
                called = f"{one.metric}_{name}"
                yield row(place, called, getattr(one, name), one.of, extra=extra)
