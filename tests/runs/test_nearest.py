"""The nearest training image: what is found, held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from lcbench.runs.nearest import nearest_in_training


def test_the_nearest_by_cosine_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    train = generator.normal(size=(1_000, 12)).astype(np.float32)
    test = generator.normal(size=(700, 12)).astype(np.float32)
    nearest, similarity = nearest_in_training(test, train)
    index = NearestNeighbors(n_neighbors=2, metric="cosine", algorithm="brute").fit(train)
    distances, expected = index.kneighbors(test)
    assert similarity == pytest.approx(1 - distances[:, 0], abs=6e-5)
    apart = distances[:, 1] - distances[:, 0] > 1e-4  # the two are not the same to four decimals
    assert apart.mean() > 0.9
    assert (nearest == expected[:, 0])[apart].all()


def test_of_equal_ones_the_first_is_taken_and_zeros_are_like_nothing() -> None:
    train = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 0.0], [5.0, 0.00001]])
    nearest, similarity = nearest_in_training(np.array([[3.0, 0.0], [0.0, 0.0]]), train)
    assert nearest.tolist() == [1, 0]
    assert similarity.tolist() == [1.0, 0.0]
