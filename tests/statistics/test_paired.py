import math
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lcbench.statistics.paired import discordance, holm, mcnemar_exact, sign_flip

length = st.shared(st.integers(1, 40), key="n")
events = hnp.arrays(np.bool_, length)
codes = hnp.arrays(np.int64, length, elements=st.integers(0, 6))


def pair_events(b, c):
    """Return events with `b` images for A only and `c` for B only, each its own group."""
    only_a = np.repeat([True, False], [b, c])
    return only_a, ~only_a, np.arange(b + c)


def group_events(differences):
    """Return events whose groups have b - c as given."""
    differences = np.asarray(differences, int)
    sizes = np.abs(differences)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    event_a = np.repeat(differences > 0, sizes)
    return event_a, ~event_a, groups


# discordance


def test_discordance_counts_both_directions():
    event_a = np.array([True, True, True, False, True, False])
    event_b = np.array([False, False, True, True, False, False])
    result = discordance(event_a, event_b, np.array([0, 0, 0, 1, 1, 5]))
    assert (result.b, result.c, result.n, result.groups) == (3, 1, 6, 3)
    assert result.odds_ratio == 3


@pytest.mark.parametrize(("b", "c"), [(37, 3), (1, 1), (5, 20), (4, 0), (0, 4)])
def test_odds_limits_are_clopper_pearson(b, c):
    result = discordance(*pair_events(b, c))
    limits = stats.binomtest(b, b + c).proportion_ci(0.95, method="exact")
    low, high = (p / (1 - p) if p < 1 else math.inf for p in limits)
    assert (result.odds_low, result.odds_high) == pytest.approx((low, high))
    assert result.odds_low <= result.odds_ratio <= result.odds_high
    assert result.odds_ratio == (b / c if c else math.inf)


def test_no_discordance_says_nothing_about_the_odds():
    always = np.ones(5, dtype=bool)
    result = discordance(always, always, np.arange(5))
    assert (result.b, result.c) == (0, 0)
    assert (result.odds_ratio, result.odds_low, result.odds_high) == (1, 0, math.inf)


@given(events, events, codes)
def test_swapping_the_models_swaps_b_and_c_and_keeps_p(event_a, event_b, groups):
    one, other = discordance(event_a, event_b, groups), discordance(event_b, event_a, groups)
    assert (one.b, one.c) == (other.c, other.b)
    if one.b and one.c:
        inverted = (1 / other.odds_high, 1 / other.odds_low)
        assert (one.odds_low, one.odds_high) == pytest.approx(inverted)
    assert sign_flip(event_a, event_b, groups) == sign_flip(event_b, event_a, groups)
    assert mcnemar_exact(one.b, one.c) == pytest.approx(mcnemar_exact(one.c, one.b))


@pytest.mark.parametrize("test", [discordance, sign_flip])
def test_lengths_must_agree(test):
    two, three = np.zeros(2, dtype=bool), np.zeros(3, dtype=bool)
    with pytest.raises(ValueError, match="differ in length"):
        test(two, three, np.arange(2))
    with pytest.raises(ValueError, match="differ in length"):
        test(two, two, np.arange(3))


# McNemar


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(expected)


def test_mcnemar_reproduces_the_oracle(oracle):
    (case,) = (case for case in oracle("plain_mcnemar.json") if "exact" in case)
    assert mcnemar_exact(case["b"], case["c"]) == pytest.approx(case["exact"]["p"], rel=1e-4)


# sign flips


def enumerated(differences):
    """Return the p-value by trying every pattern of signs."""
    sizes = np.abs(differences)
    signs = 1 - 2 * ((np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes))) & 1)
    return np.mean(np.abs(signs @ sizes) >= abs(sum(differences)))


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=11))
def test_sign_flip_equals_enumeration(differences):
    assert sign_flip(*group_events(differences)) == pytest.approx(enumerated(differences))


def test_sign_flip_reproduces_the_oracle(oracle):
    thyroids = oracle("clustered_mcnemar.json")["thyroids"]
    cells = [np.asarray(thyroids[key]) for key in ("a", "b", "c", "d")]
    cluster = np.arange(thyroids["clusters"])
    groups = np.concatenate([np.repeat(cluster, counts) for counts in cells])
    wrong_1 = np.repeat([False, False, True, True], [counts.sum() for counts in cells])
    wrong_2 = np.repeat([False, True, False, True], [counts.sum() for counts in cells])
    assert len(groups) == thyroids["pairs"]
    p = sign_flip(wrong_1, wrong_2, groups)
    assert p == pytest.approx(thyroids["exact_cluster_sign_flip"]["p"], abs=1e-12)


@given(st.integers(0, 40), st.integers(0, 40))
def test_one_image_a_group_is_mcnemars_exact_test(b, c):
    assert sign_flip(*pair_events(b, c)) == pytest.approx(mcnemar_exact(b, c))


@given(events, events, codes, st.randoms())
def test_order_of_rows_and_names_of_groups_change_nothing(event_a, event_b, groups, random):
    p = sign_flip(event_a, event_b, groups)
    order = list(range(len(groups)))
    random.shuffle(order)
    assert sign_flip(event_a[order], event_b[order], 1000 - 7 * groups[order]) == p
    assert 0 < p <= 1


@given(events, events, codes)
def test_duplicating_every_image_in_its_group_keeps_p(event_a, event_b, groups):
    p = sign_flip(event_a, event_b, groups)
    doubled = sign_flip(*(np.repeat(array, 2) for array in (event_a, event_b, groups)))
    assert doubled == pytest.approx(p)


def test_many_images_in_one_group_are_one_toss():
    assert sign_flip(*group_events([50])) == 1
    assert sign_flip(*group_events([50] * 5)) == pytest.approx(2 / 2**5)
    assert mcnemar_exact(250, 0) < 1e-70  # what clustering forbids to claim


@pytest.mark.parametrize("differences", [[], [0, 0], [3, -3]])
def test_no_net_difference_is_p_1(differences):
    assert sign_flip(*group_events(differences)) == 1


def test_agrees_with_a_normal_limit_in_many_groups_and_is_fast():
    rng = np.random.default_rng(3)
    differences = rng.integers(-300, 301, 740)
    arrays = group_events(differences)
    start = time.process_time()
    p = sign_flip(*arrays)
    assert time.process_time() - start < 1.0  # 20 ms; ample room for a busy machine
    z = abs(differences.sum()) / np.sqrt(np.sum(differences.astype(float) ** 2))
    assert p == pytest.approx(2 * stats.norm.sf(z), abs=2e-3)


def test_extreme_agreement_of_many_groups_is_not_p_0():
    p = sign_flip(*group_events([1] * 700))
    assert math.log2(p) == pytest.approx(1 - 700)
    assert sign_flip(*group_events([1] * 3000)) == sys.float_info.min


# Holm


def test_holm_worked_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_holm_is_the_definition_in_the_order_given():
    # One large family and not many small ones: statsmodels collects garbage in every call.
    p_values = np.random.default_rng(4).random(60) ** 4
    ranks = stats.rankdata(p_values, method="ordinal")
    expected = [
        min(1, max((60 - ranks[j] + 1) * p_values[j] for j in range(60) if ranks[j] <= ranks[i]))
        for i in range(60)
    ]
    assert holm(list(p_values)) == pytest.approx(expected)


@pytest.mark.parametrize("bad", [math.nan, -0.1, 1.1])
def test_holm_refuses_what_is_no_p_value(bad):
    with pytest.raises(ValueError, match="p-values"):
        holm([0.1, bad])
