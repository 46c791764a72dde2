"""Methods and models of which the truth is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lcbench.statistics.groups import ClusterCodes, cluster_codes

SIDE = 32


class Linear(nn.Module):
    """The score is a weighted sum of the pixels: its gradient is the weights."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, images: Tensor) -> Tensor:
        return (images.mean(dim=1) * self.weights).sum(dim=(1, 2))


def linear(seed: int = 0) -> Linear:
    return Linear(torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(seed)))


def corner() -> Linear:
    """A model that looks at the upper left quarter alone."""
    weights = torch.zeros(SIDE, SIDE)
    weights[: SIDE // 2, : SIDE // 2] = 1.0
    return Linear(weights)


def gradient(model: nn.Module, images: Tensor) -> Tensor:
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        (found,) = torch.autograd.grad(model(images).sum(), images)
    return found.sum(dim=1)


def edges(model: nn.Module, images: Tensor) -> Tensor:  # noqa: ARG001
    """What Adebayo et al. hold against saliency maps: a method that ignores the model."""
    grey = images.mean(dim=1)
    return torch.hypot(*torch.gradient(grey, dim=(1, 2)))


def pictures(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def maps_of(found: Tensor) -> np.ndarray:
    return found.detach().numpy()


def alone(count: int) -> ClusterCodes:
    """Every image a source group of its own."""
    return cluster_codes([f"{number:03}" for number in range(count)], [""] * count)
