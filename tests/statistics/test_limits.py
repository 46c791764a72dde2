import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from lcbench.statistics.choices import Method
from lcbench.statistics.limits import (
    Scale,
    bca_limits,
    degrees_of_freedom,
    percentile_limits,
    score_interval,
    standard_error,
)

UNIFORM = np.linspace(0.5, 0.6, 1001)
MANY = 1e9  # degrees of freedom: Student's t is normal
NORMAL = stats.norm.ppf(0.975)


def score(value, error, freedom=MANY, n=10**6, bounds=(0.0, 1.0), scale=Scale.bounded):
    return score_interval(value, error, freedom, n=n, bounds=bounds, scale=scale, confidence=0.95)


# standard error


def test_standard_error_of_a_mean_is_the_unbiased_one():
    values = np.random.default_rng(0).exponential(size=12)
    drawn = np.random.default_rng(1).integers(0, 12, (40_000, 12))
    expected = values.std(ddof=1) / math.sqrt(12)
    assert standard_error(values[drawn].mean(axis=1), 12) == pytest.approx(expected, rel=0.015)


def test_undefined_resamples_have_no_part_in_the_error():
    assert standard_error(np.array([1.0, math.nan, 3.0]), 2) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("distribution", "groups"),
    [([], 5), ([0.4], 5), ([math.nan] * 9, 5), ([0.3, 0.9], 1), ([0.3] * 9, 5)],
)
def test_no_spread_is_no_error(distribution, groups):
    assert standard_error(np.array(distribution, float), groups) == 0.0


# degrees of freedom


@pytest.mark.parametrize("k", [1, 2, 5, 20])
def test_few_equal_influences_among_many_groups_are_about_two_each(k):
    jackknife = np.zeros(5000)
    jackknife[:k] = -0.01
    assert degrees_of_freedom(jackknife) == pytest.approx(2 * k, rel=0.02)


def test_degrees_of_freedom_by_hand():
    # Two groups of ten are off: influences 8, 8 and eight times -2 of some unit.
    jackknife = np.repeat([-10.0, 0.0], [2, 8])
    second, fourth = 2 * 8**2 + 8 * 2**2, 2 * 8**4 + 8 * 2**4
    assert degrees_of_freedom(jackknife) == pytest.approx(2 * second**2 / (fourth - second**2 / 10))


@pytest.mark.parametrize("groups", [2, 10, 740])
def test_equal_influences_are_one_less_than_the_groups(groups):
    jackknife = 0.9 + 0.01 * (-1.0) ** np.arange(groups)
    assert degrees_of_freedom(jackknife) == groups - 1


@pytest.mark.parametrize("jackknife", [[0.5] * 8, [0.5] * 8 + [math.nan]])
def test_without_influence_all_groups_count(jackknife):
    assert degrees_of_freedom(np.array(jackknife)) == 7


@pytest.mark.parametrize("jackknife", [[0.5], [math.nan, math.nan], [math.nan, 0.4]])
def test_at_least_one_degree_of_freedom(jackknife):
    assert degrees_of_freedom(np.array(jackknife)) == 1


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_degrees_of_freedom_stay_in_range(jackknife):
    found = degrees_of_freedom(np.array(jackknife))
    assert 1 <= found <= max(1, len(jackknife) - 1)


# score intervals


@pytest.mark.parametrize(("successes", "n"), [(1, 20), (45, 50), (300, 740), (739, 740)])
def test_independent_images_give_wilsons_interval(successes, n):
    share = successes / n
    found = score(share, math.sqrt(share * (1 - share) / n))
    assert found == pytest.approx(proportion_confint(successes, n, method="wilson"), abs=1e-8)


def test_twenty_copies_give_wilsons_interval_on_a_twentieth():
    error = math.sqrt(0.9 * 0.1 / 50)
    assert score(0.9, error, n=1000) == pytest.approx(
        proportion_confint(45, 50, method="wilson"), abs=1e-8
    )


