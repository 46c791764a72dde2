"""Checkpoints: every tensor finds its place; what is foreign, broken or code is refused."""

from __future__ import annotations

import pickle
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from lcbench.errors import UserError
from lcbench.features.encoder import Normaliser
from lcbench.models.checkpoints import read_checkpoint, without_counters
from lcbench.models.matching import match_tensors

from .sources import given_weights, packaged

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
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "efficientnet_b0", "convnext_tiny"])
def test_torchvision_weights_give_torchvision_features_in_timm(
    name: str, images: torch.Tensor, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    theirs = lively(torchvision.models.get_model(name, weights=None))
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = given_weights(name, tmp_path / "weights.pth").load().eval()
    with torch.inference_mode():
        expected = without_classifier(theirs)(images).flatten(1)
        found = ours(images)
    assert expected.std() > 1e-3  # a dead network would agree with any other dead network
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_tensor_finds_one_place_of_its_own(name: str) -> None:
    backbone = packaged(name)
    placed, available = (
        Counter(tensor.numpy().tobytes() for tensor in without_counters(tensors).values())
        for tensors in (
            backbone.load().state_dict(),
            read_checkpoint(backbone.source.path or Path()).tensors,
        )
    )
    assert not placed - available
    assert sum((available - placed).values()) == 2  # the classifier's weight and bias


@pytest.mark.parametrize(
    ("name", "photograph", "shown"),
    [
        ("tf_efficientnet_lite1", "china.jpg", PALACE),
        ("tf_efficientnet_lite0", "flower.jpg", DAISY),
    ],
)
def test_packaged_networks_recognise_what_a_photograph_shows(
    name: str, photograph: str, shown: int
) -> None:
    from sklearn.datasets import load_sample_image

    backbone = packaged(name)
    classifier, bias = list(read_checkpoint(backbone.source.path or Path()).tensors.values())[-2:]
    image = Image.fromarray(load_sample_image(photograph))
    pixels = torch.from_numpy(np.stack([backbone.preprocessing.to_pixels()(image)]))
    normalise = Normaliser(backbone.preprocessing, torch.device("cpu"))
    with torch.inference_mode():
        features = backbone.load().eval()(normalise(pixels))
    assert (features @ classifier.T + bias).argmax().item() == shown


State = dict[str, torch.Tensor]
FORMS: dict[str, Callable[[State], Any]] = {
    "plain": lambda state: state,
    "model": lambda state: {"model": state, "args": {"lr": 0.1}},
    "model_state_dict": lambda state: {"model_state_dict": state},
    "state_dict in it a model": lambda state: {"state_dict": {"model": state}},
    "module.": lambda state: {f"module.{key}": tensor for key, tensor in state.items()},
    "without counters": without_counters,
}


def save(state: Any, path: Path) -> None:
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)


@pytest.mark.parametrize(
    ("form", "suffix"),
    [*((form, ".pth") for form in FORMS), ("plain", ".bin"), ("plain", ".safetensors")],
)
def test_weights_load_from_each_format_and_out_of_what_training_scripts_wrap_around_them(
    form: str, suffix: str, tiny_state: State, tmp_path: Path
) -> None:
    path = tmp_path / f"weights{suffix}"
    save(FORMS[form](tiny_state), path)
    loaded = without_counters(given_weights("test_resnet", path).load().state_dict())
    assert len(loaded) > 20
    assert all(torch.equal(tensor, tiny_state[key]) for key, tensor in loaded.items())


