"""Numbers as text: examples, and what holds for every number."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lcbench.rendering import formats
from lcbench.statistics.interval_model import Interval

SHARES = st.floats(0, 1)
NUMBERS = st.floats(-1e6, 1e6)


def interval(value: float | None, low: float | None, high: float | None) -> Interval:
    return Interval(value=value, low=low, high=high, n=100, groups=10, method="m")


NOTHING = interval(None, None, None)


def number(text: str) -> float:
    """Read a written number back."""
    return float(text.replace("−", "-").replace("+", "").replace(",", "").replace("∞", "inf"))


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.9341, "93.4 %"), (0.99, "99.0 %"), (0.9901, "99.01 %"), (0.0099, "0.99 %"),
     (1.0, "100 %"), (0.0, "0 %"), (None, "–")],
)  # fmt: skip
def test_shares(value: float | None, written: str) -> None:
    assert formats.share(value) == written


@given(SHARES, SHARES, SHARES)
def test_a_written_share_is_the_share(one: float, two: float, three: float) -> None:
    low, value, high = sorted((one, two, three))
    written = formats.share_interval(interval(value, low, high))
    if high - low < 1e-9:  # fixed by the numbers of each class
        assert "[" not in written
        return
    found = re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", written)
    assert found
    decimals = {len(part.partition(".")[2]) for part in found.groups()}
    assert decimals == {2 if value > 0.99 or value < 0.01 else 1}
    for text, exact in zip(found.groups(), (value, low, high), strict=True):
        assert number(text) == pytest.approx(100 * exact, abs=0.0501)


@given(NUMBERS, st.integers(0, 4))
def test_no_number_is_minus_zero_or_has_a_hyphen(value: float, decimals: int) -> None:
    for written in (formats.number(value, decimals), formats.integer(value)):
        assert "-" not in written
        assert not re.fullmatch(r"−0(\.0+)?", written)
        assert number(written) == pytest.approx(value, abs=0.51)


@given(st.floats(-1, 1))
def test_differences_have_signs(value: float) -> None:
    written = formats.points_interval(interval(value, value, value)).split(" ")[0]
    rounded = number(written)
    assert written[0] == ("+" if rounded > 0 else "−" if rounded < 0 else "0")
    assert formats.points(value).split(" ")[0] == written.lstrip("+−")


def test_intervals_of_other_numbers() -> None:
    assert formats.points_interval(interval(0.5, -math.inf, math.inf)) == "+50.0 [−∞, ∞]"
    assert formats.value_interval(interval(0.94231, 0.9, 1.0)) == "0.942 [0.900, 1.000]"
    assert formats.value_interval(interval(0.01, 0, 0.02), signed=True) == "+0.010 [0.000, +0.020]"
    assert formats.count_interval(interval(2669.7, 2443.8, 2908.3)) == "2,669.7 [2,443.8, 2,908.3]"
    assert formats.ratio_interval(interval(math.inf, 3.3, math.inf)) == "∞ [3.30, ∞]"
    assert formats.ratio_interval(interval(14.0, 0.004, 5920.0)) == "14.0 [4.0e−03, 5.9e+03]"
    assert formats.metric_interval(interval(0.5, 0.4, 0.6), "share") == "50.0 [40.0, 60.0]"
    assert formats.metric_interval(interval(0.5, 0.4, 0.6), "number") == "0.500 [0.400, 0.600]"


def test_without_an_interval_the_value_stands_alone() -> None:
    alone = interval(0.01234, None, None)
    assert formats.value_interval(alone) == "0.012"
    assert formats.value_interval(alone, signed=True) == "+0.012"
    assert formats.share_interval(alone, unit=True) == "1.2 %"
    assert formats.points_interval(alone, unit=True) == "+1.2 points"


@pytest.mark.parametrize(
    "write",
    [formats.share_interval, formats.points_interval, formats.count_interval,
     formats.value_interval, formats.ratio_interval, formats.reduction_interval,
     formats.reduction_words],
)  # fmt: skip
def test_what_is_not_defined_is_a_dash(write: object) -> None:
    assert write(NOTHING) == "–"  # type: ignore[operator]


def test_one_source_group_gives_no_interval() -> None:
    one = Interval(value=0.5, low=0.1, high=0.9, n=20, groups=1, method="m")
    assert formats.share_interval(one, unit=True) == "50.0 %"
    assert formats.points_interval(one, unit=True) == "+50.0 points"
    assert formats.value_interval(one) == "0.500"
    assert formats.ratio_interval(one) == "0.50"
    assert formats.reduction_interval(one) == "50"


@given(st.lists(SHARES, min_size=1))
def test_a_column_has_the_decimals_of_its_finest_cell(values: list[float]) -> None:
    digits = formats.share_decimals(values)
    cells = [formats.share_interval(interval(v, v, v), decimals=digits) for v in values]
    plain = [formats.share(value, unit=False, decimals=digits) for value in values]
    points = formats.points_decimals(values)
    signed = [formats.points_interval(interval(v, v, v), decimals=points) for v in values]
    for column in (cells, plain, signed):
        assert len({len(cell.split(" ")[0].partition(".")[2]) for cell in column}) == 1
    fewest = [formats.share_interval(interval(v, v, v)).split(" ")[0] for v in values]
    assert digits == max(len(cell.partition(".")[2]) for cell in fewest)


@pytest.mark.parametrize(
    ("reduction", "written", "words"),
    [
        ((0.617, 0.31, 0.79), "62 [31, 79]", "62 % fewer [31, 79]"),
        ((-0.5, -1.2, -0.1), "−50 [−120, −10]", "50 % more [10, 120]"),
        ((0.5, -9.99, 1.0), "50 [−999, 100]", "50 % fewer [−999, 100]"),
        ((-0.5, -12.0, 1.0), "–", "–"),
        ((-12.0, -13.0, -11.0), "–", "–"),
    ],
)
def test_relative_reductions(
    reduction: tuple[float, float, float], written: str, words: str
) -> None:
    assert formats.reduction_interval(interval(*reduction)) == written
    assert formats.reduction_words(interval(*reduction)) == words


@given(st.floats(-1e9, 1), st.floats(0, 100))
def test_a_relative_reduction_never_has_more_than_three_digits(value: float, half: float) -> None:
    written = formats.reduction_interval(interval(value, value - half, min(1.0, value + half)))
    assert not re.search(r"\d{4}|[<>]", written)


@given(st.floats(0, 1))
def test_a_p_value_stays_on_its_side_of_five_per_cent(p: float) -> None:
    assume(p >= 0.001)
    assert (number(formats.p_value(p)) < 0.05) == (p < 0.05)
    assert formats.p_equals(p) == f"p = {formats.p_value(p)}"


def test_small_p_values() -> None:
    assert formats.p_value(0.00099) == "< 0.001"
    assert formats.p_equals(0.0) == "p < 0.001"
    assert formats.p_value(1.0) == "1"


@given(st.lists(st.text(alphabet="abc", min_size=1)))
def test_a_listing_names_every_item(items: list[str]) -> None:
    written = formats.listing(items)
    assert written.replace(" and ", ", ").split(", ") == (items or [""])


def test_plurals() -> None:
    assert formats.plural(1, "image") == "1 image"
    assert formats.plural(15_000, "image") == "15,000 images"
    assert formats.plural(2, "copy", "copies") == "2 copies"
