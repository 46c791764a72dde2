"""Arrays that are computed once for a dataset and read by every fold, seed and head."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lcbench.caching.entries import Entry, open_entry, stored_entry
from lcbench.caching.place import cache_folder
from lcbench.console import progress
from lcbench.storage.hashes import content_hash

_VALUES = "values.npy"
_UNCHANGED = "unchanged.npy"


@dataclass(frozen=True)
class CachedArray:
    """An array on disk, one row an image of the manifest.

    Parameters
    ----------
    values
        Memory-mapped, copied on write; the first axis is the manifest's.
    images_per_second
        Speed at which it was computed, decoding included, on the machine that did it.
    unchanged
        Rows of images that have no view of the kind that was wanted: they are shown as they are.
    """

    values: NDArray[Any]
    images_per_second: float
    unchanged: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))


def cached_array(
    kind: str,
    key: tuple[str, ...],
    rows: int,
    blocks: Callable[[], Iterator[NDArray[Any]]],
    description: str,
    unchanged: Callable[[], Sequence[int]] = tuple,
) -> CachedArray:
    """Read an array from the cache, or compute it block by block and store it.

    What is read was hashed by this process, or by the one that started it.

    Parameters
    ----------
    kind
        Folder of the cache.
    key
        Everything that the values depend on.
    rows
        Images; the blocks' rows must add up to it.
    blocks
        Computes the values in manifest order.
    description
        For the progress bar.
    unchanged
        Called after the last block: the rows of images that have no view.
    """
    folder = cache_folder() / kind / content_hash(*key)

    def build(place: Path) -> dict[str, float]:
        speed = _compute(place / _VALUES, rows, blocks, description)
        if found := unchanged():
            # Once each: where the cache was cleared meanwhile, all is computed twice.
            np.save(place / _UNCHANGED, np.unique(np.array(found, dtype=np.intp)))
        return {"images_per_second": speed}

    try:
        return _mapped(open_entry(folder, key, build))
    except FileNotFoundError:  # somebody cleared the cache between the two
        return _mapped(open_entry(folder, key, build))


def stored_array(kind: str, key: tuple[str, ...]) -> CachedArray | None:
    """Read an array from the cache; None where it was never computed, or is damaged."""
    try:
        entry = stored_entry(cache_folder() / kind / content_hash(*key), key)
        return None if entry is None else _mapped(entry)
    except FileNotFoundError:  # somebody cleared the cache between the two
        return None


def _mapped(entry: Entry) -> CachedArray:
    values = np.load(entry.folder / _VALUES, mmap_mode="c")  # torch takes no read-only memory
    speed, stored = entry.facts["images_per_second"], entry.folder / _UNCHANGED
    if stored.exists():
        return CachedArray(values, speed, np.load(stored))
    return CachedArray(values, speed)


def _compute(
    path: Path, rows: int, blocks: Callable[[], Iterator[NDArray[Any]]], description: str
) -> float:
    """Write the blocks as one array; return the rows a second."""
    done = 0
    started = time.perf_counter()
    # Written, not memory-mapped: a full disk is then an error and not the end of the process.
    with progress(description, rows) as advance, path.open("wb") as file:
        for block in blocks():
            if done == 0:
                _write_header(file, block, rows)
            file.write(np.ascontiguousarray(block).data)
            done += len(block)
            advance(len(block))
    if done != rows:
        raise RuntimeError(f"{description}: {done} rows instead of {rows}")
    return rows / (time.perf_counter() - started)


def _write_header(file: BinaryIO, block: NDArray[Any], rows: int) -> None:
    """Write what makes the bytes of blocks like this one a `.npy` file of `rows` rows."""
    header = {
        "descr": np.lib.format.dtype_to_descr(block.dtype),
        "fortran_order": False,
        "shape": (rows, *block.shape[1:]),
    }
    np.lib.format.write_array_header_1_0(file, header)
