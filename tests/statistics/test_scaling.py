"""Temperature scaling against scikit-learn's logistic regression, and what must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from lcbench.statistics.scaling import TEMPERATURES, fit_temperature, tempered


def drawn(seed: int, classes: int = 3, size: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), size=size)


@given(st.integers(0, 50), st.floats(0.5, 2.0))
def test_the_most_probable_class_stays_so(seed: int, temperature: float) -> None:
    chances = drawn(seed, size=20)
    found = tempered(chances, temperature)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert (found.argmax(axis=1) == chances.argmax(axis=1)).all()
    np.testing.assert_allclose(tempered(found, 1.0 / temperature), chances, atol=1e-7)


def test_of_two_classes_it_is_one_over_the_slope_of_a_logistic_regression() -> None:
    chances = drawn(1, classes=2)
    true = np.random.default_rng(2).random(len(chances)) > tempered(chances, 2.5)[:, 0]
    logits = np.log(chances[:, 1] / chances[:, 0])[:, None]
    slope = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(logits, true).coef_
    found = fit_temperature(chances, np.stack([~true, true], axis=1))
    assert found == pytest.approx(1.0 / slope.item(), rel=1e-3)


def test_a_label_that_is_an_inner_node_allows_all_leaves_below_it() -> None:
    chances = drawn(4)
    generator = np.random.default_rng(5)
    true = np.array([generator.choice(3, p=row) for row in tempered(chances, 3.0)])
    leaves = np.eye(3, dtype=bool)[true]
    coarse = leaves.copy()
    coarse[true > 0] = [False, True, True]
    assert fit_temperature(chances, leaves) == pytest.approx(3.0, rel=0.25)
    assert fit_temperature(chances, coarse) == pytest.approx(3.0, rel=0.4)


def test_without_an_error_no_temperature_is_best_and_the_end_of_the_range_is_given() -> None:
    chances = drawn(6)
    best = np.eye(3, dtype=bool)[chances.argmax(axis=1)]
    assert fit_temperature(chances, best) == pytest.approx(TEMPERATURES[0], rel=0.01)
