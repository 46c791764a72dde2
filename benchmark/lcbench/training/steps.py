"""Steps of descent for any network, by autograd."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from lcbench.compute import Compute


class NetworkSteps:
    """Steps of Adam (Kingma & Ba 2015) down the mean negative log-probability of what is allowed.

    Parameters
    ----------
    network
        On the compute's device.
    learning_rate
        Of Adam.
    compute
        Where, and in which precision.
    autocast
        Whether the forward pass uses the compute's precision; else 32 bits.
    """

    def __init__(
        self, network: nn.Module, learning_rate: float, compute: Compute, *, autocast: bool
    ) -> None:
        self._network = network
        self._accelerator = compute.accelerator()
        self._autocast = autocast
        fused = self._accelerator.device.type in ("cpu", "cuda")
        self._optimizer = torch.optim.Adam(network.parameters(), learning_rate, fused=fused)

    def __call__(self, inputs: Tensor, allowed: Tensor) -> Tensor:
        """Take a step; return the mean loss before it."""
        with precision(self._accelerator, autocast=self._autocast):
            loss = losses(self._network(inputs), allowed).mean()
        self._optimizer.zero_grad(set_to_none=True)
        self._accelerator.backward(loss)
        self._optimizer.step()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return what the next steps depend on beside the network."""
        return self._optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._optimizer.load_state_dict(state)


def losses(log_probabilities: Tensor, allowed: Tensor) -> Tensor:
    """Return (rows,) negative log-probabilities of what each label allows."""
    return -log_probabilities.masked_fill(~allowed, float("-inf")).logsumexp(dim=1)


def precision(accelerator: Accelerator, *, autocast: bool) -> AbstractContextManager[None]:
    """Return Accelerate's autocast, or nothing: it costs more than a small head's forward pass."""
    context: AbstractContextManager[None] = accelerator.autocast() if autocast else nullcontext()
    return context
