"""What a network must offer to turn images into features, and what its images go through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL import Image

IMAGE_SIZE = 224
"""Side of the square that a network is given where nothing states another one, in pixels."""


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB image to network input.

    The defaults lose no tissue: the whole image is resized to a square, which changes the
    proportions of images that are none, and ImageNet's statistics normalise it.

    Parameters
    ----------
    interpolation
        "bicubic", "bilinear" or another name that timm knows.
    crop_share, crop_mode
        How the square of `size` is cut from an image resized to `size / crop_share`: "center"
        resizes the shorter side, "squash" both sides, "border" the longer side and pads.
    mean, std
        Of each channel, for values in [0, 1].
    size
        Side of the square that the network is given, in pixels.
    """

    interpolation: str = "bicubic"
    crop_share: float = 1.0
    crop_mode: str = "squash"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    size: int = IMAGE_SIZE

    @property
    def geometry(self) -> str:
        """What happens before normalisation; encoders that agree on it share decoded images."""
        return f"{self.size} px, {self.interpolation}, {self.crop_mode} crop {self.crop_share:g}"

    def __str__(self) -> str:
        mean = ", ".join(f"{value:g}" for value in self.mean)
        std = ", ".join(f"{value:g}" for value in self.std)
        return f"{self.geometry}; mean {mean}; std {std}"

    def to_pixels(self) -> Callable[[Image.Image], NDArray[np.uint8]]:
        """Return the function from an RGB image to (3, size, size) of uint8."""
        import numpy as np
        from timm.data import create_transform

        transform = create_transform(
            input_size=(3, self.size, self.size),
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
        # One value for each of a row, as they lie in memory: three alone would be slow to repeat.
        mean, scale = (
            values.expand(-1, -1, 1, pixels.shape[3]).contiguous(memory_format=torch.channels_last)
            for values in (self.mean, self.scale)
        )
        return ordered.float().sub_(mean).div_(scale)


@dataclass(frozen=True)
class EncoderFacts:
    """What loading an encoder tells: features, parameters, billions of MACs, weight hash."""

    features: int
    parameters: int
    gmacs: float
    weights_sha256: str


@dataclass(frozen=True)
class HeadFacts:
    """What is known of a network's own head before it answers.

    Parameters
    ----------
    outputs
        How many numbers it gives; None where its weights are not on this machine yet.
    classes
        Their names, where the weights or a configuration state them.
    """

    outputs: int | None = None
    classes: tuple[str, ...] = ()


class Encoder(Protocol):
    """A network from images to features, not yet loaded."""

    @property
    def name(self) -> str:
        """What a recipe calls it."""

    @property
    def preprocessing(self) -> Preprocessing:
        """What its images go through."""

    @property
    def facts(self) -> EncoderFacts:
        """Size, cost and weight hash; may load the network."""

    def load(self) -> torch.nn.Module:
        """Return the network, from normalised images to (images, features)."""


class Part(Protocol):
    """What trains of an encoder; what runs before it is frozen and runs once."""

    @property
    def key(self) -> tuple[str, ...]:
        """Everything that the front depends on, beside the encoder."""

    def front(self, backbone: Encoder) -> torch.nn.Module:
        """Return what runs before, from normalised images to activations."""
