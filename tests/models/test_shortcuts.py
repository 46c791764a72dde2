"""Shortcuts: shares of the classes, and colours without places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

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


@pytest.fixture
def histograms() -> Callable[..., tuple[list[str], np.ndarray]]:
    """Histograms of 16 bins in which each class has a favourite bin."""

    def make(lung: Taxonomy, each: int, seed: int) -> tuple[list[str], np.ndarray]:
        random = np.random.default_rng(seed)
        labels = [leaf for leaf in lung.leaves for _ in range(each)]
        values = random.dirichlet(np.ones(16), size=len(labels))
        for row, label in enumerate(labels):
            values[row, 3 * lung.leaves.index(label)] += 1
        return labels, values / values.sum(axis=1, keepdims=True)

    return make


def test_colour_learns_which_colours_a_class_has(
    given_samples: MakeSamples, given_context: MakeContext,
    histograms: Callable[..., tuple[list[str], np.ndarray]], lung: Taxonomy,
) -> None:  # fmt: skip
    baseline = Colour(ColourSettings(), given_context(lung))
    validation = given_samples(*histograms(lung, 20, 1))
    summary = baseline.fit(given_samples(*histograms(lung, 40, 0)), validation)
    labels, values = histograms(lung, 20, 2)
    found = baseline.predict(given_samples(labels, values)).argmax(axis=1)
    assert (
        np.mean([lung.leaves[code] == label for code, label in zip(found, labels, strict=True)])
        > 0.95
    )
    assert summary.parameters > 0


def test_colour_stops_boosting_when_validation_gets_worse(
    given_samples: MakeSamples, given_context: MakeContext,
    histograms: Callable[..., tuple[list[str], np.ndarray]], lung: Taxonomy,
) -> None:  # fmt: skip
    """Labels that contradict training: every further round is worse than the first."""
    train = given_samples(*histograms(lung, 40, 0))
    labels, values = histograms(lung, 20, 1)
    turned = [lung.leaves[(lung.leaves.index(label) + 1) % 3] for label in labels]
    sizes = {
        name: Colour(ColourSettings(max_rounds=60), given_context(lung))
        .fit(train, given_samples(given, values))
        .parameters
        for name, given in (("right", labels), ("wrong", turned))
    }
    assert sizes["wrong"] * 5 < sizes["right"]
