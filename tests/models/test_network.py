"""Networks: every hierarchy agrees with what can be computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from lcbench.compute import Compute
from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.features.extraction import Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone
from lcbench.models.baseline import Context, FitSummary, State, Unfinished
from lcbench.models.heads import FlatHead
from lcbench.models.hierarchies import HierarchyName
from lcbench.models.network import Network, NetworkSettings
from lcbench.taxonomy import ROOT, Taxonomy

from ..trees import RAGGED, tree_of

MakeSamples = Callable[..., Samples]
Clusters = Callable[..., tuple[list[str], np.ndarray]]
Fit = Callable[..., tuple[Network, FitSummary]]

HIERARCHIES = get_args(HierarchyName)


def settings(hierarchy: str, **changes: object) -> NetworkSettings:
    base = {"backbone": "given", "hierarchy": hierarchy, "hidden": 6, "epochs": 4, "batch_size": 8}
    return NetworkSettings.model_validate({**base, **changes})


@pytest.fixture
def fit(
    given_samples: MakeSamples, given_context: Callable[..., Context], clusters: Clusters
) -> Fit:
    """A network fitted on clusters, and what it tells: fit(taxonomy, hierarchy, seed=..., ...)."""

    def make(
        tree: Taxonomy,
        hierarchy: str,
        *,
        seed: int = 0,
        spread: float = 0.3,
        table: tuple[list[str], np.ndarray] | None = None,
        **changes: object,
    ) -> tuple[Network, FitSummary]:
        network = Network(settings(hierarchy, **changes), given_context(tree, seed))
        train = given_samples(*(table or clusters(tree.leaves, 10, spread=spread)))
        validation = given_samples(*clusters(tree.leaves, 4, seed=1, spread=spread))
        return network, network.fit(train, validation)

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


def test_epochs_are_kept_in_their_folder_whatever_a_class_is_called(
    given_context: Callable[..., Context], tmp_path: Path
) -> None:
    tree = tree_of({"../elsewhere": ROOT, "/b": ROOT, "c": ROOT})
    left = Unfinished(tmp_path / "left", "key")
    context = replace(given_context(tree), unfinished=left)
    network = Network(settings("per-node", tuning="full"), context)
    places = [network._checkpoint(part).path for part in network._hierarchy.parts]  # type: ignore[union-attr]
    assert {place.parent for place in places} == {left.folder}
    assert len(set(places)) == len(tree.nodes)


def test_cascade_probabilities_are_products_along_the_path(
    fit: Fit, given_samples: MakeSamples, clusters: Clusters
) -> None:
    labels, points = clusters(RAGGED.leaves, 3, seed=5, spread=2.0)
    network, _ = fit(RAGGED, "cascade")
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


def test_networks_of_nodes_are_normalised_among_siblings(
    fit: Fit, given_samples: MakeSamples, clusters: Clusters
) -> None:
    labels, points = clusters(RAGGED.leaves, 3, seed=5, spread=2.0)
    network, _ = fit(RAGGED, "per-node")
    own = {node: decision(network.state(), node, 2, points)[:, 0] for node in RAGGED.nodes}
    malignant = own["malignant"] / (own["malignant"] + own["benign"])
    adeno = own["adeno"] / (own["adeno"] + own["squamous"])
    expected = {
        "benign": 1 - malignant,
        "squamous": malignant * (1 - adeno),
        "lepidic": malignant * adeno * own["lepidic"] / (own["lepidic"] + own["solid"]),
        "solid": malignant * adeno * own["solid"] / (own["lepidic"] + own["solid"]),
    }
    found = network.predict(given_samples(labels, points))
    for column, leaf in enumerate(RAGGED.leaves):
        np.testing.assert_allclose(found[:, column], expected[leaf], rtol=1e-4, atol=1e-9)


def test_networks_of_levels_that_contradict_each_other_are_repaired_from_the_top(
    fit: Fit, given_samples: MakeSamples, clusters: Clusters
) -> None:
    labels, points = clusters(RAGGED.leaves, 3, seed=5, spread=2.0)
    network, _ = fit(RAGGED, "per-level")
    state = network.state()
    first = decision(state, "level-1", 2, points)  # benign, malignant
    second = decision(state, "level-2", 3, points)  # squamous, benign, adeno
    third = decision(state, "level-3", 4, points)  # squamous, benign, lepidic, solid
    adeno = first[:, 1] * second[:, 2] / (second[:, 0] + second[:, 2])
    expected = {
        "benign": first[:, 0],
        "squamous": first[:, 1] - adeno,
        "lepidic": adeno * third[:, 2] / (third[:, 2] + third[:, 3]),
        "solid": adeno * third[:, 3] / (third[:, 2] + third[:, 3]),
    }
    found = network.predict(given_samples(labels, points))
    for column, leaf in enumerate(RAGGED.leaves):
        np.testing.assert_allclose(found[:, column], expected[leaf], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("hierarchy", HIERARCHIES)
def test_every_hierarchy_learns_separable_leaves_and_what_coarse_labels_name(
    hierarchy: str, fit: Fit, given_samples: MakeSamples, clusters: Clusters
) -> None:
    """Malignant images of a further kind, never labelled more finely, are told from benign ones."""
    labels, points = clusters([*RAGGED.leaves, "malignant"], 12)
    network, _ = fit(
        RAGGED, hierarchy, table=(labels, points), epochs=15, patience=15, learning_rate=0.02
    )
    found = network.predict(given_samples(labels, points))
    named = [RAGGED.leaves[code] for code in found.argmax(axis=1)]
    right = [name == label for name, label in zip(named, labels, strict=True)]
    assert np.mean(right[:-12]) >= 0.95
    assert (found[-12:, RAGGED.leaves.index("benign")] < 0.5).mean() >= 0.9
    far = network.predict(given_samples(labels, points * 1e4))
    np.testing.assert_allclose(far.sum(axis=1), 1, atol=1e-9)


def test_a_network_that_nothing_can_be_learned_from_is_named(fit: Fit, clusters: Clusters) -> None:
    coarse = clusters(["benign", "squamous", "adeno"], 5)
    with pytest.raises(UserError, match="says anything to the network below adeno"):
        fit(RAGGED, "cascade", table=coarse)
    _, summary = fit(RAGGED, "flat", table=coarse)
    assert summary.epochs is not None


def changed_parts(before: State, after: State) -> set[str]:
    return {key.split("/")[0] for key in before if not np.array_equal(before[key], after[key])}


@pytest.mark.parametrize("node", ["malignant", "all"])
def test_a_network_of_a_cascade_sees_the_images_below_its_node_only(
    node: str, fit: Fit, clusters: Clusters
) -> None:
    """Whatever the node is called, and however coarse the labels are."""
    parents = {"benign": ROOT, node: ROOT, "adeno": node, "squamous": node}
    tree = Taxonomy("two levels", parents, {}, (), None)
    labels, points = clusters(tree.leaves, 10)
    moved = np.where(np.array(labels)[:, None] == "benign", points + 1, points)
    more = [*labels, *[node] * 5], np.concatenate([points, points[-5:] + 1])
    before, *others = (
        fit(tree, "cascade", table=table)[0].state()
        for table in ((labels, points), (labels, moved), more)
    )
    assert [changed_parts(before, after) for after in others] == [{"root"}, {"root"}]


@pytest.mark.parametrize("hierarchy", HIERARCHIES)
def test_another_seed_gives_another_network(hierarchy: str, fit: Fit, lung: Taxonomy) -> None:
    one, other = (fit(lung, hierarchy, seed=seed)[0].state() for seed in (3, 4))
    assert changed_parts(one, other) == {key.split("/")[0] for key in one}


@pytest.mark.parametrize(
    ("hierarchy", "expected"),
    [
        ("flat", 8 * 6 + 6 + 6 * 3 + 3),
        ("multi-head", 8 * 6 + 6 + 2 * (6 * 2 + 2)),
        ("cascade", 2 * (8 * 6 + 6 + 6 * 2 + 2)),
        ("per-node", 4 * (8 * 6 + 6 + 6 * 2 + 2)),
        ("per-level", (8 * 6 + 6 + 6 * 2 + 2) + (8 * 6 + 6 + 6 * 3 + 3)),
    ],
)
def test_learned_parameters_are_counted(
    hierarchy: str, expected: int, fit: Fit, lung: Taxonomy
) -> None:
    network, summary = fit(lung, hierarchy, epochs=1)
    assert summary.parameters == expected
    assert summary.parameters == sum(value.size for value in network.state().values())


def test_the_summary_tells_what_the_learning_curves_show(fit: Fit, lung: Taxonomy) -> None:
    _, summary = fit(lung, "cascade", spread=3.0, epochs=12, patience=2, learning_rate=0.3)
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


def test_whole_networks_show_how_they_get_on_and_heads_are_silent(
    demo_dataset: Dataset, cpu: Compute, lung: Taxonomy, tiny_backbone: Backbone,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    samples = Samples(
        Features(demo_dataset, cpu, {"test_resnet": tiny_backbone}), np.arange(0, 72, 12)
    )
    for tuning in ("frozen", "full"):
        chosen = settings("flat", backbone="test_resnet", tuning=tuning, epochs=2)
        samples.features.prepare(Network.needs(chosen), "test_resnet")
        capsys.readouterr()
        Network(chosen, Context(lung, cpu, 0, tiny_backbone)).fit(samples, samples)
        shown = capsys.readouterr().err
        assert ("Training a network on test_resnet" in shown) == (tuning == "full")
        assert ("epoch 2 of 2, loss" in shown) == (tuning == "full")


@pytest.mark.parametrize(
    "change",
    [
        {"augmentation": "flips"},
        {"tuning": "half"},
        {"hierarchy": "tree"},
        {"epochs": 0},
        {"hierarchy": "cascade", "loss": "focal"},
        {"decision": "bold"},
    ],
)
def test_recipes_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetworkSettings.model_validate({"backbone": "given", **change})


@pytest.mark.parametrize(
    "said",
    [
        {"tuning": "partial"},
        {"tuning": "partial", "last_layers": 2, "last_stages": 1},
        {"tuning": "partial", "last_layers": 0},
        {"tuning": "partial", "last_layers": 2, "augmentation": "flips"},
        {"tuning": "partial", "last_layers": 2, "normalised": "macenko"},
        {"tuning": "frozen", "last_layers": 2},
        {"tuning": "full", "last_stages": 1},
    ],
)
def test_partial_tuning_says_once_how_much_is_trained(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetworkSettings.model_validate(said)


def test_runs_that_were_stored_before_there_was_partial_tuning_stay_the_same() -> None:
    assert not {"last_layers", "last_stages"} & NetworkSettings(tuning="full").recorded.keys()
    partly = NetworkSettings(tuning="partial", last_layers=20)
    assert partly.recorded["last_layers"] == 20


def test_only_whole_networks_need_pixels() -> None:
    assert Network.needs(settings("flat")) == "embeddings"
    assert Network.needs(settings("flat", tuning="partial", last_layers=1)) == "activations"
    assert Network.needs(settings("flat", tuning="full")) == "pixels"
