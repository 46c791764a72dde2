import dataclasses
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lcbench.statistics import metrics
from lcbench.statistics.intervals import (
    difference_interval,
    interval,
    many_intervals,
    wilson,
)
from lcbench.statistics.percentile import BOOTSTRAP, NEWCOMBE, NO_IMAGES, NO_INTERVAL, WILSON

FEW = 400
tables = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 12), st.just(3), st.just(3)), elements=st.integers(0, 4)
)
PANEL = {
    "accuracy": metrics.accuracy,
    "balanced": metrics.balanced_accuracy,
    "macro F1": metrics.macro_f1,
    "sensitivity": lambda counts: metrics.sensitivity(counts, [1, 2]),
    "recall": lambda counts: metrics.recall(counts)[..., 1],
    "precision": lambda counts: metrics.precision(counts)[..., 1],
}
DENOMINATORS = {
    "sensitivity": lambda counts: metrics.support(counts, [1, 2]),
    "recall": lambda counts: metrics.support(counts, [1]),
    "precision": lambda counts: metrics.predicted_support(counts, [1]),
}


def correct_in_groups(correct, sizes):
    """Return (G, 2, 2) counts with the given number of correct images in each group."""
    correct, sizes = np.asarray(correct), np.asarray(sizes)
    counts = np.zeros((len(sizes), 2, 2), dtype=int)
    counts[:, 0, 0], counts[:, 0, 1] = correct, sizes - correct
    return counts


def limits(result):
    return result.low, result.high


# one statistic


def test_one_image_a_group_is_scipys_bootstrap():
    correct = np.random.default_rng(0).random(300) < 0.8
    ours = interval(correct_in_groups(correct, np.ones(300, int)), metrics.accuracy, n=300)
    theirs = stats.bootstrap(
        (correct.astype(float),), np.mean, n_resamples=10_000, method="percentile", rng=1
    ).confidence_interval
    # Shares of 300 images move in steps of 1/300.
    assert limits(ours) == pytest.approx((theirs.low, theirs.high), abs=1.01 / 300)
    assert (ours.value, ours.n, ours.groups) == (correct.mean(), 300, 300)
    assert ours.method == BOOTSTRAP


def test_groups_widen_the_interval_by_the_design_effect():
    correct = np.repeat([20, 12], [80, 20])
    sizes = np.full(100, 20)
    clustered = interval(correct_in_groups(correct, sizes), metrics.accuracy, n=2000)
    # 100 group means of 1 or 0.6: their standard error is what counts.
    means = correct / sizes
    expected = 1.96 * means.std() / 10
    assert clustered.high - clustered.low == pytest.approx(2 * expected, rel=0.08)
    images = np.concatenate([np.arange(20) < k for k in correct]).astype(int)
    single = interval(correct_in_groups(images, np.ones(2000, int)), metrics.accuracy, n=2000)
    assert clustered.high - clustered.low > 2 * (single.high - single.low)


def test_confidence_and_seed():
    counts = correct_in_groups([3, 5, 5, 4, 2, 5, 1], np.full(7, 5))
    wide = interval(counts, metrics.accuracy, n=35, confidence=0.99)
    narrow = interval(counts, metrics.accuracy, n=35, confidence=0.8)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert interval(counts, metrics.accuracy, n=35, seed=0) == interval(
        counts, metrics.accuracy, n=35
    )


@given(tables)
def test_proportions_stay_in_bounds_and_contain_the_value(counts):
    results = many_intervals(counts, PANEL, denominators=DENOMINATORS, resamples=FEW)
    for name, result in results.items():
        assert 0 <= result.low <= result.value <= result.high <= 1
        assert result.low < result.high
        assert result.value == pytest.approx(float(PANEL[name](counts.sum(axis=0))))


@settings(max_examples=30)
@given(tables, st.integers(2, 5))
def test_duplicating_every_image_in_its_group_keeps_the_interval(counts, times):
    for statistic in PANEL.values():
        once = interval(counts, statistic, n=7, resamples=FEW)
        again = interval(counts * times, statistic, n=7, resamples=FEW)
        assert dataclasses.astuple(again)[:3] == pytest.approx(dataclasses.astuple(once)[:3])


@pytest.mark.parametrize("counts", [[[[5, 0], [0, 4]]] * 491, [[[1, 0], [0, 1]]] * 491])
def test_no_errors_gives_wilson_on_the_groups(counts):
    result = interval(np.array(counts), metrics.accuracy, n=491)
    assert limits(result) == (wilson(491, 491)[0], 1)
    assert result.low == pytest.approx(0.9922, abs=1e-4)
    assert (result.groups, result.method) == (491, WILSON)


