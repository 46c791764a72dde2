"""Backbones of timm, of the hub and of one's own: what they give, and helpful refusals."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image, ImageFilter
from safetensors.torch import save
from timm.data import create_transform, resolve_data_config
from torchvision import transforms

from lcbench.errors import ExitCode, UserError
from lcbench.features.encoder import EncoderFacts, Normaliser, Preprocessing
from lcbench.models.backbones import (
    SUGGESTED,
    Backbone,
    fetch_backbone,
    require_backbone,
    resolve_backbone,
)
from lcbench.models.weights import WeightOptions, hub_repository

from .sources import given_weights

Downloaded = Callable[..., Path]
State = dict[str, torch.Tensor]
OFFLINE = WeightOptions(offline=True)
HUB = "hf-hub:lab/tissue.v1"
CONFIG = json.dumps(
    {
        "architecture": "test_resnet",
        "num_classes": 1000,
        "pretrained_cfg": {
            "input_size": [3, 160, 160],
            "interpolation": "bilinear",
            "crop_pct": 0.9,
            "mean": [0.7, 0.5, 0.6],
            "std": [0.2, 0.3, 0.1],
        },
    }
).encode()


def picture(width: int, height: int) -> Image.Image:
    """Coloured noise with structure at every scale, so that each interpolation differs."""
    random = np.random.default_rng(width)
    noise = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
    return Image.blend(noise, noise.filter(ImageFilter.GaussianBlur(8)), 0.7)


def network_input(name: str, image: Image.Image, size: int | None = None) -> torch.Tensor:
    backbone = resolve_backbone(name, WeightOptions("random", name, image_size=size))
    assert backbone is not None
    preprocessing = backbone.preprocessing
    pixels = preprocessing.to_pixels()(image)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (3, preprocessing.size, preprocessing.size))
    return Normaliser(preprocessing, torch.device("cpu"))(torch.from_numpy(pixels[None]))[0]


@pytest.mark.parametrize("size", [(768, 768), (301, 260), (120, 180)])
@pytest.mark.parametrize(
    ("name", "native"),
    [("tf_efficientnet_lite0", 224), ("tf_efficientnet_lite1", 240), ("convnext_tiny", 224)],
)
def test_preprocessing_is_timms_own_at_the_networks_size_or_another(
    name: str, native: int, size: tuple[int, int]
) -> None:
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    assert config["input_size"] == (3, native, native)
    for asked in (None, 160):
        given = asked or native
        expected = create_transform(**{**config, "input_size": (3, given, given)})(picture(*size))
        found = network_input(name, picture(*size), asked)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_preprocessing_of_resnet50_is_what_its_model_card_says() -> None:
    expected = transforms.Compose(
        [
            transforms.Resize(235, transforms.InterpolationMode.BICUBIC),  # 224 / 0.95
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )(picture(400, 300))
    found = network_input("resnet50", picture(400, 300))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_normalising_leaves_the_pixels_as_they_are() -> None:
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    pixels = pixels.to(memory_format=torch.channels_last)
    before = pixels.clone()
    normalised = Normaliser(Preprocessing(), torch.device("cpu"))(pixels)
    assert torch.equal(pixels, before)
    assert normalised.dtype == torch.float32
    assert normalised.is_contiguous(memory_format=torch.channels_last)


def test_resnet50_has_its_known_size_and_cost() -> None:
    facts = given_weights("resnet50", "random").facts
    assert facts.features == 2048
    assert facts.parameters == 25_557_032 - (2048 * 1000 + 1000)  # without its classifier
    assert facts.gmacs == pytest.approx(4.09, abs=0.05)  # He et al. 2016: 3.8; v1.5: 4.1


def facts_of(state: State, monkeypatch: pytest.MonkeyPatch) -> EncoderFacts:
    network = timm.create_model("test_resnet", num_classes=0)
    network.load_state_dict(state)
    monkeypatch.setattr(Backbone, "_read", lambda _: (network, None))
    return given_weights("test_resnet", "random").facts


def test_the_weight_hash_sees_one_changed_number_but_no_batch_counter(
    tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tiny_backbone.load().state_dict()
    original = facts_of(state, monkeypatch).weights_sha256
    assert original == tiny_backbone.facts.weights_sha256
    state["bn1.num_batches_tracked"] += 1
    assert facts_of(state, monkeypatch).weights_sha256 == original
    state["conv1.0.weight"].view(-1)[0] += 1e-6
    assert facts_of(state, monkeypatch).weights_sha256 != original


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ResNet50", "resnet50"),
        ("efficientnet-b0", "efficientnet_b0"),
        ("tf_efficientnet_lte0", "tf_efficientnet_lite0"),
        ("", ""),
        ("*", ""),
        ("../resnet50", ""),
    ],
)
def test_an_unknown_backbone_is_an_error_with_near_names(typed: str, meant: str) -> None:
    with pytest.raises(UserError, match="unknown backbone") as caught:
        resolve_backbone(typed, WeightOptions())
    assert meant in caught.value.remedy.split("Known:")[0]
    assert caught.value.code == ExitCode.WRONG_USAGE


def test_a_transformer_takes_its_own_size_and_multiples_of_its_patches() -> None:
    name = "vit_tiny_patch16_384"
    assert given_weights(name, "random").preprocessing.size == 384
    for size, works in ((64, True), (100, False)):
        backbone = resolve_backbone(name, WeightOptions("random", name, image_size=size))
        assert backbone is not None
        if works:
            assert backbone.facts.features == 192
            continue
        with pytest.raises(UserError, match=rf"{name} does not take images of 100 px") as caught:
            _ = backbone.facts
        assert "--image-size 96 or --image-size 112" in caught.value.remedy


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_convnext"])
@pytest.mark.parametrize("size", [None, 96])
def test_features_are_those_of_timms_own_pipeline_at_any_size(
    name: str, size: int | None, tmp_path: Path
) -> None:
    torch.manual_seed(2)
    theirs = timm.create_model(name, num_classes=0)
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    size_of_positions = {"img_size": size} if size is not None and "vit" in name else {}
    theirs = timm.create_model(
        name, num_classes=0, pretrained=True, **size_of_positions,
        pretrained_cfg_overlay={"file": str(tmp_path / "weights.pth")},
    ).eval()  # fmt: skip
    config = resolve_data_config({"img_size": size} if size else {}, model=theirs)
    image = picture(301, 260)
    asked = WeightOptions(str(tmp_path / "weights.pth"), name, image_size=size)
    backbone = resolve_backbone(name, asked)
    assert backbone is not None
    pixels = torch.from_numpy(backbone.preprocessing.to_pixels()(image)[None])
    normalise = Normaliser(backbone.preprocessing, torch.device("cpu"))
    with torch.inference_mode():
        expected = theirs(create_transform(**config)(image)[None])
        found = backbone.load().eval()(normalise(pixels))
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_a_network_of_images_that_are_not_square_or_in_colour_is_refused(
    downloaded: Downloaded,
) -> None:
    for size in ([3, 160, 224], [1, 160, 160]):
        config = {"architecture": "test_resnet", "pretrained_cfg": {"input_size": size}}
        files = {"config.json": json.dumps(config).encode(), "model.safetensors": b""}
        downloaded(f"lab/of-{size[0]}", files)
        with pytest.raises(UserError, match=r"takes images of \d+ x 160 px in [13] channels"):
            resolve_backbone(f"hf-hub:lab/of-{size[0]}", OFFLINE)


def test_every_suggested_backbone_is_known_and_has_published_weights() -> None:
    for name in SUGGESTED:
        require_backbone(name)
        assert str(hub_repository(name)).startswith("timm/")


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_network_of_the_hub_is_timms_with_the_repositorys_weights_and_preprocessing(
    name: str, downloaded: Downloaded, tiny_state: State, tmp_path: Path
) -> None:
    torch.save(tiny_state, tmp_path / "state")
    content = save(tiny_state) if "safe" in name else (tmp_path / "state").read_bytes()
    downloaded("lab/tissue.v1", {"config.json": CONFIG, name: content})
    backbone = resolve_backbone(HUB, OFFLINE)
    assert backbone is not None
    assert str(backbone.source) == "cache lab/tissue.v1"
    expected = Preprocessing("bilinear", 0.9, "center", (0.7, 0.5, 0.6), (0.2, 0.3, 0.1), 160)
    assert backbone.preprocessing == expected
    loaded = backbone.load().state_dict()
    assert len(loaded) > 20
    assert all(torch.equal(tensor, tiny_state[key]) for key, tensor in loaded.items())
    assert backbone.facts.features == timm.create_model("test_resnet", num_classes=0).num_features


@pytest.mark.parametrize("files", [{}, {"config.json": CONFIG}, {"model.safetensors": b""}])
def test_offline_a_network_of_the_hub_needs_both_files(
    files: dict[str, bytes], downloaded: Downloaded
) -> None:
    downloaded("lab/tissue.v1", files)
    assert resolve_backbone(HUB, OFFLINE) is None


def test_online_the_weights_are_fetched_after_planning(
    downloaded: Downloaded, monkeypatch: pytest.MonkeyPatch, tiny_state: State
) -> None:
    from huggingface_hub.errors import EntryNotFoundError

    snapshot = downloaded("lab/tissue.v1", {"config.json": CONFIG})
    asked = []

    def download(repository: str, name: str) -> str:
        asked.append((repository, name))
        if name == "model.safetensors":
            raise EntryNotFoundError("404")
        torch.save(tiny_state, snapshot / name)
        return str(snapshot / name)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    planned = resolve_backbone(HUB, WeightOptions())
    assert planned is not None
    assert (str(planned.source), asked) == ("hub lab/tissue.v1", [])
    with pytest.raises(RuntimeError, match="was not fetched"):  # never random ones instead
        planned.load()
    fetched = fetch_backbone(planned)
    assert fetched.source.path == snapshot / "pytorch_model.bin"
    assert torch.equal(fetched.load().state_dict()["bn1.weight"], tiny_state["bn1.weight"])
    assert fetch_backbone(fetched) == fetched


@pytest.mark.parametrize(
    "config", [b"{", b"[]", b"{}", b'{"architecture": 3}', b'{"architecture": "no_such"}', b"\xff"]
)
def test_a_configuration_that_is_none_is_refused(config: bytes, downloaded: Downloaded) -> None:
    downloaded("lab/tissue.v1", {"config.json": config, "model.safetensors": b""})
    with pytest.raises(UserError, match=r"config\.json: "):
        resolve_backbone(HUB, OFFLINE).load()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["hf-hub:", "hf-hub:name", "hf-hub:../..", "hf-hub:a/b/c"])
def test_a_repository_has_an_organisation_and_a_name(name: str) -> None:
    with pytest.raises(UserError, match=f"backbone '{name}'") as caught:
        require_backbone(name)
    assert caught.value.code == ExitCode.WRONG_USAGE


OWN = """
import torch
from lcbench.errors import UserError
from lcbench.features.encoder import Preprocessing

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 5, 32, 32)
        torch.nn.init.constant_(self.layer.weight, WEIGHT)
    def forward(self, images):
        return self.layer(images).mean((2, 3))

