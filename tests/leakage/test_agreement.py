from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lcbench.leakage.agreement import local_correlation

from .tissue import tile

SIDE = 160
WHOLE = np.ones((SIDE, SIDE), dtype=np.uint8)


def grey(seed: int) -> NDArray[np.float32]:
    return cv2.cvtColor(tile(seed, SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)


def outline(radius: float) -> NDArray[np.float32]:
    """A bright body on black: what images of one kind share."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    body: NDArray[np.float32] = (np.hypot(rows, columns) < radius).astype(np.float32) * 150
    return body


@given(st.floats(0.2, 3), st.floats(-40, 40), st.integers(0, 3))
def test_an_image_agrees_with_itself_in_any_light(gain: float, offset: float, seed: int) -> None:
    image = grey(seed)
    assert local_correlation(image, image * gain + offset, WHOLE) == pytest.approx(1, abs=1e-3)
    assert local_correlation(image, -image * gain, WHOLE) == pytest.approx(-1, abs=1e-3)


@given(st.integers(0, 7), st.integers(0, 7))
def test_both_ways_round_give_the_same(one: int, other: int) -> None:
    there = local_correlation(grey(one), grey(other), WHOLE)
    assert there == pytest.approx(local_correlation(grey(other), grey(one), WHOLE), abs=1e-6)
    assert -1 <= there <= 1


def test_two_bodies_correlate_as_a_whole_and_agree_in_nothing() -> None:
    first, second = (outline(60) + 0.3 * grey(seed) for seed in (0, 1))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.9
    # Their edge is the same; what they hold is not.
    assert local_correlation(first, second, WHOLE) < 0.5
    assert local_correlation(first, first + 5, WHOLE) > 0.99


def test_what_lies_outside_counts_for_nothing() -> None:
    first, second = grey(0), grey(0).copy()
    inside = np.zeros_like(WHOLE)
    inside[:, : SIDE // 2] = 1
    second[:, SIDE // 2 :] = grey(1)[:, SIDE // 2 :]
    assert local_correlation(first, second, WHOLE) < 0.8
    assert local_correlation(first, second, inside) == pytest.approx(1, abs=1e-6)
    second[:, SIDE // 2 :] = 255
    assert local_correlation(first, second, inside) == pytest.approx(1, abs=1e-6)


def test_a_narrow_strip_is_compared_too() -> None:
    inside = np.zeros_like(WHOLE)
    inside[:, :12] = 1
    assert local_correlation(grey(0), grey(0), inside) == pytest.approx(1, abs=1e-6)
    assert abs(local_correlation(grey(0), grey(3), inside)) < 0.5


def test_detail_in_one_image_only_is_no_agreement_and_none_at_all_no_evidence() -> None:
    flat = np.full((SIDE, SIDE), 90, dtype=np.float32)
    assert local_correlation(grey(0), flat, WHOLE) == pytest.approx(0, abs=1e-3)
    assert local_correlation(flat, flat, WHOLE) == 0
    assert local_correlation(grey(0), grey(0), np.zeros_like(WHOLE)) == 0
