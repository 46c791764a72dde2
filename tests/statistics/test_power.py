import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lcbench.statistics.design import Design
from lcbench.statistics.limits import wilson
from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.paired_tests import clustered_score, durkalski, obuchowski
from lcbench.statistics.power import (
    detectable_after,
    detectable_before,
    kish_design_effect,
)
from lcbench.statistics.rates import GroupedRate

sizes_of_groups = st.lists(st.integers(1, 30), min_size=1, max_size=50)


def simulated(rng, groups, size, discordance, difference, correlation):
    """Return paired groups; with the chance `correlation` all images of a group are copies.

    Two images of a group then have that very correlation.
    """
    chances = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    kinds = rng.choice(3, (groups, size), p=chances)
    copies = rng.random(groups) < correlation
    kinds[copies] = kinds[copies, :1]
    zero = np.zeros(groups, np.int64)
    only_a, only_b = ((kinds == kind).sum(axis=1) for kind in (0, 1))
    return PairedGroups(only_a, only_b, zero, zero + size)


# before anything is run


def test_design_effect_by_hand():
    assert kish_design_effect([20] * 7, 0.5) == pytest.approx(1 + 19 * 0.5)
    assert kish_design_effect([1] * 7, 0.5) == 1
    assert kish_design_effect([1, 3], 0.5) == pytest.approx(1 + (10 / 4 - 1) * 0.5)
    assert kish_design_effect([20] * 7, 0.0) == 1


@pytest.mark.parametrize(
    ("groups", "size", "discordance", "correlation", "test"),
    [(1200, 1, 0.1, 0.0, durkalski), (400, 5, 0.15, 0.3, obuchowski)],
)
def test_the_detectable_difference_is_shown_with_the_power(
    groups, size, discordance, correlation, test
):
    difference = detectable_before([size] * groups, discordance, correlation)
    rng = np.random.default_rng(0)
    shown = [
        test(simulated(rng, groups, size, discordance, difference, correlation)).p < 0.05
        for _ in range(400)
    ]
    # Three standard errors of a rate of 0.8 in 400 data sets.
    assert np.mean(shown) == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / 400))


def test_the_detectable_difference_solves_connors_equation():
    # 1,000 independent pairs.
    found = detectable_before([1] * 1000, 0.1, 0.0)
    z_alpha, z_power = stats.norm.ppf([0.975, 0.8])
    needed = (z_alpha * math.sqrt(0.1) + z_power * math.sqrt(0.1 - found**2)) ** 2 / found**2
    assert needed == pytest.approx(1000)
    assert detectable_before([20] * 50, 0.1, 1.0) == pytest.approx(
        detectable_before([1] * 50, 0.1, 0.0)
    )


@pytest.mark.parametrize(
    "impossible",
    [([1] * 5, 0.1, 0.0), ([20] * 3, 0.3, 1.0), ([1] * 100, 0.0, 0.0), ([], 0.1, 0.5)],
)
def test_what_can_never_be_shown_is_none(impossible):
    assert detectable_before(*impossible) is None


def none_is_largest(difference):
    return math.inf if difference is None else difference


@given(sizes_of_groups, st.floats(0.01, 0.9), st.floats(0, 1))
def test_more_groups_and_less_correlation_help(sizes, discordance, correlation):
    def detectable(some=sizes, correlation=correlation, **options):
        return none_is_largest(detectable_before(some, discordance, correlation, **options))

    found = detectable()
    assert detectable(sizes * 2) <= found
    assert detectable(correlation=correlation / 2) <= found + 1e-9
    assert detectable(power=0.9) >= found
    assert detectable(alpha=0.01) >= found
    assert 0 < found <= discordance or found == math.inf


# after it was run


def test_the_detected_difference_is_about_the_detectable_one():
    rng = np.random.default_rng(3)
    expected = detectable_before([5] * 400, 0.15, 0.3)
    found = [detectable_after(simulated(rng, 400, 5, 0.15, 0.0, 0.3)) for _ in range(50)]
    assert np.mean(found) == pytest.approx(expected, rel=0.05)


