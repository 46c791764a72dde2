"""Colour histograms, embeddings and network pixels of a dataset's images."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lcbench.caching.entries import believe, checked_entries
from lcbench.compute import Compute, channels_last
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.images import ImageFile
from lcbench.errors import UserError
from lcbench.features.cache import CachedArray, cached_array, stored_array
from lcbench.features.decoding import Convert, ahead, decode_batch, decode_views
from lcbench.features.embedding_files import EmbeddingFile
from lcbench.features.encoder import Encoder, Normaliser, Part, Preprocessing
from lcbench.features.views import View
from lcbench.storage.hashes import content_hash

if TYPE_CHECKING:
    from PIL import Image

FeatureKind = Literal["none", "colour", "embeddings", "activations", "pixels"]
"""What a baseline can ask to be computed from the images before it is fitted."""

TRAINS_LAYERS: tuple[FeatureKind, ...] = ("activations", "pixels")
"""What layers of a backbone are trained on: such a fit takes the device, or every core."""

COLOUR_BINS = 8
_DECODE_BATCH = 64
_DECODING = ("pillow",)
_RESIZING = (*_DECODING, "torchvision", "timm")
_EMBEDDING = (*_RESIZING, "torch")
"""Packages whose versions decide what is in a cache."""


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
        The encoders that may be asked for, by the `encoder_key` of a recipe's settings.
    """

    dataset: Dataset
    compute: Compute
    backbones: Mapping[str, Encoder]

    def colour(self) -> CachedArray:
        """Return colour histograms, (images, COLOUR_BINS ** 3) float32, each row summing to 1."""
        return self._cached(
            "colour",
            (f"joint RGB, {COLOUR_BINS} bins a channel", *_versions(_DECODING)),
            lambda: self._decoded(colour_histogram),
            "Colour histograms",
        )

    def embeddings(self, name: str, view: View | None = None) -> CachedArray:
        """Return the pooled features of a frozen backbone, (images, features) float32.

        Parameters
        ----------
        name
            The backbone.
        view
            How each image is changed before; None for images as they are.
        """
        backbone = self.backbones[name]
        if isinstance(backbone, EmbeddingFile):
            return self._stored(backbone, view)
        key = self._embedding_key(backbone)
        what = f"Embedding with {name} ({self.compute.device})"
        if view is None:
            return self._cached("embeddings", key, lambda: self._embed(backbone), what)
        unchanged: list[int] = []
        return self._cached(
            "embeddings",
            (*key, *view.key),
            lambda: self._embed_views(backbone, view, unchanged),
            f"{what}, {view}",
            lambda: unchanged,
        )

    def stored_embeddings(self, name: str, decoding: Sequence[str]) -> CachedArray | None:
        """Return what `embeddings` has computed before, here or elsewhere; None where it has not.

        Nothing is decoded: of the dataset only its hash is asked for. A file of embeddings is not
        computed.

        Parameters
        ----------
        name
            The backbone.
        decoding
            The rules by which grey values became 8 bits, see `Dataset.decoding`.
        """
        backbone = self.backbones[name]
        if isinstance(backbone, EmbeddingFile):
            return None
        key = self._embedding_key(backbone)
        return stored_array("embeddings", (self.dataset.sha256, *decoding, *key))

    def _stored(self, file: EmbeddingFile, view: View | None) -> CachedArray:
        if view is not None:
            raise UserError(
                f"{file.name} holds embeddings of images as they are, and none of {view}",
                "Leave out views and normalised.",
            )
        names = content_hash(*self.dataset.manifest["image"])  # rows may be found by them
        return self._cached(
            "embeddings",
            ("of a file", file.facts.weights_sha256, names),
            lambda: iter([file.of(self.dataset.manifest)]),
            f"Embeddings of {file.name}",
        )

    def activations(self, name: str, part: Part) -> CachedArray:
        """Return what the frozen front of a backbone gives for each image, (images, ...).

        In the compute's precision: float32, or float16, which holds what bf16 does of usual size.

        Parameters
        ----------
        name
            The backbone.
        part
            What trains of it, on these activations.

        Raises
        ------
        UserError
            If the backbone cannot be cut there, or an activation does not fit into 16 bits.
        """
        backbone = self.backbones[name]
        return self._cached(
            "activations",
            (*self._embedding_key(backbone), *part.key),
            lambda: self._embed(backbone, part),
            f"Frozen layers of {name} ({self.compute.device})",
        )

    def pixels(self, name: str | None = None) -> CachedArray:
        """Return decoded images before normalisation, (images, 3, size, size) uint8.

        Without a backbone's name they are resized as `Preprocessing` does by default: the whole
        image, bicubic, to a square of 224 pixels.
        """
        preprocessing = self.backbones[name].preprocessing if name else Preprocessing()
        return self._cached(
            "pixels",
            (preprocessing.geometry, *_versions(_RESIZING)),
            lambda: self._decoded(preprocessing.to_pixels()),
            "Decoding images",
        )

    def prepare(
        self,
        kind: FeatureKind,
        backbone: str | None,
        view: View | None = None,
        part: Part | None = None,
    ) -> CachedArray | None:
        """Return what a baseline needs, computing it at the first call; None if it needs nothing.

        Embeddings are those of a view of the images, where one is given; activations those of
        what runs before `part`.

        Raises
        ------
        UserError
            If embeddings or activations are wanted and no backbone is named, or its embeddings come
            from a file that does not fit.
        """
        if kind == "none":
            return None
        if kind == "colour":
            return self.colour()
        if kind == "pixels":
            return self.pixels(backbone)
        if backbone is None:
            raise UserError(
                f"a kind asks for {kind}, and its recipe names no backbone",
                'Write backbone = "reference" (or a backbone\'s name) into the recipe.',
            )
        if kind == "activations":
            if part is None:
                raise UserError("a kind asks for activations, and does not say before which part")
            return self.activations(backbone, part)
        return self.embeddings(backbone, view)

    def __getstate__(self) -> dict[str, Any]:
        """Tell another process which arrays were checked here, so that it does not hash them."""
        return {**vars(self), "checked": checked_entries()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        believe(state.pop("checked"))
        vars(self).update(state)

    def _embedding_key(self, backbone: Encoder) -> tuple[str, ...]:
        return (
            backbone.name,
            backbone.facts.weights_sha256,
            str(backbone.preprocessing),
            self.compute.device,
            self.compute.precision,
            str(self.compute.micro_batch),
            *_versions(_EMBEDDING),
        )

    def _cached(
        self,
        kind: str,
        key: tuple[str, ...],
        blocks: Callable[[], Iterator[NDArray[Any]]],
        description: str,
        unchanged: Callable[[], Sequence[int]] = tuple,
    ) -> CachedArray:
        rows = len(self.dataset.manifest)
        key = (self.dataset.sha256, *self.dataset.decoding, *key)
        return cached_array(kind, key, rows, blocks, description, unchanged)

    def _batches(self, size: int) -> Iterator[Sequence[ImageFile]]:
        files = self.dataset.files()
        return (files[start : start + size] for start in range(0, len(files), size))

    def _decoded(self, convert: Convert, size: int = _DECODE_BATCH) -> Iterator[NDArray[Any]]:
        return ahead(lambda files: decode_batch(files, convert), self._batches(size))

    def _embed(self, backbone: Encoder, part: Part | None = None) -> Iterator[NDArray[Any]]:
        """Yield embeddings, or the activations before a part, batch by batch.

        On a CPU, every core decodes and embeds a batch of its own in one thread: threads that
        share a batch wait for each other, and the bits would depend on the number of cores.
        """
        to_pixels = backbone.preprocessing.to_pixels()
        return self._embedded(backbone, lambda files: decode_batch(files, to_pixels), part)

    def _embed_views(
        self, backbone: Encoder, view: View, unchanged: list[int]
    ) -> Iterator[NDArray[np.float32]]:
        """Yield embeddings of views batch by batch, and tell which images have none."""
        to_pixels = backbone.preprocessing.to_pixels()
        row = {file: number for number, file in enumerate(self.dataset.files())}

        def decode(files: Sequence[ImageFile]) -> NDArray[np.uint8]:
            pixels, without = decode_views(files, view, to_pixels)
            unchanged.extend(row[file] for file in without)
            return pixels

        return self._embedded(backbone, decode)

    def _embedded(
        self,
        backbone: Encoder,
        decode: Callable[[Sequence[ImageFile]], NDArray[np.uint8]],
        part: Part | None = None,
    ) -> Iterator[NDArray[Any]]:
        embed = Embedder(backbone, self.compute, part)
        batches = self._batches(self.compute.micro_batch)
        if self.compute.is_accelerator:
            return map(embed, ahead(decode, batches))
        return ahead(lambda files: embed(decode(files)), batches)


class Embedder:
    """A frozen backbone on a device, from pixels to pooled features.

    With a part of it that trains: what runs before, from pixels to activations.
    """

    def __init__(self, backbone: Encoder, compute: Compute, part: Part | None = None) -> None:
        self._compute = compute
        self._accelerator = compute.accelerator()
        device = self._accelerator.device
        network = part.front(backbone) if part else backbone.load()
        self._network = channels_last(network, device).eval()
        halved = part is not None and compute.precision == "bf16"
        self._dtype: type[np.floating[Any]] = np.float16 if halved else np.float32
        self._normalise = Normaliser(backbone.preprocessing, device)

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Return (n, features), or (n, ...) activations, of (n, 3, size, size) pixels."""
        import torch

        if not self._compute.is_accelerator:
            torch.set_num_threads(1)  # holds for the calling thread
        with torch.inference_mode(), self._accelerator.autocast():
            features = self._network(self._normalise(torch.from_numpy(pixels)))
        return _as_stored(features.float().cpu().numpy(), self._dtype)


def _as_stored(values: NDArray[np.float32], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        stored = values.astype(dtype, copy=False)
    if stored.dtype != values.dtype and not np.isfinite(stored).all():
        raise UserError("activations do not fit into 16 bits", "Use --precision 32.")
    return stored


def _versions(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the versions that cached values depend on: an upgrade computes them anew."""
    return tuple(f"{name} {importlib.metadata.version(name)}" for name in packages)


def colour_histogram(image: Image.Image) -> NDArray[np.float32]:
    """Return the joint RGB histogram of an image, `COLOUR_BINS ** 3` shares that sum to 1.

    It holds no spatial information: shuffling the pixels changes nothing.
    """
    levels = (np.asarray(image).reshape(-1, 3) // (256 // COLOUR_BINS)).astype(np.int64)
    codes = (levels[:, 0] * COLOUR_BINS + levels[:, 1]) * COLOUR_BINS + levels[:, 2]
    counts = np.bincount(codes, minlength=COLOUR_BINS**3)
    shares: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
    return shares
