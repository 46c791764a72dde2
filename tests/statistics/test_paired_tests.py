import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from lcbench.statistics.paired_groups import PairedGroups, pair_groups
from lcbench.statistics.paired_tests import (
    clustered_score,
    clustered_score_of_training,
    durkalski,
    mcnemar_corrected,
    mcnemar_exact,
    mcnemar_mid_p,
    obuchowski,
    sign_flip,
    yang,
)

PLAIN = [mcnemar_exact, mcnemar_mid_p, mcnemar_corrected]
counts = st.integers(0, 60)


# published numbers


def test_presidential_approval_ratings():
    # Agresti 1990, page 350, the example of R's mcnemar.test: 150 turned away, 86 came round.
    found = mcnemar_corrected(150, 86)
    assert found.statistic == pytest.approx(16.82, abs=5e-3)
    assert found.p == pytest.approx(4.115e-05, abs=5e-9)


def test_airway_hyper_responsiveness():
    # Fagerland, Lydersen and Laake 2013: 21 children, 1 and 7 of them discordant.
    assert mcnemar_exact(1, 7).p == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_mid_p(1, 7).p == pytest.approx(0.0391, abs=5e-5)
    assert mcnemar_corrected(1, 7).p == pytest.approx(0.0771, abs=5e-5)


def test_the_oracles_are_reproduced(oracle):
    cases = oracle("plain_mcnemar.json")
    tables = [case for case in cases if "table" in case]
    assert len(tables) == 3
    for case in tables:
        (_, b), (c, _) = case["table"]
        found, printed = mcnemar_corrected(b, c), case["corrected"]
        assert found.statistic == pytest.approx(printed["statistic"], rel=2e-7)
        assert found.p == pytest.approx(printed["p"], rel=2e-7)
    (exact,) = (case for case in cases if "exact" in case)
    assert mcnemar_exact(exact["b"], exact["c"]).p == pytest.approx(exact["exact"]["p"], rel=3e-5)


# definitions


@given(counts, counts)
def test_the_exact_test_is_the_binomial_test(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c).p == pytest.approx(expected)
    assert mcnemar_exact(b, c).statistic == min(b, c)


@given(counts, counts)
def test_the_mid_p_is_the_exact_p_less_the_chance_of_the_table(b, c):
    expected = mcnemar_exact(b, c).p - stats.binom.pmf(min(b, c), b + c, 0.5)
    assert mcnemar_mid_p(b, c).p == pytest.approx(1.0 if b == c else expected)


@given(counts, counts)
def test_the_corrected_test_is_its_formula(b, c):
    found = mcnemar_corrected(b, c)
    statistic = (abs(b - c) - 1) ** 2 / (b + c) if b != c else 0.0
    assert found.statistic == pytest.approx(statistic)
    assert found.p == pytest.approx(stats.chi2.sf(statistic, 1))


# what holds for every test


@given(counts, counts)
def test_swapping_the_models_changes_nothing(b, c):
    for test in PLAIN:
        assert test(b, c) == test(c, b)
        assert 0 < test(b, c).p <= 1


@pytest.mark.parametrize("test", PLAIN)
@pytest.mark.parametrize("equal", [0, 1, 2, 50])
def test_no_net_difference_is_p_1_in_a_plain_test(test, equal):
    assert test(equal, equal).p == pytest.approx(1)
    if not equal:
        assert test(0, 0) == test(np.int64(0), np.int64(0))
        assert test(0, 0).statistic == 0


CLUSTERED = [obuchowski, durkalski, yang, sign_flip, clustered_score]
length = st.shared(st.integers(1, 40), key="n")
events = hnp.arrays(np.bool_, length)
codes = hnp.arrays(np.int64, length, elements=st.integers(0, 6))


def groups_of(differences):
    """Return groups without concordant rows whose differences are as given."""
    d = np.asarray(differences, np.int64)
    zero = np.zeros_like(d)
    return PairedGroups(np.maximum(d, 0), np.maximum(-d, 0), zero, np.maximum(np.abs(d), 1))


def single_images(b, c, others=0):
    """Return pairs with one image a group."""
    only_a = np.repeat([1, 0, 0], [b, c, others])
    only_b = np.repeat([0, 1, 0], [b, c, others])
    return PairedGroups(only_a, only_b, np.zeros_like(only_a), np.ones_like(only_a))


def mirrored(pairs):
    return PairedGroups(pairs.only_b, pairs.only_a, pairs.both, pairs.size)


@pytest.fixture
def thyroids(oracle):
    return oracle("clustered_mcnemar.json")["thyroids"]


@pytest.fixture
def thyroid_pairs(thyroids):
    """Errors of two readers: rows of each group in which both, one or none of them is right."""
    cells = [np.asarray(thyroids[key]) for key in ("a", "b", "c", "d")]
    cluster = np.arange(thyroids["clusters"])
    groups = np.concatenate([np.repeat(cluster, counts) for counts in cells])
    wrong_1 = np.repeat([False, False, True, True], [counts.sum() for counts in cells])
    wrong_2 = np.repeat([False, True, False, True], [counts.sum() for counts in cells])
    return pair_groups(wrong_1, wrong_2, groups)


