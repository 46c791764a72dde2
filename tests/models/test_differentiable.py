"""A network in the precision of its run: embeddings are rounded, heads on them are not."""

from __future__ import annotations

import torch
from torch import nn

from lcbench.models.differentiable import LeafNetwork


def test_in_bf16_heads_on_embeddings_stay_in_32_bits() -> None:
    torch.manual_seed(0)
    backbone, head = nn.Linear(8, 8), nn.Linear(8, 3)
    images = torch.rand(4, 8)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            rounded, both = backbone(images), head(backbone(images))
        on_embeddings = LeafNetwork(backbone, head, range(3)).in_bf16(images)
        whole = LeafNetwork(backbone, nn.Sequential(head), range(3), ["decide.0"]).in_bf16(images)
    assert torch.equal(on_embeddings, head(rounded.float()))
    assert whole.dtype == both.dtype == torch.bfloat16
    assert torch.equal(whole, both)
