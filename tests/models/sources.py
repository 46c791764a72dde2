"""Backbones by where their weights come from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

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


def lively(network: nn.Module) -> nn.Module:
    """Give batch normalisation statistics that a swapped tensor would show in."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return network.eval()
