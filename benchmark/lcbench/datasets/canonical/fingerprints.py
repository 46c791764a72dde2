"""A short hash of what an image shows: it stays when the image is resized or stored anew."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.caching.entries import open_entry
from lcbench.caching.place import cache_folder
from lcbench.console import progress
from lcbench.datasets.images import ImageFile, open_again
from lcbench.storage.hashes import content_hash

VERSION = "1"
"""Changes whenever the same image would get another fingerprint."""

BITS = 64

MOST_DIFFERENT = 12
"""Bits in which two fingerprints of one image may differ. Of 1,500 images of LC25000 resized from
224 pixels and stored as JPEG of quality 80, none differs in more than 7 (all 15,000 at 150 or 448
pixels are recognised); of two images that have nothing in common, 1 in 10,000 differs in 16 or
fewer."""

_GRID = 32
_WAVES = 9
_FILE = "fingerprints.npy"


def fingerprint(image: Image.Image) -> np.uint64:
    """Return the signs of the 64 lowest frequencies of an image's grey values.

    The discrete cosine transform of the image reduced to 32 x 32 values, without its mean
    (Zauner, 2010, "Implementation and benchmarking of perceptual image hash functions").
    """
    grey = image.convert("L").convert("F").resize((_GRID, _GRID), Image.Resampling.BOX)
    frequencies = _COSINES @ np.asarray(grey, dtype=np.float64) @ _COSINES.T
    signs = frequencies.ravel()[_LOWEST] > 0
    return np.uint64(int.from_bytes(np.packbits(signs).tobytes(), "big"))


def fingerprints_of(files: Sequence[ImageFile]) -> NDArray[np.uint64]:
    """Return the fingerprint of each image; what was computed before is read from the cache.

    Raises
    ------
    UserError
        If an image changed since it was hashed.
    """
    name = content_hash(VERSION, *(file.sha256 for file in files))
    folder = cache_folder() / "fingerprints" / name

    def build(place: Path) -> dict[str, int]:
        found = []
        with (
            progress("Recognising images", len(files)) as advance,
            ThreadPoolExecutor(os.cpu_count()) as pool,
        ):
            for one in pool.map(lambda file: fingerprint(open_again(file)), files):
                found.append(one)
                advance(1)
        np.save(place / _FILE, np.array(found, dtype="<u8"))
        return {"images": len(files)}

    key = (f"fingerprints {VERSION}", f"{len(files)} images", name)
    stored = np.load(open_entry(folder, key, build).folder / _FILE)
    return np.asarray(stored, dtype=np.uint64)


def differing_bits(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return in how many bits fingerprints differ, pair by pair."""
    return np.asarray(np.bitwise_count(first ^ second))


def _cosines() -> NDArray[np.float64]:
    """Return the (waves, grid) matrix of the orthogonal discrete cosine transform, unscaled."""
    places = 2 * np.arange(_GRID) + 1
    return np.cos(np.pi * np.outer(np.arange(_WAVES), places) / (2 * _GRID))


def _lowest() -> NDArray[np.intp]:
    """Return the places of the lowest frequencies, the mean left out."""
    order = np.add.outer(np.arange(_WAVES), np.arange(_WAVES)).ravel()
    return np.argsort(order, kind="stable")[1 : BITS + 1]


_COSINES = _cosines()
_LOWEST = _lowest()
