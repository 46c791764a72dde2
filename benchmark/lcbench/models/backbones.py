"""Backbones: timm creates every one; their preprocessing, size and cost."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lcbench.errors import UserError, unknown_name
from lcbench.models.weights import (
    RANDOM,
    WeightOptions,
    WeightSource,
    fetch,
    locate_weights,
    match_tensors,
    read_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL import Image

IMAGE_SIZE = 224
SUGGESTED = (
    "resnet50",
    "densenet121",
    "efficientnet_b0",
    "convnext_tiny",
    "tf_efficientnet_lite0",
    "tf_efficientnet_lite1",
)
"""Backbones that the shipped suites use; any name that timm knows works."""


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB image to network input, as the backbone's timm data configuration says.

    Parameters
    ----------
    interpolation, crop_share, crop_mode
        Resize the shorter side to `IMAGE_SIZE / crop_share`, then crop to `IMAGE_SIZE`.
    mean, std
        Of each channel, for values in [0, 1].
    """

    interpolation: str
    crop_share: float
    crop_mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def geometry(self) -> str:
        """What happens before normalisation; backbones that agree on it share decoded images."""
        return f"{IMAGE_SIZE} px, {self.interpolation}, {self.crop_mode} crop {self.crop_share:g}"

    def __str__(self) -> str:
        mean = ", ".join(f"{value:g}" for value in self.mean)
        std = ", ".join(f"{value:g}" for value in self.std)
        return f"{self.geometry}; mean {mean}; std {std}"

    def to_pixels(self) -> Callable[[Image.Image], NDArray[np.uint8]]:
        """Return the function from an RGB image to (3, IMAGE_SIZE, IMAGE_SIZE) of uint8."""
        import numpy as np
        from timm.data import create_transform

        transform = create_transform(
            input_size=(3, IMAGE_SIZE, IMAGE_SIZE),
            is_training=False,
            use_prefetcher=True,  # stops before normalisation, which happens on the device
            interpolation=self.interpolation,
            crop_pct=self.crop_share,
            crop_mode=self.crop_mode,
        )
        # timm gives a tensor or an array, depending on its version
        return lambda image: np.asarray(transform(image))


class Normaliser:
    """From uint8 pixels to normalised network input on a device, channels last."""

    def __init__(self, preprocessing: Preprocessing, device: torch.device) -> None:
        import torch

        self.device = device
        self.mean, self.scale = (
            torch.tensor(values, device=device).view(1, 3, 1, 1) * 255
            for values in (preprocessing.mean, preprocessing.std)
        )

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise (n, 3, h, w) uint8 pixels."""
        import torch

        # The memory order changes while a pixel is one byte, which is four times cheaper.
        ordered = pixels.to(self.device, non_blocking=True, memory_format=torch.channels_last)
        return ordered.float().sub_(self.mean).div_(self.scale)


@dataclass(frozen=True)
class BackboneFacts:
    """What loading a backbone tells: features, parameters, billions of MACs, weight hash."""

    features: int
    parameters: int
    gmacs: float
    weights_sha256: str


@dataclass(frozen=True)
class Backbone:
    """A backbone with a known source of weights, not yet loaded.

    Parameters
    ----------
    name
        timm's name.
    source
        Where the weights come from, on this machine.
    preprocessing
        Its timm data configuration.
    """

    name: str
    source: WeightSource
    preprocessing: Preprocessing

    @property
    def random(self) -> bool:
        """Whether the user asked for random weights."""
        return self.source.kind == RANDOM

    @cached_property
    def facts(self) -> BackboneFacts:
        """Size, cost and weight hash; the network is loaded to find out."""
        network = self.load()
        try:
            return _examine(network)
        except (AssertionError, RuntimeError) as error:  # how networks refuse an image size
            raise UserError(
                f"backbone {self.name} does not take images of {IMAGE_SIZE} px: {error}",
                "Choose a backbone for that size: 'lcbench list backbones'.",
            ) from error

    def normaliser(self, device: torch.device) -> Normaliser:
        """Return what turns uint8 pixels into input on a device."""
        return Normaliser(self.preprocessing, device)

    def load(self) -> torch.nn.Module:
        """Return the network without its classifier, from images to pooled features.

        Raises
        ------
        UserError
            If the weights cannot be read or belong to another network.
        """
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = _create(self.name)
        if self.source.path is not None:
            wanted = network.state_dict()
            tensors = match_tensors(
                self.name, read_tensors(self.source.path), wanted, str(self.source)
            )
            network.load_state_dict({**wanted, **tensors})
        return network


def resolve_backbone(name: str, options: WeightOptions) -> Backbone | None:
    """Find a backbone and its weights; None where `--offline` leaves it without weights.

    Raises
    ------
    UserError
        If timm knows no such backbone, or the weights' file is missing.
    """
    require_backbone(name)
    source = locate_weights(name, options)
    return None if source is None else Backbone(name, source, _preprocessing(name))


def fetch_backbone(backbone: Backbone) -> Backbone:
    """Bring the weights to this machine if they are not there yet."""
    return Backbone(backbone.name, fetch(backbone.source), backbone.preprocessing)


def require_backbone(name: str) -> None:
    """Raise a UserError with near names if timm knows no such backbone."""
    import timm

    if not timm.is_model(name):
        raise unknown_name("backbone", name, {*timm.list_models(f"{name[:4]}*"), *SUGGESTED})


def _examine(network: torch.nn.Module) -> BackboneFacts:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    network.eval()
    with torch.no_grad(), counter:
        features = network(torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE))
    return BackboneFacts(
        features=features.shape[1],
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gmacs=counter.get_total_flops() / 2 / 1e9,  # a multiply-accumulate is two operations
        weights_sha256=_tensor_hash(network),
    )


def _create(name: str) -> torch.nn.Module:
    import timm

    network: torch.nn.Module = timm.create_model(name, pretrained=False, num_classes=0)
    return network


def _preprocessing(name: str) -> Preprocessing:
    import timm
    from timm.data import resolve_data_config

    config = timm.get_pretrained_cfg(name)
    resolved = resolve_data_config(pretrained_cfg=config.to_dict() if config else {})
    return Preprocessing(
        interpolation=resolved["interpolation"],
        crop_share=resolved["crop_pct"],
        crop_mode=resolved["crop_mode"],
        mean=tuple(resolved["mean"]),
        std=tuple(resolved["std"]),
    )


def _tensor_hash(network: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
