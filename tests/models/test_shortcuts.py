"""Shortcuts: shares of the classes, and colours without places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lcbench.errors import UserError
from lcbench.features.samples import Samples
from lcbench.models.baseline import Context, FitSummary, Settings
from lcbench.models.colour_models import Both, Histograms, boost, linear_fits, loss, restore
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


def fitted(
    given_samples: MakeSamples, context: Context, train: int, seed: int = 0, **settings: object
) -> tuple[Colour, FitSummary]:
    """Colour fitted on so many histograms a class, half as many validate."""
    leaves = context.taxonomy.leaves
    baseline = Colour(ColourSettings(**settings), context)
    validation = given_samples(*histograms(leaves, max(train // 2, 1), seed + 1))
    return baseline, baseline.fit(given_samples(*histograms(leaves, train, seed)), validation)


def accuracy(baseline: Colour, samples: Samples) -> float:
    """The share of images whose likeliest leaf is right."""
    leaves = np.array(baseline.context.taxonomy.leaves)
    return float((leaves[baseline.predict(samples).argmax(axis=1)] == samples.labels).mean())


@pytest.mark.parametrize("train", [3, 10, 40])
def test_colour_learns_from_many_images_and_from_few(
    train: int, given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    baseline, summary = fitted(given_samples, given_context(lung), train)
    assert accuracy(baseline, given_samples(*histograms(lung.leaves, 20, 2))) > 0.9
    assert summary.chosen
    assert summary.parameters > 0


def copies_with_their_colours_exchanged(
    leaves: tuple[str, ...], each: int, seed: int
) -> tuple[list[str], np.ndarray]:
    """Two colours in a class, neither or both of which another has: no line divides them."""
    random = np.random.default_rng(seed)
    labels = [leaf for leaf in leaves[:2] for _ in range(each)]
    first = random.integers(0, 2, len(labels))
    second = (first + [leaves.index(label) for label in labels]) % 2
    values = random.dirichlet(np.ones(4), size=len(labels)) * 0.1
    values[np.arange(len(labels)), first] += 1
    values[np.arange(len(labels)), 2 + second] += 1
    return labels, values / values.sum(axis=1, keepdims=True)


def test_boosting_is_chosen_where_no_line_divides_the_classes(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    train, validation, test = (
        given_samples(*copies_with_their_colours_exchanged(lung.leaves, 200, seed))
        for seed in range(3)
    )
    baseline = Colour(ColourSettings(), given_context(lung))
    summary = baseline.fit(train, validation)
    assert summary.chosen == "gradient boosting"
    assert accuracy(baseline, test) > 0.95
    regression = next(linear_fits(Histograms(train.colour(), codes(train, lung)), 3, [1.0], 200))
    assert loss(regression, Histograms(test.colour(), codes(test, lung))) > 0.6


def codes(samples: Samples, tree: Taxonomy) -> np.ndarray:
    """The code of each image's leaf."""
    return samples.with_leaf_labels(tree)[1]


def test_what_is_chosen_has_the_least_loss_on_validation_images(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    context = given_context(lung)
    baseline, summary = fitted(given_samples, context, 60, max_rounds=60)
    state = baseline.state()
    validation = given_samples(*histograms(lung.leaves, 30, 1))
    table = Histograms(validation.colour(), codes(validation, lung))
    least = loss(restore(state, 3), table)
    train = given_samples(*histograms(lung.leaves, 60, 0))
    for one in linear_fits(Histograms(train.colour(), codes(train, lung)), 3, [1e-3, 1e-2], 200):
        assert least <= loss(one, table)
    assert summary.chosen == restore(state, 3).words


def test_the_mean_of_both_comes_back_and_so_do_trees_of_older_versions(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    train = given_samples(*histograms(lung.leaves, 30, 0))
    table = Histograms(train.colour(), codes(train, lung))
    (linear,) = linear_fits(table, 3, [0.1], 200)
    parameters = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    boosted = boost(table, table, parameters, 5, 5)
    both = Both(linear, boosted)
    values = train.colour()
    for model in (linear, boosted, both):
        baseline = Colour(ColourSettings(), given_context(lung))
        baseline.restore(model.state())
        np.testing.assert_array_equal(baseline.predict(train), model.predict(values))
    assert list(boosted.state()) == ["lightgbm_text"]  # as runs were stored before
    mean = (linear.predict(values) + boosted.predict(values)) / 2
    np.testing.assert_allclose(both.predict(values), mean)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": np.zeros((2, 16))}, "do not fit each other"),
        ({"classes": np.array([0, 1, 3])}, "do not fit each other"),
        ({"intercepts": np.array([0.0, np.nan, 0.0])}, "not finite"),
        ({"penalty": np.zeros(2)}, "array 'penalty'"),
        ({"lightgbm_text": np.zeros(4)[0]}, "array 'lightgbm_text'"),
    ],
)
def test_a_stored_model_that_fits_no_other_is_refused(
    change: dict[str, np.ndarray],
    said: str,
    given_samples: MakeSamples,
    given_context: MakeContext,
    lung: Taxonomy,
) -> None:
    train = given_samples(*histograms(lung.leaves, 5, 0))
    (linear,) = linear_fits(Histograms(train.colour(), codes(train, lung)), 3, [0.1], 50)
    baseline = Colour(ColourSettings(), given_context(lung))
    with pytest.raises(UserError, match=said):
        baseline.restore({**linear.state(), **change})


def test_without_validation_images_of_a_known_class_the_regression_stands_alone(
    given_samples: MakeSamples, given_context: MakeContext, lung: Taxonomy
) -> None:
    benign, *others = lung.leaves
    labels, values = histograms((benign, others[0]), 10, 0)
    train = given_samples(labels, values)
    elsewhere = given_samples([others[1]] * 5, values[:5])
    baseline = Colour(ColourSettings(strengths=(0.01, 0.1, 1.0)), given_context(lung))
    assert baseline.fit(train, elsewhere).chosen == "logistic regression (C = 0.1)"
    assert baseline.predict(elsewhere)[:, lung.leaves.index(others[1])].max() == 0
    one = given_samples([benign] * 4, values[:4])
    baseline.fit(one, one)
    np.testing.assert_array_equal(baseline.predict(elsewhere).sum(axis=0), [5, 0, 0])
    with pytest.raises(UserError, match="no training image"):
        baseline.fit(given_samples(["malignant"], values[:1]), one)


def test_bins_that_are_always_empty_do_not_matter(
    given_samples: MakeSamples, lung: Taxonomy
) -> None:
    labels, values = histograms(lung.leaves, 10, 0)
    wide = np.hstack([values, np.zeros_like(values)])
    found = []
    for one in (values, wide):
        samples = given_samples(labels, one)
        table = Histograms(samples.colour(), codes(samples, lung))
        # Twice the bins are twice the squares: half the inverse penalty makes up for it.
        strength = 0.1 * values.shape[1] / one.shape[1]
        (linear,) = linear_fits(table, 3, [strength], 1000)
        found.append(linear.predict(samples.colour()))
    np.testing.assert_allclose(found[0], found[1], atol=2e-3)
