from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from lcbench.leakage.unrelated import (
    MAX_RATE,
    MIN_PAIRS,
    PAIRS,
    DrawnPairs,
    Unrelated,
    false_discovery_rates,
    lay_pairs,
    least_local,
)

from .tissue import features

RANDOM = np.random.default_rng(0)
USUAL = Unrelated(np.tanh(RANDOM.normal(0.2, 0.1, 200)))
FEW = Unrelated(USUAL.local[: MIN_PAIRS - 1])


def test_the_share_that_reaches_a_value_is_that_of_a_normal_tail() -> None:
    for z in (0.2, 0.4, 0.6, 0.9):
        rate = USUAL.rate(float(np.tanh(z)))
        assert rate is not None
        assert np.log10(rate) == pytest.approx(norm.logsf((z - 0.2) / 0.1) / np.log(10), rel=0.25)
    assert FEW.rate(0.5) is None


@given(st.floats(1e-12, 0.5))
def test_what_a_share_reaches_is_reached_by_that_share(share: float) -> None:
    assert USUAL.rate(USUAL.reached_by(share)) == pytest.approx(share, rel=1e-6)
    assert FEW.reached_by(share) == -1


def test_a_few_related_pairs_among_the_drawn_ones_change_little() -> None:
    mixed = Unrelated(np.concatenate([USUAL.local, [0.95, 0.97, 0.99]]))
    assert mixed.high < 0.6
    usual, found = USUAL.rate(0.6), mixed.rate(0.6)
    assert usual is not None
    assert found is not None
    assert np.log10(found) == pytest.approx(np.log10(usual), abs=0.6)


@given(st.lists(st.floats(0.3, 0.99), min_size=1, max_size=30), st.integers(30, 10_000))
def test_rates_are_the_adjusted_p_values_of_benjamini_and_hochberg(
    local: list[float], chances: int
) -> None:
    found = false_discovery_rates(local, USUAL, chances)
    assert found is not None
    # statsmodels adjusts a whole family: the pairs that were not joined have p = 1.
    p = [USUAL.rate(one) for one in local] + [1.0] * (chances - len(local))
    expected = multipletests(p, method="fdr_bh")[1][: len(local)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_rates_are_unknown_where_too_few_unrelated_pairs_were_found() -> None:
    assert false_discovery_rates([0.9], FEW, 10) is None
    assert false_discovery_rates([], FEW, 10) is not None
    assert least_local(FEW, 100, 5) == FEW.high


@given(st.integers(1, 10**8), st.integers(0, 1000))
def test_what_is_joined_is_rarely_false(chances: int, joins: int) -> None:
    least = least_local(USUAL, chances, joins)
    assert least >= USUAL.high
    rate = USUAL.rate(least)
    assert rate is not None
    assert rate * chances / max(joins, 1) <= max(MAX_RATE, 0.5 * chances) * (1 + 1e-6)
    assert (
        least_local(USUAL, chances, joins + 10) <= least <= least_local(USUAL, chances * 2, joins)
    )


def test_pairs_are_drawn_from_different_groups_each_as_often() -> None:
    groups = np.array([0, 0, 0, 0, 4, 5])
    steps: list[int] = []
    found = lay_pairs([features(number) for number in range(6)], groups, steps.append)
    assert sum(steps) == PAIRS
    assert len({tuple(pair) for pair in found.pairs.tolist()}) == len(found.pairs) == 9
    assert all(groups[first] != groups[second] for first, second in found.pairs)
    assert found.local.max() < 0.5
    again = lay_pairs([features(number) for number in range(6)], groups)
    np.testing.assert_array_equal(again.local, found.local)
    assert len(found.apart(np.zeros(6, dtype=np.intp)).local) == 0
    assert len(found.apart(np.arange(6)).local) == 9


def test_one_group_alone_has_no_unrelated_pairs() -> None:
    found = lay_pairs([features(0), features(1)], np.zeros(2, dtype=np.intp))
    assert len(found.pairs) == 0
    assert found.apart(np.zeros(2, dtype=np.intp)).high == 0
    assert isinstance(found, DrawnPairs)
