import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lcbench.statistics import metrics
from lcbench.statistics.choices import METHODS
from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import (
    DESCRIPTIONS,
    FIXED,
    NO_INTERVAL,
    NO_LIMIT,
    NOT_DEFINED,
    WILSON,
    Interval,
)
from lcbench.statistics.intervals import all_intervals, intervals
from lcbench.statistics.limits import Scale, score_limits, wilson
from lcbench.statistics.panel import Count, Measure, Panel, count_panel
from lcbench.statistics.panels import difference

FEW = 200
# Images of the second and third class that are called one of the two, and those that are not.
CALLED = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 1]])
MISSED = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0]])
PANEL = {
    "accuracy": Count(metrics.accuracy, proportion=True),
    "balanced": Count(metrics.balanced_accuracy),
    "macro F1": Count(metrics.macro_f1),
    "sensitivity": Count(
        lambda counts: metrics.cell_share(counts, CALLED, CALLED | MISSED),
        lambda counts: metrics.cell_sum(counts, CALLED | MISSED),
        proportion=True,
    ),
    "recall": Count(
        lambda counts: metrics.recall(counts)[..., 1],
        lambda counts: metrics.true_support(counts)[..., 1],
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


def limits(result):
    return result.low, result.high


def numbers(result):
    return result.value, result.low, result.high


# against other people's bootstrap


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_limits_of_a_skewed_mean_are_scipys(method):
    values = np.random.default_rng(3).lognormal(sigma=1.2, size=40)
    ours = intervals(mean_panel(values), method=method, resamples=20_000)["loss"]
    name = {"percentile": "percentile", "bca": "BCa"}[method]
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method=name, rng=1)
    spread = theirs.standard_error
    low, high = theirs.confidence_interval
    # A limit's Monte Carlo error is 0.03 standard errors on either side, and ours lie a little
    # farther out: 39 of 40 groups are drawn.
    assert limits(ours) == pytest.approx((low, high), abs=0.25 * spread)
    assert ours.error == pytest.approx(values.std(ddof=1) / math.sqrt(40))
    assert ours.error == pytest.approx(spread * math.sqrt(40 / 39), rel=0.03)


def test_groups_widen_the_interval_by_the_design_effect():
    correct, sizes = np.repeat([20, 12], [80, 20]), np.full(100, 20)
    means = correct / sizes  # their standard error is what counts
    for method in METHODS:
        clustered = accuracy_of(correct, sizes, 4000, method=method)
        expected = 1.96 * means.std() / 10
        assert clustered.high - clustered.low == pytest.approx(2 * expected, rel=0.1)
        images = np.concatenate([np.arange(20) < k for k in correct]).astype(int)
        single = accuracy_of(images, np.ones(2000, int), FEW, method=method)
        assert clustered.high - clustered.low > 2 * (single.high - single.low)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_bootstrap_keeps_to_the_strata(method):
    # One class is hard: what is drawn of each is fixed, so that only the rest varies.
    rng = np.random.default_rng(4)
    counts = np.zeros((300, 3, 3), int)
    counts[:, 0, 0] = rng.binomial(10, np.tile([0.95, 0.5], 150))
    counts[:, 0, 1] = 10 - counts[:, 0, 0]
    panel, within = (
        count_panel(counts, {"accuracy": PANEL["accuracy"]}, Design(300, 1, strata, (10,) * 300))
        for strata in ((), (0, 1) * 150)
    )
    found = {how: intervals(within, method=how)["accuracy"] for how in ("score", method)}
    assert limits(found[method]) == pytest.approx(limits(found["score"]), abs=2e-3)
    loose = intervals(panel, method=method)["accuracy"]
    assert loose.high - loose.low > 1.5 * (found[method].high - found[method].low)


# what holds for every interval


@pytest.mark.parametrize("method", METHODS)
def test_confidence_and_seed(method):
    def interval(**options):
        return accuracy_of([3, 5, 5, 4, 2, 5, 1], np.full(7, 5), method=method, **options)

    wide, narrow = interval(confidence=0.99), interval(confidence=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert interval(seed=0) == interval()
    # Only the bootstrap draws.
    assert (interval(seed=1) == interval()) == (method == "score")
    assert interval(seed=1).error == interval().error


@settings(max_examples=60)
@given(tables)
def test_every_interval_stays_in_bounds_and_contains_its_value(counts):
    panel = count_panel(counts, PANEL)
    for found in all_intervals(panel, resamples=FEW).values():
        for measure in panel.measures:
            result = found[measure.key]
            low, high = measure.bounds
            if not result.n:
                assert result == NOT_DEFINED
                continue
            expected = PANEL[measure.key].function(counts.sum(axis=0))
            assert result.value == pytest.approx(float(expected))
            if result.groups == 1:
                assert (result.low, result.high, result.method) == (None, None, NO_INTERVAL)
                continue
            assert low <= result.low <= result.value <= result.high <= high
            assert result.low < result.high or result.method in (*DESCRIPTIONS.values(), FIXED)


@settings(max_examples=20)
@given(tables, st.integers(2, 5))
def test_duplicating_every_image_in_its_group_keeps_the_intervals(counts, times):
    once, again = (
        all_intervals(count_panel(part, PANEL), resamples=FEW) for part in (counts, counts * times)
    )
    for method in METHODS:
        for name, one in once[method].items():
            two = again[method][name]
            assert two.method == one.method
            assert numbers(two) == pytest.approx(numbers(one), abs=1e-7)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_limits_move_to_a_value_that_no_resample_reaches(method, sign):
    # Such as a calibration error, which noise only raises.
    def evaluate(weights):
        return 0.5 + sign * 0.1 * weights.var(axis=1, keepdims=True)

    panel = Panel(
        Design(20),
        (Measure("x", (0.0, 1.0), Scale.bounded, 50, 20, 20),),
        evaluate,
        lambda: 0.01 * (-1.0) ** np.arange(20)[:, None],
    )
    result = intervals(panel, method=method, resamples=FEW)["x"]
    assert result.value == 0.5
    assert result.low <= result.value <= result.high
    assert 0.5 in limits(result)


# where the bootstrap says nothing


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("correct", "sizes", "successes"),
    {
        "no errors": ([1] * 491, [1] * 491, 491),
        "no errors in larger groups": ([5] * 491, [5] * 491, 491),
        "no successes": ([0] * 30, [4] * 30, 0),
    }.values(),
)
def test_wilson_on_the_groups_stands_in(method, correct, sizes, successes):
    groups = len(sizes)
    result = accuracy_of(correct, sizes, 20, method=method)
    assert limits(result) == pytest.approx(wilson(successes, groups))
    assert (result.groups, result.method, result.error) == (groups, WILSON, None)


@pytest.mark.parametrize("method", METHODS)
def test_groups_without_spread_are_single_trials(method):
    result = accuracy_of([9] * 8, [10] * 8, 20, method=method)
    assert limits(result) == pytest.approx(score_limits(0.9, 8, stats.t.isf(0.025, 7)))
    assert (result.method, result.error) == (WILSON, None)


@pytest.mark.parametrize("method", METHODS)
def test_one_group_gives_no_interval(method):
    one = accuracy_of([9], [10], 20, method=method)
    assert (*numbers(one), one.error) == (0.9, None, None, None)
    assert (one.n, one.groups, one.count, one.method) == (10, 1, 9, NO_INTERVAL)


@pytest.mark.parametrize("method", METHODS)
def test_what_the_classes_fix_has_no_width(method):
    counts = np.zeros((10, 3, 3), int)
    counts[np.arange(10), np.repeat([0, 2], 5), 0] = [3, 4, 5, 6, 2, 2, 3, 3, 2, 2]  # the first
    sizes = tuple(counts.sum(axis=(1, 2)).tolist())
    design = Design(10, 1, (0,) * 5 + (1,) * 5, sizes)
    found = intervals(count_panel(counts, PANEL, design), method=method, resamples=FEW)
    for name in ("accuracy", "balanced", "macro F1"):
        one = found[name]
        assert limits(one) == (one.value, one.value)
        assert (one.method, one.error) == (FIXED, None)
    loose = intervals(count_panel(counts, PANEL), method=method, resamples=FEW)["accuracy"]
    assert loose.high - loose.low > 0.3


def test_a_loss_without_an_upper_bound():
    one = intervals(mean_panel([0.3]), resamples=FEW)["loss"]
    assert (*numbers(one), one.method) == (0.3, None, None, NO_INTERVAL)
    none = intervals(mean_panel([0.0] * 9), resamples=FEW)["loss"]
    assert (*numbers(none), none.method) == (0, 0, math.inf, NO_LIMIT)
    alike = intervals(mean_panel([0.25] * 9), resamples=FEW)["loss"]
    assert (alike.value, alike.method) == (0.25, FIXED)
    apart = intervals(difference(mean_panel([0.3]), mean_panel([0.1])), resamples=FEW)["loss"]
    assert limits(apart) == (None, None)
    assert apart.method == NO_INTERVAL


def test_an_interval_has_one_spelling_in_json():
    one = intervals(mean_panel([0.0] * 9), resamples=FEW)["loss"]
    assert '"low":0.0,"high":"Infinity"' in one.model_dump_json()
    for result in (one, NOT_DEFINED):
        assert Interval.model_validate_json(result.model_dump_json()) == result


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="bayes"):
        intervals(mean_panel([0.3]), method="bayes")
