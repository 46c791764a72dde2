"""Backbones by where their weights come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.models.backbones import Backbone, resolve_backbone
from lcbench.models.weights import WeightOptions, how_to_get


def packaged(name: str) -> Backbone:
    backbone = resolve_backbone(name, WeightOptions(offline=True))
    if backbone is None:
        pytest.skip(f"no weights of {name}; {how_to_get(name)}")
    return backbone


def given_weights(name: str, weights: Path | str) -> Backbone:
    """A backbone with weights from a file, or "random" ones."""
    backbone = resolve_backbone(name, WeightOptions(str(weights), name))
    assert backbone is not None
    return backbone
