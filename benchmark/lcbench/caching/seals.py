"""The hashes that a cache entry carries, and what is wrong where they do not hold.

A file is hashed block by block, so that one array is checked by all cores. The key of the entry
and the file's name are hashed with it: a file of another entry is noticed too.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lcbench.storage.hashes import content_hash
from lcbench.storage.whole import write_text

FACTS = "facts.json"
"""Beside the files of an entry: its key in words, what is known of it, and the hashes."""

_BLOCK = 1 << 24
"""Bytes: an array of embeddings has a few of them, so that every core gets one."""
_THREADS = 8
"""More would wait for the disk, and each holds a block."""
_UNSEALED = {"images_per_second", "key"}
"""What `facts.json` held before entries had hashes."""
_LOST = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO}
"""A file that is gone, is none, or that the disk does not give back."""


class DamagedError(Exception):
    """An entry that is not what was written; the text says where."""


class UnsealedError(Exception):
    """An entry without hashes: an earlier version wrote it, or its facts are lost."""


@dataclass(frozen=True)
class Seal:
    """What `facts.json` holds.

    Parameters
    ----------
    key
        Everything that the entry depends on, in words.
    facts
        What whoever made it wants to know when it is read.
    files
        Size and hash of each file, by its POSIX path in the entry.
    """

    key: tuple[str, ...]
    facts: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]]


def seal(folder: Path, key: Sequence[str], facts: Mapping[str, Any]) -> None:
    """Hash every file of a new entry, and write its `facts.json`."""
    names = [path.relative_to(folder).as_posix() for path in _files(folder)]
    sizes = [(folder / name).stat().st_size for name in names]
    hashes = _hashes(folder, key, list(zip(names, sizes, strict=True)))
    files = {name: (size, digest) for name, size, digest in zip(names, sizes, hashes, strict=True)}
    write_text(folder / FACTS, _text(Seal(tuple(key), facts, files)))


def read_seal(folder: Path, key: Sequence[str] | None = None) -> Seal:
    """Return what an entry says of itself; its files are not looked at.

    Parameters
    ----------
    key
        The key that it must have; any by default.

    Raises
    ------
    UnsealedError
        If there are no hashes.
    DamagedError
        If they cannot be read, or are those of another entry.
    """
    text = _read_text(folder / FACTS)
    try:
        kept = json.loads(text)
        if isinstance(kept, dict) and set(kept) == _UNSEALED:
            raise UnsealedError
        files = {name: (int(size), str(digest)) for name, (size, digest) in kept["files"].items()}
        found = Seal(tuple(kept["key"]), kept["facts"], files)
        whole = text == _text(found)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise DamagedError(f"{FACTS} cannot be read") from error
    if not whole:
        raise DamagedError(f"{FACTS} is not what was written")
    if key is not None and found.key != tuple(key):
        raise DamagedError(f"{FACTS} is that of another entry")
    return found


def check_files(folder: Path, found: Seal) -> None:
    """Hash the files of an entry again.

    Raises
    ------
    DamagedError
        If one of them is gone or not what was written.
    """
    names = list(found.files)
    for name, (size, _) in found.files.items():
        actual = file_facts(folder, name)[1]
        if actual != size:
            raise DamagedError(f"{name} has {actual:,} bytes instead of {size:,}")
    sizes = [(name, size) for name, (size, _) in found.files.items()]
    try:
        hashes = _hashes(folder, found.key, sizes)
    except OSError as error:
        raise _lost(error, "a file of it") from error
    for name, digest in zip(names, hashes, strict=True):
        if digest != found.files[name][1]:
            raise DamagedError(f"{name} is not what was written")


def file_facts(folder: Path, name: str) -> tuple[str, int, int, int, int]:
    """Return name, size, times of change and number of a file: they change whenever it does.

    Raises
    ------
    DamagedError
        If the file is gone.
    """
    try:
        stat = (folder / name).stat()
    except OSError as error:
        raise _lost(error, name) from error
    return name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DamagedError(f"{FACTS} cannot be read") from error
    except FileNotFoundError as error:
        raise UnsealedError from error
    except OSError as error:
        raise _lost(error, FACTS) from error


def _lost(error: OSError, name: str) -> Exception:
    """Return what a system's error says of an entry; one about permissions is not the entry's."""
    if error.errno == errno.EIO:
        return DamagedError(f"{name} cannot be read: {error.strerror}")
    return DamagedError(f"{name} is missing") if error.errno in _LOST else error


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _hashes(folder: Path, key: Sequence[str], files: Sequence[tuple[str, int]]) -> list[str]:
    """Return the hash of each file, given as name and size; blocks are spread over threads."""
    blocks = [
        (folder / name, start) for name, size in files for start in range(0, max(size, 1), _BLOCK)
    ]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        digests = dict(zip(blocks, pool.map(_block_digest, blocks), strict=True))
    return [
        content_hash(
            *key,
            name,
            *(digests[folder / name, start] for start in range(0, max(size, 1), _BLOCK)),
        )
        for name, size in files
    ]


def _block_digest(block: tuple[Path, int]) -> bytes:
    path, start = block
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.sha256(file.read(_BLOCK)).digest()


def _text(found: Seal) -> str:
    """Return what is written: with a hash of itself, and in one spelling only."""
    body = {
        "key": list(found.key),
        "facts": dict(found.facts),
        "files": {name: list(facts) for name, facts in found.files.items()},
    }
    plain = json.dumps(body, ensure_ascii=False, allow_nan=False)
    return json.dumps({**body, "hash": content_hash(plain)}, indent=1, ensure_ascii=False) + "\n"
