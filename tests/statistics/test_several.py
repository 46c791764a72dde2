import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from statsmodels.stats.multitest import multipletests

from lcbench.statistics import several
from lcbench.statistics.choices import ADJUSTMENT_AUTHORS
from lcbench.statistics.paired_groups import pair_groups
from lcbench.statistics.paired_tests import sign_flip
from lcbench.statistics.several import (
    adjust,
    cochran_q,
    cochran_q_permuted,
    simultaneous_tail,
)

FEW = 99
tables = hnp.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(2, 4)))


def clustered_null(rng, groups=25, size=8, models=3):
    """Return events and groups: each group goes wrong as a whole under each model, or not."""
    whole = rng.random((groups, models)) < 0.3
    return np.repeat(whole, size, axis=0), np.repeat(np.arange(groups), size)


# published numbers


def test_cochrans_media():
    # Cochran 1950: growth of diphtheria bacilli of 69 specimens on four media.
    rows = {"1111": 4, "1101": 2, "0111": 3, "0101": 1, "0000": 59}
    events = np.array([[c == "1" for c in row] for row, n in rows.items() for _ in range(n)])
    found = cochran_q(events)
    assert found.statistic == pytest.approx(8.05, abs=5e-3)
    assert found.p == pytest.approx(stats.chi2.sf(153 / 19, 3))


def test_conovers_sportsmen():
    # Conover 1999, Practical Nonparametric Statistics, section 4.6: Q = 2.8, 2 degrees of freedom.
    outcomes = ["111", "111", "010", "110", "000", "111", "111", "110", "001", "010", "111", "111"]
    found = cochran_q(np.array([[c == "1" for c in row] for row in outcomes]))
    assert found.statistic == pytest.approx(2.8)
    assert found.p == pytest.approx(0.2466, abs=5e-5)


# permutations


@pytest.mark.parametrize("seed", range(4))
def test_two_models_are_close_to_the_sign_flip_test(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 15, 90)
    bias = rng.random(15)[groups, None] * np.array([1.0, 0.7])
    events = rng.random((90, 2)) < bias
    exact = sign_flip(pair_groups(events[:, 0], events[:, 1], groups)).p
    found = cochran_q_permuted(events, groups, permutations=4000, seed=seed).p
    assert found == pytest.approx(exact, abs=4 * math.sqrt(0.25 / 4000))


def test_the_level_holds_on_clustered_images_where_the_plain_test_fails():
    rng = np.random.default_rng(0)
    permuted = plain = 0
    for seed in range(300):
        events, groups = clustered_null(rng)
        permuted += cochran_q_permuted(events, groups, permutations=FEW, seed=seed).p <= 0.05
        plain += cochran_q(events).p <= 0.05
    # Three standard errors of a rejection rate of 0.05 in 300 data sets are 0.038.
    assert permuted / 300 == pytest.approx(0.05, abs=0.038)
    assert plain / 300 > 0.3


@settings(max_examples=25)
@given(tables, st.data(), st.randoms())
def test_what_must_not_matter(events, data, random):
    groups = data.draw(hnp.arrays(np.int64, len(events), elements=st.integers(0, 5)))
    found = cochran_q_permuted(events, groups, permutations=FEW)
    assert 0 < found.p <= 1
    assert math.isfinite(found.statistic)
    order = list(range(len(groups)))
    random.shuffle(order)
    shuffled = cochran_q_permuted(events[order], 9 * groups[order] - 4, permutations=FEW)
    assert shuffled.p == found.p
    assert shuffled.statistic == pytest.approx(found.statistic)
    models = data.draw(st.permutations(range(events.shape[1])))
    assert cochran_q(events[:, models]).p == pytest.approx(cochran_q(events).p)


def test_blocks_give_what_one_block_gives(monkeypatch):
    events, groups = clustered_null(np.random.default_rng(1))
    together = cochran_q_permuted(events, groups, permutations=FEW)
    monkeypatch.setattr(several, "_BLOCK_CELLS", 200)
    assert cochran_q_permuted(events, groups, permutations=FEW) == together
    assert cochran_q_permuted(events, groups, permutations=FEW, seed=1) != together


# edge cases


@pytest.mark.parametrize(
    "events",
    [
        np.zeros((0, 3)),
        np.zeros((5, 3)),
        np.ones((5, 3)),
        np.array([[0, 0, 0], [1, 1, 1]]),
        np.ones((4, 1)),
    ],
)
def test_models_that_never_differ_are_p_1(events):
    events = events.astype(bool)
    groups = np.arange(len(events)) // 2
    for found in (cochran_q(events), cochran_q_permuted(events, groups, permutations=FEW)):
        assert (found.statistic, found.p) == (0, 1)


