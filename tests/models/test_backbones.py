"""Backbones: timm's own preprocessing, known sizes and costs, helpful refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from PIL import Image, ImageFilter
from timm.data import create_transform, resolve_data_config
from torchvision import transforms

from lcbench.errors import ExitCode, UserError
from lcbench.models.backbones import (
    IMAGE_SIZE,
    SUGGESTED,
    Backbone,
    BackboneFacts,
    Normaliser,
    Preprocessing,
    require_backbone,
    resolve_backbone,
)
from lcbench.models.weights import WeightOptions, hub_repository


def random_backbone(name: str) -> Backbone:
    backbone = resolve_backbone(name, WeightOptions("random", name))
    assert backbone is not None
    return backbone


def picture(width: int, height: int) -> Image.Image:
    """Coloured noise with structure at every scale, so that each interpolation differs."""
    random = np.random.default_rng(width)
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.blend(
        Image.fromarray(pixels),
        Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(8)),
        0.7,
    )


def network_input(preprocessing: Preprocessing, image: Image.Image) -> torch.Tensor:
    pixels = preprocessing.to_pixels()(image)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (3, IMAGE_SIZE, IMAGE_SIZE))
    return Normaliser(preprocessing, torch.device("cpu"))(torch.from_numpy(pixels[None]))[0]


@pytest.mark.parametrize("size", [(224, 224), (768, 768), (301, 260), (120, 180)])
@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet50", "convnext_tiny"])
def test_preprocessing_is_timms_own(name: str, size: tuple[int, int]) -> None:
    image = picture(*size)
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    assert config["input_size"] == (3, 224, 224)
    expected = create_transform(**config, is_training=False)(image)
    found = network_input(random_backbone(name).preprocessing, image)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_preprocessing_of_resnet50_is_what_its_model_card_says() -> None:
    image = picture(400, 300)
    expected = transforms.Compose(
        [
            transforms.Resize(235, transforms.InterpolationMode.BICUBIC),  # 224 / 0.95
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )(image)
    found = network_input(random_backbone("resnet50").preprocessing, image)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_backbones_of_another_native_size_are_given_224_pixels_in_their_own_manner() -> None:
    preprocessing = random_backbone("tf_efficientnet_lite1").preprocessing
    config = resolve_data_config(
        pretrained_cfg=timm.get_pretrained_cfg("tf_efficientnet_lite1").to_dict()
    )
    assert config["input_size"] == (3, 240, 240)
    image = picture(500, 500)
    expected = create_transform(**{**config, "input_size": (3, 224, 224)})(image)
    torch.testing.assert_close(network_input(preprocessing, image), expected, rtol=0, atol=1e-5)


def test_backbones_with_equal_geometry_share_pixels_whatever_their_normalisation() -> None:
    one = random_backbone("resnet50").preprocessing
    other = replace(one, mean=(0.5, 0.5, 0.5))
    assert one.geometry == other.geometry
    assert str(one) != str(other)
    assert replace(one, interpolation="bilinear").geometry != one.geometry
    assert replace(one, crop_share=0.875).geometry != one.geometry


def test_normalising_leaves_the_pixels_as_they_are() -> None:
    preprocessing = random_backbone("test_resnet").preprocessing
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    pixels = pixels.to(memory_format=torch.channels_last)
    before = pixels.clone()
    normalised = Normaliser(preprocessing, torch.device("cpu"))(pixels)
    assert torch.equal(pixels, before)
    assert normalised.dtype == torch.float32
    assert normalised.is_contiguous(memory_format=torch.channels_last)


def test_resnet50_has_its_known_size_and_cost() -> None:
    facts = random_backbone("resnet50").facts
    assert facts.features == 2048
    assert facts.parameters == 25_557_032 - (2048 * 1000 + 1000)  # without its classifier
    assert facts.gmacs == pytest.approx(4.09, abs=0.05)  # He et al. 2016: 3.8; v1.5: 4.1


def test_loading_gives_pooled_features_without_a_classifier(tiny_backbone: Backbone) -> None:
    network = tiny_backbone.load().eval()
    with torch.inference_mode():
        features = network(torch.zeros(2, 3, 224, 224))
    assert features.shape == (2, tiny_backbone.facts.features)


def facts_of(state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> BackboneFacts:
    network = timm.create_model("test_resnet", num_classes=0)
    network.load_state_dict(state)
    monkeypatch.setattr(Backbone, "load", lambda _: network)
    return random_backbone("test_resnet").facts


def test_the_weight_hash_sees_one_changed_number_but_no_batch_counter(
    tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tiny_backbone.load().state_dict()
    original = facts_of(state, monkeypatch).weights_sha256
    assert original == tiny_backbone.facts.weights_sha256
    counters = [name for name in state if name.endswith("num_batches_tracked")]
    assert counters
    state[counters[0]] += 1
    assert facts_of(state, monkeypatch).weights_sha256 == original
    state["conv1.0.weight"].view(-1)[0] += 1e-6
    assert facts_of(state, monkeypatch).weights_sha256 != original


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("resnet5", "resnet50"),
        ("ResNet50", "resnet50"),
        ("densnet121", "densenet121"),
        ("efficientnet-b0", "efficientnet_b0"),
        ("tf_efficientnet_lte0", "tf_efficientnet_lite0"),
        ("convnext-tiny", "convnext_tiny"),
    ],
)
def test_an_unknown_backbone_is_an_error_with_near_names(typed: str, meant: str) -> None:
    with pytest.raises(UserError, match="unknown backbone") as caught:
        resolve_backbone(typed, WeightOptions())
    assert meant in caught.value.remedy.split("Known:")[0]
    assert caught.value.code == ExitCode.WRONG_USAGE


@pytest.mark.parametrize("typed", ["", "*", "zzzz", "../resnet50", "hf-hub:someone/model"])
def test_a_name_that_is_near_nothing_is_an_error_too(typed: str) -> None:
    with pytest.raises(UserError, match="unknown backbone"):
        require_backbone(typed)


def test_a_backbone_that_cannot_take_224_pixels_says_so() -> None:
    with pytest.raises(UserError, match=r"vit_tiny\w+ does not take images of 224 px"):
        _ = random_backbone("vit_tiny_patch16_384").facts


def test_every_suggested_backbone_is_known_and_has_published_weights() -> None:
    for name in SUGGESTED:
        require_backbone(name)
        repository = hub_repository(name)
        assert repository is not None
        assert repository.startswith("timm/")
