"""Networks: flat, cascade and multi-head agree with what can be computed by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from lcbench.features.samples import Samples
from lcbench.models.baseline import Context, State
from lcbench.models.heads import FlatHead
from lcbench.models.network import Network, NetworkSettings
from lcbench.taxonomy import ROOT, Taxonomy

MakeSamples = Callable[..., Samples]
MakeContext = Callable[..., Context]
Clusters = Callable[..., tuple[list[str], np.ndarray]]

RAGGED = Taxonomy(
    "ragged",
    {
        "squamous": "malignant",
        "benign": ROOT,
        "malignant": ROOT,
        "adeno": "malignant",
        "lepidic": "adeno",
        "solid": "adeno",
    },
    {},
    None,
    None,
)
HIERARCHIES = ("flat", "cascade", "multi-head")


def settings(hierarchy: str, **changes: object) -> NetworkSettings:
    base = {"backbone": "given", "hierarchy": hierarchy, "hidden": 6, "epochs": 4, "batch_size": 8}
    return NetworkSettings.model_validate({**base, **changes})


@pytest.fixture
def fit(
    given_samples: MakeSamples, given_context: MakeContext, clusters: Clusters
) -> Callable[..., Network]:
    """A network fitted on clusters: fit(taxonomy, hierarchy, seed=..., ...)."""

    def make(
        tree: Taxonomy,
        hierarchy: str,
        *,
        seed: int = 0,
        table: tuple[list[str], np.ndarray] | None = None,
        **changes: object,
    ) -> Network:
        network = Network(settings(hierarchy, **changes), given_context(tree, seed))
        train = given_samples(*(table or clusters(tree.leaves, 10)))
        network.fit(train, given_samples(*clusters(tree.leaves, 4, seed=1)))
        return network

    return make


def decision(state: State, part: str, outputs: int, x: np.ndarray) -> np.ndarray:
    """Probabilities of one network of a cascade, rebuilt from its stored tensors alone."""
    head = FlatHead(x.shape[1], 6, outputs)
    prefix = f"{part}/"
    head.load_state_dict(
        {k.removeprefix(prefix): torch.tensor(v) for k, v in state.items() if k.startswith(prefix)}
    )
    with torch.no_grad():
        return head(torch.tensor(x, dtype=torch.float32)).exp().numpy()


def test_cascade_probabilities_are_products_along_the_path(
    fit: Callable[..., Network], given_samples: MakeSamples, clusters: Clusters
) -> None:
    labels, points = clusters(RAGGED.leaves, 3, seed=5, spread=2.0)
    network = fit(RAGGED, "cascade")
    state = network.state()
    root = decision(state, "root", 2, points)  # benign, malignant
    malignant = decision(state, "malignant", 2, points)  # squamous, adeno
    adeno = decision(state, "adeno", 2, points)  # lepidic, solid
    expected = {
        "benign": root[:, 0],
        "squamous": root[:, 1] * malignant[:, 0],
        "lepidic": root[:, 1] * malignant[:, 1] * adeno[:, 0],
        "solid": root[:, 1] * malignant[:, 1] * adeno[:, 1],
    }
    found = network.predict(given_samples(labels, points))
    assert set(expected) == set(RAGGED.leaves)
    for column, leaf in enumerate(RAGGED.leaves):
        np.testing.assert_allclose(found[:, column], expected[leaf], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("hierarchy", HIERARCHIES)
@pytest.mark.parametrize("tree", [RAGGED, None], ids=["ragged", "lung"])
def test_every_hierarchy_learns_separable_classes(
    tree: Taxonomy | None,
    hierarchy: str,
    fit: Callable[..., Network],
    given_samples: MakeSamples,
    clusters: Clusters,
    lung: Taxonomy,
) -> None:
    tree = tree or lung
    network = fit(tree, hierarchy, epochs=25, learning_rate=0.02)
    labels, points = clusters(tree.leaves, 10, seed=2)
    predicted = network.predict(given_samples(labels, points)).argmax(axis=1)
    right = np.mean(
        [tree.leaves[code] == label for code, label in zip(predicted, labels, strict=True)]
    )
    assert right >= 0.95


def changed_parts(before: State, after: State) -> set[str]:
    return {key.split("/")[0] for key in before if not np.array_equal(before[key], after[key])}


def test_the_subtype_network_of_a_cascade_sees_malignant_images_only(
    fit: Callable[..., Network], clusters: Clusters, lung: Taxonomy
) -> None:
    labels, points = clusters(lung.leaves, 10)
    moved = np.where(np.array(labels)[:, None] == "benign", points + 1, points)
    before = fit(lung, "cascade", table=(labels, points)).state()
    after = fit(lung, "cascade", table=(labels, moved)).state()
    assert changed_parts(before, after) == {"root"}


def test_coarsely_labelled_images_teach_a_cascade_the_coarse_decision_only(
    fit: Callable[..., Network], clusters: Clusters, lung: Taxonomy
) -> None:
    labels, points = clusters(lung.leaves, 10)
    more = ([*labels, *["malignant"] * 5], np.concatenate([points, points[-5:] + 1]))
    before = fit(lung, "cascade", table=(labels, points)).state()
    after = fit(lung, "cascade", table=more).state()
    assert changed_parts(before, after) == {"root"}


@pytest.mark.parametrize("hierarchy", HIERARCHIES)
def test_coarse_labels_alone_separate_what_they_name(
    hierarchy: str, fit: Callable[..., Network], given_samples: MakeSamples,
    clusters: Clusters, lung: Taxonomy,
) -> None:  # fmt: skip
    """Malignant images of a third kind, never labelled more finely, are told from benign ones."""
    labels, points = clusters([*lung.leaves, "malignant"], 12)
    network = fit(lung, hierarchy, table=(labels, points), epochs=25, learning_rate=0.02)
    probabilities = network.predict(given_samples(labels, points))
    benign = probabilities[:, lung.leaves.index("benign")]
    coarse = np.array(labels) == "malignant"
    assert (benign[coarse] < 0.5).mean() >= 0.9


@pytest.mark.parametrize("hierarchy", HIERARCHIES)
def test_the_same_seed_gives_the_same_network_and_another_seed_another(
    hierarchy: str, fit: Callable[..., Network], lung: Taxonomy
) -> None:
    one, same, other = (fit(lung, hierarchy, seed=seed).state() for seed in (3, 3, 4))
    assert changed_parts(one, same) == set()
    assert changed_parts(one, other) == {key.split("/")[0] for key in one}


@pytest.mark.parametrize(
    ("hierarchy", "expected"),
    [
        ("flat", 8 * 6 + 6 + 6 * 3 + 3),
        ("multi-head", 8 * 6 + 6 + 2 * (6 * 2 + 2)),
        ("cascade", 2 * (8 * 6 + 6 + 6 * 2 + 2)),
    ],
)
def test_learned_parameters_are_counted(
    hierarchy: str, expected: int, given_samples: MakeSamples, given_context: MakeContext,
    clusters: Clusters, lung: Taxonomy,
) -> None:  # fmt: skip
    network = Network(settings(hierarchy), given_context(lung))
    table = given_samples(*clusters(lung.leaves, 5))
    summary = network.fit(table, table)
    assert summary.parameters == expected
    assert summary.parameters == sum(value.size for value in network.state().values())


def test_the_summary_tells_what_the_learning_curves_show(
    given_samples: MakeSamples, given_context: MakeContext, clusters: Clusters, lung: Taxonomy
) -> None:
    network = Network(settings("cascade", epochs=12, patience=2, learning_rate=0.3),
                      given_context(lung))  # fmt: skip
    train = given_samples(*clusters(lung.leaves, 10, spread=3.0))
    summary = network.fit(train, given_samples(*clusters(lung.leaves, 10, seed=1, spread=3.0)))
    curves = {
        part: [epoch for epoch in summary.history if epoch.network == part]
        for part in ("root", "malignant")
    }
    assert len(summary.history) == sum(len(curve) for curve in curves.values())
    for curve in curves.values():
        assert [epoch.epoch for epoch in curve] == list(range(1, len(curve) + 1))
    assert summary.epochs == max(len(curve) for curve in curves.values())
    lowest = [min(curve, key=lambda epoch: epoch.validation_loss) for curve in curves.values()]
    assert summary.best_epoch == max(epoch.epoch for epoch in lowest)


def test_a_decision_without_validation_images_does_not_end_the_fit(
    given_samples: MakeSamples, given_context: MakeContext, clusters: Clusters, lung: Taxonomy
) -> None:
    network = Network(settings("cascade"), given_context(lung))
    labels, points = clusters(["benign", "malignant"], 5)
    train = given_samples(*clusters(lung.leaves, 10))
    network.fit(train, given_samples(labels, points))
    probabilities = network.predict(train)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_far_away_images_still_get_a_distribution(
    fit: Callable[..., Network], given_samples: MakeSamples, lung: Taxonomy
) -> None:
    points = np.random.default_rng(0).normal(size=(6, 8)) * 1e4
    for hierarchy in HIERARCHIES:
        found = fit(lung, hierarchy).predict(given_samples(["benign"] * 6, points))
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"augmentation": "flips"},
        {"tuning": "half"},
        {"hierarchy": "tree"},
        {"epochs": 0},
        {"batch_size": -1},
        {"colour": "blue"},
    ],
)
def test_recipes_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetworkSettings.model_validate({"backbone": "given", **change})


def test_only_whole_networks_need_pixels() -> None:
    assert Network.needs(settings("flat")) == "embeddings"
    assert Network.needs(settings("flat", tuning="full")) == "pixels"
