"""Nearest neighbours: the votes that a double loop would count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.features.samples import Samples
from lcbench.models.baseline import Context
from lcbench.models.neighbours import Neighbours, NeighboursSettings
from lcbench.taxonomy import Taxonomy

MakeSamples = Callable[..., Samples]
MakeContext = Callable[..., Context]


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


@given(seed=st.integers(0, 10_000), count=st.integers(1, 30), size=st.integers(1, 25))
@settings(max_examples=40, deadline=None)
def test_probabilities_are_the_shares_of_the_nearest_by_cosine(
    seed: int, count: int, size: int, given_samples: MakeSamples, given_context: MakeContext,
    lung: Taxonomy,
) -> None:  # fmt: skip
    random = np.random.default_rng(seed)
    known = random.normal(size=(size, 8)) * random.uniform(0.1, 50, size=(size, 1))
    asked = random.normal(size=(3, 8))
    labels = random.choice(lung.leaves, size).tolist()
    baseline = Neighbours(
        NeighboursSettings(backbone="given", neighbours=count), given_context(lung)
    )
    table = given_samples(labels, known)
    baseline.fit(table, table)
    found = baseline.predict(given_samples(["benign"] * 3, asked))
    voters = min(count, size)
    for row, point in enumerate(asked):
        likeness = np.array([cosine(point, other) for other in known])
        ranked = np.argsort(-likeness)
        if voters < size:  # half precision may turn round what is nearly as near
            gap = likeness[ranked[voters - 1]] - likeness[ranked[voters]]
            if gap < 2e-3:
                continue
        votes = Counter(labels[index] for index in ranked[:voters])
        expected = [votes[leaf] / voters for leaf in lung.leaves]
        np.testing.assert_allclose(found[row], expected)


def test_a_copy_in_training_gets_the_vote_of_its_class(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    points = np.random.default_rng(0).normal(size=(30, 8))
    labels = [lung.leaves[row % 3] for row in range(30)]
    table = given_samples(labels, points)
    baseline = Neighbours(NeighboursSettings(backbone="given", neighbours=1), given_context(lung))
    baseline.fit(table, table)
    found = baseline.predict(given_samples(labels, points * 7)).argmax(axis=1)
    assert [lung.leaves[code] for code in found] == labels


def test_coarsely_labelled_and_empty_embeddings_do_no_harm(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    points = np.random.default_rng(0).normal(size=(6, 8))
    points[2] = 0
    labels = ["benign", "malignant", "adenocarcinoma", "benign", "malignant", "adenocarcinoma"]
    baseline = Neighbours(NeighboursSettings(backbone="given"), given_context(lung))
    baseline.fit(given_samples(labels, points), given_samples(labels, points))
    found = baseline.predict(given_samples(labels, points * 0))
    np.testing.assert_allclose(found, [[2 / 4 if leaf in ("benign", "adenocarcinoma") else 0
                                        for leaf in lung.leaves]] * 6)  # fmt: skip
    assert len(baseline.state()["codes"]) == 4