def test_no_more_images_are_effective_than_there_are():
    assert score(0.9, 1e-9, n=50) == pytest.approx(
        proportion_confint(45, 50, method="wilson"), abs=1e-8
    )


def test_other_bounds_only_stretch_the_interval():
    share = np.array(score(0.85, 0.05))
    kappa = score(0.7, 0.1, bounds=(-1.0, 1.0))
    assert kappa == pytest.approx(tuple(2 * share - 1))


def test_few_degrees_of_freedom_widen_every_shape():
    for scale in Scale:
        few, many = score(0.5, 0.05, freedom=2, scale=scale), score(0.5, 0.05, scale=scale)
        assert few[0] < many[0] < 0.5 < many[1] < few[1]


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


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1e-9, 1), st.floats(1, 1000), st.integers(1, 10**6))
def test_a_bounded_interval_contains_its_value_and_stays_in_bounds(value, error, freedom, n):
    low, high = score(value, error, freedom, n)
    assert 0 <= low <= value <= high <= 1


# percentile


def test_percentile_limits_are_the_tails():
    assert percentile_limits(UNIFORM, 0.9) == pytest.approx((0.505, 0.595))
    with_gaps = np.insert(UNIFORM, [0, 500], math.nan)
    assert percentile_limits(with_gaps, 0.9) == percentile_limits(UNIFORM, 0.9)


# BCa


def test_bca_without_bias_and_skew_is_percentile():
    jackknife = np.array([0.4, 0.5, 0.6])
    found = bca_limits(UNIFORM, 0.55, jackknife, 0.9)
    assert found == pytest.approx(percentile_limits(UNIFORM, 0.9))


@pytest.mark.parametrize("mean", [np.mean, np.var])
def test_bca_is_scipys(mean):
    values = np.random.default_rng(7).exponential(size=40)
    drawn = values[np.random.default_rng(1).integers(0, 40, (40_000, 40))]
    jackknife = np.array([mean(np.delete(values, i)) for i in range(40)])
    distribution = mean(drawn, axis=1)
    ours = bca_limits(distribution, float(mean(values)), jackknife, 0.95)
    theirs = stats.bootstrap(
        (values,), mean, n_resamples=40_000, method="BCa", rng=2
    ).confidence_interval
    # A limit's Monte Carlo error is about 0.02 standard errors on either side.
    spread = distribution.std()
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.1 * spread)
    percentile = percentile_limits(distribution, 0.95)
    assert ours[1] - percentile[1] > 0.2 * spread  # what the correction is for


def test_bca_counts_resamples_at_the_value_half():
    # Symmetric around the value, which two thirds of the resamples hit.
    distribution = np.repeat([0.0, 0.1, 0.2], [100, 400, 100])
    assert bca_limits(distribution, 0.1, np.array([0.1, 0.0, 0.2]), 0.5) == (0.1, 0.1)
    low, high = bca_limits(distribution, 0.1, np.array([0.1, 0.0, 0.2]), 0.95)
    assert (low, high) == (0.0, 0.2)


@pytest.mark.parametrize("value", [0.0, 0.3, 0.55, 1.0])
@pytest.mark.parametrize("jackknife", [[0.5], [0.5] * 9, [0.0] * 99 + [1.0], [1.0] * 99 + [0.0]])
def test_bca_stays_within_the_distribution(value, jackknife):
    low, high = bca_limits(UNIFORM, value, np.array(jackknife), 0.99)
    assert 0.5 <= low <= high <= 0.6


def test_nothing_defined_has_no_limits():
    nothing = np.full(5, math.nan)
    assert all(map(math.isnan, percentile_limits(nothing, 0.95)))
    assert all(map(math.isnan, bca_limits(nothing, 0.5, nothing, 0.95)))


def test_methods_have_names():
    assert [str(method) for method in Method] == ["score", "percentile", "bca"]
