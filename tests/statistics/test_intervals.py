import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lcbench.statistics import metrics
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.choices import Method
from lcbench.statistics.intervals import (
    ALIKE,
    DESCRIPTIONS,
    NO_INTERVAL,
    NO_LIMIT,
    UNDEFINED,
    WILSON,
    all_intervals,
    intervals,
)
from lcbench.statistics.limits import Scale, bca_limits
from lcbench.statistics.panel import Count, Measure, Panel, count_panel, difference
from lcbench.statistics.proportions import wilson

FEW = 200
PANEL = {
    "accuracy": Count(metrics.accuracy, proportion=True),
    "balanced": Count(metrics.balanced_accuracy),
    "macro F1": Count(metrics.macro_f1),
    "sensitivity": Count(
        lambda counts: metrics.sensitivity(counts, [1, 2]),
        lambda counts: metrics.support(counts, [1, 2]),
        proportion=True,
    ),
    "recall": Count(
        lambda counts: metrics.recall(counts)[..., 1], lambda counts: metrics.support(counts, [1])
    ),
    "kappa": Count(metrics.cohen_kappa, bounds=(-1.0, 1.0), defined=metrics.beyond_chance),
}
tables = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 12), st.just(3), st.just(3)), elements=st.integers(0, 4)
)


def accuracy_of(correct, sizes, resamples=FEW, **options):
    """Return the interval of the accuracy with so many correct images in each group."""
    correct, sizes = np.asarray(correct), np.asarray(sizes)
    counts = np.zeros((len(sizes), 3, 3), dtype=int)
    counts[:, 0, 0], counts[:, 0, 1] = correct, sizes - correct
    panel = count_panel(counts, {"accuracy": PANEL["accuracy"]})
    return intervals(panel, resamples=resamples, **options)["accuracy"]


def mean_panel(values):
    """Return the panel of the mean of a loss with one image a group."""
    values = np.asarray(values, float)
    mean = Count(
        lambda sums: sums[..., 1] / np.maximum(sums[..., 0], 1),
        lambda sums: sums[..., 0],
        (0.0, math.inf),
        Scale.positive,
    )
    return count_panel(np.stack([np.ones(len(values)), values], axis=1), {"loss": mean})


def capped(result, low, high):
    """Return whether the groups seem to tell more than as many independent images would."""
    effective = (result.value - low) * (high - result.value) / result.error**2
    return effective > result.n


def limits(result):
    return result.low, result.high


def numbers(result):
    return result.value, result.low, result.high


# against other people's bootstrap


def test_percentiles_of_one_image_a_group_are_scipys():
    correct = np.random.default_rng(0).random(300) < 0.8
    ours = accuracy_of(correct, np.ones(300, int), 10_000, method=Method.percentile)
    theirs = stats.bootstrap(
        (correct.astype(float),), np.mean, n_resamples=10_000, method="percentile", rng=1
    ).confidence_interval
    # Shares of 300 images move in steps of 1/300.
    assert limits(ours) == pytest.approx((theirs.low, theirs.high), abs=1.01 / 300)
    assert (ours.value, ours.n, ours.groups) == (correct.mean(), 300, 300)
    assert ours.method == DESCRIPTIONS[Method.percentile]


@pytest.mark.parametrize("method", [Method.percentile, Method.bca])
def test_limits_of_a_skewed_mean_are_scipys(method):
    values = np.random.default_rng(3).lognormal(sigma=1.2, size=40)
    ours = intervals(mean_panel(values), method=method, resamples=20_000)["loss"]
    name = {"percentile": "percentile", "bca": "BCa"}[method]
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method=name, rng=1)
    spread = theirs.standard_error
    low, high = theirs.confidence_interval
    # A limit's Monte Carlo error is 0.03 standard errors on either side.
    assert limits(ours) == pytest.approx((low, high), abs=0.15 * spread)
    assert ours.error == pytest.approx(spread * math.sqrt(40 / 39), rel=0.03)


def test_a_score_interval_of_one_image_a_group_is_about_wilsons():
    correct = np.repeat([1, 0], [370, 30])
    ours = accuracy_of(correct, np.ones(400, int), 10_000)
    assert limits(ours) == pytest.approx(wilson(370, 400), abs=0.003)


