"""Backbones with weights from a package or a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.models.backbones import Backbone, resolve_backbone
from lcbench.models.weights import (
    WeightOptions,
    how_to_get,
)


def packaged(name: str) -> Backbone:
    backbone = resolve_backbone(name, WeightOptions(offline=True))
    if backbone is None:
        pytest.skip(f"no weights of {name}; {how_to_get(name)}")
    return backbone


def from_file(name: str, path: Path) -> Backbone:
    backbone = resolve_backbone(name, WeightOptions(str(path), name))
    assert backbone is not None
    return backbone
