"""Features of many images on disk: written in parts, so that a killed audit goes on."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.caching.entries import open_entry
from lcbench.caching.place import cache_folder
from lcbench.console import Advance, no_progress
from lcbench.datasets.images import ImageFile
from lcbench.errors import UserError
from lcbench.features.decoding import ahead
from lcbench.leakage.keypoints import DESCRIPTOR_LENGTH, ImageFeatures, read_features
from lcbench.storage.hashes import content_hash

VERSION = "1"
"""Changes whenever `keypoints` computes something else."""

PART_SIZE = 250
"""Images a part; at most so many are done again after a kill."""


@dataclass(frozen=True)
class _Part:
    """Features of some images; what is large is read when asked for, and no file stays open."""

    folder: Path

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: np.load(self._file(name)) for name in _SMALL}

    @cached_property
    def _headers(self) -> dict[str, int]:
        """Bytes before the values of each large array."""
        return {name: np.load(self._file(name), mmap_mode="r").offset for name in _LARGE}

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def _rows(self, name: str, start: int, end: int) -> NDArray[Any]:
        dtype, width = _LARGE[name]
        offset = self._headers[name] + int(start) * width * np.dtype(dtype).itemsize
        count = int(end - start) * width
        values = np.empty(count, dtype=dtype)
        with self._file(name).open("rb", buffering=0) as file:  # half the time of np.fromfile
            file.seek(offset)
            read = file.readinto(values.data)
        if read != values.nbytes:
            raise OSError(f"{self._file(name)}: {read} of {values.nbytes} bytes")
        return values

    def __len__(self) -> int:
        return len(self._arrays["sizes"])

    def __getitem__(self, index: int) -> ImageFeatures:
        try:
            return self._image(index)
        except FileNotFoundError as error:
            raise UserError(
                f"{self.folder} was removed while it was used", "Run the command again."
            ) from error

    def _image(self, index: int) -> ImageFeatures:
        arrays = self._arrays
        first, last = arrays["keypoint_starts"][index : index + 2]
        start, end = arrays["pixel_starts"][index : index + 2]
        height, width = arrays["shapes"][index]
        return ImageFeatures(
            pixels=self._rows("pixels", start, end).reshape(height, width),
            size=(int(arrays["sizes"][index, 0]), int(arrays["sizes"][index, 1])),
            points=self._rows("points", first, last).reshape(-1, 2),
            descriptors=self._rows("descriptors", first, last).reshape(-1, DESCRIPTOR_LENGTH),
            colour=arrays["colours"][index],
            digest=arrays["digests"][index].tobytes(),
        )


class FeatureStore(Sequence[ImageFeatures]):
    """Features of a list of images, read from disk when asked for.

    Parameters
    ----------
    parts
        Where they are kept.
    rows
        Which images of the parts, numbered through all of them; every one by default.
    """

    def __init__(self, parts: Sequence[_Part], rows: NDArray[np.intp] | None = None) -> None:
        self._parts = tuple(parts)
        self._starts = _starts([len(part) for part in parts])
        self._rows = np.arange(self._starts[-1]) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> ImageFeatures:  # type: ignore[override] # no slices
        row = self._rows[index]
        part = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._parts[part][int(row - self._starts[part])]

    def only(self, chosen: NDArray[np.intp]) -> FeatureStore:
        """Return the features of some of the images."""
        return FeatureStore(self._parts, self._rows[chosen])


def features_of(
    folders: Sequence[Sequence[ImageFile]], advance: Advance = no_progress
) -> FeatureStore:
    """Describe images, or read from the cache what was described before.

    Parameters
    ----------
    folders
        Each keeps its features for itself. The cache goes by hashes, not by names.
    advance
        Takes the number of images done.

    Raises
    ------
    UserError
        If an image changed since it was hashed.
    """
    parts: list[_Part] = []
    described: dict[str, tuple[_Part, int]] = {}
    for files in folders:
        for start in range(0, len(files), PART_SIZE):
            chosen = files[start : start + PART_SIZE]
            parts.append(_part(chosen, described, advance))
            for row, file in enumerate(chosen):
                described.setdefault(file.sha256, (parts[-1], row))
    return FeatureStore(parts)


def _part(
    files: Sequence[ImageFile], described: Mapping[str, tuple[_Part, int]], advance: Advance
) -> _Part:
    """Return the features of some files; those of the same bytes are found once.

    Parameters
    ----------
    files
        The files.
    described
        Of files that stand in earlier parts, by hash: the part and the row in it.
    advance
        Takes the number of images done.
    """
    name = content_hash(*(file.sha256 for file in files))
    folder = cache_folder() / "keypoints" / f"v{VERSION}" / name
    done = 0

    def features(file: ImageFile) -> ImageFeatures:
        if file.sha256 not in described:
            return read_features(file)
        part, row = described[file.sha256]
        return part[row]

    def build(place: Path) -> dict[str, int]:
        nonlocal done
        different = {file.sha256: file for file in files}
        found = {}
        for sha256, image in zip(different, ahead(features, different.values()), strict=True):
            found[sha256] = image
            done += 1
            advance(1)
        _write(place, [found[file.sha256] for file in files])
        return {"images": len(files)}

    key = (f"keypoints {VERSION}", f"{len(files)} images", name)
    part = _Part(open_entry(folder, key, build).folder)
    advance(len(files) - done)
    return part


_SMALL = ("pixel_starts", "shapes", "sizes", "keypoint_starts", "colours", "digests")
_LARGE = {
    "pixels": (np.uint8, 1),
    "points": (np.float32, 2),
    "descriptors": (np.uint8, DESCRIPTOR_LENGTH),
}
"""Type and values a row of the arrays that are read piece by piece."""


def _write(folder: Path, found: Sequence[ImageFeatures]) -> None:
    arrays = {
        "pixels": np.concatenate([image.pixels.ravel() for image in found]),
        "pixel_starts": _starts([image.pixels.size for image in found]),
        "shapes": np.array([image.pixels.shape for image in found], dtype=np.int64),
        "sizes": np.array([image.size for image in found], dtype=np.int64),
        "points": np.concatenate([image.points for image in found]).reshape(-1, 2),
        "descriptors": np.concatenate([image.descriptors for image in found]).reshape(
            -1, DESCRIPTOR_LENGTH
        ),
        "keypoint_starts": _starts([len(image.points) for image in found]),
        "colours": np.stack([image.colour for image in found]),
        "digests": np.stack([np.frombuffer(image.digest, dtype=np.uint8) for image in found]),
    }
    for name, array in arrays.items():
        _save(folder / f"{name}.npy", array)


def _save(path: Path, array: NDArray[Any]) -> None:
    """Write a `.npy` file; numpy itself does not say that a disk is full."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    path.write_bytes(buffer.getbuffer())


def _starts(counts: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
