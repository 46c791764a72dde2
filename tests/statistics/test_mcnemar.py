import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lcbench.statistics.mcnemar import mcnemar_corrected, mcnemar_exact, mcnemar_mid_p

TESTS = [mcnemar_exact, mcnemar_mid_p, mcnemar_corrected]
counts = st.integers(0, 60)


# published numbers


def test_presidential_approval_ratings():
    # Agresti 1990, page 350, the example of R's mcnemar.test: 150 turned away, 86 came round.
    found = mcnemar_corrected(150, 86)
    assert found.statistic == pytest.approx((150 - 86 - 1) ** 2 / (150 + 86))
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
    for test in TESTS:
        assert test(b, c) == test(c, b)
        assert 0 < test(b, c).p <= 1


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("equal", [0, 1, 2, 50])
def test_no_net_difference_is_p_1(test, equal):
    assert test(equal, equal).p == pytest.approx(1)
    if not equal:
        assert test(0, 0) == test(np.int64(0), np.int64(0))
        assert test(0, 0).statistic == 0


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(("b", "c"), [(1, 0), (0, 30), (5000, 0), (10**6, 10), (3, 4)])
def test_p_is_never_0_and_never_nan(test, b, c):
    assert 0 < test(b, c).p <= 1


def test_mid_p_lies_below_the_exact_p():
    for b, c in ((1, 0), (8, 3), (30, 20)):
        assert mcnemar_mid_p(b, c).p < mcnemar_exact(b, c).p
