import math

import numpy as np
import pytest

from lcbench.statistics.percentile import (
    BOOTSTRAP,
    NEWCOMBE,
    NO_INTERVAL,
    WILSON,
    difference_from_distribution,
    interval_from_distribution,
)
from lcbench.statistics.proportions import wilson

UNIFORM = np.linspace(0.5, 0.6, 1001)


def limits(result):
    return result.low, result.high


def test_limits_are_the_tails_of_the_distribution():
    result = interval_from_distribution(UNIFORM, 0.55, n=90, groups=9, confidence=0.9)
    assert limits(result) == pytest.approx((0.505, 0.595))
    assert (result.n, result.groups, result.method) == (90, 9, BOOTSTRAP)


def test_the_estimate_is_never_outside():
    above = interval_from_distribution(UNIFORM, 0.7, n=90, groups=9)
    assert limits(above) == pytest.approx((0.5025, 0.7))
    below = difference_from_distribution(UNIFORM, 0.6, 0.3, n=90, groups=9)
    assert limits(below) == pytest.approx((0.3, 0.5975))


def test_undefined_resamples_are_left_out():
    with_gaps = np.insert(UNIFORM, [0, 500], np.nan)
    expected = interval_from_distribution(UNIFORM, 0.55, n=90, groups=9)
    assert interval_from_distribution(with_gaps, 0.55, n=90, groups=9) == expected
    nothing = interval_from_distribution(np.full(5, np.nan), 0.55, n=90, groups=9)
    assert limits(nothing) == pytest.approx(wilson(0.55 * 9, 9))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_extreme_estimate_is_wilsons_even_where_resamples_differ(value):
    # 0/0 counted as 0 in some resamples.
    distribution = np.repeat([0.0, 1.0], [100, 900])
    result = interval_from_distribution(distribution, value, n=6, groups=2)
    assert limits(result) == wilson(2 * value, 2)
    assert result.method == WILSON


def test_rounding_is_not_width():
    distribution = np.repeat([0.3, 0.3 + 1e-16], 50)
    assert interval_from_distribution(distribution, 0.3, n=6, groups=3).method == WILSON
    assert difference_from_distribution(distribution, 0.8, 0.5, n=6, groups=3).method == NEWCOMBE


def test_one_group_and_no_proportion_has_no_interval():
    one = interval_from_distribution(UNIFORM, 5.0, n=6, groups=1, proportion=False)
    two = difference_from_distribution(UNIFORM, 9.0, 4.0, n=6, groups=1, proportion=False)
    assert one == two
    assert (one.value, *limits(one), one.method) == (5, -math.inf, math.inf, NO_INTERVAL)
