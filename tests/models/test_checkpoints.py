"""Checkpoints: every tensor finds its place; what is foreign, broken or code is refused."""

from __future__ import annotations

import argparse
import pickle
import re
import subprocess
import sys
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

from .sources import given_weights, lively, packaged

PACKAGED = ("tf_efficientnet_lite0", "tf_efficientnet_lite1")
DAISY, PALACE = 985, 698


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
    "module.": lambda state: under("module.", state),
    "without counters": without_counters,
    "timm's training": lambda state: {
        "epoch": 3, "arch": "test_resnet", "state_dict": state, "version": 2, "metric": 98.0,
        "args": argparse.Namespace(lr=0.1), "optimizer": {"param_groups": []},
    },
    "timm's averaged": lambda state: {"state_dict": other(state), "state_dict_ema": state},
    "Lightning": lambda state: {
        "pytorch-lightning_version": "2.4", "callbacks": {}, "hyper_parameters": {"lr": 0.1},
        "state_dict": {**under("model.", state), "criterion.weight": torch.ones(3)},
    },
    "Lightning, compiled": lambda state: {"state_dict": under("net._orig_mod.", state)},
    "DINO": lambda state: {
        "student": under("module.backbone.", other(state)),
        "teacher": {**under("backbone.", state), "head.mlp.0.weight": torch.ones(4, 4)},
        "args": argparse.Namespace(arch="x"), "dino_loss": {"center": torch.zeros(1, 4)},
    },
    "student and teacher in one": lambda state: {
        "state_dict": {**under("student.", other(state)), **under("teacher.", state)}
    },
}  # fmt: skip


def under(prefix: str, state: State) -> State:
    return {f"{prefix}{key}": tensor for key, tensor in state.items()}


def other(state: State) -> State:
    """The tensors of another network of the same form."""
    return {key: tensor + 1 for key, tensor in state.items()}


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
    ("form", "keys", "prefix", "left_out"),
    [
        ("plain", "", "", "fc.weight fc.bias"),
        ("timm's training", "state_dict", "", "fc.weight fc.bias"),
        ("Lightning", "state_dict", "model.", "model.fc.weight model.fc.bias criterion.weight"),
        ("DINO", "teacher", "backbone.", "backbone.fc.weight backbone.fc.bias head.mlp.0.weight"),
    ],
)
def test_what_was_stripped_and_left_out_is_listed(
    form: str, keys: str, prefix: str, left_out: str, tiny_state: State, tmp_path: Path
) -> None:
    torch.save(FORMS[form](tiny_state), tmp_path / "weights.pth")
    reading = given_weights("test_resnet", tmp_path / "weights.pth").reading
    assert reading is not None
    assert ".".join(reading.checkpoint.under) == keys
    assert reading.match.prefix == prefix
    assert " ".join(reading.match.left_out) == left_out


def vit(**options: Any) -> nn.Module:
    """A tiny transformer whose every number counts."""
    torch.manual_seed(3)
    network = timm.create_model("test_vit", num_classes=0, **options)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return network


def test_position_embeddings_of_another_size_are_resampled_as_timm_does_and_listed(
    tmp_path: Path,
) -> None:
    torch.save({"model": vit(img_size=224).state_dict()}, tmp_path / "vit.pth")
    backbone = given_weights("test_vit", tmp_path / "vit.pth")
    assert backbone.preprocessing.size == 160
    file = {"file": str(tmp_path / "vit.pth")}
    theirs = timm.create_model(
        "test_vit", num_classes=0, pretrained=True, pretrained_cfg_overlay=file
    )
    images = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.load().eval()(images), theirs.eval()(images))
    assert backbone.reading is not None
    assert backbone.reading.match.resampled == ("pos_embed",)