def test_no_successes_gives_wilson_on_the_groups():
    result = interval(correct_in_groups([0] * 30, [4] * 30), metrics.accuracy, n=120)
    assert limits(result) == (0, wilson(0, 30)[1])


def test_groups_that_do_not_enter_do_not_count():
    counts = np.zeros((50, 2, 2))
    counts[:40, 0, 0] = 3
    counts[40:, 1, 1] = 3

    def recall_of_second(batch):
        return metrics.recall(batch)[..., 1]

    told = interval(counts, recall_of_second, n=30, groups_in_use=10)
    derived = interval(
        counts, recall_of_second, n=30, denominator=lambda batch: metrics.support(batch, [1])
    )
    assert told == derived
    assert limits(told) == (wilson(10, 10)[0], 1)


def test_resamples_without_an_image_for_the_statistic_are_left_out():
    counts = np.zeros((40, 2, 2))
    counts[:38, 0, 0] = 10
    counts[38:, 1, 1], counts[38:, 1, 0] = [9, 8], [1, 2]

    def recall_of_second(batch):
        return metrics.recall(batch)[..., 1]

    naive = interval(counts, recall_of_second, n=20)
    result = interval(
        counts, recall_of_second, n=20, denominator=lambda batch: metrics.support(batch, [1])
    )
    assert naive.low == 0  # 13 % of the resamples miss both groups
    assert limits(result) == (0.8, 0.9)
    assert result.groups == 2


def test_one_group_is_one_observation():
    result = interval(correct_in_groups([9], [10]), metrics.accuracy, n=10)
    assert limits(result) == wilson(0.9, 1)
    assert (result.groups, result.method) == (1, WILSON)


def test_groups_without_spread_are_no_certainty():
    result = interval(correct_in_groups([9] * 8, [10] * 8), metrics.accuracy, n=80)
    assert limits(result) == pytest.approx(wilson(7.2, 8))
    assert result.method == WILSON


@pytest.mark.parametrize("counts", [np.zeros((0, 3, 3)), np.zeros((4, 3, 3))])
def test_no_images(counts):
    for result in (
        interval(counts, metrics.accuracy, n=0),
        many_intervals(counts, {"x": metrics.accuracy})["x"],
    ):
        assert dataclasses.astuple(result) == (0, 0, 1, 0, 0, NO_IMAGES)
    result = difference_interval(counts, counts, metrics.accuracy, n=0)
    assert dataclasses.astuple(result) == (0, -1, 1, 0, 0, NO_IMAGES)


def test_what_is_no_proportion_gets_no_wilson():
    def confusions(batch):
        return metrics.subtype_confusions(batch, [0, 1])

    counts = correct_in_groups([3, 1, 4, 2], [4] * 4)
    result = interval(counts, confusions, n=16, proportion=False)
    assert result.low <= result.value == 6 <= result.high
    assert result.high > 1
    alone = interval(counts[:1], confusions, n=4, proportion=False)
    assert (alone.value, *limits(alone)) == (1, -math.inf, math.inf)
    assert alone.method == NO_INTERVAL


# many statistics


def test_a_panel_equals_its_statistics_one_by_one():
    counts = np.random.default_rng(5).integers(0, 5, (30, 3, 3))
    panel = many_intervals(counts, PANEL, denominators=DENOMINATORS, resamples=FEW, seed=3)
    assert list(panel) == list(PANEL)
    for name, statistic in PANEL.items():
        enters = DENOMINATORS.get(name, metrics.support)
        alone = interval(
            counts,
            statistic,
            n=int(enters(counts.sum(axis=0))),
            resamples=FEW,
            seed=3,
            denominator=enters,
        )
        assert panel[name] == alone


def test_a_panel_counts_the_images_of_each_statistic():
    counts = np.zeros((5, 3, 3))
    counts[:3, 0, 0] = 2
    counts[3:, 1, 1], counts[4, 1, 2] = 4, 1
    panel = many_intervals(counts, PANEL, denominators=DENOMINATORS, resamples=FEW)
    assert (panel["accuracy"].n, panel["accuracy"].groups) == (15, 5)
    assert (panel["recall"].n, panel["recall"].groups) == (9, 2)
    assert (panel["precision"].n, panel["precision"].groups) == (8, 2)


