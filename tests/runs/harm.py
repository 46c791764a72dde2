"""What can happen to a file on a disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

FILES = ("config.json", "history.csv", "predictions.parquet", "model.safetensors", "state.json")
"""The files of a run of a network."""


def _truncate(file: Path, _: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def _empty(file: Path, _: Path) -> None:
    file.write_bytes(b"")


def _flip(file: Path, _: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def _delete(file: Path, _: Path) -> None:
    file.unlink()


def _replace(file: Path, sibling: Path) -> None:
    shutil.copy(sibling, file)


HARMS: dict[str, Callable[[Path, Path], None]] = {
    "truncated": _truncate,
    "emptied": _empty,
    "one byte flipped": _flip,
    "deleted": _delete,
    "replaced by a sibling's": _replace,
}
"""Take a file, and the file of the same name of a sibling."""
