"""Every number of a suite's results under an address, with how far another processor may move it.

Floats differ between processors, so that a network trained on another one gives a few images
near the border another class. That must not change what anybody reads. The allowance is therefore
a quarter of the half-width of the number's own 95 % interval (half a standard error): an eighth of
the whole interval, far below what other images of the same kind would have changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from lcbench.analysis.results import (
    Drop,
    Efficiency,
    ExternalResult,
    PaperClaims,
    ProtocolResult,
    Results,
)
from lcbench.analysis.scores import (
    Best,
    EventComparison,
    ModelScores,
    Omnibus,
    PairedTest,
    PairResult,
    Score,
)
from lcbench.statistics.interval_model import Interval

Section = Literal[
    "data", "models", "scores", "intervals", "differences", "tests", "drops", "claims", "external"
]
SECTIONS: tuple[Section, ...] = get_args(Section)
Scale = Literal["number", "p-value", "statistic"]

PART = 0.25
"""Allowed part of a half-width; of a standard error or design effect itself; and of the distance
of a p-value from 1 in standard errors."""
PART_WITHOUT_LIMITS = 0.01
"""Allowed part of a value that has no interval."""
NOT_COMPARED = ("images per second", "seconds of training", "peak memory", "dates", "file paths")
"""What no two machines share."""


@dataclass(frozen=True)
class Number:
    """A number or verdict of the results.

    Parameters
    ----------
    place
        Its address, such as `scores/grouped/reference/accuracy/value`.
    section
        The first step of the address.
    value
        The number, the word of a verdict, or None where it is not defined.
    allowed
        How far another processor may move it, on its scale; 0 where it may not.
    scale
        On which `allowed` is meant: a p-value is compared as the standard errors that it stands
        for, the statistic of a test by its square root.
    protocol
        The protocol that it speaks of, or empty.
    baselines
        The baselines whose predictions it rests on.
    """

    place: str
    section: Section
    value: float | str | None
    allowed: float
    scale: Scale = "number"
    protocol: str = ""
    baselines: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Spot:
    """Where numbers are being named: their section, address and what they rest on."""

    section: Section
    steps: tuple[str, ...] = ()
    protocol: str = ""
    baselines: frozenset[str] = frozenset()

    def at(self, *steps: object) -> _Spot:
        return replace(self, steps=(*self.steps, *(str(step) for step in steps if step != "")))

    def of(self, *baselines: str) -> _Spot:
        return replace(self, baselines=frozenset(baselines))

    def number(
        self, name: str, value: float | str | None, allowed: float, scale: Scale = "number"
    ) -> Number:
        place = "/".join((self.section, *self.steps, name))
        return Number(place, self.section, value, allowed, scale, self.protocol, self.baselines)


def numbers_of(results: Results) -> dict[str, Number]:
    """Return every number of the results that another machine should give, by its address."""
    found: dict[str, Number] = {}
    for one in _every(results):
        place, count = one.place, 1
        while place in found:  # a paper may claim two things about one number
            count += 1
            place = f"{one.place} ({count})"
        found[place] = replace(one, place=place)
    return found


def _every(results: Results) -> Iterator[Number]:
    yield from _data(results)
    for cost in results.efficiency:
        yield from _model(cost)
    for result in results.protocols:
        yield from _protocol(result, results.leaves)
    for drop in results.drops:
        yield from _drop(drop)
    for paper in results.claims:
        yield from _claims(paper, results.reference)
    for folder in results.external:
        yield from _external(folder)


def _data(results: Results) -> Iterator[Number]:
    spot, dataset = _Spot("data"), results.dataset
    yield spot.number("images", dataset.images, 0)
    yield spot.number("images_left_out", len(dataset.skipped), 0)
    yield spot.number("source_groups", dataset.source_groups, 0)
    for name, count in dataset.images_by_class.items():
        yield spot.at("images").number(name, count, 0)
    for result in results.protocols:
        own = replace(spot, protocol=result.protocol).at(result.protocol)
        part = result.comparison
        yield own.number("images", part.images, 0)
        yield own.number("predictions", part.predictions, 0)
        yield own.number("source_groups", part.groups, 0)
        yield own.number("images_without_group", part.images_without_group, 0)
        yield own.number("tested", result.tested, 0)
        yield own.number("planned", result.planned, 0)
        for name, count in part.coarse.items():
            yield own.at("coarse_labels").number(name, count, 0)
        for split in result.splits:
            below = own.at("splits", f"seed{split.seed}-fold{split.fold}")
            for name, value in split.record.model_dump().items():
                yield below.number(name, value, 0)


def _model(cost: Efficiency) -> Iterator[Number]:
    spot = _Spot("models", (cost.baseline,)).of(cost.baseline)
    yield spot.number("parameters", cost.parameters, 0)
    yield spot.number("learned", cost.learned, 0)
    yield spot.number("gmacs", cost.gmacs, 0)


def _protocol(result: ProtocolResult, leaves: tuple[str, ...]) -> Iterator[Number]:
    part, protocol = result.comparison, result.protocol
    every = [scores.model for scores in part.models]
    for scores in part.models:
        spot = _Spot("scores", (protocol, scores.model), protocol).of(scores.model)
        yield from _scores(spot, scores, leaves)
    tests = _Spot("tests", (protocol,), protocol).of(*every)
    for pair in part.pairs:
        differences = _Spot("differences", (protocol, f"{pair.b} minus {pair.a}"), protocol)
        yield from _metrics(differences.of(pair.a, pair.b), pair.differences)
        yield from _events(differences.of(pair.a, pair.b), tests, pair)
    if part.best is not None:
        yield from _best(tests, part.best)
    for one in part.omnibus:
        yield from _omnibus(tests, one)


def _scores(spot: _Spot, scores: ModelScores, leaves: tuple[str, ...]) -> Iterator[Number]:
    yield from _metrics(spot, scores.scores)
    step = _step(scores.accuracy)
    for leaf, counts in zip(leaves, scores.confusion, strict=True):
        for predicted, count in zip(leaves, counts, strict=True):
            yield spot.at("confusion", leaf).number(predicted, count, step * sum(counts))
    for number, one in enumerate(scores.reliability, start=1):
        below = spot.at("reliability", f"bin{number}")
        yield below.number("confidence", one.confidence, _step(one.right))
        yield from _estimate(below.at("right"), one.right)
    if scores.effective is not None:
        limits = replace(spot, section="intervals").at("accuracy")
        yield _sized(limits, "effective_sample_size", scores.effective.n)
        yield _sized(limits, "design_effect_of_a_seed", scores.effective.design_effect)
    for seed, value in scores.seeds.items():  # the mean of k seeds moves less than each of them
        yield spot.at("seeds").number(str(seed), value, step * math.sqrt(len(scores.seeds)))


def _metrics(spot: _Spot, scores: Sequence[Score]) -> Iterator[Number]:
    for one in scores:
        yield from _estimate(spot.at(one.metric, one.of), one.estimate)


def _estimate(spot: _Spot, found: Interval) -> Iterator[Number]:
    """Yield a value and what it is a share of in its section, its limits among the intervals."""
    step = _step(found)
    share = step if step <= 1.0 else PART  # what counts may move by; odds are no share
    yield spot.number("value", found.value, step)
    yield spot.number("n", found.n, math.ceil(share * found.n))
    yield spot.number("groups", found.groups, math.ceil(share * found.groups))
    if found.count is not None:
        yield spot.number("count", found.count, math.ceil(share * found.n))
    limits = replace(spot, section="intervals") if spot.section == "scores" else spot
    yield limits.number("low", found.low, step)
    yield limits.number("high", found.high, step)
    if found.error is not None:
        yield _sized(limits, "error", found.error)
    if found.design_effect is not None:
        yield _sized(limits, "design_effect", found.design_effect)
    if found.training is not None:
        wide = limits.at("training")
        own = _step_between(found.training.low, found.training.high)
        allowed = step if own is None else own
        yield wide.number("low", found.training.low, allowed)
        yield wide.number("high", found.training.high, allowed)
        if found.training.error is not None:
            yield _sized(wide, "error", found.training.error)


def _step(found: Interval) -> float:
    """Return how far a value and its limits may move."""
    step = _step_between(found.low, found.high)
    if step is not None:
        return step
    value = found.value or 0.0
    return PART_WITHOUT_LIMITS * abs(value) if math.isfinite(value) else 0.0


def _step_between(low: float | None, high: float | None) -> float | None:
    if low is None or high is None or not math.isfinite(high - low):
        return None
    return PART * (high - low) / 2


def _sized(spot: _Spot, name: str, value: float) -> Number:
    """Return a standard error, or what grows with one."""
    return spot.number(name, value, PART * abs(value))


def _events(differences: _Spot, tests: _Spot, pair: PairResult) -> Iterator[Number]:
    for event in pair.events:
        name = _event_name(event.event, event.node)
        spot = differences.at(name)
        for effect in ("difference", "odds_ratio", "relative_reduction"):
            yield from _estimate(spot.at(effect), getattr(event, effect))
        yield _sized(spot, "detectable", event.detectable)
        below = tests.at(f"{pair.b} against {pair.a}", name)
        yield below.number("verdict", event.verdict, 0)
        yield below.number("level", event.level, 0)
        yield below.number("groups", event.groups, 0)
        if event.training is not None:
            yield _p(below.at("training"), "p", event.training.p)
            yield _p(below.at("training"), "p_adjusted", event.training.p_adjusted)
        for test in event.tests:
            yield from _test(below.at(test.name), test, event)


def _test(spot: _Spot, test: PairedTest, event: EventComparison) -> Iterator[Number]:
    yield _p(spot, "p", test.p)
    yield _p(spot, "p_adjusted", test.p_adjusted)
    yield _statistic(spot, test.statistic)
    images = math.ceil(_step(event.difference) * test.n)
    yield spot.number("only_a", test.only_a, images)
    yield spot.number("only_b", test.only_b, images)


def _p(spot: _Spot, name: str, p: float) -> Number:
    errors = measure(p, "p-value")
    allowed = math.inf if math.isinf(errors) else max(PART * 1.96, PART * errors)
    return spot.number(name, p, allowed, "p-value")


def _statistic(spot: _Spot, value: float) -> Number:
    allowed = max(PART * 1.96, PART * measure(value, "statistic"))
    return spot.number("statistic", value, allowed, "statistic")


def measure(value: float, scale: Scale) -> float:
    """Return a number on the scale that its allowance is meant on."""
    if scale == "p-value":
        from scipy.stats import norm

        return float(norm.isf(value / 2))
    return math.sqrt(abs(value)) if scale == "statistic" else value


def _best(tests: _Spot, best: Best) -> Iterator[Number]:
    spot = tests.at("highest")
    yield spot.number("model", best.model, 0)
    for rival in best.rivals:
        yield from _estimate(spot.at(f"{best.model} minus {rival.model}"), rival.difference)


def _omnibus(tests: _Spot, one: Omnibus) -> Iterator[Number]:
    spot = tests.at("cochran-q", _event_name(one.event, one.node))
    yield _p(spot, "p", one.p)
    yield _p(spot, "p_independent", one.p_independent)
    yield _statistic(spot, one.statistic)


def _event_name(event: str, node: str) -> str:
    return f"{event}@{node}" if node else event


def _drop(drop: Drop) -> Iterator[Number]:
    spot = _Spot("drops", (drop.baseline,)).of(drop.baseline)
    for side in ("flattering", "leakage_free", "drop"):
        yield from _estimate(spot.at(side), getattr(drop, side))


def _claims(paper: PaperClaims, reference: str) -> Iterator[Number]:
    for claim in paper.claims:
        steps = tuple(step for step in (paper.key, claim.protocol, claim.metric, claim.of) if step)
        spot = _Spot("claims", steps, claim.protocol).of(reference)
        yield spot.number("claimed", claim.claimed, 0)
        yield spot.number("claimed_n", claim.n, 0)
        step = PART * (claim.claim_high - claim.claim_low) / 2
        yield spot.number("claim_low", claim.claim_low, step)
        yield spot.number("claim_high", claim.claim_high, step)
        if claim.design_effect is not None:
            yield _sized(spot, "design_effect", claim.design_effect)
        yield spot.number("verdict", claim.verdict, 0)
        for name in ("measured", "difference"):
            found: Interval | None = getattr(claim, name)
            if found is not None:
                yield from _estimate(spot.at(name), found)


def _external(folder: ExternalResult) -> Iterator[Number]:
    record = folder.record
    spot = _Spot("external", (record.name,))
    for name in ("images", "scored", "copies"):
        yield spot.number(name, getattr(record, name), 0)
    for label in record.labels:
        yield spot.at("labels").number(label.label, label.images, 0)
    if record.overlap is not None:
        yield spot.number("images_with_training_tissue", record.overlap.with_sibling, 0)
        yield spot.number("exact_copies_of_training_images", record.overlap.exact, 0)
    for level in folder.levels:
        below = spot.at(f"level{level.level}")
        yield below.number("images", level.images, 0)
        yield below.number("majority_rate", level.majority_rate, 0)
        every = [score.baseline for score in level.scores]
        for score in level.scores:
            own = replace(below, protocol=score.protocol).at(score.protocol, score.baseline)
            yield own.of(score.baseline).number("runs", score.runs, 0)
            yield from _estimate(own.of(score.baseline).at("accuracy"), score.accuracy)
            yield from _estimate(own.of(score.baseline).at("difference"), score.difference)
            yield from _estimate(own.of(*every).at("simultaneous"), score.simultaneous)
