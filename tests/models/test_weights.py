"""Weights: the right tensors in the right places, or a clear refusal; nothing is run or guessed."""

from __future__ import annotations

import pickle
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

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
from lcbench.models.backbones import Backbone, resolve_backbone
from lcbench.models.weights import (
    WeightOptions,
    WeightSource,
    fetch,
    how_to_get,
    locate_weights,
    match_tensors,
    read_tensors,
)

PACKAGED = ("tf_efficientnet_lite0", "tf_efficientnet_lite1")
DAISY, PALACE = 985, 698


def packaged(name: str) -> Backbone:
    backbone = resolve_backbone(name, WeightOptions(offline=True))
    if backbone is None:
        pytest.skip(f"no weights of {name}; {how_to_get(name)}")
    return backbone


def from_file(name: str, path: Path) -> Backbone:
    backbone = resolve_backbone(name, WeightOptions(str(path), name))
    assert backbone is not None
    return backbone


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


@pytest.fixture
def tiny_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    return dict(timm.create_model("test_resnet").state_dict())


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


@pytest.mark.parametrize(
    ("given_name", "asked_name"),
    [
        ("test_vit", "test_resnet"),
        ("resnet18", "resnet50"),
        ("efficientnet_lite0", "efficientnet_b0"),
        ("efficientnet_lite1", "tf_efficientnet_lite0"),
        ("efficientnet_lite0", "tf_efficientnet_lite1"),
    ],
)
def test_weights_of_another_network_are_refused(
    given_name: str, asked_name: str, tmp_path: Path
) -> None:
    torch.save(timm.create_model(given_name).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(UserError, match=f"not weights of {asked_name}") as caught:
        from_file(asked_name, tmp_path / "weights.pth").load()
    assert "weights.pth" in caught.value.message


@pytest.mark.parametrize(
    ("larger", "smaller"), [("resnet101", "resnet50"), ("convnext_small", "convnext_tiny")]
)
def test_a_larger_network_that_holds_all_tensors_of_the_smaller_one_is_refused(
    larger: str, smaller: str
) -> None:
    with torch.device("meta"):  # names and shapes decide, and cost nothing
        given_tensors = timm.create_model(larger).state_dict()
        wanted = timm.create_model(smaller, num_classes=0).state_dict()
        own = timm.create_model(smaller).state_dict()
    assert all(given_tensors[key].shape == tensor.shape for key, tensor in wanted.items())
    with pytest.raises(UserError, match=f"not weights of {smaller}.*larger network"):
        match_tensors(smaller, given_tensors, wanted, "weights.pth")
    assert match_tensors(smaller, own, wanted, "weights.pth").keys() >= {*wanted} - {
        key for key in wanted if key.endswith("num_batches_tracked")
    }


def test_a_tensor_that_is_missing_is_named(
    tiny_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    del tiny_state["layer3.0.conv1.weight"]
    torch.save(tiny_state, tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"layer3\.0\.conv1\.weight"):
        from_file("test_resnet", tmp_path / "weights.pth").load()


class Evil:
    """Runs a command of the sender's choice when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("how", ["pickle", "torch", "torch, old format", "beside tensors"])
def test_code_in_a_checkpoint_is_refused_and_not_run(how: str, tmp_path: Path) -> None:
    marker, path = tmp_path / "executed", tmp_path / "weights.pth"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Evil(marker), protocol=2))
    elif how == "beside tensors":
        torch.save({"weight": torch.ones(2), "extra": Evil(marker)}, path)
    else:
        torch.save(Evil(marker), path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(UserError, match="not readable weights"):
        read_tensors(path)
    assert not marker.exists()
    torch.load(path, weights_only=False) if how != "pickle" else pickle.loads(path.read_bytes())  # noqa: S301
    assert marker.exists()  # the bomb was live


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_checkpoint_that_was_cut_off_is_refused(
    suffix: str, share: float, tiny_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    save_file(tiny_state, whole) if suffix == ".safetensors" else torch.save(tiny_state, whole)
    data = whole.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(UserError, match="not readable weights") as caught:
        read_tensors(path)
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
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    noise = data.draw(st.binary(max_size=40))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + noise + whole[cut + len(noise) :])
    refusal = ""
    try:
        tensors = read_tensors(path)
    except UserError as error:
        refusal = error.message
    if refusal:
        assert str(path) in refusal
    else:
        assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], "text"])
def test_a_file_without_tensors_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="holds no tensors"):
        read_tensors(tmp_path / "weights.pth")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "weights.pth", "w") as archive:
        archive.writestr("readme.txt", "no weights")
    with pytest.raises(UserError, match="not readable weights"):
        read_tensors(tmp_path / "weights.pth")


def test_a_file_that_does_not_exist_is_refused_before_anything_starts() -> None:
    with pytest.raises(UserError, match=r"nowhere\.pth: no such file"):
        locate_weights("resnet50", WeightOptions("nowhere.pth", "resnet50"))


@pytest.fixture
def empty_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nothing was ever downloaded."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.mark.usefixtures("empty_hub")
@pytest.mark.parametrize("name", ["resnet50", "densenet121", "convnext_tiny"])
def test_offline_without_weights_gives_nothing_rather_than_random_weights(name: str) -> None:
    assert locate_weights(name, WeightOptions(offline=True)) is None
    assert resolve_backbone(name, WeightOptions(offline=True)) is None


@pytest.mark.usefixtures("empty_hub")
def test_online_the_hub_is_named_and_nothing_is_downloaded_yet() -> None:
    source = locate_weights("resnet50", WeightOptions())
    assert source is not None
    assert (source.kind, source.path) == ("hub", None)
    assert source.name.startswith("timm/resnet50")


def test_what_was_downloaded_before_is_used_offline_too(empty_hub: Path) -> None:
    online = locate_weights("resnet50", WeightOptions())
    assert online is not None
    repository = empty_hub / f"models--{online.name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    stored = repository / "snapshots" / "abc" / "model.safetensors"
    stored.write_bytes(b"weights")
    for options in (WeightOptions(), WeightOptions(offline=True)):
        source = locate_weights("resnet50", options)
        assert source is not None
        assert (source.kind, source.path) == ("cache", stored)


@pytest.mark.usefixtures("empty_hub")
def test_packaged_weights_go_before_a_download() -> None:
    packaged("tf_efficientnet_lite0")
    source = locate_weights("tf_efficientnet_lite0", WeightOptions(offline=False))
    assert source is not None
    assert source.kind == "package"


@pytest.mark.usefixtures("empty_hub")
@pytest.mark.parametrize("weights", ["random", "weights.pth"])
def test_weights_for_the_reference_backbone_do_not_apply_to_others(
    weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("weights.pth").write_bytes(b"any")
    options = WeightOptions(weights, "resnet50", offline=True)
    mine = locate_weights("resnet50", options)
    assert mine is not None
    assert mine.kind == ("random" if weights == "random" else "file")
    assert locate_weights("densenet121", options) is None


@pytest.mark.usefixtures("empty_hub")
@pytest.mark.parametrize("offline", [True, False])
def test_only_the_typed_word_gives_random_weights(offline: bool) -> None:
    names = ("resnet50", "convnext_tiny", "tf_efficientnet_lite0", "test_resnet")
    for name in names:
        source = locate_weights(name, WeightOptions(offline=offline))
        assert source is None or source.kind != "random"
        typed = resolve_backbone(name, WeightOptions("random", name, offline=offline))
        assert typed is not None
        assert typed.random
        assert str(typed.source) == "random weights"


def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone() -> None:
    backbone = resolve_backbone("test_resnet", WeightOptions("random", "test_resnet"))
    assert backbone is not None
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = backbone.load().state_dict()
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(6)
    second = backbone.load().state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_failed_download_says_what_else_can_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise ConnectionError("no route to host\nlong story")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(UserError, match="could not be downloaded") as caught:
        fetch(WeightSource("hub", "timm/resnet50", None))
    assert "no route to host" in caught.value.message
    assert "long story" not in caught.value.message
    assert "--weights" in caught.value.remedy
