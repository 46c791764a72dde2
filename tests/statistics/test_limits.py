import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from lcbench.statistics.limits import (
    Scale,
    bca_limits,
    newcombe_difference,
    normal_quantile,
    percentile_limits,
    score_interval,
    score_limits,
    smallest_level,
    t_quantile,
    wilson,
    with_training,
)

UNIFORM = np.linspace(0.5, 0.6, 1001)
MANY = 1e9  # degrees of freedom: Student's t is normal
NORMAL = stats.norm.ppf(0.975)


def score(value, error, freedom=MANY, bounds=(0.0, 1.0), scale=Scale.bounded):
    return score_interval(value, error, freedom, bounds=bounds, scale=scale, tail=0.025)


# score intervals


@pytest.mark.parametrize(("successes", "n"), [(1, 20), (45, 50), (300, 740), (739, 740)])
def test_independent_images_give_wilsons_interval(successes, n):
    share = successes / n
    found = score(share, math.sqrt(share * (1 - share) / n))
    assert found == pytest.approx(proportion_confint(successes, n, method="wilson"), abs=1e-8)


def test_a_positive_statistic_is_symmetric_on_the_logarithm():
    low, high = score(0.4, 0.1, bounds=(0.0, math.inf), scale=Scale.positive)
    assert low == pytest.approx(0.4 * math.exp(-NORMAL * 0.25), abs=1e-7)
    assert low * high == pytest.approx(0.16)
    assert score(1.5, 0.5, bounds=(0.0, 2.0), scale=Scale.positive)[1] == 2  # Brier's bound
    low, high = score(1e-300, 1.0, bounds=(0.0, math.inf), scale=Scale.positive)
    assert 0 <= low <= 1e-300 <= high < math.inf


def test_a_difference_is_symmetric_and_cut_at_its_bounds():
    bounds = (-1.0, 1.0)
    low, high = score(0.2, 0.1, bounds=bounds, scale=Scale.linear)
    assert (low, high) == pytest.approx((0.2 - NORMAL / 10, 0.2 + NORMAL / 10))
    assert score(-0.9, 0.2, bounds=bounds, scale=Scale.linear)[0] == -1
    assert score(0.9, 0.2, bounds=bounds, scale=Scale.linear)[1] == 1
    assert score(0.1, 0.1, freedom=5, bounds=bounds, scale=Scale.linear)[1] == pytest.approx(
        0.1 + 0.1 * stats.t.ppf(0.975, 5)
    )


# quantiles


def test_quantiles_of_a_tail_are_scipys():
    assert normal_quantile(0.025) == pytest.approx(NORMAL)
    assert t_quantile(0.025, 5) == pytest.approx(stats.t.isf(0.025, 5))
    assert t_quantile(0.025, math.inf) == t_quantile(0.025, 2e8) == normal_quantile(0.025)
    assert t_quantile(0.025, 0.3) == t_quantile(0.025, 1) == pytest.approx(12.706, abs=1e-3)
    assert t_quantile(sys.float_info.min, 1.0) > 0  # infinite or very large, never negative


# the way of training


def symmetric(tail):
    return 0.5 - 0.1 * normal_quantile(tail), 0.5 + 0.1 * normal_quantile(tail)


def test_seeds_that_add_nothing_leave_the_limits():
    for tail in (0.025, 0.2, 0.49):
        widened = with_training(symmetric, 0.5, 0.0, math.inf)
        assert widened(tail) == pytest.approx(symmetric(tail))


def test_new_seeds_add_in_quadrature_with_students_quantile():
    # 0.03 and 0.04 of the normal quantile make 0.05.
    found = with_training(lambda _tail: (0.5 - 0.03 * NORMAL, 0.5), 0.5, 0.0016, 4.0)(0.025)
    factor = stats.t.isf(0.025, 4)
    assert found == pytest.approx((0.5 - 0.05 * factor, 0.5 + 0.04 * factor))


@given(st.floats(0.001, 0.5), st.floats(0, 1), st.floats(1, 1e3))
def test_limits_of_training_contain_the_others(tail, training, freedom):
    low, high = with_training(symmetric, 0.5, training, freedom)(tail)
    assert low <= symmetric(tail)[0] + 1e-12
    assert symmetric(tail)[1] - 1e-12 <= high


# the test that limits make


@given(st.floats(-30, 30).filter(lambda z: abs(z) > 1e-3))
def test_normal_limits_make_the_normal_test(z):
    def limits(tail):
        return z - normal_quantile(tail), z + normal_quantile(tail)

    assert smallest_level(limits, z) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-6)


