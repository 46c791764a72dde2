"""Weights that are refused: of another network, broken, or code in disguise."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from lcbench.errors import UserError
from lcbench.models.weights import (
    WeightOptions,
    locate_weights,
    match_tensors,
    read_tensors,
)

from .checkpoints import from_file


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