def test_dinov2_with_layer_scale_loads_into_its_network_and_its_names_are_converted(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    ours = timm.create_model("test_vit2", num_classes=0)  # with LayerScale and a register
    state = dict(ours.state_dict())
    assert any(name.endswith("ls1.gamma") for name in state)
    torch.save({"teacher": {**under("backbone.", state), "dino_head.mlp.0.bias": torch.ones(2)}},
               tmp_path / "dinov2.pth")  # fmt: skip
    loaded = given_weights("test_vit2", tmp_path / "dinov2.pth").load().state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize(
    ("built", "asked", "said", "remedy"),
    [
        (
            "vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2",
            "no tensor 'reg_token'", "They fit --backbone vit_small_patch14_dinov2",
        ),
        (
            "vit_small_patch14_reg4_dinov2", "vit_small_patch14_dinov2",
            "no place for 'reg_token'", "They fit --backbone vit_small_patch14_reg4_dinov2",
        ),
        (
            "vit_small_patch14_dinov2", "vit_small_patch16_224",
            "it has LayerScale, and vit_small_patch16_224 has none",
            "They fit --backbone vit_small_patch14_dinov2",
        ),
    ],
    ids=["without register", "with register", "LayerScale"],
)  # fmt: skip
def test_a_transformer_of_another_form_is_refused_and_the_right_one_named(
    built: str, asked: str, said: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [built, asked]
    monkeypatch.setattr(timm, "list_models", lambda *_: known)  # others take seconds to build
    with torch.device("meta"):
        state = timm.create_model(built, num_classes=0).state_dict()
        network = timm.create_model(asked, num_classes=0)
    with pytest.raises(UserError) as caught:
        match_tensors(asked, state, network, "dinov2.pth")
    assert said in caught.value.message
    assert remedy in caught.value.remedy


def test_layer_scale_that_no_network_of_timms_has_is_built_by_a_function(tmp_path: Path) -> None:
    torch.save(vit(init_values=1e-5).state_dict(), tmp_path / "uni.pth")
    with pytest.raises(UserError, match="it has LayerScale, and test_vit has none") as caught:
        given_weights("test_vit", tmp_path / "uni.pth").load()
    assert 'timm.create_model("test_vit", init_values=1e-5' in caught.value.remedy


def test_a_tensor_of_another_shape_is_named_with_both(tiny_state: State, tmp_path: Path) -> None:
    tiny_state["layer2.0.bn1.weight"] = torch.ones(5)
    torch.save(tiny_state, tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"layer2\.0\.bn1\.weight \(5 instead of \d+\)"):
        given_weights("test_resnet", tmp_path / "weights.pth").load()


def test_a_tensor_that_is_not_finite_is_named(tiny_state: State, tmp_path: Path) -> None:
    tiny_state["layer2.0.bn1.weight"] = tiny_state["layer2.0.bn1.weight"] * torch.nan
    torch.save(tiny_state, tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"layer2\.0\.bn1\.weight holds numbers that are not"):
        given_weights("test_resnet", tmp_path / "weights.pth").load()


def test_a_tensor_of_complex_numbers_is_refused(tiny_state: State, tmp_path: Path) -> None:
    tiny_state["layer2.0.bn1.weight"] = tiny_state["layer2.0.bn1.weight"] + 1j
    torch.save(tiny_state, tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"layer2\.0\.bn1\.weight holds complex numbers"):
        given_weights("test_resnet", tmp_path / "weights.pth").load()


def test_a_tensor_that_changes_the_features_is_not_left_out(
    tiny_state: State, tmp_path: Path
) -> None:
    tiny_state["fc_norm.weight"] = torch.ones(4)
    torch.save(tiny_state, tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"no place for 'fc_norm\.weight'"):
        given_weights("test_resnet", tmp_path / "weights.pth").load()


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


def test_a_tensor_whose_bytes_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.full((1000,), 0.5)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(b"\x00\x00\x00\x3f" * 9) + 100] ^= 0xFF
    path.write_bytes(data)
    assert len(torch.load(path, weights_only=True)["weight"].unique()) == 2  # PyTorch reads it
    with pytest.raises(UserError, match="damaged: weights/data/0 in it is not what was written"):
        read_checkpoint(path)


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


def test_an_object_that_is_not_on_the_allow_list_is_named_with_the_way_out_which_works(
    tiny_state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": tiny_state, "folder": Path("runs")}, "mine.pth")
    with pytest.raises(UserError, match=r"mine\.pth: .*more than tensors \(pathlib\.") as caught:
        read_checkpoint(Path("mine.pth"))
    (code,) = re.findall(r'python -c "(.*)"', caught.value.remedy)
    subprocess.run([sys.executable, "-c", code], check=True)
    saved = read_checkpoint(Path("mine-tensors.pth")).tensors
    assert all(torch.equal(saved[name], tensor) for name, tensor in tiny_state.items())


def test_a_namespace_is_read_and_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    torch.save({"weight": torch.ones(2), "args": argparse.Namespace(lr=0.1)}, tmp_path / "good.pth")
    assert read_checkpoint(tmp_path / "good.pth").tensors.keys() == {"weight"}
    inside = argparse.Namespace(evil=Evil(marker))
    torch.save({"weight": torch.ones(2), "args": inside}, tmp_path / "bad.pth")
    with pytest.raises(UserError, match="could be code"):
        read_checkpoint(tmp_path / "bad.pth")
    assert not marker.exists()


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, "text"])
def test_a_file_without_tensors_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="holds no tensors"):
        read_checkpoint(tmp_path / "weights.pth")