def test_the_ends_of_p():
    assert smallest_level(lambda _tail: (-0.1, 0.1), 0.0) == 1
    assert smallest_level(lambda _tail: (-0.1, 0.3), 0.2) == 1
    assert smallest_level(lambda _tail: (0.1, 0.3), 0.2) == sys.float_info.min
    assert smallest_level(lambda _tail: (-0.3, -0.1), -0.2) == sys.float_info.min
    # Student's limits with one degree of freedom are infinite at the smallest levels.
    found = smallest_level(lambda tail: (1 - t_quantile(tail, 1), math.inf), 1.0)
    assert found == pytest.approx(2 * stats.t.sf(1, 1))


# percentile


def test_percentile_limits_are_the_tails():
    assert percentile_limits(UNIFORM, 0.9) == pytest.approx((0.505, 0.595))
    with_gaps = np.insert(UNIFORM, [0, 500], math.nan)
    assert percentile_limits(with_gaps, 0.9) == percentile_limits(UNIFORM, 0.9)


# BCa


@pytest.mark.parametrize("mean", [np.mean, np.var])
def test_bca_is_scipys(mean):
    values = np.random.default_rng(7).exponential(size=40)
    drawn = values[np.random.default_rng(1).integers(0, 40, (40_000, 40))]
    jackknife = np.array([mean(np.delete(values, i)) for i in range(40)])
    distribution = mean(drawn, axis=1)
    ours = bca_limits(distribution, float(mean(values)), jackknife.mean() - jackknife, 0.95)
    theirs = stats.bootstrap(
        (values,), mean, n_resamples=40_000, method="BCa", rng=2
    ).confidence_interval
    # A limit's Monte Carlo error is about 0.02 standard errors on either side.
    spread = distribution.std()
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.1 * spread)
    percentile = percentile_limits(distribution, 0.95)
    assert ours[1] - percentile[1] > 0.2 * spread  # what the correction is for


@pytest.mark.parametrize("value", [0.0, 0.3, 0.55, 1.0])
@pytest.mark.parametrize(
    "influence", [[0.0], [0.0] * 9, [0.01] * 99 + [-1.0], [-0.01] * 99 + [1.0]]
)
def test_bca_stays_within_the_distribution(value, influence):
    low, high = bca_limits(UNIFORM, value, np.array(influence), 0.99)
    assert 0.5 <= low <= high <= 0.6


@pytest.mark.parametrize(
    ("successes", "n", "limits"),
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3.
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_gives_the_published_limits(successes, n, limits):
    assert wilson(successes, n) == pytest.approx(limits, abs=5e-5)


@given(st.integers(1, 2000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_statsmodels(n, share, confidence):
    expected = proportion_confint(share * n, n, alpha=1 - confidence, method="wilson")
    assert wilson(share * n, n, confidence) == pytest.approx(expected, abs=1e-9)


@given(st.floats(0, 1), st.floats(0.1, 1e6), st.floats(0.1, 40))
def test_score_limits_solve_wilsons_equation(share, n, quantile):
    low, high = score_limits(share, n, quantile)
    assert 0 <= low <= share <= high <= 1
    for limit in (low, high):
        square = quantile**2 * limit * (1 - limit) / n
        assert (share - limit) ** 2 == pytest.approx(square, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("n", [0, -1, 1e-320])
def test_no_trials_leave_everything_open(n):
    assert score_limits(0.4, n, 1.96) == (0, 1)


@pytest.mark.parametrize("quantile", [1e80, 1e200, math.inf])
def test_a_quantile_out_of_reach_leaves_everything_open(quantile):
    assert score_limits(0.4, 3.0, quantile) == (0, 1)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_proportion(successes, n):
    with pytest.raises(ValueError, match="successes in 2 trials"):
        wilson(successes, n)


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "limits"),
    # Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10.
    [
        (56, 70, 48, 80, (0.0524, 0.3339)),
        (9, 10, 3, 10, (0.1705, 0.8090)),
        (10, 10, 0, 20, (0.6791, 1.0)),
        (10, 10, 0, 10, (0.6075, 1.0)),
    ],
)
def test_newcombe_gives_the_published_limits(a, m, b, n, limits):
    result = newcombe_difference(a / m, wilson(a, m), b / n, wilson(b, n))
    assert result == pytest.approx(limits, abs=5e-5)


@given(st.integers(1, 500), st.floats(0, 1), st.floats(0, 1))
def test_newcombe_is_antisymmetric_and_contains_the_difference(n, first, second):
    one, other = (first, wilson(first * n, n)), (second, wilson(second * n, n))
    low, high = newcombe_difference(*one, *other)
    assert -1 <= low <= first - second + 1e-12
    assert first - second - 1e-12 <= high <= 1
    assert newcombe_difference(*other, *one) == pytest.approx((-high, -low))
