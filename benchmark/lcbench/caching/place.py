"""Where the cache is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

from lcbench.errors import UserError


def cache_folder() -> Path:
    """Return the folder for what can be computed again: `LCBENCH_CACHE` or the user's cache.

    A user without a home, as in some containers, has one among the temporary files.

    Raises
    ------
    UserError
        If that one is another user's.
    """
    override = os.environ.get("LCBENCH_CACHE")
    if override:
        return Path(override)
    if home_is_unknown():
        folder = Path(tempfile.gettempdir()) / f"lcbench-{os.getuid()}"
        if folder.exists() and folder.stat().st_uid != os.getuid():
            raise UserError(f"{folder} is another user's", "Set LCBENCH_CACHE to a folder.")
        return folder
    return Path(platformdirs.user_cache_dir("lcbench"))


def home_is_unknown() -> bool:
    """Tell whether there is no place that the user's cache could be in."""
    if os.environ.get("LCBENCH_CACHE"):
        return False
    try:
        platformdirs.user_cache_dir("lcbench")
    except RuntimeError:
        return True
    return False
