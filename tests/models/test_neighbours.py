"""Nearest neighbours: the votes that a double loop would count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.features.samples import Samples
from lcbench.models.baseline import Context
from lcbench.models.neighbours import Neighbours, NeighboursSettings
from lcbench.taxonomy import Taxonomy

Table = tuple[list[str], np.ndarray]
Vote = Callable[[int, Table, np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def vote(
    given_samples: Callable[..., Samples], given_context: Callable[..., Context], lung: Taxonomy
) -> Vote:
    """Shares of the votes for points: vote(neighbours, training table, points)."""

    def make(neighbours: int, table: Table, points: np.ndarray) -> np.ndarray:
        chosen = NeighboursSettings(backbone="given", neighbours=neighbours)
        baseline = Neighbours(chosen, given_context(lung))
        baseline.fit(given_samples(*table), given_samples(*table))
        return baseline.predict(given_samples(["benign"] * len(points), points))

    return make


@given(seed=st.integers(0, 10_000), count=st.integers(1, 30), size=st.integers(1, 25))
@settings(max_examples=40, deadline=None)
def test_probabilities_are_the_shares_of_the_nearest_by_cosine(
    seed: int, count: int, size: int, vote: Vote, lung: Taxonomy
) -> None:
    random = np.random.default_rng(seed)
    known = random.normal(size=(size, 8)) * random.uniform(0.1, 50, size=(size, 1))
    asked = random.normal(size=(3, 8))
    labels = random.choice(lung.leaves, size).tolist()
    found = vote(count, (labels, known), asked)
    voters = min(count, size)
    for row, point in enumerate(asked):
        likeness = known @ point / (np.linalg.norm(known, axis=1) * np.linalg.norm(point))
        ranked = np.argsort(-likeness)
        if voters < size:  # half precision may turn round what is nearly as near
            gap = likeness[ranked[voters - 1]] - likeness[ranked[voters]]
            if gap < 2e-3:
                continue
        votes = Counter(labels[index] for index in ranked[:voters])
        np.testing.assert_allclose(found[row], [votes[leaf] / voters for leaf in lung.leaves])


def test_a_copy_in_training_gets_the_vote_of_its_class(vote: Vote, lung: Taxonomy) -> None:
    points = np.random.default_rng(0).normal(size=(30, 8))
    labels = [lung.leaves[row % 3] for row in range(30)]
    found = vote(1, (labels, points), points * 7).argmax(axis=1)
    assert [lung.leaves[code] for code in found] == labels


def test_coarsely_labelled_images_have_no_vote_and_empty_embeddings_do_no_harm(
    vote: Vote, lung: Taxonomy
) -> None:
    points = np.random.default_rng(0).normal(size=(6, 8))
    points[2] = 0
    labels = ["benign", "malignant", "adenocarcinoma"] * 2
    found = vote(20, (labels, points), points * 0)
    shares = {"benign": 0.5, "adenocarcinoma": 0.5, "squamous_cell_carcinoma": 0}
    np.testing.assert_allclose(found, [[shares[leaf] for leaf in lung.leaves]] * 6)
