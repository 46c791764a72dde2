"""Colour histograms, embeddings and network pixels of a dataset's images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lcbench.compute import Compute, channels_last
from lcbench.datasets.dataset import Dataset
from lcbench.features.cache import CachedArray, cached_array
from lcbench.features.decoding import Convert, ahead, batches, decode_batch

if TYPE_CHECKING:
    from PIL import Image

    from lcbench.models.backbones import Backbone

FeatureKind = Literal["none", "colour", "embeddings", "pixels"]
"""What a baseline can ask to be computed from the images before it is fitted."""

COLOUR_BINS = 8
_DECODE_BATCH = 64


@dataclass
class Features:
    """What baselines can ask of a dataset's images; each array is computed once and cached.

    Parameters
    ----------
    dataset
        The images.
    compute
        Device and precision of the backbones.
    backbones
        The backbones that may be asked for, by name.
    """

    dataset: Dataset
    compute: Compute
    backbones: dict[str, Backbone]

    def colour(self) -> CachedArray:
        """Return colour histograms, (images, COLOUR_BINS ** 3) float32, each row summing to 1."""
        return cached_array(
            "colour",
            (self.dataset.sha256, f"joint RGB, {COLOUR_BINS} bins a channel"),
            len(self.dataset.manifest),
            lambda: self._decoded(colour_histogram),
            "Colour histograms",
        )

    def embeddings(self, name: str) -> CachedArray:
        """Return the pooled features of a frozen backbone, (images, features) float32."""
        backbone = self.backbones[name]
        key = (
            self.dataset.sha256,
            name,
            backbone.facts.weights_sha256,
            str(backbone.preprocessing),
            self.compute.device,
            self.compute.precision,
            str(self.compute.micro_batch),
        )
        return cached_array(
            "embeddings",
            key,
            len(self.dataset.manifest),
            lambda: self._embed(backbone),
            f"Embedding with {name} ({self.compute.device})",
        )

    def pixels(self, name: str) -> CachedArray:
        """Return decoded images before normalisation, (images, 3, 224, 224) uint8."""
        preprocessing = self.backbones[name].preprocessing
        return cached_array(
            "pixels",
            (self.dataset.sha256, preprocessing.geometry),
            len(self.dataset.manifest),
            lambda: self._decoded(preprocessing.to_pixels()),
            "Decoding images",
        )

    def prepare(self, kind: FeatureKind, backbone: str | None) -> CachedArray | None:
        """Return what a baseline needs, computing it at the first call; None if it needs nothing.

        Raises
        ------
        ValueError
            If a kind that needs a backbone names none.
        """
        if kind == "none":
            return None
        if kind == "colour":
            return self.colour()
        if backbone is None:
            raise ValueError(f"{kind} need a backbone")
        return self.embeddings(backbone) if kind == "embeddings" else self.pixels(backbone)

    def _paths(self) -> list[Path]:
        return [self.dataset.path(image) for image in self.dataset.manifest["image"]]

    def _decoded(self, convert: Convert, size: int = _DECODE_BATCH) -> Iterator[NDArray[Any]]:
        return ahead(lambda paths: decode_batch(paths, convert), batches(self._paths(), size))

    def _embed(self, backbone: Backbone) -> Iterator[NDArray[np.float32]]:
        """Yield embeddings batch by batch.

        On a CPU, every core decodes and embeds a batch of its own in one thread: threads that
        share a batch wait for each other, and the bits would depend on the number of cores.
        """
        to_pixels = backbone.preprocessing.to_pixels()
        embed = Embedder(backbone, self.compute)
        size = self.compute.micro_batch
        if self.compute.is_accelerator:
            return map(embed, self._decoded(to_pixels, size))
        return ahead(
            lambda paths: embed(decode_batch(paths, to_pixels)), batches(self._paths(), size)
        )


class Embedder:
    """A frozen backbone on a device, from pixels to pooled features."""

    def __init__(self, backbone: Backbone, compute: Compute) -> None:
        self._compute = compute
        self._accelerator = compute.accelerator()
        device = self._accelerator.device
        self._network = channels_last(backbone.load(), device).eval()
        self._normalise = backbone.normaliser(device)

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, features) of (n, 3, 224, 224) pixels."""
        import torch

        if not self._compute.is_accelerator:
            torch.set_num_threads(1)  # holds for the calling thread
        with torch.inference_mode(), self._accelerator.autocast():
            features = self._network(self._normalise(torch.from_numpy(pixels)))
        embedded: NDArray[np.float32] = features.float().cpu().numpy()
        return embedded


def colour_histogram(image: Image.Image) -> NDArray[np.float32]:
    """Return the joint RGB histogram of an image, `COLOUR_BINS ** 3` shares that sum to 1.

    It holds no spatial information: shuffling the pixels changes nothing.
    """
    levels = (np.asarray(image).reshape(-1, 3) // (256 // COLOUR_BINS)).astype(np.int64)
    codes = (levels[:, 0] * COLOUR_BINS + levels[:, 1]) * COLOUR_BINS + levels[:, 2]
    counts = np.bincount(codes, minlength=COLOUR_BINS**3)
    shares: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
    return shares