# all pairs at once


def independent(models, groups=4000, seed=0):
    """Return influences of independent models of equal variance, made exactly so."""
    some = np.random.default_rng(seed).standard_normal((groups, models))
    orthogonal, _ = np.linalg.qr(some)
    return 0.03 * orthogonal


@pytest.mark.parametrize(("models", "confidence"), [(3, 0.95), (5, 0.95), (10, 0.95), (4, 0.9)])
def test_independent_models_have_tukeys_quantile(models, confidence):
    tail = simultaneous_tail(independent(models), confidence=confidence)
    expected = stats.studentized_range.ppf(confidence, models, np.inf) / math.sqrt(2)
    # Of 100,000 draws a quantile at 95 % has a standard error of about 0.006, and three are added.
    assert expected <= stats.norm.isf(tail) <= expected + 0.045


def test_three_models_have_the_tabled_quantile():
    # Upper 5 % point of the studentised range of three at infinite degrees of freedom: 3.314.
    tail = simultaneous_tail(independent(3))
    assert stats.norm.isf(tail) == pytest.approx(3.314 / math.sqrt(2), abs=0.045)


def test_two_models_are_one_comparison():
    assert simultaneous_tail(independent(2)) == pytest.approx(0.025, rel=0.1)


@pytest.mark.parametrize("influences", [np.zeros((9, 1)), np.zeros((9, 4)), np.ones((9, 3))])
def test_nothing_to_compare_needs_no_adjustment(influences):
    assert simultaneous_tail(influences) == pytest.approx(0.025)
    assert simultaneous_tail(influences, confidence=0.9) == pytest.approx(0.05)


def test_equal_models_count_once():
    three = independent(3)
    tail = simultaneous_tail(np.hstack([three, three[:, :1]]))
    assert stats.norm.isf(tail) == pytest.approx(3.314 / math.sqrt(2), abs=0.045)


@given(st.integers(0, 10**6), st.integers(2, 6))
def test_the_tail_lies_between_bonferronis_and_one_comparison(seed, models):
    rng = np.random.default_rng(seed)
    influences = rng.standard_normal((50, models)) + 2 * rng.standard_normal((50, 1))
    tail = simultaneous_tail(influences)
    pairs = models * (models - 1) / 2
    assert 0.8 * 0.025 / pairs <= tail <= 1.2 * 0.025
    # What all models share does not matter, nor does their order or scale.
    assert simultaneous_tail(0.1 * influences[:, ::-1]) == pytest.approx(tail, rel=0.25)
    shifted = influences + rng.standard_normal((50, 1))
    assert simultaneous_tail(shifted) == pytest.approx(tail, rel=0.25)


# families

families = st.lists(st.floats(1e-300, 1), min_size=1, max_size=12)


def test_the_example_of_benjamini_and_hochberg():
    # Benjamini and Hochberg 1995, section 4.1: Holm rejects three hypotheses at 5 %, BH four.
    p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    assert sum(p <= 0.05 for p in adjust(p_values)) == 3
    assert sum(p <= 0.05 for p in adjust(p_values, "bh")) == 4


def test_holm_is_the_definition_in_the_order_given():
    # One large family and not many small ones: statsmodels collects garbage in every call.
    p_values = np.random.default_rng(4).random(60) ** 4
    ranks = stats.rankdata(p_values, method="ordinal")
    expected = [
        min(1, max((60 - ranks[j] + 1) * p_values[j] for j in range(60) if ranks[j] <= ranks[i]))
        for i in range(60)
    ]
    assert adjust(list(p_values)) == pytest.approx(expected)
    assert adjust(list(p_values)) == pytest.approx(multipletests(p_values, method="holm")[1])


@settings(max_examples=8)
@given(families, st.sampled_from(list(ADJUSTMENT_AUTHORS)))
def test_adjusted_values_are_p_values_no_smaller_and_in_the_same_order(p_values, how):
    found = adjust(p_values, how)
    for p, adjusted in zip(p_values, found, strict=True):
        assert 0 < adjusted <= 1
        assert adjusted >= p * (1 - 1e-12)
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(found)[order]) >= -1e-12)


@pytest.mark.parametrize("how", ADJUSTMENT_AUTHORS)
@pytest.mark.parametrize("bad", [math.nan, -0.1, 1.1])
def test_what_is_no_p_value_is_refused(bad, how):
    with pytest.raises(ValueError, match="p-values"):
        adjust([0.1, bad], how)


def test_an_unknown_adjustment_is_refused():
    with pytest.raises(ValueError, match="bonferroni"):
        adjust([0.01, 0.02, 0.04], "bonferroni")
