"""Weights: every tensor finds its place, in every file format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from lcbench.models.weights import (
    read_tensors,
)

from .checkpoints import from_file, packaged

PACKAGED = ("tf_efficientnet_lite0", "tf_efficientnet_lite1")


DAISY, PALACE = 985, 698


def lively(network: nn.Module) -> nn.Module:
    """Give batch normalisation statistics that a swapped tensor would show in."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return network.eval()


def without_classifier(network: nn.Module) -> nn.Module:
    if hasattr(network, "fc"):
        network.fc = nn.Identity()
    elif isinstance(network.classifier, nn.Linear):
        network.classifier = nn.Identity()
    else:
        network.classifier[-1] = nn.Identity()
    return network


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "efficientnet_b0", "convnext_tiny"])
def test_torchvision_weights_give_torchvision_features_in_timm(
    name: str, images: torch.Tensor, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    theirs = lively(torchvision.models.get_model(name, weights=None))
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = from_file(name, tmp_path / "weights.pth").load().eval()
    with torch.inference_mode():
        expected = without_classifier(theirs)(images).flatten(1)
        found = ours(images)
    assert expected.std() > 1e-3  # a dead network would agree with any other dead network
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_tensor_finds_one_place_of_its_own(name: str) -> None:
    backbone = packaged(name)
    given_tensors = [
        tensor
        for key, tensor in read_tensors(backbone.source.path or Path()).items()
        if not key.endswith("num_batches_tracked")
    ]
    loaded = {
        key: tensor
        for key, tensor in backbone.load().state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    placed = Counter(tensor.numpy().tobytes() for tensor in loaded.values())
    available = Counter(tensor.numpy().tobytes() for tensor in given_tensors)
    assert not placed - available
    assert sum((available - placed).values()) == 2  # the classifier's weight and bias
    assert all(torch.isfinite(tensor).all() for tensor in loaded.values())


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_networks_recognise_a_palace_on_a_photograph(name: str) -> None:
    from sklearn.datasets import load_sample_image

    backbone = packaged(name)
    classifier, bias = list(read_tensors(backbone.source.path or Path()).values())[-2:]
    photograph = Image.fromarray(load_sample_image("china.jpg"))
    pixels = torch.from_numpy(np.stack([backbone.preprocessing.to_pixels()(photograph)]))
    with torch.inference_mode():
        features = backbone.load().eval()(backbone.normaliser(torch.device("cpu"))(pixels))
    assert (features @ classifier.T + bias).argmax().item() == PALACE


def test_lite0_recognises_a_daisy_like_flower() -> None:
    from sklearn.datasets import load_sample_image

    backbone = packaged("tf_efficientnet_lite0")
    classifier, bias = list(read_tensors(backbone.source.path or Path()).values())[-2:]
    photograph = Image.fromarray(load_sample_image("flower.jpg"))
    pixels = torch.from_numpy(np.stack([backbone.preprocessing.to_pixels()(photograph)]))
    with torch.inference_mode():
        features = backbone.load().eval()(backbone.normaliser(torch.device("cpu"))(pixels))
    assert (features @ classifier.T + bias).argmax().item() == DAISY


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin"])
def test_timm_weights_load_from_each_file_format(
    suffix: str, tiny_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(tiny_state, path)
    else:
        torch.save(tiny_state, path)
    loaded = from_file("test_resnet", path).load().state_dict()
    assert len(loaded) > 20
    assert all(torch.equal(tensor, tiny_state[key]) for key, tensor in loaded.items())


WRAPPINGS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state, "args": {"lr": 0.1}},
    "model_state_dict": lambda state: {"model_state_dict": state},
    "state_dict in it a model": lambda state: {"state_dict": {"model": state}},
    "module.": lambda state: {f"module.{key}": tensor for key, tensor in state.items()},
    "state_dict with module.": lambda state: {
        "state_dict": {f"module.{key}": tensor for key, tensor in state.items()}
    },
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_weights_are_found_in_what_training_scripts_wrap_around_them(
    wrapping: str, tiny_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(WRAPPINGS[wrapping](tiny_state), tmp_path / "checkpoint.pth")
    loaded = from_file("test_resnet", tmp_path / "checkpoint.pth").load().state_dict()
    assert all(torch.equal(tensor, tiny_state[key]) for key, tensor in loaded.items())


def test_batch_counters_may_be_absent(tiny_state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    kept = {k: v for k, v in tiny_state.items() if not k.endswith("num_batches_tracked")}
    assert len(kept) < len(tiny_state)
    save_file(kept, tmp_path / "weights.safetensors")
    loaded = from_file("test_resnet", tmp_path / "weights.safetensors").load().state_dict()
    assert all(torch.equal(loaded[key], kept[key]) for key in kept if key in loaded)