def test_a_full_panel_is_fast():
    counts = np.random.default_rng(0).integers(0, 9, (740, 3, 3))
    panel = {f"{name} {copy}": function for name, function in PANEL.items() for copy in "ab"}
    start = time.process_time()
    many_intervals(counts, panel)
    assert time.process_time() - start < 2.0  # 0.15 s


def test_unbounded_names_are_told_apart():
    counts = correct_in_groups([1], [4])
    panel = many_intervals(
        counts,
        {"share": metrics.accuracy, "count": metrics.support},
        unbounded=["count"],
        resamples=FEW,
    )
    assert panel["share"].method == WILSON
    assert panel["count"].method == NO_INTERVAL


# differences


def test_paired_difference_of_one_image_a_group_is_scipys():
    rng = np.random.default_rng(2)
    right_a = rng.random(300) < 0.9
    right_b = np.where(rng.random(300) < 0.8, right_a, rng.random(300) < 0.7)
    ones = np.ones(300, int)
    ours = difference_interval(
        correct_in_groups(right_a, ones), correct_in_groups(right_b, ones), metrics.accuracy, n=300
    )
    theirs = stats.bootstrap(
        (right_a.astype(float) - right_b,), np.mean, method="percentile", rng=1, n_resamples=10_000
    ).confidence_interval
    assert limits(ours) == pytest.approx((theirs.low, theirs.high), abs=1.01 / 300)
    assert ours.value == pytest.approx(right_a.mean() - right_b.mean())
    assert ours.method == BOOTSTRAP


@settings(max_examples=40)
@given(tables, st.data())
def test_swapping_the_sides_negates_the_difference(counts, data):
    other = data.draw(hnp.arrays(np.int64, counts.shape, elements=st.integers(0, 4)))
    one = difference_interval(counts, other, metrics.macro_f1, n=9, resamples=FEW)
    two = difference_interval(other, counts, metrics.macro_f1, n=9, resamples=FEW)
    assert (two.value, two.low, two.high) == pytest.approx((-one.value, -one.high, -one.low))
    assert -1 <= one.low <= one.value <= one.high <= 1
    assert one.low < one.high
    assert one.method == two.method


def test_two_perfect_models_get_newcombes_interval():
    perfect = correct_in_groups([5] * 60, [5] * 60)
    result = difference_interval(perfect, perfect, metrics.accuracy, n=300)
    reach = 1 - wilson(60, 60)[0]
    assert (result.value, *limits(result)) == pytest.approx((0, -reach, reach))
    assert (result.groups, result.method) == (60, NEWCOMBE)


def test_one_group_gets_newcombes_interval():
    result = difference_interval(
        correct_in_groups([10], [10]), correct_in_groups([5], [10]), metrics.accuracy, n=10
    )
    assert result.method == NEWCOMBE
    assert result.low < 0 < result.value == 0.5 < result.high


def test_sides_may_have_other_images_of_the_same_groups():
    paper = correct_in_groups([4, 0, 6, 5, 3], [4, 0, 6, 6, 4])
    grouped = correct_in_groups([5, 3, 9, 6, 2], [10] * 5)
    result = difference_interval(paper, grouped, metrics.accuracy, n=50, resamples=FEW)
    assert result.value == pytest.approx(18 / 20 - 25 / 50)
    assert result.groups == 5
    assert result.method == BOOTSTRAP


def test_a_side_without_images_has_no_difference():
    result = difference_interval(
        correct_in_groups([4, 3], [5, 5]),
        np.zeros((2, 2, 2)),
        metrics.accuracy,
        n=10,
    )
    assert result.method == NO_IMAGES


def test_sides_of_unlike_shape_are_refused():
    with pytest.raises(ValueError, match="shape"):
        difference_interval(np.ones((2, 3, 3)), np.ones((3, 3, 3)), metrics.accuracy, n=5)


def test_pairing_keeps_the_difference_sharper_than_either_model():
    rng = np.random.default_rng(8)
    right = rng.binomial(20, np.where(rng.random(100) < 0.2, 0.4, 0.97))
    better = np.minimum(20, right + (rng.random(100) < 0.3))
    one, two = (correct_in_groups(array, np.full(100, 20)) for array in (better, right))
    alone = interval(one, metrics.accuracy, n=2000)
    difference = difference_interval(one, two, metrics.accuracy, n=2000)
    assert difference.high - difference.low < 0.3 * (alone.high - alone.low)
    assert difference.low > 0
