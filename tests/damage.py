"""What can happen to a file on a disk: five kinds of damage, for every file that is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path, Path], None]
"""Takes the file to damage, and its sibling: the same file of another run, entry or dataset."""


def truncated(file: Path, _sibling: Path) -> None:
    """Keep the first half."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def emptied(file: Path, _sibling: Path) -> None:
    """Keep the name."""
    file.write_bytes(b"")


def flipped(file: Path, _sibling: Path) -> None:
    """Turn one bit of the byte in the middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def deleted(file: Path, _sibling: Path) -> None:
    """Remove it."""
    file.unlink()


def replaced(file: Path, sibling: Path) -> None:
    """Put the sibling in its place."""
    assert file.read_bytes() != sibling.read_bytes(), f"{file} and {sibling} say the same"
    shutil.copyfile(sibling, file)


EVERY_DAMAGE: tuple[Damage, ...] = (truncated, emptied, flipped, deleted, replaced)
"""For `pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)`."""


def named(value: object) -> str:
    """Return the name of a test's parameter."""
    return str(getattr(value, "__name__", value))
