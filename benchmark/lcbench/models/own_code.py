"""The source of what users bring themselves, for telling whether it has changed."""

from __future__ import annotations

import importlib
from pathlib import Path

from lcbench.models.weights import is_function
from lcbench.storage.hashes import content_hash


def own_code_sha256(*addresses: str) -> str:
    """Return the hash of the modules that a recipe names as `package.module:name`.

    Each module's own file is hashed, not what it imports. Names of shipped kinds and backbones
    count for nothing; the hash is empty where there are only such, or no source to read.
    """
    modules = sorted({one.partition(":")[0] for one in addresses if is_function(one)})
    sources = [_source(module) for module in modules]
    return content_hash(*sources) if any(sources) else ""


def _source(module: str) -> bytes:
    file = getattr(importlib.import_module(module), "__file__", None)
    return Path(file).read_bytes() if file else b""
