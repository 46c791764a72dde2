"""How numbers are written: shares, points, intervals, p-values, counts; a dash for none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lcbench.statistics.interval_model import Interval

NONE = "–"
MINUS = "\N{MINUS SIGN}"
_MANY = 9.99
_NO_WIDTH = 1e-9


def share(value: float | None, *, unit: bool = True, decimals: int | None = None) -> str:
    """Return a share in per cent: one decimal, two above 99 % and below 1 %, none at 0 and 100.

    In a column, `decimals` gives all cells as many; see `share_decimals`.
    """
    if value is None:
        return NONE
    if decimals is None:
        decimals = 0 if value in (0, 1) else share_decimals([value])
    return _fixed(100 * value, decimals) + (" %" if unit else "")


def share_interval(
    estimate: Interval | None, *, unit: bool = False, decimals: int | None = None
) -> str:
    """Return `98.4 [97.1, 99.2]`, in per cent; by default with the decimals of the value."""
    if estimate is None or estimate.value is None:
        return NONE
    digits = share_decimals([estimate.value]) if decimals is None else decimals
    return _interval(estimate, 100, digits, " %" if unit else "")


def is_fixed(estimate: Interval) -> bool:
    """Tell whether the numbers of each class fix an estimate of several groups.

    It has no limits then, or limits that differ by rounding alone.
    """
    if estimate.value is None or estimate.groups == 1:
        return False
    if estimate.low is None or estimate.high is None:
        return estimate.low is None and estimate.high is None
    return estimate.high - estimate.low < _NO_WIDTH


def of_training(estimate: Interval | None) -> Interval | None:
    """Return an estimate with its limits for the way of training; None with one seed."""
    if estimate is None or estimate.training is None:
        return None
    limits = estimate.training
    return estimate.model_copy(update={"low": limits.low, "high": limits.high})


def training_interval(estimate: Interval | None, decimals: int | None = None) -> str:
    """Return a share in per cent with its limits for the way of training."""
    return share_interval(of_training(estimate), decimals=decimals)


def points_interval(estimate: Interval, *, unit: bool = False, decimals: int | None = None) -> str:
    """Return a signed difference of shares, in percentage points, with its interval."""
    if estimate.value is None:
        return NONE
    digits = points_decimals([estimate.value]) if decimals is None else decimals
    return _interval(estimate, 100, digits, " points" if unit else "", signed=True)


def points(value: float | None, decimals: int | None = None) -> str:
    """Return the size of a difference of shares, without its sign, in percentage points."""
    if value is None:
        return NONE
    digits = points_decimals([value]) if decimals is None else decimals
    return f"{_fixed(100 * abs(value), digits)} points"


def share_decimals(values: Iterable[float | None]) -> int:
    """Return the decimals that a column of shares needs: two where any is near 0 or 100 %."""
    found = [value for value in values if value is not None]
    return 2 if any(value > 0.99 or value < 0.01 for value in found) else 1


def points_decimals(values: Iterable[float | None]) -> int:
    """Return the decimals that a column of differences needs: two where any is below a point."""
    return 2 if any(value is not None and abs(value) < 0.01 for value in values) else 1


def count_interval(estimate: Interval | None, *, signed: bool = False) -> str:
    """Return `17.3 [9.0, 26.5]`: a mean count, or a signed difference of two, with its interval."""
    if estimate is None or estimate.value is None:
        return NONE
    return _interval(estimate, 1, 1, "", signed=signed)


def reduction_interval(estimate: Interval, *, unit: str = "") -> str:
    """Return a relative reduction in whole per cent: `62 [31, 79]`; below 0 there are more.

    A dash where it is not defined, or where it or a limit passes ten times as many: the ratio of
    so few events says nothing.
    """
    if not says_something(estimate):
        return NONE
    value, low, high = (
        NONE if part is None else _fixed(100 * part, 0)
        for part in (estimate.value, estimate.low, estimate.high)
    )
    alone = estimate.groups == 1 or estimate.low is None
    return f"{value}{unit}" if alone else f"{value}{unit} [{low}, {high}]"


def reduction_words(estimate: Interval) -> str:
    """Return a relative reduction in words: `12 % fewer [−3, 25]`, or `8 % more [...]`."""
    if estimate.value is None or estimate.value >= 0:
        return reduction_interval(estimate, unit=" % fewer")
    turned = estimate.model_copy(
        update={
            "value": -estimate.value,
            "low": None if estimate.high is None else -estimate.high,
            "high": None if estimate.low is None else -estimate.low,
        }
    )
    return reduction_interval(turned, unit=" % more")


def says_something(reduction: Interval) -> bool:
    """Tell whether a relative reduction is defined, and written in fewer than four digits."""
    parts = (reduction.value, reduction.low, reduction.high)
    return reduction.value is not None and all(part is None or abs(part) <= _MANY for part in parts)


def metric_interval(estimate: Interval | None, unit: str, decimals: int | None = None) -> str:
    """Return a metric with its interval: a share in per cent, another number as it is."""
    if unit == "share":
        return share_interval(estimate, decimals=decimals)
    return value_interval(estimate)


def difference_interval(estimate: Interval, unit: str, decimals: int | None = None) -> str:
    """Return a signed difference of a metric: of shares in points, of other numbers as it is."""
    if unit == "share":
        return points_interval(estimate, decimals=decimals)
    return value_interval(estimate, signed=True)


def value_interval(estimate: Interval | None, *, signed: bool = False) -> str:
    """Return a number that is no share, in three decimals: `0.942 [0.931, 0.953]`."""
    if estimate is None or estimate.value is None:
        return NONE
    return _interval(estimate, 1, 3, "", signed=signed)


def ratio_interval(estimate: Interval) -> str:
    """Return `0.45 [0.12, 1.4]`; infinity is written as a sign, an undefined ratio as a dash."""
    if estimate.value is None:
        return NONE
    low, high = _significant(estimate.low), _significant(estimate.high)
    value = _significant(estimate.value)
    alone = estimate.groups == 1 or estimate.low is None
    return value if alone else f"{value} [{low}, {high}]"


def p_value(p: float) -> str:
    """Return a p-value: three decimals, four where they would hide on which side of 0.05 it is."""
    if p < 0.001:
        return "< 0.001"
    if p >= 0.9995:
        return "1"
    written = f"{p:.3f}"
    return f"{p:.4f}" if written == "0.050" and p < 0.05 else written


def p_equals(p: float) -> str:
    """Return `p = 0.012` or `p < 0.001`, for prose."""
    written = p_value(p)
    return f"p {written}" if written.startswith("<") else f"p = {written}"


def integer(value: float | None) -> str:
    """Return a whole number with thousands separated: `15,000`."""
    return NONE if value is None else f"{round(value):,}".replace("-", MINUS)


def number(value: float | None, decimals: int = 1) -> str:
    """Return a number with thousands separated and fixed decimals."""
    return NONE if value is None else _fixed(value, decimals)


def plural(count: int, one: str, many: str = "") -> str:
    """Return `1 image` or `2 images`."""
    return f"{integer(count)} {one if count == 1 else many or one + 's'}"


def listing(items: Sequence[str], *, last: str = "and") -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def _interval(
    estimate: Interval, scale: float, decimals: int, unit: str, *, signed: bool = False
) -> str:
    value, low, high = (
        NONE if part is None else _fixed(scale * part, decimals, signed=signed)
        for part in (estimate.value, estimate.low, estimate.high)
    )
    # One source group tells nothing of the spread between groups, and what the numbers of each
    # class fix has none: the page says so beside it.
    alone = estimate.low is None or estimate.groups == 1 or is_fixed(estimate)
    return f"{value}{unit}" if alone else f"{value}{unit} [{low}, {high}]"


def _fixed(value: float, decimals: int, *, signed: bool = False) -> str:
    if math.isinf(value):
        return f"{MINUS if value < 0 else ''}∞"
    rounded = round(value, decimals)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):,.{decimals}f}"


def _significant(value: float | None) -> str:
    if value is None:
        return NONE
    if math.isinf(value):
        return "∞"
    if value != 0 and not 0.01 <= value < 1000:
        return f"{value:.1e}".replace("-", MINUS)
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