def test_a_difference_of_that_size_is_shown_with_the_power():
    rng = np.random.default_rng(7)
    difference = detectable_after(simulated(rng, 400, 5, 0.15, 0.05, 0.3))
    shown = [
        clustered_score(simulated(rng, 400, 5, 0.15, difference, 0.3)).p < 0.05 for _ in range(300)
    ]
    # Three standard errors of a rate of 0.8 in 300 data sets, and those of the one it comes from.
    assert np.mean(shown) == pytest.approx(0.8, abs=0.1)


def test_half_the_interval_and_as_much_more_as_the_power_asks_for():
    pairs = simulated(np.random.default_rng(1), 60, 8, 0.2, 0.05, 0.3)
    for alpha, power in ((0.05, 0.8), (0.01, 0.9)):
        low, high = pairs.rates.limits(alpha / 2)
        more = stats.norm.ppf(power) / stats.norm.isf(alpha / 2)
        found = detectable_after(pairs, power=power, alpha=alpha)
        assert found == pytest.approx((high - low) / 2 * (1 + more))
    assert detectable_after(pairs, alpha=0.01) > detectable_after(pairs)
    assert detectable_after(pairs, power=0.9) > detectable_after(pairs)


def test_without_discordance_the_groups_are_the_trials():
    zero = np.zeros(50, np.int64)
    found = detectable_after(PairedGroups(zero, zero, zero, zero + 4))
    more = stats.norm.ppf(0.8) / stats.norm.ppf(0.975)
    assert found == pytest.approx(wilson(0, 50)[1] * (1 + more))
    many = np.zeros(5000, np.int64)
    assert detectable_after(PairedGroups(many, many, many, many + 4)) < found / 50


def test_the_same_difference_everywhere_is_no_certainty():
    zero = np.zeros(30, np.int64)
    alike = detectable_after(PairedGroups(zero + 3, zero, zero, zero + 3))
    none = detectable_after(PairedGroups(zero, zero, zero, zero + 3))
    assert 0 < none <= 2 * alike


@pytest.mark.parametrize("groups", [0, 1])
def test_one_group_shows_nothing(groups):
    zero = np.zeros(groups, np.int64)
    for only_a in (zero, zero + 5):
        assert detectable_after(PairedGroups(only_a, zero, zero, zero + 6)) == 1


def test_two_groups_show_next_to_nothing():
    zero = np.zeros(2, np.int64)
    for only_a in (zero, zero + 5, np.arange(2)):
        assert detectable_after(PairedGroups(only_a, zero, zero, zero + 6)) > 0.4


# design effect


def rate_of(events, size, strata=()):
    sizes = np.full(len(events), float(size))
    design = Design(len(events), 1, strata, tuple(int(one) for one in sizes))
    return GroupedRate(np.asarray(events, float), sizes, design)


def test_twenty_copies_are_worth_one_image():
    correct = 20 * (np.random.default_rng(0).random(800) < 0.9)
    assert (rate_of(correct, 20)).design_effect == pytest.approx(20 * 800 / 799)


def test_single_images_are_worth_themselves():
    correct = np.random.default_rng(0).random(800) < 0.9
    assert (rate_of(correct, 1)).design_effect == pytest.approx(800 / 799)


def test_the_design_effect_follows_the_correlation():
    # With the chance 0.25 a group holds copies, so that 1 + 9 * 0.25 is expected.
    rng = np.random.default_rng(2)
    copies = rng.random(4000) < 0.25
    correct = np.where(copies, 10 * (rng.random(4000) < 0.8), rng.binomial(10, 0.8, 4000))
    assert (rate_of(correct, 10)).design_effect == pytest.approx(3.25, rel=0.15)


def test_what_the_classes_fix_counts_for_less():
    # One class is hard: its images are alike, those of both classes are not.
    rng = np.random.default_rng(4)
    correct = rng.binomial(10, np.tile([0.99, 0.5], 200))
    plain, stratified = rate_of(correct, 10), rate_of(correct, 10, tuple(np.tile([0, 1], 200)))
    assert (stratified).design_effect < 1.1 < 2 < (plain).design_effect


@pytest.mark.parametrize(
    "unknown", [rate_of([0] * 5, 4), rate_of([4] * 5, 4), rate_of([2], 4), rate_of([2] * 5, 4)]
)
def test_without_variance_nothing_is_known(unknown):
    assert (unknown).design_effect is None
