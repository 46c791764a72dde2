import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from lcbench.statistics.design import Design
from lcbench.statistics.limits import wilson
from lcbench.statistics.rates import ENOUGH, GroupedRate, pooled_trials

TAIL = 0.025
tails = st.floats(1e-6, 0.49)


def rate_of(events, sizes, strata=(), **options):
    events, sizes = np.broadcast_arrays(np.asarray(events, float), np.asarray(sizes, float))
    design = Design(len(sizes), 1, strata, tuple(int(one) for one in sizes))
    return GroupedRate(events.copy(), sizes.copy(), design, **options)


@st.composite
def rates(draw, least=2, most=12):
    """Return a rate with groups of several sizes, heaped or scattered events, and two strata."""
    groups = draw(st.integers(least, most))
    sizes = draw(st.lists(st.integers(1, 9), min_size=groups, max_size=groups))
    events = [draw(st.sampled_from([0, 0, 1, one // 2, one])) for one in sizes]
    strata = tuple(i % 2 for i in range(groups)) if draw(st.booleans()) and groups > 3 else ()
    return rate_of(events, sizes, strata, pooled=draw(st.sampled_from([None, 3.5, 400.0])))


# one rate


def test_one_image_a_group_is_wilsons_interval():
    found = rate_of(np.repeat([1, 0], [30, 970]), np.ones(1000))
    # One group fewer than there are images, and Student's t with 999 degrees of freedom.
    assert found.effective == pytest.approx(999)
    assert found.limits(TAIL) == pytest.approx(
        proportion_confint(30, 1000, method="wilson"), abs=5e-5
    )


@pytest.mark.parametrize("groups", [2, 40, 740])
@pytest.mark.parametrize("size", [1, 20])
def test_without_an_event_groups_are_the_trials(groups, size):
    none = rate_of(np.zeros(groups), np.full(groups, size))
    every = rate_of(np.full(groups, size), np.full(groups, size))
    assert none.limits(TAIL) == pytest.approx(wilson(0, groups))
    assert every.limits(TAIL) == pytest.approx(wilson(groups, groups))
    assert (none.spread, none.value, every.value) == (0, 0, 1)


def test_groups_weigh_as_much_as_their_images():
    # Kish: (1 + 1 + 8)^2 / (1 + 1 + 64).
    assert rate_of([0, 0, 0], [1, 1, 8]).trials == pytest.approx(100 / 66)


def test_whole_groups_are_single_trials():
    found = rate_of(20 * (np.arange(200) < 20), np.full(200, 20))
    assert found.spread == 20
    assert found.effective == pytest.approx(199)


def test_events_in_few_groups_are_drawn_towards_whole_groups():
    # One event, two events in two groups, and so on: the own spread would say 3,980 trials or so.
    found = [rate_of(np.arange(200) < k, np.full(200, 20)) for k in range(1, 7)]
    for k, one in enumerate(found, start=1):
        own = one.value * (1 - one.value) / (one.influence**2).sum()
        fade = max(0.0, 1 - k / ENOUGH)
        assert one.spread == pytest.approx(k)
        assert 1 / one.effective == pytest.approx((1 - fade) / own + fade / 200)
    assert found[3].effective > 3900
    sizes = [one.effective for one in found[:4]]
    assert sizes == sorted(sizes)


@given(rates(), tails, tails)
def test_limits_of_a_rate(found, tail, other):
    low, high = found.limits(tail)
    assert 0 <= low <= found.value <= high <= 1
    wider, narrower = sorted((tail, other))
    outer, inner = found.limits(wider), found.limits(narrower)
    assert outer[0] <= inner[0] + 1e-12
    assert inner[1] <= outer[1] + 1e-12


@given(rates(), tails)
def test_the_other_outcome_has_the_mirrored_limits(found, tail):
    other = replace(found, events=found.size - found.events)
    low, high = found.limits(tail)
    if found.value != 0.5:  # either outcome may then be the rarer
        assert other.limits(tail) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(rates(), tails)
def test_a_rate_with_events_is_never_surer_than_one_without(found, tail):
    if math.isinf(found.effective):
        return
    none = replace(found, events=np.zeros(len(found.size)))
    least = none.limits(tail)[1]
    low, high = found.limits(tail)
    assert high >= least - 1e-12
    assert 1 - low >= least - 1e-12


def test_a_constant_answer_has_no_width_where_the_classes_are_fixed():
    sizes = np.tile([3, 5, 7], 4)
    for answer in range(3):
        right = np.where(np.arange(12) % 3 == answer, sizes, 0)
        fixed = rate_of(right, sizes, tuple(np.arange(12) % 3))
        assert fixed.limits(TAIL) == (fixed.value, fixed.value)
        low, high = rate_of(right, sizes).limits(TAIL)
        assert low < fixed.value - 0.1 < fixed.value + 0.1 < high


@pytest.mark.parametrize("events", [1, 5, 9])
def test_the_same_rate_in_every_group_is_no_certainty(events):
    alike = rate_of(np.full(8, events), np.full(8, 10))
    low, high = alike.limits(TAIL)
    perfect = rate_of(np.full(8, 10), np.full(8, 10)).limits(TAIL)
    assert low <= perfect[0]
    assert low < alike.value - 0.05 < alike.value + 0.05 < high


# one more failure

GROUPS, SIZE = 200, 20


def lower_limits(failures, **options):
    """Return value and lower limit for the failures of each row, in 200 groups of 20."""
    sizes = np.full(GROUPS, SIZE)
    found = [rate_of(SIZE - np.asarray(one), sizes, **options) for one in failures]
    return np.array([(one.value, one.limits(TAIL)[0]) for one in found]).T


def failing(*counts):
    return np.pad(counts, (0, GROUPS - len(counts)))


@pytest.mark.parametrize("pooled", [None, 50.0])
def test_more_failures_of_whole_groups_never_raise_the_lower_limit(pooled):
    _, low = lower_limits(SIZE * np.tri(60, GROUPS, k=-1), pooled=pooled)
    assert np.all(np.diff(low) <= 1e-12)


def test_heaped_failures_never_raise_the_lower_limit():
    _, low = lower_limits(np.clip(np.arange(400)[:, None] - SIZE * np.arange(GROUPS), 0, SIZE))
    assert np.all(np.diff(low) <= 1e-12)


@pytest.mark.parametrize("pooled", [None, 1000.0])
def test_scattered_failures_never_raise_the_lower_limit(pooled):
    _, low = lower_limits(np.tri(150, GROUPS, k=-1), pooled=pooled)
    assert np.all(np.diff(low) <= 1e-12)


@given(
    st.lists(st.integers(0, SIZE), min_size=1, max_size=GROUPS).filter(any),
    st.sampled_from([None, 50.0, 1000.0]),
)
def test_no_failure_is_at_least_as_good_as_any(counts, pooled):
    _, low = lower_limits([failing(), failing(*counts)], pooled=pooled)
    assert low[1] <= low[0] + 1e-12


@settings(max_examples=100)
@given(st.lists(st.integers(0, 19), min_size=1, max_size=60), st.sampled_from([None, 1000.0]))
def test_one_more_failure_hardly_ever_raises_the_lower_limit(where, pooled):
    # Where it falls on a group with few, the failures are less heaped than before: the lower
    # limit can then rise, by up to a sixth of its distance from the value in all that were tried.
    nested = np.minimum(np.cumsum(np.eye(GROUPS)[where], axis=0), SIZE)
    value, low = lower_limits(nested, pooled=pooled)
    assert np.all(np.diff(low) <= 0.2 * (value - low)[:-1] + 1e-12)


@pytest.mark.xfail(strict=True, reason="failures that are seen to be less heaped are surer")
@pytest.mark.parametrize(
    ("counts", "group", "pooled"),
    [
        ([9, 5, 5, 3, 2, *[1] * 25], 3, None),
        ([8, *[2] * 5, *[1] * 40], 5, None),
        ([8, 4, 3, 2, 2, 2, 2, 2, *[1] * 14], 2, None),
        ([2, 1, 1, 1, 1], 5, 1000.0),
        ([20], 1, 1000.0),
    ],
)
def test_one_more_failure_never_raises_the_lower_limit(counts, group, pooled):
    before = failing(*counts)
    _, low = lower_limits([before, before + (np.arange(GROUPS) == group)], pooled=pooled)
    assert low[1] <= low[0] + 1e-12


# what others tell


def test_without_others_the_groups_are_the_trials():
    for groups in (2.0, 37.5, 740.0):
        assert pooled_trials(groups, []) == pytest.approx(groups)


def test_pooled_trials_by_hand():
    # Two groups of 100 that failed as a whole, and a model with 8 % failures worth 400 images.
    expected = (0.02 + 0.08) / (0.02 / 100 + 0.08 / 400)
    assert pooled_trials(100, [(0.08, 400)]) == pytest.approx(expected) == pytest.approx(250)


@given(
    st.floats(2, 1000),
    st.lists(st.tuples(st.floats(1e-4, 0.5), st.floats(1, 1e5)), min_size=1, max_size=6),
)
def test_pooled_trials_lie_between_the_groups_and_what_others_show(groups, others):
    shown = [groups, *(effective for _, effective in others)]
    found = pooled_trials(groups, others)
    assert min(shown) * (1 - 1e-9) <= found <= max(shown) * (1 + 1e-9)
    # A model that fails more often tells more.
    louder = pooled_trials(groups, [*others, (0.5, 1e6)])
    assert louder >= found or math.isclose(louder, found)


def test_what_others_tell_takes_the_place_of_the_groups():
    size = np.full(60, 20)
    perfect = rate_of(np.zeros(60), size, pooled=500.0)
    assert perfect.limits(TAIL) == pytest.approx(wilson(0, 500))
    one = rate_of(np.arange(60) == 0, size, pooled=500.0)
    none = rate_of(np.arange(60) == 0, size)
    assert none.effective < one.effective
    many = np.arange(60) % 3
    assert rate_of(many, size, pooled=500.0).effective == rate_of(many, size).effective


def test_the_worth_of_a_rate():
    found = rate_of(20 * (np.arange(200) < 20), np.full(200, 20))
    assert found.worth == pytest.approx((0.1, 199))
    most = rate_of(20 * (np.arange(200) >= 20), np.full(200, 20))
    assert most.worth == pytest.approx((0.1, 199))
    assert rate_of(np.zeros(5), np.ones(5)).worth is None
    assert rate_of(np.full(5, 2), np.full(5, 4)).worth is None