@pytest.mark.parametrize(
    ("given_name", "asked_name"),
    [
        ("test_vit", "test_resnet"),
        ("efficientnet_lite1", "tf_efficientnet_lite0"),
    ],
)
def test_weights_of_another_network_are_refused(
    given_name: str, asked_name: str, tmp_path: Path
) -> None:
    torch.save(timm.create_model(given_name).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(UserError, match=f"not weights of {asked_name}") as caught:
        given_weights(asked_name, tmp_path / "weights.pth").load()
    assert "weights.pth" in caught.value.message


@pytest.mark.parametrize(
    ("larger", "smaller"), [("resnet101", "resnet50"), ("convnext_small", "convnext_tiny")]
)
def test_a_larger_network_that_holds_all_tensors_of_the_smaller_one_is_refused(
    larger: str, smaller: str
) -> None:
    with torch.device("meta"):  # names and shapes decide, and cost nothing
        given_tensors = timm.create_model(larger).state_dict()
        wanted = timm.create_model(smaller, num_classes=0)
        own = timm.create_model(smaller).state_dict()
    names = wanted.state_dict()
    assert all(given_tensors[key].shape == tensor.shape for key, tensor in names.items())
    with pytest.raises(UserError, match=f"not weights of {smaller}.*larger network"):
        match_tensors(smaller, given_tensors, wanted, "weights.pth")
    match = match_tensors(smaller, own, wanted, "weights.pth")
    assert match.tensors.keys() == names.keys()
    assert len(match.left_out) == 2


def test_a_tensor_that_is_missing_is_named(tiny_state: State, tmp_path: Path) -> None:
    del tiny_state["layer3.0.conv1.weight"]
    torch.save(tiny_state, tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"layer3\.0\.conv1\.weight"):
        given_weights("test_resnet", tmp_path / "weights.pth").load()


class Evil:
    """Runs a command of the sender's choice when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


def test_an_archive_that_unpacks_to_more_than_its_size_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1_000_000)}, tmp_path / "plain.pth")
    path = tmp_path / "weights.pth"
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for part in plain.infolist():
            bomb.writestr(part.filename, plain.read(part))
    with pytest.raises(UserError, match="unpacks to 4,0"):
        read_checkpoint(path)
    assert read_checkpoint(tmp_path / "plain.pth").tensors["weight"].shape == (1_000_000,)


@pytest.mark.parametrize("how", ["pickle", "torch", "beside tensors"])
def test_code_in_a_checkpoint_is_refused_and_not_run(how: str, tmp_path: Path) -> None:
    marker, path = tmp_path / "executed", tmp_path / "weights.pth"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Evil(marker), protocol=2))
    elif how == "beside tensors":
        torch.save({"weight": torch.ones(2), "extra": Evil(marker)}, path)
    else:
        torch.save(Evil(marker), path)
    with pytest.raises(UserError, match="not readable weights"):
        read_checkpoint(path)
    assert not marker.exists()
    torch.load(path, weights_only=False) if how != "pickle" else pickle.loads(path.read_bytes())  # noqa: S301
    assert marker.exists()  # the bomb was live


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("share", [0.0, 0.99])
def test_a_checkpoint_that_was_cut_off_is_refused(
    suffix: str, share: float, tiny_state: State, tmp_path: Path
) -> None:
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    save(tiny_state, whole)
    data = whole.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(UserError, match="not readable weights") as caught:
        read_checkpoint(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy


@given(data=st.data(), cut=st.integers(0, 4000))
@settings(max_examples=60, deadline=None)
def test_whatever_the_bytes_are_the_answer_is_tensors_or_a_clear_refusal(
    data: st.DataObject, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    suffix = data.draw(st.sampled_from([".pth", ".safetensors"]))
    path = folder / f"weights{suffix}"
    state = {"a": torch.ones(3, 4), "b": torch.zeros(2)}
    save(state, path)
    noise = data.draw(st.binary(max_size=40))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + noise + whole[cut + len(noise) :])
    refusal = ""
    try:
        tensors = read_checkpoint(path).tensors
    except UserError as error:
        refusal = error.message
    if refusal:
        assert str(path) in refusal
    else:
        assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, "text"])
def test_a_file_without_tensors_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="holds no tensors"):
        read_checkpoint(tmp_path / "weights.pth")
