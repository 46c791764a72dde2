import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lcbench.statistics.choices import METHODS
from lcbench.statistics.effects import difference_panel
from lcbench.statistics.interval_model import NO_INTERVAL, NOT_DEFINED, WILSON
from lcbench.statistics.limits import wilson
from lcbench.statistics.paired_groups import PairedGroups, pair_groups

from .helpers import effects

FEW = 200
length = st.shared(st.integers(1, 30), key="n")
events = hnp.arrays(np.bool_, length)
codes = hnp.arrays(np.int64, length, elements=st.integers(0, 6))
every_method = pytest.mark.parametrize("method", METHODS)


def groups_of(only_a, only_b, both, size):
    return PairedGroups(*(np.asarray(one, np.int64) for one in (only_a, only_b, both, size)))


def numbers(result):
    return (result.value, result.low, result.high) if result.n else ()


def turned(result, function):
    """Return numbers under a falling function."""
    if result.low is None:
        return function(result.value), None, None
    return tuple(function(one) for one in (result.value, result.high, result.low))


def inverted(number):
    return math.inf if number == 0 else 1 / number


# values


@every_method
def test_effects_worked_by_hand(method):
    pairs = groups_of([6, 2, 1, 3], [1, 0, 1, 1], [2, 0, 1, 1], [20, 20, 10, 30])
    found = effects(pairs, method=method, resamples=FEW)
    assert found.difference.value == pytest.approx(7 / 80 - 16 / 80)  # B less A
    assert found.odds_ratio.value == pytest.approx(12 / 3)
    assert found.relative_reduction.value == pytest.approx(1 - 7 / 16)
    assert (found.difference.n, found.difference.groups) == (80, 4)
    assert (found.odds_ratio.n, found.odds_ratio.groups) == (15, 4)
    assert (found.relative_reduction.n, found.relative_reduction.groups) == (16, 4)
    for one in (found.difference, found.odds_ratio, found.relative_reduction):
        assert one.low < one.value < one.high


def test_odds_limits_are_those_of_the_share():
    # One image a group: the share of A among 40 discordant images, over 400 groups.
    only_a, only_b = np.repeat([1, 0, 0], [30, 10, 360]), np.repeat([0, 1, 0], [30, 10, 360])
    zero = np.zeros(400)
    odds = effects(groups_of(only_a, only_b, zero, zero + 1), resamples=10_000).odds_ratio
    low, high = wilson(30, 40)
    expected = (low / (1 - low), high / (1 - high))
    assert odds.value == pytest.approx(3)
    # Forty influential groups cost a few degrees of freedom.
    assert (odds.low, odds.high) == pytest.approx(expected, rel=0.06)
    assert odds.low < expected[0] < expected[1] < odds.high


# "more than 50 % fewer errors" can be checked


def test_the_reduction_covers_its_truth():
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(100):
        a = rng.binomial(20, np.where(rng.random(150) < 0.2, 0.3, 0.02))
        pairs = groups_of(rng.binomial(a, 0.6), np.zeros(150), np.zeros(150), np.full(150, 20))
        pairs = groups_of(pairs.only_a, pairs.only_b, a - pairs.only_a, pairs.size)
        found = effects(pairs, resamples=FEW, seed=seed).relative_reduction
        covered += found.low <= 0.6 <= found.high
    assert covered >= 95 - 3 * 2.2  # three standard errors


# what holds for all


@settings(max_examples=40)
@given(events, events, codes, st.sampled_from(METHODS))
def test_swapping_the_models_flips_the_signs(event_a, event_b, groups, method):
    one, two = (
        effects(pair_groups(*pair, groups), method=method, resamples=50)
        for pair in ((event_a, event_b), (event_b, event_a))
    )
    mirrored = turned(one.difference, lambda number: -number)
    assert numbers(two.difference) == pytest.approx(mirrored, abs=1e-9)
    assert (two.difference.low is None) == (two.difference.groups == 1)
    odds = one.odds_ratio
    if odds.n:
        expected = turned(odds, inverted)
        assert two.odds_ratio.value == pytest.approx(expected[0])
        if odds.low is not None:
            assert numbers(two.odds_ratio) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert (odds.n, odds.method) == (two.odds_ratio.n, two.odds_ratio.method)


@settings(max_examples=60)
@given(events, events, codes, st.sampled_from(METHODS), st.randoms())
def test_every_interval_contains_its_value(event_a, event_b, groups, method, random):
    pairs = pair_groups(event_a, event_b, groups)
    found = effects(pairs, method=method, resamples=50)
    for one, least, most in (
        (found.difference, -1, 1),
        (found.odds_ratio, 0, math.inf),
        (found.relative_reduction, -math.inf, 1),
    ):
        if one.groups == 1:
            assert least <= one.value <= most
            assert (one.low, one.high, one.method) == (None, None, NO_INTERVAL)
        elif one.n:
            assert least <= one.low <= one.value <= one.high <= most
        else:
            assert one == NOT_DEFINED
    order = list(range(len(groups)))
    random.shuffle(order)
    shuffled = pair_groups(event_a[order], event_b[order], groups[order])
    assert repr(effects(shuffled, method=method, resamples=50)) == repr(found)


