"""Where weights come from, and that random ones are never taken instead."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lcbench.errors import UserError
from lcbench.models.backbones import resolve_backbone
from lcbench.models.weights import (
    WeightOptions,
    WeightSource,
    fetch,
    locate_weights,
)

from .checkpoints import packaged


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