# published numbers


@pytest.mark.parametrize("test", [obuchowski, durkalski, yang])
def test_the_thyroid_data_give_the_published_statistics(test, thyroids, thyroid_pairs):
    assert thyroid_pairs.rows == thyroids["pairs"]
    found, published = test(thyroid_pairs), thyroids[test.__name__]
    assert found.statistic == pytest.approx(published["statistic"], abs=5.1e-5)
    assert found.p == pytest.approx(published["p"], abs=5.1e-5)
    assert found.p == stats.chi2.sf(found.statistic, 1)


def test_the_thyroid_data_give_the_exact_sign_flip(thyroids, thyroid_pairs):
    expected = thyroids["exact_cluster_sign_flip"]["p"]
    assert sign_flip(thyroid_pairs).p == pytest.approx(expected, abs=1e-12)
    assert sign_flip(thyroid_pairs).statistic == abs(thyroid_pairs.difference.sum())


# one image a group is McNemar's test


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_one_image_a_group_is_mcnemars_test(b, c, others):
    pairs = single_images(b, c, others)
    groups = b + c + others
    statistic = (b - c) ** 2 / (b + c) if b + c else 0.0
    assert durkalski(pairs).statistic == pytest.approx(statistic)
    small = (groups - 1) / max(groups, 1)
    assert obuchowski(pairs).statistic == pytest.approx(small * statistic)
    assert sign_flip(pairs).p == pytest.approx(mcnemar_exact(b, c).p)
    # Yang's variance also looks at the difference that was seen.
    variance = b + c - (b - c) ** 2 / (2 * max(groups, 1))
    assert yang(pairs).statistic == pytest.approx(small * (b - c) ** 2 / variance if b + c else 0)
    if b + c:
        plain = mcnemar([[0, b], [c, 0]], exact=False, correction=False)
        assert durkalski(pairs).p == pytest.approx(plain.pvalue)


# what holds for every test


@given(events, events, codes)
def test_duplicating_every_image_in_its_group_keeps_p(event_a, event_b, groups):
    one = pair_groups(event_a, event_b, groups)
    doubled = pair_groups(*(np.repeat(array, 2) for array in (event_a, event_b, groups)))
    for test in CLUSTERED:
        assert test(doubled).p == pytest.approx(test(one).p, rel=1e-6)


@pytest.mark.parametrize("test", CLUSTERED)
@pytest.mark.parametrize("differences", [[], [0], [0, 0], [3, -3]])
def test_no_net_difference_is_p_1(test, differences):
    pairs = groups_of(differences)
    found = test(pairs)
    assert (found.statistic, found.p) == (0, 1)
    assert clustered_score_of_training(pairs) is None  # one seed


@pytest.mark.parametrize("test", CLUSTERED)
@pytest.mark.parametrize("differences", [[5], [5, 5], [5, -4], [1] * 5000])
def test_p_is_never_0_and_never_nan(test, differences):
    found = test(groups_of(differences))
    assert 0 < found.p <= 1
    assert math.isfinite(found.statistic)


# sign flips


def enumerated(differences):
    """Return the p-value by trying every pattern of signs."""
    sizes = np.abs(differences)
    signs = 1 - 2 * ((np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes))) & 1)
    return np.mean(np.abs(signs @ sizes) >= abs(sum(differences)))


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=11))
def test_sign_flip_equals_enumeration(differences):
    assert sign_flip(groups_of(differences)).p == pytest.approx(enumerated(differences))


def test_extreme_agreement_of_many_groups_is_not_p_0():
    p = sign_flip(groups_of([1] * 700)).p
    assert math.log2(p) == pytest.approx(1 - 700)
    assert sign_flip(groups_of([1] * 3000)).p == sys.float_info.min


# level


def test_clustered_tests_keep_their_level_where_mcnemars_does_not():
    rng = np.random.default_rng(0)
    counted = dict.fromkeys((*(test.__name__ for test in CLUSTERED), "plain"), 0)
    for _ in range(400):
        # Fifty groups of twenty copies: each goes wrong under A, under B, or under neither.
        kind = rng.choice(3, 50, p=[0.2, 0.2, 0.6])
        pairs = groups_of(20 * np.array([1, -1, 0])[kind])
        for test in CLUSTERED:
            counted[test.__name__] += test(pairs).p < 0.05
        counted["plain"] += mcnemar_corrected(pairs.only_a.sum(), pairs.only_b.sum()).p < 0.05
    # Three standard errors of a rejection rate of 0.05 in 400 data sets are 0.033.
    for test in CLUSTERED:
        assert counted[test.__name__] / 400 < 0.05 + 0.033
    assert counted["plain"] / 400 > 0.5
