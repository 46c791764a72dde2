import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lcbench.statistics.choices import METHODS
from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import IDENTICAL, NOT_DEFINED
from lcbench.statistics.intervals import all_intervals, intervals
from lcbench.statistics.limits import Scale, wilson
from lcbench.statistics.panel import Count, count_panel
from lcbench.statistics.panels import difference, join, rekeyed, under

from .helpers import PANEL, correct_panel, slopes, tables

FEW = 200


def limits(result):
    return result.low, result.high


def numbers(result):
    return result.value, result.low, result.high


# another design


def test_under_another_design_what_was_fixed_stays_so():
    counts = np.random.default_rng(1).integers(0, 9, (6, 2))
    sizes = tuple(counts.sum(axis=1).tolist())
    own = Design(6, 1, (0, 0, 0, 1, 1, 1), sizes)
    share = Count(lambda sums: sums[..., 0] / sums.sum(axis=-1))
    panel = count_panel(counts, {"share": share}, own)
    moved = under(panel, Design(6))
    assert moved.design == Design(6)
    assert moved.measures == panel.measures
    influence = moved.influence()[:, 0]
    for stratum in (slice(3), slice(3, 6)):
        assert influence[stratum].sum() == pytest.approx(0, abs=1e-9)
    # Over images, not over groups: what the plain derivative lacks.
    plain = panel.influence()[:, 0]
    images = np.array(sizes[:3])
    expected = plain[:3] - images * plain[:3].sum() / images.sum()
    np.testing.assert_allclose(influence[:3], expected, atol=1e-9)


# side by side


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


@given(tables, st.data())
def test_the_influence_of_a_difference_is_the_difference(counts, data):
    other = data.draw(hnp.arrays(np.int64, counts.shape, elements=st.integers(0, 4)))
    one, two = count_panel(counts, PANEL), count_panel(other, PANEL)
    np.testing.assert_allclose(
        difference(one, two).influence(), slopes(difference(one, two)), atol=1e-6
    )


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
        if one.low is None:
            assert (two.low, two.high) == (None, None)
            continue
        assert (two.value, two.low, two.high) == pytest.approx((-one.value, -one.high, -one.low))
        assert -1 <= one.low <= one.value <= one.high <= 1
        assert (one.method, one.n, one.groups) == (two.method, two.n, two.groups)


def test_two_perfect_models_get_wilsons_margin_on_either_side():
    perfect = correct_panel([5] * 60, [5] * 60)
    result = intervals(difference(perfect, perfect), resamples=FEW)["accuracy"]
    reach = 1 - wilson(60, 60)[0]
    assert numbers(result) == pytest.approx((0, -reach, reach))
    assert (result.groups, result.method, result.error) == (60, IDENTICAL, None)


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
