"""Whether an external folder looks like the training images, from what was stored of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from lcbench.runs.shift_records import OutsideRecord, ShiftRecord, SpaceRecord
from lcbench.statistics.power import ALPHA
from lcbench.statistics.several import adjust

Look = Literal["unlike", "differs", "not shown", "unknown"]
"""How the images look beside the training images.

"unlike": not like them at all: in every space most images lie outside the training range, and most
are farther from the nearest training image than training images are from each other. "differs": a
difference is shown. "unknown": they were not compared.
"""
_MOST = 0.5


def look_of(shift: ShiftRecord | None) -> Look:
    """Return how an external folder looks beside the training images."""
    if shift is None or not shift.spaces:
        return "unknown"
    if all(_is_far(space) for space in shift.spaces):
        return "unlike"
    shown = min(adjusted(shift.spaces)) < ALPHA
    return "differs" if shown else "not shown"


def adjusted(spaces: Sequence[SpaceRecord]) -> list[float]:
    """Return the p-value of each space, adjusted for all of them (Holm)."""
    return adjust([space.p for space in spaces])


def every(space: SpaceRecord) -> OutsideRecord:
    """Return how many of all images lie outside the training range of a space."""
    return space.outside[0]


def colour_difference(shift: ShiftRecord) -> float | None:
    """Return how far the mean colours lie apart in CIE Lab; None where they were not looked at."""
    if shift.training is None or shift.external is None:
        return None
    return math.dist(shift.training.mean, shift.external.mean)


def angle(first: Sequence[float] | None, second: Sequence[float] | None) -> float | None:
    """Return the angle between two stains, in degrees; None where one of them is not known."""
    if first is None or second is None:
        return None
    cosine = sum(a * b for a, b in zip(first, second, strict=True))
    cosine /= math.hypot(*first) * math.hypot(*second)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _is_far(space: SpaceRecord) -> bool:
    return (every(space).outside.value or 0.0) > _MOST and space.farther > _MOST
