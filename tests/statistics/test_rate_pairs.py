"""The difference of two rates on the same images, and the test that its interval makes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from lcbench.statistics.limits import smallest_level, wilson
from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.paired_tests import clustered_score
from lcbench.statistics.rate_pairs import RateDifference

TAIL = 0.025
tails = st.floats(1e-6, 0.49)


def pairs_of(only_a, only_b, size, both=0, strata=()):
    shape = np.shape(size)
    tables = (np.broadcast_to(one, shape).astype(np.int64) for one in (only_a, only_b, both, size))
    return PairedGroups(*tables, strata)


@st.composite
def pairs(draw, least=2, most=14):
    """Return paired events of groups of several sizes."""
    rows = draw(
        st.lists(
            st.tuples(*(st.sampled_from([0, 0, 0, 1, 2, 9]) for _ in range(3)), st.integers(0, 9)),
            min_size=least,
            max_size=most,
        )
    )
    only_a, only_b, both, rest = np.array(rows).reshape(-1, 4).T
    size = np.maximum(only_a + only_b + both + rest, 1)
    strata = tuple(i % 2 for i in range(len(rows))) if draw(st.booleans()) else ()
    return PairedGroups(only_a, only_b, both, size, strata if len(rows) > 3 else ())


def mirrored(one):
    return PairedGroups(one.only_b, one.only_a, one.both, one.size, one.strata)


@settings(max_examples=300)
@given(pairs(), st.sampled_from([0.05, 0.01, 0.2]))
def test_the_test_rejects_exactly_where_the_interval_excludes_0(found, level):
    low, high = found.rates.limits(level / 2)
    p = clustered_score(found).p
    if abs(p - level) > 1e-7:
        assert (p < level) == (low > 0 or high < 0)


@settings(max_examples=150)
@given(pairs(), tails)
def test_swapping_the_models_mirrors_the_difference(found, tail):
    one, two = found.rates, mirrored(found).rates
    low, high = one.limits(tail)
    assert two.limits(tail) == pytest.approx((-high, -low), abs=1e-12)
    assert two.value == -one.value
    assert clustered_score(mirrored(found)).p == pytest.approx(clustered_score(found).p, rel=1e-6)
    assert one.few_groups == two.few_groups


@settings(max_examples=150)
@given(pairs(), tails, tails)
def test_limits_of_a_difference(found, tail, other):
    one = found.rates
    low, high = one.limits(tail)
    assert -1 <= low <= one.value <= high <= 1
    wider, narrower = sorted((tail, other))
    outer, inner = one.limits(wider), one.limits(narrower)
    assert outer[0] <= inner[0] + 1e-9
    assert inner[1] <= outer[1] + 1e-9


@pytest.mark.parametrize(("b", "c", "others"), [(40, 60, 900), (30, 10, 460), (80, 40, 1880)])
def test_one_image_a_group_is_about_mcnemars_test(b, c, others):
    only_a, only_b = np.repeat([1, 0, 0], [b, c, others]), np.repeat([0, 1, 0], [b, c, others])
    found = clustered_score(pairs_of(only_a, only_b, np.ones(b + c + others)))
    theirs = mcnemar([[0, b], [c, 0]], exact=False, correction=False).pvalue
    # On the scale of the normal quantile: p-values themselves span orders of magnitude.
    quantiles = [stats.norm.isf(p / 2) for p in (found.p, theirs)]
    assert quantiles[0] == pytest.approx(quantiles[1], rel=0.06)
    assert found.statistic == pytest.approx((c - b) / (b + c + others))


@pytest.mark.parametrize(("b", "c", "n"), [(40, 60, 1000), (30, 10, 500), (5, 25, 800)])
def test_one_image_a_group_is_about_newcombes_interval(b, c, n):
    only_a, only_b = (
        np.repeat([1, 0, 0], [b, c, n - b - c]),
        np.repeat([0, 1, 0], [b, c, n - b - c]),
    )
    found = pairs_of(only_a, only_b, np.ones(n)).rates
    low, high = found.limits(TAIL)
    # Newcombe 1998 on the discordant rates, method 10 with their correlation: a multinomial's.
    (below_b, above_b), (below_c, above_c) = wilson(b, n), wilson(c, n)
    correlation = -math.sqrt(b * c / ((n - b) * (n - c)))

    def reach(one, two):
        return math.sqrt(one**2 + two**2 - 2 * correlation * one * two)

    expected = (
        (c - b) / n - reach(c / n - below_c, above_b - b / n),
        (c - b) / n + reach(above_c - c / n, b / n - below_b),
    )
    assert (low, high) == pytest.approx(expected, rel=0.02, abs=2e-4)


def test_identical_models_differ_by_no_more_than_whole_groups_could():
    found = pairs_of(0, 0, np.full(100, 20), both=3).rates
    reach = wilson(0, 100)[1] * math.sqrt(2)
    assert (found.value, found.few_groups) == (0, True)
    low, high = found.limits(TAIL)
    assert -reach - 1e-12 <= low < 0 < high <= reach + 1e-12
    assert clustered_score(pairs_of(0, 0, np.full(100, 20), both=3)).p == 1


@pytest.mark.xfail(strict=True, reason="one image makes its group's share of the spread known")
@pytest.mark.parametrize("both", [0, 3])
def test_identical_models_are_not_less_sure_than_those_that_differ_by_one_image(both):
    size = np.full(100, 20)
    same = pairs_of(0, 0, size, both).rates.limits(TAIL)
    other = pairs_of(np.arange(100) == 0, 0, size, both).rates.limits(TAIL)
    assert same[1] - same[0] <= other[1] - other[0] + 1e-12


def test_events_in_four_groups_are_enough():
    size = np.full(50, 20)
    four, many = np.arange(50) < 4, np.arange(50) < 20
    assert not pairs_of(four, many, size).rates.few_groups
    assert pairs_of(np.arange(50) < 3, many, size).rates.few_groups
    assert pairs_of(many, 9 * (np.arange(50) < 3), size).rates.few_groups


def test_p_is_the_smallest_level_of_the_limits():
    found = pairs_of(np.arange(40) % 2, np.arange(40) % 5 == 0, np.full(40, 6)).rates
    p = smallest_level(found.limits, found.value)
    assert found.limits(p / 2)[1] == pytest.approx(0, abs=1e-8)
    assert isinstance(found, RateDifference)
