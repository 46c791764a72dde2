"""Network heads: from backbone features to log-probabilities."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lcbench.features.encoder import Normaliser
from lcbench.models.symmetries import random_symmetry
from lcbench.taxonomy import Taxonomy


class FlatHead(nn.Module):
    """The paper's head: features -> Dense `hidden` ReLU -> Dense `outputs` softmax.

    Returns (images, outputs) log-probabilities.
    """

    def __init__(self, features: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.trunk = _trunk(features, hidden)
        self.outputs = nn.Linear(hidden, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return log-probabilities."""
        return functional.log_softmax(self.outputs(self.trunk(features)).float(), dim=1)


class MultiHead(nn.Module):
    """One trunk and one softmax for each inner node of the class tree, trained jointly.

    The log-probability of a leaf is the sum of its decisions' along the path from the root, so
    its negative is the sum of the heads' cross-entropies, each on the images that reach it.
    """

    def __init__(self, features: int, hidden: int, taxonomy: Taxonomy) -> None:
        super().__init__()
        self.trunk = _trunk(features, hidden)
        decisions = [taxonomy.children(node) for node in taxonomy.inner_nodes]
        self.heads = nn.ModuleList(nn.Linear(hidden, len(children)) for children in decisions)
        children = [child for decision in decisions for child in decision]
        on_path = [
            [float(child in taxonomy.path(leaf)) for leaf in taxonomy.leaves] for child in children
        ]
        self.register_buffer("on_path", torch.tensor(on_path), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return log-probabilities of the leaves."""
        hidden = self.trunk(features)
        decisions = [functional.log_softmax(head(hidden).float(), dim=1) for head in self.heads]
        on_path: Tensor = self.get_buffer("on_path")
        # Summed by hand: autocast would turn a matrix product back into 16 bits.
        return (torch.cat(decisions, dim=1).unsqueeze(2) * on_path).sum(dim=1)


class ImageNetwork(nn.Module):
    """A backbone and a head, from uint8 pixels; augmented while training.

    Parameters
    ----------
    normaliser, backbone, head
        Applied in this order.
    flips
        Whether training images are flipped and turned by quarter turns at random.
    """

    def __init__(
        self, normaliser: Normaliser, backbone: nn.Module, head: nn.Module, *, flips: bool
    ) -> None:
        super().__init__()
        self.normaliser = normaliser
        self.backbone = backbone
        self.head = head
        self.flips = flips

    def forward(self, pixels: Tensor) -> Tensor:
        """Return log-probabilities of (images, 3, height, width) pixels."""
        if self.training and self.flips:
            pixels = random_symmetry(pixels)
        output: Tensor = self.head(self.backbone(self.normaliser(pixels)))
        return output


def _trunk(features: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU())
