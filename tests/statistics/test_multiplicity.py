import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from lcbench.statistics.choices import Adjustment
from lcbench.statistics.multiplicity import adjust

families = st.lists(st.floats(1e-300, 1), min_size=1, max_size=12)


def test_holm_worked_by_hand():
    assert adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust([0.6, 0.7]) == [1, 1]


def test_benjamini_hochberg_worked_by_hand():
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert adjust(p_values, Adjustment.bh) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_the_example_of_benjamini_and_hochberg():
    # Benjamini and Hochberg 1995, section 4.1: Holm rejects three hypotheses at 5 %, BH four.
    p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    assert sum(p <= 0.05 for p in adjust(p_values)) == 3
    assert sum(p <= 0.05 for p in adjust(p_values, Adjustment.bh)) == 4


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


def test_benjamini_hochberg_is_scipys():
    p_values = np.random.default_rng(5).random(60) ** 4
    expected = stats.false_discovery_control(p_values, method="bh")
    assert adjust(list(p_values), Adjustment.bh) == pytest.approx(expected)


@settings(max_examples=8)
@given(families, st.sampled_from(Adjustment))
def test_adjusted_values_are_p_values_no_smaller_and_in_the_same_order(p_values, how):
    found = adjust(p_values, how)
    for p, adjusted in zip(p_values, found, strict=True):
        assert 0 < adjusted <= 1
        assert adjusted >= p * (1 - 1e-12)
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(found)[order]) >= -1e-12)


@pytest.mark.parametrize("how", Adjustment)
def test_small_families(how):
    assert adjust([], how) == []
    assert adjust([0.03], how) == [0.03]
    assert adjust([0.0, 1.0], how)[0] > 0


@pytest.mark.parametrize("how", Adjustment)
@pytest.mark.parametrize("bad", [math.nan, -0.1, 1.1])
def test_what_is_no_p_value_is_refused(bad, how):
    with pytest.raises(ValueError, match="p-values"):
        adjust([0.1, bad], how)


def test_a_name_is_as_good_as_the_choice():
    p_values = [0.01, 0.02, 0.04]
    for choice in Adjustment:
        assert adjust(p_values, choice.value) == adjust(p_values, choice)
    assert adjust(p_values, "holm") != adjust(p_values, "bh")
    with pytest.raises(ValueError, match="bonferroni"):
        adjust(p_values, "bonferroni")