def test_groups_widen_the_interval_by_the_design_effect():
    correct, sizes = np.repeat([20, 12], [80, 20]), np.full(100, 20)
    means = correct / sizes  # their standard error is what counts
    for method in Method:
        clustered = accuracy_of(correct, sizes, 4000, method=method)
        expected = 1.96 * means.std() / 10
        assert clustered.high - clustered.low == pytest.approx(2 * expected, rel=0.1)
        images = np.concatenate([np.arange(20) < k for k in correct]).astype(int)
        single = accuracy_of(images, np.ones(2000, int), FEW, method=method)
        assert clustered.high - clustered.low > 2 * (single.high - single.low)


# what holds for every interval


@pytest.mark.parametrize("method", Method)
def test_confidence_and_seed(method):
    def interval(**options):
        return accuracy_of([3, 5, 5, 4, 2, 5, 1], np.full(7, 5), method=method, **options)

    wide, narrow = interval(confidence=0.99), interval(confidence=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert interval(seed=0) == interval()
    assert interval(seed=1).error != interval().error


@settings(max_examples=60)
@given(tables)
def test_every_interval_stays_in_bounds_and_contains_its_value(counts):
    panel = count_panel(counts, PANEL)
    for found in all_intervals(panel, resamples=FEW).values():
        for measure in panel.measures:
            result = found[measure.name]
            low, high = measure.bounds
            assert low <= result.low <= result.value <= result.high <= high
            assert result.low < result.high or result.method in DESCRIPTIONS.values()
            if result.n:
                expected = PANEL[measure.name].function(counts.sum(axis=0))
                assert result.value == pytest.approx(float(expected))


@settings(max_examples=20)
@given(tables, st.integers(2, 5))
def test_duplicating_every_image_in_its_group_keeps_the_intervals(counts, times):
    once, again = (
        all_intervals(count_panel(part, PANEL), resamples=FEW) for part in (counts, counts * times)
    )
    for method in Method:
        for name, one in once[method].items():
            two = again[method][name]
            assert (two.value, two.method) == pytest.approx((one.value, one.method))
            if method is not Method.score or not capped(one, *PANEL[name].bounds):
                assert numbers(two) == pytest.approx(numbers(one), abs=1e-9)


@pytest.mark.parametrize("method", [Method.percentile, Method.bca])
@pytest.mark.parametrize("sign", [-1, 1])
def test_limits_move_to_a_value_that_no_resample_reaches(method, sign):
    # Such as a calibration error, which noise only raises.
    def evaluate(weights):
        return 0.5 + sign * 0.1 * weights.var(axis=1, keepdims=True)

    panel = Panel(Design(20), (Measure("x", (0.0, 1.0), Scale.bounded, 50, 20, 20),), evaluate)
    result = intervals(panel, method=method, resamples=FEW)["x"]
    assert result.value == 0.5
    assert result.low <= result.value <= result.high
    assert 0.5 in limits(result)


def test_all_methods_are_those_one_by_one():
    counts = np.random.default_rng(5).integers(0, 5, (30, 3, 3))
    panel = count_panel(counts, PANEL)
    every = all_intervals(panel, resamples=FEW, seed=3)
    assert list(every) == list(Method)
    for method in Method:
        assert every[method] == intervals(panel, method=method, resamples=FEW, seed=3)
        assert list(every[method]) == list(PANEL)
    assert intervals(panel, resamples=FEW, seed=3) == every[Method.score]


def test_a_panel_equals_its_statistics_one_by_one():
    counts = np.random.default_rng(5).integers(0, 5, (30, 3, 3))
    together = all_intervals(count_panel(counts, PANEL), resamples=FEW, seed=3)
    for name, one in PANEL.items():
        alone = all_intervals(count_panel(counts, {name: one}), resamples=FEW, seed=3)
        for method in Method:
            assert alone[method][name] == together[method][name]


def test_seeds_that_agree_are_no_news_two_ways():
    counts = np.random.default_rng(5).poisson(0.5, (30, 3, 3)) ** 3
    one_way = all_intervals(count_panel(counts, PANEL), resamples=FEW)
    twice = np.repeat(counts, 2, axis=0)
    two_ways = all_intervals(count_panel(twice, PANEL, Design(30, 2)), resamples=FEW)
    for method in Method:
        for name, one in one_way[method].items():
            assert numbers(two_ways[method][name]) == pytest.approx(numbers(one))
            assert two_ways[method][name].n == 2 * one.n
            assert not capped(one, *PANEL[name].bounds)
            assert two_ways[method][name].groups == one.groups


def test_the_numerator_of_a_share_is_counted():
    assert accuracy_of([3, 1], [4, 4]).count == 4
    found = intervals(count_panel(np.ones((4, 3, 3)), PANEL), resamples=FEW)
    assert (found["accuracy"].count, found["sensitivity"].count) == (12, 16)
    assert found["macro F1"].count is None


# where the bootstrap says nothing


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("size", [1, 5])
def test_no_errors_gives_wilson_on_the_groups(method, size):
    result = accuracy_of([size] * 491, [size] * 491, 20, method=method)
    assert limits(result) == (wilson(491, 491)[0], 1)
    assert result.low == pytest.approx(0.9922, abs=1e-4)
    assert (result.groups, result.method) == (491, WILSON)


@pytest.mark.parametrize("method", Method)
def test_no_successes_gives_wilson_on_the_groups(method):
    result = accuracy_of([0] * 30, [4] * 30, method=method)
    assert limits(result) == (0, wilson(0, 30)[1])


def test_groups_that_do_not_enter_do_not_count():
    counts = np.zeros((50, 3, 3))
    counts[:40, 0, 0] = 3
    counts[40:, 1, 1] = 3
    result = intervals(count_panel(counts, PANEL), resamples=FEW)["recall"]
    assert (result.n, result.groups) == (30, 10)
    assert limits(result) == (wilson(10, 10)[0], 1)


def test_resamples_without_an_image_for_the_statistic_are_left_out():
    counts = np.zeros((40, 3, 3))
    counts[:38, 0, 0] = 10
    counts[38:, 1, 1], counts[38:, 1, 0] = [9, 8], [1, 2]
    # 13 % of the resamples miss both groups.
    result = intervals(count_panel(counts, PANEL), method=Method.percentile)["recall"]
    assert limits(result) == (0.8, 0.9)
    assert result.groups == 2


@pytest.mark.parametrize("method", Method)
def test_one_group_is_one_observation(method):
    result = accuracy_of([9], [10], method=method)
    assert limits(result) == wilson(0.9, 1)
    assert (result.groups, result.method) == (1, WILSON)


@pytest.mark.parametrize("method", Method)
def test_groups_without_spread_are_no_certainty(method):
    result = accuracy_of([9] * 8, [10] * 8, method=method)
    assert limits(result) == pytest.approx(wilson(7.2, 8))
    assert result.method == WILSON
    assert math.isnan(result.error)


@pytest.mark.parametrize("groups", [0, 4])
def test_no_images(groups):
    for found in all_intervals(count_panel(np.zeros((groups, 3, 3)), PANEL)).values():
        for name, result in found.items():
            low = -1 if name == "kappa" else 0
            assert dataclasses.astuple(result)[:6] == (0, low, 1, 0, 0, UNDEFINED)


def test_a_loss_without_an_upper_bound():
    one = intervals(mean_panel([0.3]), resamples=FEW)["loss"]
    assert (*numbers(one), one.method) == (0.3, 0, math.inf, NO_INTERVAL)
    none = intervals(mean_panel([0.0] * 9), resamples=FEW)["loss"]
    assert (*numbers(none), none.method) == (0, 0, math.inf, NO_LIMIT)
    alike = intervals(mean_panel([0.25] * 9), resamples=FEW)["loss"]
    assert (alike.value, alike.method) == (0.25, ALIKE)
    apart = intervals(difference(mean_panel([0.3]), mean_panel([0.1])), resamples=FEW)["loss"]
    assert limits(apart) == (-math.inf, math.inf)
    assert apart.method == NO_INTERVAL


@pytest.mark.parametrize("method", Method)
def test_a_loss_stays_positive(method):
    result = intervals(mean_panel([0.01, 0.02, 3.0, 0.05]), method=method, resamples=FEW)["loss"]
    assert 0 < result.low < result.value < result.high < math.inf


def test_bca_uses_the_groups_for_both_corrections():
    values = np.random.default_rng(3).lognormal(sigma=1.2, size=30)
    panel = mean_panel(values)
    result = intervals(panel, method=Method.bca, resamples=500, seed=4)["loss"]
    rng = np.random.Generator(np.random.PCG64(4))
    drawn = values[rng.integers(0, 30, (500, 30))].mean(axis=1)
    jackknife = (values.sum() - values) / 29
    expected = bca_limits(drawn, values.mean(), jackknife, 0.95)
    assert limits(result) == pytest.approx(expected)
