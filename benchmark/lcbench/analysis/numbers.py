"""Every number of a suite's results under an address, with how far another processor may move it.

Floats differ between processors, so that a network trained on another one gives a few images
near the border another class. That must not change what anybody reads. The allowance is therefore
a quarter of the half-width of the number's own 95 % interval (half a standard error): an eighth of
the whole interval, far below what other images of the same kind would have changed.

The results are walked field by field: what is added to their schema is compared without a word
here, and has to be the same unless it is, or stands beside, an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel

from lcbench.analysis.claim_results import ClaimResult
from lcbench.analysis.external_detail_results import CalibrationResult, DetectionPoint
from lcbench.analysis.external_results import ExternalResult, ExternalScore
from lcbench.analysis.results import Results
from lcbench.analysis.scores import (
    Effective,
    EventComparison,
    ModelScores,
    PairedTest,
    ReliabilityBin,
)
from lcbench.analysis.selective_scores import OperatingPoint, SelectiveScores
from lcbench.statistics.interval_model import Interval, TrainingLimits

Section = Literal["data", "models", "scores", "differences", "tests", "drops", "claims", "external"]
SECTIONS: tuple[Section, ...] = get_args(Section)
Scale = Literal["number", "p-value", "statistic"]

PART = 0.25
"""Allowed part of a half-width; of a standard error or design effect itself; and of the distance
of a p-value from 1 in standard errors."""
PART_WITHOUT_LIMITS = 0.01
"""Allowed part of an estimate that has no interval."""
NOT_COMPARED = ("images per second", "seconds of training", "peak memory", "dates", "file paths")
"""What no two machines share."""

_PARTS: dict[str, Section] = {
    "dataset": "data", "protocols": "data", "efficiency": "models", "drops": "drops",
    "claims": "claims", "external": "external",
}  # fmt: skip
"""Fields of the results that hold what was computed; the others say how."""
_PARTS_INSIDE: dict[str, Section] = {
    "models": "scores", "selective": "scores", "pairs": "differences", "best": "differences",
    "tests": "tests", "omnibus": "tests",
}  # fmt: skip
_NAMES = (
    "key", "protocol", "baseline", "ensemble", "member", "model", "b", "a", "metric", "of", "event",
    "node", "label", "name", "seed", "fold",
)  # fmt: skip
"""Fields that tell the entries of a list apart; those that have none go by their place in it."""
_WITHOUT_A_STEP = frozenset(("comparison", "differences", "estimate", "record", "scores"))
"""Fields that an address does not name, because it is clear without them."""
_MODELS = ("baseline", "ensemble", "model", "a", "b")
_WORDS = frozenset(("verdict", "sha256"))
"""Fields of text that are results."""
_P_VALUES = frozenset(("p", "p_adjusted", "p_independent"))
_AS_WIDE_AS_ERRORS = frozenset(("error", "design_effect", "detectable"))
_OF_ALL_MODELS = frozenset(
    (
        "omnibus",
        "best",
        "simultaneous",
        "p_adjusted",
        "level",
        "detectable",
        "verdict",
        "area_difference",
        "coverage_difference",
    )
)
"""Fields whose numbers rest on every model that was compared."""
_PASSED_OVER = frozenset((
    "schema_version", "images_per_second", "train_seconds", "peak_memory_mb", "runs", "missing",
    "unmatched", "predicted", "runs_left_out", "left_out", "table",
))  # fmt: skip
"""Fields that say how much is there or what it cost."""


_MOVED_WITH: dict[type[BaseModel], tuple[str, ...]] = {
    ModelScores: ("accuracy",),
    SelectiveScores: ("area",),
    EventComparison: ("difference",),
    ReliabilityBin: ("right",),
    ExternalScore: ("accuracy",),
    DetectionPoint: ("sensitivity", "specificity"),
}
"""Estimates whose limits tell how far the numbers beside them may move."""


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
        The number, the word of a verdict, or a hash.
    allowed
        How far another processor may move it, on its scale; 0 where it may not.
    scale
        On which `allowed` is meant: a p-value is compared as the standard errors that it stands
        for, the statistic of a test by its square root.
    protocol
        The protocol that it speaks of, or empty.
    baselines
        The baselines whose predictions it rests on; None where it rests on all of them.
    """

    place: str
    section: Section
    value: float | str
    allowed: float = 0.0
    scale: Scale = "number"
    protocol: str = ""
    baselines: frozenset[str] | None = frozenset()


@dataclass(frozen=True)
class _Spot:
    """Where the walk is: section, address, what is spoken of, how far estimates may move."""

    section: Section
    steps: tuple[str, ...] = ()
    protocol: str = ""
    baselines: frozenset[str] | None = frozenset()
    step: float = 0.0

    def at(self, name: str) -> _Spot:
        return replace(self, steps=(*self.steps, name))

    def wider(self, factor: float) -> _Spot:
        return replace(self, step=self.step * factor)

    def field(self, name: str) -> _Spot:
        own = self.section == "external"  # all of a folder is compared under its name
        section = self.section if own else _PARTS_INSIDE.get(name, self.section)
        silent = section != self.section or name in _WITHOUT_A_STEP
        below = replace(self, section=section) if silent else self.at(name)
        return replace(below, baselines=None) if name in _OF_ALL_MODELS else below

    def inside(self, model: BaseModel) -> _Spot:
        """Return the spot of a model's fields."""
        own = frozenset(getattr(model, name) for name in _held(type(model), _MODELS))
        baselines = None if self.baselines is None else self.baselines | own
        protocol = getattr(model, "protocol", self.protocol)
        return replace(self, protocol=protocol, baselines=baselines, step=_step(model, self.step))

    def number(self, value: float | str, allowed: float, scale: Scale = "number") -> Number:
        place = "/".join((self.section, *self.steps))
        return Number(place, self.section, value, allowed, scale, self.protocol, self.baselines)


