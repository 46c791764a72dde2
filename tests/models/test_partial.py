"""A backbone whose last part trains: on cached activations, and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lcbench.compute import Compute
from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.features.extraction import Embedder, Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone
from lcbench.models.baseline import Context
from lcbench.models.cutting import last_layers
from lcbench.models.network import Network, NetworkSettings
from lcbench.models.partial import LastPart
from lcbench.taxonomy import Taxonomy

NAME = "test_resnet"


@pytest.fixture(scope="module")
def images(demo_dataset: Dataset) -> Dataset:
    """Nine images, three of each class."""
    rows = demo_dataset.manifest.groupby("label").head(3)
    return replace(demo_dataset, manifest=rows.reset_index(drop=True), sha256="nine")


@pytest.fixture
def samples(images: Dataset, cpu: Compute, tiny_backbone: Backbone) -> Samples:
    return Samples(Features(images, cpu, {NAME: tiny_backbone}), np.arange(9))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def partly(**changes: object) -> NetworkSettings:
    base = {"backbone": NAME, "tuning": "partial", "hidden": 8, "epochs": 2, "last_layers": 2}
    return NetworkSettings.model_validate({**base, **changes})


def fitted(chosen: NetworkSettings, samples: Samples, lung: Taxonomy) -> Network:
    features = samples.features
    network = Network(chosen, Context(lung, features.compute, 0, features.backbones[NAME]))
    network.fit(samples, samples)
    return network


def test_activations_are_what_the_front_gives_for_the_pixels(samples: Samples) -> None:
    part, backbone = LastPart(layers=2), samples.features.backbones[NAME]
    found = samples.all_activations(NAME, part)
    assert found.dtype == np.float32
    pixels = samples.all_pixels(NAME)
    again = Embedder(backbone, samples.features.compute, part)(np.asarray(pixels[:4]))
    np.testing.assert_allclose(found[:4], again, rtol=1e-4, atol=1e-5)
    tail = part.tail(backbone).eval()
    with torch.no_grad():
        features = tail(torch.from_numpy(np.array(found)))
    np.testing.assert_allclose(features, samples.embeddings(NAME), rtol=1e-3, atol=1e-5)


def test_in_bf16_activations_are_stored_in_16_bits(
    images: Dataset, tiny_backbone: Backbone, samples: Samples
) -> None:
    halved = Features(images, Compute("cpu", "bf16", 4), {NAME: tiny_backbone})
    part = LastPart(stages=1)
    found = halved.activations(NAME, part).values
    assert found.dtype == np.float16
    exact = samples.all_activations(NAME, part)
    assert found.shape == exact.shape
    np.testing.assert_allclose(found, exact, rtol=0.1, atol=0.05 * np.abs(exact).max())


@pytest.mark.usefixtures("empty_cache")
def test_frozen_layers_run_once_for_each_image(
    samples: Samples, lung: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    embed = Embedder.__call__

    def counting(one: Embedder, pixels: np.ndarray) -> np.ndarray:
        seen.append(len(pixels))
        return embed(one, pixels)

    monkeypatch.setattr(Embedder, "__call__", counting)
    for chosen in (partly(epochs=3), partly(hidden=4), partly(hierarchy="cascade")):
        fitted(chosen, samples, lung).predict(samples)
    assert sum(seen) == len(samples)


@pytest.mark.usefixtures("empty_cache")
def test_activations_of_different_parts_are_kept_apart(samples: Samples) -> None:
    shapes = {
        samples.all_activations(NAME, part).shape[1:]
        for part in (LastPart(stages=1), LastPart(stages=2), LastPart(layers=30 - 1))
    }
    assert len(shapes) == 3


def test_the_rest_is_stored_and_only_what_was_trained_has_changed(
    samples: Samples, lung: Taxonomy
) -> None:
    backbone = samples.features.backbones[NAME]
    before = backbone.load().state_dict()
    trained = last_layers(NAME, backbone.load(), 2)
    state = fitted(partly(learning_rate=1e-2), samples, lung).state()
    prefix = "all/tail.backbone."
    stored = {key.removeprefix(prefix) for key in state if key.startswith(prefix)}
    assert stored < before.keys()
    changed = {
        name.rpartition(".")[0]
        for name in stored
        if not np.array_equal(before[name].numpy(), state[prefix + name])
    }
    assert changed == set(trained)


def test_learned_parameters_are_those_of_the_part_and_the_head(
    samples: Samples, lung: Taxonomy
) -> None:
    backbone = samples.features.backbones[NAME]
    summaries = []
    for chosen in (partly(epochs=1), NetworkSettings(backbone=NAME, hidden=8, epochs=1)):
        context = Context(lung, samples.features.compute, 0, backbone)
        summaries.append(Network(chosen, context).fit(samples, samples))
    modules = dict(backbone.load().named_modules())
    part = last_layers(NAME, backbone.load(), 2)
    of_part = sum(value.numel() for name in part for value in modules[name].parameters())
    assert summaries[0].parameters == summaries[1].parameters + of_part
    assert [one.of_backbone for one in summaries] == [of_part, 0]


def test_a_restored_network_predicts_images_of_another_dataset(
    samples: Samples, images: Dataset, lung: Taxonomy
) -> None:
    network = fitted(partly(), samples, lung)
    again = Network(partly(), network.context)
    again.restore(network.state())
    elsewhere = replace(images, manifest=images.manifest.iloc[::-1].reset_index(drop=True))
    other = Samples(
        replace(samples.features, dataset=replace(elsewhere, sha256="reversed")), np.arange(9)
    )
    np.testing.assert_allclose(again.predict(other)[::-1], network.predict(samples), atol=1e-5)


def test_more_layers_than_there_are_is_an_error_that_says_how_many(samples: Samples) -> None:
    with pytest.raises(UserError, match=r"last_layers = 30: test_resnet has 30 layers"):
        samples.all_activations(NAME, LastPart(layers=30))


def test_activations_that_do_not_fit_into_16_bits_are_refused(
    images: Dataset, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = LastPart(stages=1).front(tiny_backbone)
    scaled = torch.nn.Sequential(front, _Times(1e6))
    monkeypatch.setattr(LastPart, "front", lambda *_: scaled)
    features = Features(
        replace(images, sha256="large"), Compute("cpu", "bf16", 4), {NAME: tiny_backbone}
    )
    with pytest.raises(UserError, match="16 bits") as caught:
        features.activations(NAME, LastPart(stages=1))
    assert "--precision 32" in caught.value.remedy


class _Times(torch.nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return given * self.factor