WEIGHT = 0.01
PREPROCESSING = Preprocessing(interpolation="bilinear", mean=(0.1, 0.2, 0.3))
def encoder(): return Net(), PREPROCESSING
def network_only(): return Net()
def wrong_way_round(): return PREPROCESSING, Net()
def breaks(): return 1 / 0
def explains(): raise UserError("no licence", "Ask for one.")
def feature_maps(): return torch.nn.Conv2d(3, 5, 32, 32), PREPROCESSING
number = 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module with encoders of one's own; each test has one of another name."""
    name = f"own_encoders_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_function_gives_network_weights_and_preprocessing(
    own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = resolve_backbone(f"{own}:encoder", OFFLINE)
    assert backbone is not None
    assert str(backbone.source) == f"function {own}:encoder"
    assert not backbone.random
    assert backbone.preprocessing == Preprocessing("bilinear", mean=(0.1, 0.2, 0.3))
    assert (backbone.facts.features, backbone.facts.parameters) == (5, 5 * 3 * 32 * 32 + 5)
    assert torch.equal(backbone.load().layer.bias, backbone.load().layer.bias)
    monkeypatch.setattr(importlib.import_module(own), "WEIGHT", 0.02)
    assert replace(backbone).facts.weights_sha256 != backbone.facts.weights_sha256


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("network_only", "gave Net, not"),
        ("wrong_way_round", "gave tuple, not"),
        ("breaks", "ZeroDivisionError: division by zero"),
        ("explains", "no licence"),
        ("feature_maps", r"gives \(1, 5, 7, 7\) for one image, not"),
        ("number", "not a function"),
        ("absent", "has no attribute 'absent'"),
    ],
)
def test_a_function_that_breaks_its_contract_is_told_how(
    function: str, said: str, own: str
) -> None:
    with pytest.raises(UserError, match=said):
        _ = resolve_backbone(f"{own}:{function}", OFFLINE).facts  # type: ignore[union-attr]


def test_a_function_brings_its_own_weights(own: str) -> None:
    with pytest.raises(UserError, match="brings its own weights"):
        resolve_backbone(f"{own}:encoder", WeightOptions("random", f"{own}:encoder"))