@given(st.integers(0, 10**6))
def test_the_odds_exclude_1_where_the_difference_excludes_0(seed):
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(2, 40))
    only_a, only_b = rng.poisson(rng.uniform(0.05, 2.0, (2, 1)), (2, groups))
    found = effects(groups_of(only_a, only_b, [1] * groups, [20] * groups))
    odds, difference = found.odds_ratio, found.difference
    if odds.low is not None and odds.high is not None:
        assert (odds.low <= 1 <= odds.high) == (difference.low <= 0 <= difference.high)


# edge cases


@every_method
def test_the_event_never_happens_under_b(method):
    pairs = groups_of([2, 1, 0, 3], [0] * 4, [0] * 4, [5] * 4)
    found = effects(pairs, method=method, resamples=FEW)
    reduction, odds = found.relative_reduction, found.odds_ratio
    assert (odds.value, odds.high) == (math.inf, math.inf)
    # A's rate is .3; the odds r for which .3 = sqrt((.3 - low)^2 + (r high)^2), both Wilson's.
    low, high = pairs.rates.only_a.plain_limits(0.025)[0], wilson(0, 4)[1]
    assert odds.low == pytest.approx(math.sqrt(0.3**2 - (0.3 - low) ** 2) / high)
    assert (reduction.value, reduction.high) == (1, 1)
    assert reduction.low < 0  # four groups could hide as many errors of B
    assert (reduction.n, reduction.groups, reduction.method) == (6, 3, WILSON)


@every_method
def test_the_event_never_happens_under_a(method):
    found = effects(groups_of([0] * 3, [2, 1, 0], [0] * 3, [5] * 3), method=method, resamples=FEW)
    reduction = found.relative_reduction
    assert reduction == NOT_DEFINED  # nothing can be fewer than none
    assert (found.odds_ratio.value, found.odds_ratio.low) == (0, 0)
    assert 0 < found.odds_ratio.high < math.inf
    assert found.difference.value == pytest.approx(0.2)


@every_method
def test_the_same_reduction_in_every_group_is_no_certainty(method):
    pairs = groups_of([3] * 3, [0] * 3, [2] * 3, [10] * 3)
    reduction = effects(pairs, method=method, resamples=FEW).relative_reduction
    assert (reduction.value, reduction.method) == (pytest.approx(0.6), WILSON)
    assert reduction.low < 0.5  # three groups show nothing of that kind
    assert reduction.value < reduction.high < 1


@every_method
@pytest.mark.parametrize("groups", [0, 1, 4])
def test_nothing_ever_happens(method, groups):
    zero = np.zeros(groups)
    found = effects(groups_of(zero, zero, zero, zero + 3), method=method, resamples=FEW)
    assert found.odds_ratio == found.relative_reduction == NOT_DEFINED
    difference = found.difference
    if groups == 0:
        assert difference == NOT_DEFINED
    else:
        assert (difference.value, difference.n) == (0, 3 * groups)
        if groups == 1:
            assert (difference.low, difference.method) == (None, NO_INTERVAL)
        else:
            assert difference.low < 0 < difference.high


@every_method
def test_one_group_has_no_limits(method):
    found = effects(groups_of([3], [1], [1], [9]), method=method, resamples=FEW)
    assert numbers(found.relative_reduction) == (0.5, None, None)
    assert numbers(found.odds_ratio) == (pytest.approx(3), None, None)
    assert numbers(found.difference) == (pytest.approx(-2 / 9), None, None)
    for one in (found.difference, found.odds_ratio, found.relative_reduction):
        assert (one.method, one.training) == (NO_INTERVAL, None)


# several seeds


def several_seeds(differ):
    """Return two models under three seeds; B's third seed fails in more groups, or as the rest."""
    rng = np.random.default_rng(0)
    only_a = np.repeat(rng.binomial(3, 0.3, (40, 1)), 3, axis=1)
    only_b = np.repeat(rng.binomial(3, 0.1, (40, 1)), 3, axis=1)
    only_b[:, 2] += 2 * differ
    return groups_of(only_a, only_b, np.ones((40, 3)), np.full((40, 3), 10))


@every_method
def test_limits_of_training_are_transformed_too(method):
    found = effects(several_seeds(differ=True), method=method, resamples=FEW)
    for one in (found.difference, found.odds_ratio, found.relative_reduction):
        assert one.training.low < one.low < one.value < one.high < one.training.high
        assert one.training.seeds == 3


def test_seeds_that_agree_have_the_limits_of_the_networks():
    pairs = several_seeds(differ=False)
    found = effects(pairs)
    for one in (found.difference, found.odds_ratio, found.relative_reduction):
        assert (one.training.low, one.training.high) == pytest.approx((one.low, one.high), rel=1e-6)


# the limits of the difference are those of the two discordant rates


@settings(max_examples=30)
@given(events, events, codes)
def test_the_difference_has_the_limits_of_its_rates(event_a, event_b, groups):
    pairs = pair_groups(event_a, event_b, groups)
    one = effects(pairs).difference
    assert one.value == pytest.approx(pairs.rates.value, abs=1e-12)
    if one.low is not None:
        assert (one.low, one.high) == pytest.approx(pairs.rates.limits(0.025))
    (measure,) = difference_panel(pairs).measures
    assert (measure.difference, measure.rate) == (True, None)
