"""Shortcuts: shares of the classes, and colours without places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lcbench.features.samples import Samples
from lcbench.models.baseline import Context, Settings
from lcbench.models.shortcuts import Colour, ColourSettings, Majority
from lcbench.taxonomy import Taxonomy

MakeSamples = Callable[..., Samples]
MakeContext = Callable[..., Context]


def test_majority_predicts_the_shares_of_the_training_leaves(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    labels = ["benign"] * 2 + ["adenocarcinoma"] * 5 + ["squamous_cell_carcinoma"] * 3
    labels += ["malignant"] * 40  # no leaf: says nothing about the shares
    train = given_samples(labels, np.zeros((len(labels), 1)))
    baseline = Majority(Settings(), given_context(lung))
    baseline.fit(train, train)
    found = baseline.predict(given_samples(["benign"] * 3, np.zeros((3, 1))))
    shares = {"benign": 0.2, "adenocarcinoma": 0.5, "squamous_cell_carcinoma": 0.3}
    np.testing.assert_allclose(found, [[shares[leaf] for leaf in lung.leaves]] * 3)


def histograms(leaves: tuple[str, ...], each: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Histograms of 16 bins in which each class has a favourite bin."""
    labels = [leaf for leaf in leaves for _ in range(each)]
    values = np.random.default_rng(seed).dirichlet(np.ones(16), size=len(labels))
    for row, label in enumerate(labels):
        values[row, 3 * leaves.index(label)] += 1
    return labels, values / values.sum(axis=1, keepdims=True)


def test_colour_learns_which_colours_a_class_has_until_validation_gets_worse(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    leaves = lung.leaves
    train = given_samples(*histograms(leaves, 40, 0))
    labels, values = histograms(leaves, 20, 1)
    baseline = Colour(ColourSettings(max_rounds=60), given_context(lung))
    size = baseline.fit(train, given_samples(labels, values)).parameters
    labels, values = histograms(leaves, 20, 2)
    found = baseline.predict(given_samples(labels, values)).argmax(axis=1)
    named = [leaves[code] for code in found]
    assert np.mean([name == label for name, label in zip(named, labels, strict=True)]) > 0.95
    # Labels that contradict training: every further round is worse than the first.
    turned = [leaves[(leaves.index(label) + 1) % 3] for label in labels]
    assert baseline.fit(train, given_samples(turned, values)).parameters * 5 < size
