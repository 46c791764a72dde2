"""Names of what is being written, replaced and locked, and what killed processes leave of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NEW = ".lcbench-new-"
OLD = ".lcbench-old-"
LOCK = ".lcbench-lock-"
"""Before a name: what is being written, what it replaces, who may write."""
UNFINISHED = ".lcbench-unfinished-"
"""Before a key and a name: what a fit that was interrupted left, for the same command."""
RANDOM = 8
"""Characters of the random word, and a dash after it, between NEW or OLD and the name."""


def sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder that is held, and in folders below it.

    A folder that was moved aside and never replaced is moved back.
    """
    for inside, _, _ in os.walk(folder):
        sweep_beside(Path(inside), "")


def sweep_beside(folder: Path, end: str) -> None:
    """Remove leftovers of names that end so; `end` is empty for all, or a dash and the name."""
    for path in sorted(folder.glob(".lcbench-*")):
        kind = next((one for one in (NEW, OLD) if path.name.startswith(one)), None)
        if kind is None or (end and path.name[len(kind) + RANDOM :] != end):
            continue
        name = path.name[len(kind) + RANDOM + 1 :]
        if kind == OLD and name and not (folder / name).exists():
            path.replace(folder / name)
        else:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, as far as the system allows."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
