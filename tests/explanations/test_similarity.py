"""How alike maps are: against scipy, and by what must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from lcbench.explanations.similarity import rank_correlation, similarities, smoothed


def maps(seed: int, count: int = 3, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, side, side)).astype(np.float32)


def test_the_ranks_correlate_as_scipy_says() -> None:
    first, second = maps(0), maps(1) + 0.5 * maps(0)
    second = second.round(1)  # ties
    for signed in (False, True):
        sign = (lambda one: one) if signed else np.abs
        expected = [
            spearmanr(sign(one).ravel(), sign(other).ravel()).statistic
            for one, other in zip(first, second, strict=True)
        ]
        assert rank_correlation(first, second, signed=signed) == pytest.approx(expected)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99), st.floats(0.1, 100.0))
def test_likeness_is_symmetric_and_does_not_know_the_scale(seed: int, scale: float) -> None:
    first, second = maps(seed, 1), maps(seed + 1, 1)
    for name, found in similarities(first, second).items():
        assert similarities(second, first)[name] == pytest.approx(found)
        assert similarities(np.float32(scale) * first, second)[name] == pytest.approx(
            found, abs=1e-5
        )
        assert similarities(first, first)[name] == pytest.approx(1.0)


def test_the_sign_counts_only_where_it_is_asked_for() -> None:
    found = similarities(maps(0), -maps(0))
    assert found["signed rank"] == pytest.approx(-1.0)
    for unsigned in ("rank", "structure", "gradients"):
        assert found[unsigned] == pytest.approx(1.0)


def test_a_blank_map_resembles_nothing_and_two_of_them_say_nothing() -> None:
    blank, broken = np.zeros((3, 32, 32)), maps(0)
    broken[1, 0, 0] = np.nan
    for found in similarities(maps(0), blank).values():
        assert found.tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(rank_correlation(blank, blank)).all()
    assert np.isnan(rank_correlation(broken, maps(1))).tolist() == [False, True, False]


def test_what_moves_by_a_pixel_is_alike_at_the_size_of_structures() -> None:
    first = np.abs(maps(0, side=64)) * (np.indices((64, 64)).sum(axis=0) < 50)
    second = np.roll(first, 1, axis=1)
    pixels, structures = (
        rank_correlation(one, other)
        for one, other in ((first, second), (smoothed(first), smoothed(second)))
    )
    assert (structures > pixels + 0.05).all()
    assert (structures > 0.95).all()


def test_maps_of_different_shapes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        rank_correlation(maps(0), maps(0, side=16))
