import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lcbench.statistics import metrics
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.choices import METHODS
from lcbench.statistics.intervals import NEWCOMBE, NOT_DEFINED, all_intervals, intervals
from lcbench.statistics.limits import Scale, wilson
from lcbench.statistics.panel import (
    Count,
    count_panel,
    difference,
    join,
    rekeyed,
)

from .helpers import left_out

FEW = 200
PANEL = {
    "accuracy": Count(metrics.accuracy, proportion=True),
    "macro F1": Count(metrics.macro_f1),
    "recall": Count(
        lambda counts: metrics.recall(counts)[..., 1],
        lambda counts: metrics.true_support(counts)[..., 1],
    ),
    "precision": Count(
        lambda counts: metrics.precision(counts)[..., 1],
        lambda counts: metrics.predicted_support(counts)[..., 1],
    ),
}
tables = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 9), st.just(3), st.just(3)), elements=st.integers(0, 4)
)


def correct_panel(correct, sizes, **options):
    """Return the panel of the accuracy with so many correct images in each group."""
    counts = np.stack([correct, np.asarray(sizes)], axis=1)
    share = Count(
        lambda sums: np.divide(
            sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] > 0
        ),
        lambda sums: sums[..., 1],
        **options,
    )
    return count_panel(counts, {"accuracy": share})


def limits(result):
    return result.low, result.high


def numbers(result):
    return result.value, result.low, result.high


# counts


@given(tables, st.integers(0, 9))
def test_evaluates_weighted_totals(counts, seed):
    weights = np.random.default_rng(seed).integers(0, 4, (7, len(counts))).astype(float)
    found = count_panel(counts, PANEL).evaluate(weights)
    for row, drawn in zip(found, weights, strict=True):
        total = np.einsum("g,gij->ij", drawn, counts)
        for value, one in zip(row, PANEL.values(), strict=True):
            images = (one.images or metrics.support)(total)
            assert (value == one.function(total)) if images > 0 else math.isnan(value)


@given(tables, st.integers(1, 3))
def test_leaving_groups_out_is_the_same_by_subtraction_and_by_weights(counts, seeds):
    counts = np.repeat(counts, seeds, axis=0) * np.arange(1, seeds * len(counts) + 1)[:, None, None]
    panel = count_panel(counts, PANEL, Design(len(counts) // seeds, seeds))
    for one in (panel, join([panel, panel]), difference(panel, panel), rekeyed(panel, str.upper)):
        np.testing.assert_allclose(one.without_each_group(), left_out(one))


# join, rename, restrict


@settings(max_examples=25)
@given(tables, st.data())
def test_adding_a_model_never_changes_anothers_interval(counts, data):
    other = data.draw(hnp.arrays(np.int64, counts.shape, elements=st.integers(0, 4)))
    panel, added = count_panel(counts, PANEL), count_panel(other, PANEL)
    alone = all_intervals(panel, resamples=FEW, seed=2)
    together = all_intervals(
        join([rekeyed(added, lambda name: f"new {name}"), panel]), resamples=FEW, seed=2
    )
    for method in METHODS:
        for name in PANEL:
            assert repr(together[method][name]) == repr(alone[method][name])


def test_panels_of_other_designs_are_not_joined():
    with pytest.raises(ValueError, match="different designs"):
        join([correct_panel([1], [2]), correct_panel([1, 1], [2, 2])])


# differences


def test_panels_that_differ_otherwise_are_not_subtracted():
    one, other = correct_panel([1, 1], [2, 2]), correct_panel([1], [2])
    with pytest.raises(ValueError, match="different units"):
        difference(one, other)
    with pytest.raises(ValueError, match="different things"):
        difference(one, rekeyed(one, str.upper))


def test_paired_difference_of_one_image_a_group_is_scipys():
    rng = np.random.default_rng(2)
    right_a = rng.random(300) < 0.9
    right_b = np.where(rng.random(300) < 0.8, right_a, rng.random(300) < 0.7)
    ones = np.ones(300)
    panel = difference(correct_panel(right_a, ones), correct_panel(right_b, ones))
    ours = intervals(panel, method="percentile")["accuracy"]
    theirs = stats.bootstrap(
        (right_a.astype(float) - right_b,), np.mean, method="percentile", rng=1, n_resamples=10_000
    ).confidence_interval
    # Shares of 300 images move in steps of 1/300.
    assert limits(ours) == pytest.approx((theirs.low, theirs.high), abs=1.01 / 300)
    assert ours.value == pytest.approx(right_a.mean() - right_b.mean())


@pytest.mark.parametrize("method", METHODS)
def test_a_difference_is_the_share_of_net_differences(method):
    rng = np.random.default_rng(5)
    first, second = rng.integers(0, 4, (2, 30))
    sizes = np.full(30, 3)
    apart = difference(correct_panel(first, sizes), correct_panel(second, sizes))
    net = correct_panel(first - second, sizes, bounds=(-1.0, 1.0), scale=Scale.linear)
    found, expected = (
        intervals(panel, method=method, resamples=2000)["accuracy"] for panel in (apart, net)
    )
    assert numbers(found) == pytest.approx(numbers(expected), abs=1e-12)


@settings(max_examples=25)
@given(tables, st.data(), st.sampled_from(METHODS))
def test_swapping_the_sides_negates_the_difference(counts, data, method):
    other = data.draw(hnp.arrays(np.int64, counts.shape, elements=st.integers(0, 4)))
    sides = count_panel(counts, PANEL), count_panel(other, PANEL)
    found = intervals(difference(*sides), method=method, resamples=FEW)
    swapped = intervals(difference(*sides[::-1]), method=method, resamples=FEW)
    for name, one in found.items():
        two = swapped[name]
        if not one.n:
            assert two == one == NOT_DEFINED
            continue
        assert (two.value, two.low, two.high) == pytest.approx((-one.value, -one.high, -one.low))
        assert -1 <= one.low <= one.value <= one.high <= 1
        assert (one.method, one.n, one.groups) == (two.method, two.n, two.groups)


def test_two_perfect_models_get_newcombes_interval():
    perfect = correct_panel([5] * 60, [5] * 60)
    result = intervals(difference(perfect, perfect), resamples=FEW)["accuracy"]
    reach = 1 - wilson(60, 60)[0]
    assert numbers(result) == pytest.approx((0, -reach, reach))
    assert (result.groups, result.method) == (60, NEWCOMBE)


def test_sides_may_have_other_images_of_the_same_groups():
    paper = correct_panel([4, 0, 6, 5, 3], [4, 0, 6, 6, 4])
    grouped = correct_panel([5, 3, 9, 6, 2], [10] * 5)
    result = intervals(difference(paper, grouped), resamples=FEW)["accuracy"]
    assert result.value == pytest.approx(18 / 20 - 25 / 50)
    assert (result.n, result.groups) == (50, 5)


def test_a_side_without_images_has_no_difference():
    panel = difference(correct_panel([4, 3], [5, 5]), correct_panel([0, 0], [0, 0]))
    result = intervals(panel, resamples=FEW)["accuracy"]
    assert result == NOT_DEFINED
