"""Rows of the tidy table: what the suite's own images and external folders share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lcbench.analysis.scores import ModelComparison, ModelScores, PairResult, Score
from lcbench.analysis.selective_scores import OperatingPoint
from lcbench.rendering.formats import of_training
from lcbench.statistics.interval_model import Interval

Row = dict[str, Any]
"""A number with what it is about."""


class Place(NamedTuple):
    """What a number is about."""

    section: str
    protocol: str = ""
    baseline: str = ""


def row(
    place: Place, metric: str, found: Interval | float | None, of: str = "", **more: object
) -> Row:
    """Return a row; what it lacks of the columns is empty."""
    numbers = found.model_dump() if isinstance(found, Interval) else {"value": found}
    texts = {"metric": metric, "of": of, "method": "", "extra": ""}
    return {**place._asdict(), **texts, **numbers, **more}


def score_rows(
    protocol: str, scores: ModelScores, leaves: tuple[str, ...], inside: str = ""
) -> Iterator[Row]:
    """Yield the scores of one model; `inside`: what the names of sections begin with."""
    place = Place(f"{inside}scores", protocol, scores.model)
    yield from metric_rows(place, scores.scores)
    for leaf, counts in zip(leaves, scores.confusion, strict=True):
        for predicted, count in zip(leaves, counts, strict=True):
            confusion, extra = (
                place._replace(section=f"{inside}confusion"),
                f"predicted={predicted}",
            )
            yield row(confusion, "mean_count_of_a_seed", count, leaf, extra=extra)
    curve = place._replace(section=f"{inside}reliability")
    for number, one in enumerate(scores.reliability, start=1):
        yield row(curve, "confidence", one.confidence, f"bin {number}", n=one.right.n)
        yield row(curve, "share_right", one.right, f"bin {number}")
    if scores.effective is not None:
        yield row(place, "effective_sample_size", scores.effective.n, "accuracy")
        yield row(place, "design_effect", scores.effective.design_effect, "accuracy")
    seeds = place._replace(section=f"{inside}seeds")
    for seed, value in scores.seeds.items():
        yield row(seeds, "accuracy", value, f"seed={seed}")


def metric_rows(place: Place, scores: tuple[Score, ...], extra: str = "") -> Iterator[Row]:
    """Yield every metric of a list."""
    for one in scores:
        yield from estimate_rows(place, one.metric, one.estimate, one.of, extra)


def training_rows(
    place: Place, metric: str, estimate: Interval, of: str, extra: str
) -> Iterator[Row]:
    """Yield an estimate with its limits for the way of training, where there are several seeds."""
    found = of_training(estimate)
    if found is not None:
        words = "; ".join(part for part in (extra, "way of training") if part)
        yield row(place, metric, found, of, extra=words)


def pair_rows(protocol: str, pair: PairResult, inside: str = "") -> Iterator[Row]:
    """Yield what two models differ in, and their paired tests."""
    yield from metric_rows(
        Place(f"{inside}difference", protocol, pair.b), pair.differences, extra=f"minus {pair.a}"
    )
    place, extra = Place(f"{inside}comparison", protocol, pair.b), f"against {pair.a}"
    for event in pair.events:
        of = event_name(event.event, event.node)
        for effect in ("difference", "odds_ratio", "relative_reduction"):
            yield row(place, effect, getattr(event, effect), of, extra=extra)
            yield from training_rows(place, effect, getattr(event, effect), of, extra)
        more: Row = {"groups": event.groups, "extra": extra}
        yield row(place, "detectable_difference", event.detectable, of, **more)
        yield row(place, "level", event.level, of, extra="; ".join((extra, event.verdict)))
        if event.training is not None:
            for key in ("p", "p_adjusted"):
                method = "clustered-score, way of training"
                yield row(place, key, getattr(event.training, key), of, method=method, **more)
        for test in event.tests:
            basis: Row = {"n": test.n, "method": test.name.value, **more}
            for key in ("p", "p_adjusted", "statistic", "only_a", "only_b"):
                yield row(place, key, getattr(test, key), of, **basis)


def omnibus_rows(protocol: str, comparison: ModelComparison, inside: str = "") -> Iterator[Row]:
    """Yield Cochran's Q of all models."""
    place = Place(f"{inside}comparison", protocol)
    for one in comparison.omnibus:
        of = event_name(one.event, one.node)
        basis: Row = {
            "n": one.n,
            "groups": one.groups,
            "method": "cochran-q",
            "extra": "all but floor and shortcuts",
        }
        for key in ("p", "p_independent", "statistic"):
            yield row(place, key, getattr(one, key), of, **basis)


def operating_rows(
    place: Place, point: OperatingPoint, of: str, reference: str = ""
) -> Iterator[Row]:
    """Yield coverage and risk at thresholds."""
    extra = f"target={point.target:g}"
    for number, threshold in enumerate(point.thresholds, start=1):
        yield row(place, "threshold", threshold, of, extra=f"{extra}; trained model {number}")
    for name, found in (("coverage", point.coverage), ("risk", point.risk)):
        yield from estimate_rows(place, name, found, of, extra)
    if point.coverage_difference is not None:
        minus = f"{extra}; minus {reference}"
        yield from estimate_rows(place, "coverage", point.coverage_difference, of, minus)
    if point.carried_over is not None:
        there = f"{extra}; thresholds of the flattering protocol"
        yield from estimate_rows(place, "coverage", point.carried_over.coverage, of, there)
        yield from estimate_rows(place, "risk", point.carried_over.risk, of, there)


def estimate_rows(
    place: Place, metric: str, found: Interval, of: str, extra: str = ""
) -> Iterator[Row]:
    """Yield an estimate, and the same with its limits for the way of training."""
    yield row(place, metric, found, of, extra=extra)
    yield from training_rows(place, metric, found, of, extra)


def event_name(event: str, node: str) -> str:
    """Return an event with the node that it is about."""
    return f"{event}@{node}" if node else event
