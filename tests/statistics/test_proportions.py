import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from lcbench.statistics.proportions import newcombe_difference, score_limits, wilson


@pytest.mark.parametrize(
    ("successes", "n", "limits"),
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3.
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_gives_the_published_limits(successes, n, limits):
    assert wilson(successes, n) == pytest.approx(limits, abs=5e-5)


@given(st.integers(1, 2000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_statsmodels(n, share, confidence):
    expected = proportion_confint(share * n, n, alpha=1 - confidence, method="wilson")
    assert wilson(share * n, n, confidence) == pytest.approx(expected, abs=1e-9)


@given(st.floats(0, 1), st.floats(0.1, 1e6), st.floats(0.1, 40))
def test_score_limits_solve_wilsons_equation(share, n, quantile):
    low, high = score_limits(share, n, quantile)
    assert 0 <= low <= share <= high <= 1
    for limit in (low, high):
        square = quantile**2 * limit * (1 - limit) / n
        assert (share - limit) ** 2 == pytest.approx(square, rel=1e-6, abs=1e-9)


def test_score_limits_take_any_quantile_and_any_n():
    normal = stats.norm.ppf(0.975)
    assert score_limits(0.9, 50, normal) == wilson(45, 50)
    wide, narrow = score_limits(0.9, 12.5, normal), score_limits(0.9, 50, normal)
    assert wide == pytest.approx(score_limits(0.9, 50, 2 * normal))
    assert wide[0] < narrow[0] < 0.9 < narrow[1] < wide[1]


@pytest.mark.parametrize("n", [0, -1, 1e-320])
def test_no_trials_leave_everything_open(n):
    assert score_limits(0.4, n, 1.96) == (0, 1)


@given(st.integers(1, 2000), st.floats(0, 1))
def test_wilson_contains_the_share(n, share):
    low, high = wilson(share * n, n)
    assert 0 <= low <= share * n / n <= high <= 1
    assert high - low > 0


def test_wilson_never_ends_in_false_certainty():
    low, high = wilson(491, 491)
    assert high == 1
    assert low == pytest.approx(491 / (491 + 1.959964**2))
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_proportion(successes, n):
    with pytest.raises(ValueError, match="successes in 2 trials"):
        wilson(successes, n)


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "limits"),
    # Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10.
    [
        (56, 70, 48, 80, (0.0524, 0.3339)),
        (9, 10, 3, 10, (0.1705, 0.8090)),
        (10, 10, 0, 20, (0.6791, 1.0)),
        (10, 10, 0, 10, (0.6075, 1.0)),
    ],
)
def test_newcombe_gives_the_published_limits(a, m, b, n, limits):
    result = newcombe_difference(a / m, wilson(a, m), b / n, wilson(b, n))
    assert result == pytest.approx(limits, abs=5e-5)


@given(st.integers(1, 500), st.floats(0, 1), st.floats(0, 1))
def test_newcombe_is_antisymmetric_and_contains_the_difference(n, first, second):
    one, other = (first, wilson(first * n, n)), (second, wilson(second * n, n))
    low, high = newcombe_difference(*one, *other)
    assert -1 <= low <= first - second + 1e-12
    assert first - second - 1e-12 <= high <= 1
    assert newcombe_difference(*other, *one) == pytest.approx((-high, -low))
