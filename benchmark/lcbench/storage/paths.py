"""Paths made of names that a file gives."""

from __future__ import annotations

from pathlib import Path

from lcbench.errors import UserError


def inside(folder: Path, *names: str) -> Path:
    """Return a path below a folder, from names that a file gives.

    Raises
    ------
    UserError
        If it leads out of the folder, by dots or by a link.
    """
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{path}: leads out of {folder}",
            "It was not written so by lcbench: do not use these files.",
        )
    return path
