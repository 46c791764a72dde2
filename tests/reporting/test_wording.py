import math

import pytest

from lcbench.analysis.measures import Estimate
from lcbench.rendering import formats as wording


def estimate(value, low, high):
    return Estimate(value=value, low=low, high=high, n=100, groups=10, method="m")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.9341, "93.4 %"),
        (0.99, "99.0 %"),
        (0.9901, "99.01 %"),
        (0.0099, "0.99 %"),
        (0.5, "50.0 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (None, "–"),
    ],
)
def test_share(value, written):
    assert wording.share(value) == written


def test_an_interval_has_the_decimals_of_its_value():
    assert wording.share_interval(estimate(0.95, 0.9, 0.995)) == "95.0 [90.0, 99.5]"
    assert wording.share_interval(estimate(0.995, 0.9, 1.0)) == "99.50 [90.00, 100.00]"
    assert wording.share_interval(estimate(1.0, 0.9, 1.0), unit=True) == "100.00 % [90.00, 100.00]"
    assert wording.share_interval(None) == "–"
    assert wording.share_interval(estimate(None, None, None)) == "–"


def test_differences_have_signs():
    assert wording.points_interval(estimate(0.05, -0.01, 0.11)) == "+5.0 [−1.0, +11.0]"
    assert wording.points_interval(estimate(-0.005, -0.01, 0.0)) == "−0.50 [−1.00, 0.00]"
    assert wording.points_interval(estimate(-0.0, -0.0, 0.0), unit=True) == (
        "0.00 points [0.00, 0.00]"
    )
    assert wording.points(-0.0812) == "8.1 points"


def test_an_open_interval_is_written_with_signs():
    open_one = estimate(0.5, -math.inf, math.inf)
    assert wording.points_interval(open_one) == "+50.0 [−∞, ∞]"
    assert wording.ratio_interval(estimate(math.inf, 3.3, math.inf)) == "∞ [3.30, ∞]"


def test_ratios_have_two_or_three_figures():
    assert wording.ratio_interval(estimate(14.0, 0.004, 5920.0)) == "14.0 [4.0e−03, 5.9e+03]"
    assert wording.ratio_interval(estimate(0.0, 0.0, 0.45)) == "0.00 [0.00, 0.45]"
    assert wording.ratio_interval(estimate(None, None, None)) == "–"


def test_relative_reductions_are_whole_per_cent():
    assert wording.reduction_interval(estimate(0.617, 0.31, 0.79)) == "62 [31, 79]"
    assert wording.reduction_interval(estimate(-0.5, -12.0, 1.0), unit=" %") == (
        "−50 % [< −999, 100]"
    )
    assert wording.reduction_interval(estimate(0.5, -9.99, 1.0)) == "50 [−999, 100]"
    assert wording.reduction_interval(estimate(None, None, None)) == "–"


def test_numbers_that_are_no_shares_have_three_decimals():
    assert wording.value_interval(estimate(0.94231, 0.9, 1.0)) == "0.942 [0.900, 1.000]"
    assert wording.value_interval(estimate(0.01, -0.0001, 0.02), signed=True) == (
        "+0.010 [0.000, +0.020]"
    )
    assert wording.value_interval(None) == "–"
    assert wording.value_interval(estimate(None, None, None)) == "–"


@pytest.mark.parametrize(
    ("p", "written", "prose"),
    [
        (0.0, "< 0.001", "p < 0.001"),
        (0.00099, "< 0.001", "p < 0.001"),
        (0.001, "0.001", "p = 0.001"),
        (0.04961, "0.0496", "p = 0.0496"),
        (1.0, "1", "p = 1"),
    ],
)
def test_p_values(p, written, prose):
    assert wording.p_value(p) == written
    assert wording.p_equals(p) == prose


def test_words():
    assert wording.plural(1, "image") == "1 image"
    assert wording.plural(15000, "image") == "15,000 images"
    assert wording.plural(2, "copy", "copies") == "2 copies"
    assert wording.listing([]) == ""
    assert wording.listing(["a"]) == "a"
    assert wording.listing(["a", "b", "c"]) == "a, b and c"
    assert wording.integer(-1200) == "−1,200"
