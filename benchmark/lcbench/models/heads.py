"""Network heads: from backbone features to log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from lcbench.features.encoder import Normaliser
from lcbench.models.symmetries import random_symmetry
from lcbench.taxonomy import Taxonomy
from lcbench.training.perceptron import Perceptron


class FlatHead(Perceptron):
    """The paper's head: features -> Dense `hidden` ReLU -> Dense `outputs` softmax."""

    def __init__(self, features: int, hidden: int, outputs: int) -> None:
        super().__init__(features, hidden, torch.eye(outputs))
        self.outputs = nn.Linear(hidden, outputs)

    @property
    def decisions(self) -> Sequence[nn.Linear]:
        """One, between the outputs."""
        return [self.outputs]


class MultiHead(Perceptron):
    """One trunk and one softmax for each inner node of the class tree, trained jointly.

    The log-probability of a leaf is the sum of its decisions' along the path from the root, so
    its negative is the sum of the heads' cross-entropies, each on the images that reach it.
    """

    def __init__(self, features: int, hidden: int, taxonomy: Taxonomy) -> None:
        decisions = [taxonomy.children(node) for node in taxonomy.inner_nodes]
        children = [child for decision in decisions for child in decision]
        on_path = [
            [float(child in taxonomy.path(leaf)) for leaf in taxonomy.leaves] for child in children
        ]
        super().__init__(features, hidden, torch.tensor(on_path))
        self.heads = nn.ModuleList(nn.Linear(hidden, len(children)) for children in decisions)

    @property
    def decisions(self) -> Sequence[nn.Linear]:
        """One for each inner node."""
        return [cast(nn.Linear, head) for head in self.heads]


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
