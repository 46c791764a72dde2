"""Models as one network from an image to the leaves of the class tree, for whoever asks why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from lcbench.models.hierarchies import Logs


class LeafNetwork(nn.Module):
    """From normalised images to log-probabilities of the leaves, with gradients all the way.

    Its modules are registered in the order in which they run. Leaves that it can never answer
    have minus infinity.

    Parameters
    ----------
    backbone
        From (B, 3, H, W) normalised images to what `decide` takes.
    decide
        From there to (B, leaves) log-probabilities; they need not be normalised.
    answers
        Places of the leaves that it can answer, in their order.
    head
        Names of the modules that make the decision, as `named_modules` has them.
    """

    def __init__(
        self,
        backbone: nn.Module,
        decide: nn.Module,
        answers: Sequence[int],
        head: Sequence[str] = ("decide",),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.decide = decide
        self.answers = tuple(answers)
        self.head = tuple(head)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, leaves) log-probabilities."""
        found: Tensor = self.decide(self.backbone(images))
        return found

    def in_bf16(self, images: Tensor) -> Tensor:
        """Return the same as runs compute it in bf16: heads on embeddings stay in 32 bits."""
        device = images.device.type
        within = any(name.startswith("decide.") for name in self.head)
        with torch.autocast(device, torch.bfloat16):
            features: Tensor = self.backbone(images)
        with torch.autocast(device, torch.bfloat16, enabled=within):
            found: Tensor = self.decide(features.float())
        return found


class Decisions(nn.Module):
    """The networks of a hierarchy on the same input, and what their answers give together.

    Parameters
    ----------
    parts
        One network for each part of the hierarchy.
    combine
        As in `lcbench.models.hierarchies.Hierarchy`.
    """

    def __init__(
        self, parts: Sequence[nn.Module], combine: Callable[[Sequence[Logs]], Logs]
    ) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._combine = combine

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, leaves) log-probabilities."""
        found: Tensor = self._combine([part(inputs) for part in self.parts])
        return found


class Linear(nn.Module):
    """A softmax over some leaves of standardised features.

    Parameters
    ----------
    mean, scale
        (features,) what features are standardised by.
    weights, intercepts
        (classes, features) and (classes,).
    classes, leaves
        The places of the classes among the leaves, and how many leaves there are.
    """

    def __init__(
        self,
        mean: NDArray[np.float64],
        scale: NDArray[np.float64],
        weights: NDArray[np.float64],
        intercepts: NDArray[np.float64],
        classes: NDArray[np.intp],
        leaves: int,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        self.linear = nn.Linear(weights.shape[1], weights.shape[0])
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor(weights))
            self.linear.bias.copy_(torch.tensor(intercepts))
        self._classes, self._leaves = classes.tolist(), leaves

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, leaves) log-probabilities; minus infinity for other leaves."""
        inputs = (features - self.get_buffer("mean")) / self.get_buffer("scale")
        return among_leaves(self.linear(inputs).log_softmax(dim=1), self._classes, self._leaves)


class ClassesOfLeaves(nn.Module):
    """The leaves' log-probabilities from the outputs of a finished classifier's own head.

    Parameters
    ----------
    shares
        (classes, leaves) what share of each class goes to each leaf.
    logits
        Whether the head ends in logits; else in probabilities.
    """

    def __init__(self, shares: NDArray[np.float64], *, logits: bool) -> None:
        super().__init__()
        self.answers = tuple(np.flatnonzero(shares.any(axis=0)).tolist())
        self._kept = np.flatnonzero(shares.any(axis=1)).tolist()
        self._classes, self._leaves = shares.shape
        some = torch.tensor(shares[self._kept][:, self.answers], dtype=torch.float32)
        self.register_buffer("log_shares", some.log())
        self._logits = logits

    def forward(self, outputs: Tensor) -> Tensor:
        """Return (B, leaves) log-probabilities; minus infinity where no class stands for a leaf."""
        if outputs.shape[1] < self._classes:  # one output for two classes is of the second
            first = torch.zeros_like(outputs) if self._logits else 1 - outputs
            outputs = torch.cat([first, outputs], dim=1)
        kept = outputs[:, self._kept]
        if not self._logits:
            kept = kept.clamp(min=torch.finfo(kept.dtype).tiny).log()
        logs = kept.log_softmax(dim=1)
        each = (logs[:, :, None] + self.get_buffer("log_shares")).logsumexp(dim=1)
        return among_leaves(each, self.answers, self._leaves)


def last_module(network: nn.Module) -> str:
    """Return the name of the last module with parameters of its own, as they are registered."""
    named: list[str] = [
        name for name, one in network.named_modules() if list(one.parameters(recurse=False))
    ]
    return named[-1]


def among_leaves(logs: Tensor, places: Sequence[int], leaves: int) -> Tensor:
    """Return (B, leaves) of which the columns at `places` are given; else minus infinity."""
    empty = logs.new_full((len(logs), leaves), -torch.inf)
    return empty.index_copy(1, torch.tensor(places, device=logs.device), logs)
