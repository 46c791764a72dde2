"""Steps of descent: for any network by autograd, and for heads the faster ones in NumPy."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from lcbench.compute import Compute
from lcbench.training.objectives import negative_log_likelihood
from lcbench.training.perceptron import Perceptron, PerceptronSteps


class NetworkSteps:
    """Steps of Adam (Kingma & Ba 2015) down the mean of an objective.

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
    objective
        By default the negative log-probability of what the label allows.
    """

    def __init__(
        self,
        network: nn.Module,
        learning_rate: float,
        compute: Compute,
        *,
        autocast: bool,
        objective: nn.Module | None = None,
    ) -> None:
        self._network = network
        self._accelerator = compute.accelerator()
        self._autocast = autocast
        device = self._accelerator.device
        self._losses = objective.to(device) if objective else negative_log_likelihood
        fused = device.type in ("cpu", "cuda")
        self._optimizer = torch.optim.Adam(network.parameters(), learning_rate, fused=fused)

    def __call__(self, inputs: Tensor, allowed: Tensor) -> Tensor:
        """Take a step; return the mean loss before it."""
        with precision(self._accelerator, autocast=self._autocast):
            output = self._network(inputs)
        loss = self._losses(output, allowed).mean()
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


def steps_for(
    network: nn.Module,
    learning_rate: float,
    compute: Compute,
    objective: nn.Module | None = None,
    *,
    autocast: bool,
) -> PerceptronSteps | NetworkSteps:
    """Return the fastest steps that there are; the parameters are those of `NetworkSteps`."""
    if isinstance(network, Perceptron) and not compute.is_accelerator:
        return PerceptronSteps(network, learning_rate, objective)
    return NetworkSteps(network, learning_rate, compute, autocast=autocast, objective=objective)


def precision(accelerator: Accelerator, *, autocast: bool) -> AbstractContextManager[None]:
    """Return Accelerate's autocast, or nothing: it costs more than a small head's forward pass."""
    context: AbstractContextManager[None] = accelerator.autocast() if autocast else nullcontext()
    return context
