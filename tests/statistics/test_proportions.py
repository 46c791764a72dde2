import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics.proportions import newcombe_difference, wilson


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