def numbers_of(results: Results) -> dict[str, Number]:
    """Return every number of the results that another machine should give, by its address."""
    found: dict[str, Number] = {}
    for field, section in _PARTS.items():
        about = {results.reference} if field == "claims" else ()
        spot = _Spot(section, baselines=frozenset(about))
        for one in _walk(getattr(results, field), spot):
            place, count = one.place, 1
            while place in found:  # a paper may claim two things about one number
                count += 1
                place = f"{one.place} ({count})"
            found[place] = replace(one, place=place)
    return found


def measure(value: float, scale: Scale) -> float:
    """Return a number on the scale that its allowance is meant on."""
    if scale == "p-value":
        from scipy.special import ndtri

        return float(-ndtri(value / 2))
    return math.sqrt(abs(value)) if scale == "statistic" else value


def _walk(value: object, spot: _Spot) -> Iterator[Number]:
    """Yield the numbers of a model, or of a list or table of models or numbers."""
    match value:
        case BaseModel():
            below, named = spot.inside(value), _NAMES if _name(value) else ()
            for name in type(value).model_fields:
                if name not in _PASSED_OVER and name not in named:
                    yield from _field(value, name, below.field(name))
        case dict():
            for key, item in value.items():  # each of k seeds moves more than their mean
                yield from _walk(item, spot.at(str(key)).wider(math.sqrt(len(value))))
        case tuple():
            for place, item in enumerate(value, start=1):
                yield from _walk(item, spot.at(_name(item) or str(place)))
        case int() if not isinstance(value, bool):
            yield spot.number(value, 0.0)
        case float():
            yield spot.number(value, spot.step)


@cache
def _held(kind: type, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of some names entries of a type have: it is asked a million times."""
    fields = kind.model_fields if issubclass(kind, BaseModel) else {}
    return tuple(name for name in names if name in fields or hasattr(kind, name))


def _name(entry: object) -> str:
    if isinstance(entry, ExternalResult):
        return entry.record.name
    kind: Any = type(entry)
    found = {name: getattr(entry, name) for name in _held(kind, _NAMES)}
    return "/".join(
        f"{name}{value}" if isinstance(value, int) else value
        for name, value in found.items()
        if value != ""
    )


def _field(model: BaseModel, name: str, spot: _Spot) -> Iterator[Number]:
    value = getattr(model, name)
    if isinstance(value, str):
        if name in _WORDS:
            yield spot.number(value, 0.0)
    elif name in _P_VALUES:
        yield spot.number(value, _of_distance(value, "p-value"), "p-value")
    elif name == "statistic":
        yield spot.number(value, _of_distance(value, "statistic"), "statistic")
    elif isinstance(value, float) and (name in _AS_WIDE_AS_ERRORS or isinstance(model, Effective)):
        yield spot.number(value, PART * abs(value))
    elif (whole := _counted_among(model, name)) is not None:
        yield from _count(value or 0, spot, whole)
    elif name == "alone":  # each trained model moves more than all of them together
        yield from _walk(value, spot.wider(math.sqrt(max(1, len(value)))))
    elif name == "confusion":
        for place, row in enumerate(value, start=1):
            yield from _walk(row, spot.at(str(place)).wider(sum(row)))
    else:
        yield from _walk(value, spot)


def _counted_among(model: BaseModel, name: str) -> int | None:
    """Return what a count is a part of; None for any other number."""
    value = getattr(model, name)
    if isinstance(model, Interval):
        whole = value if name == "groups" else model.n
        return whole if isinstance(value, int) else None
    if isinstance(model, PairedTest) and name in ("only_a", "only_b"):
        return model.n
    return model.accuracy.n if isinstance(model, ExternalScore) and name == "apart" else None


def _count(value: int, spot: _Spot, whole: int) -> Iterator[Number]:
    """Yield a count among so many; odds are no share of them."""
    if not isinstance(value, bool):
        share = spot.step if spot.step <= 1.0 else PART
        yield spot.number(value, math.ceil(share * whole))


def _of_distance(value: float, scale: Scale) -> float:
    """Return how far what stands for a number of standard errors may move."""
    errors = measure(value, scale)
    return math.inf if math.isinf(errors) else max(PART * 1.96, PART * errors)


def _step(model: BaseModel, before: float) -> float:
    """Return how far the numbers of a model may move; `before`: those of what it is a part of."""
    match model:
        case Interval():
            return _of_limits(model.low, model.high, PART_WITHOUT_LIMITS * _finite(model.value))
        case TrainingLimits():
            return _of_limits(model.low, model.high, before)
        case ClaimResult():
            return _of_limits(model.claim_low, model.claim_high, before)
        case CalibrationResult():
            return PART_WITHOUT_LIMITS * model.temperature
        case OperatingPoint():
            return max(before, _step(model.coverage, before))
    estimates = (getattr(model, name) for name in _MOVED_WITH.get(type(model), ()))
    return max((_step(one, before) for one in estimates), default=before)


def _of_limits(low: float | None, high: float | None, otherwise: float) -> float:
    if low is None or high is None or not math.isfinite(high - low):
        return otherwise
    return PART * (high - low) / 2


def _finite(value: float | None) -> float:
    return abs(value) if value is not None and math.isfinite(value) else 0.0
