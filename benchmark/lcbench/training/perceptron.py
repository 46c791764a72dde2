"""Networks of one hidden layer, and their steps of descent without autograd.

A step of the paper's head takes 0.3 ms of arithmetic on one core; autograd, `torch.optim` and
Accelerate take as long again. Here the same operations follow each other, with the same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

_of_log_softmax = torch.ops.aten._log_softmax_backward_data
"""Autograd's gradient of a log-softmax: by its output, its output, dimension, type."""


class Perceptron(nn.Module, ABC):
    """Inputs -> Dense `hidden` ReLU -> Dense softmax for each decision -> outputs.

    Returns (rows, outputs) log-probabilities, which are linear in those of the decisions.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU())

    def forward(self, inputs: Tensor) -> Tensor:
        """Return log-probabilities, in 32 bits."""
        hidden = self.trunk(inputs)
        scores = [layer(hidden).float() for layer in self.decisions]
        return self.combine([functional.log_softmax(score, dim=1) for score in scores])

    @property
    def hidden(self) -> nn.Linear:
        """The layer below the decisions."""
        return cast(nn.Linear, self.trunk[0])

    @property
    @abstractmethod
    def decisions(self) -> Sequence[nn.Linear]:
        """The layers from the hidden one to the scores of each decision."""

    @abstractmethod
    def combine(self, decisions: Sequence[Tensor]) -> Tensor:
        """Return the log-probabilities of the outputs, given those of the decisions."""

    @abstractmethod
    def divide(self, gradient: Tensor) -> Sequence[Tensor]:
        """Return the gradient by each decision's log-probabilities, given that by the outputs'."""


class PerceptronSteps:
    """Steps of Adam (Kingma & Ba 2015) down the mean negative log-probability of what is allowed.

    Parameters
    ----------
    network
        Changed in place. In 32 bits on a device for which torch has a fused Adam.
    learning_rate
        Of Adam; its other constants are those of `torch.optim.Adam`.
    """

    def __init__(self, network: Perceptron, learning_rate: float) -> None:
        self._combine, self._divide = network.combine, network.divide
        self._hidden, *self._decisions = map(_Layer, (network.hidden, *network.decisions))
        layers = (self._hidden, *self._decisions)
        self._learning_rate = learning_rate
        self._parameters = [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
        self._gradients = [
            tensor for layer in layers for tensor in (layer.weight_gradient, layer.bias_gradient)
        ]
        self._means, self._squares = (
            [torch.zeros_like(parameter) for parameter in self._parameters] for _ in range(2)
        )
        self._steps = torch.zeros((), device=network.hidden.weight.device)

    @torch.no_grad()
    def __call__(self, inputs: Tensor, allowed: Tensor) -> Tensor:
        """Take a step.

        Parameters
        ----------
        inputs
            (rows, inputs).
        allowed
            (rows, outputs) booleans: the outputs that agree with each label.

        Returns
        -------
        loss
            Before the step, the mean over the rows.
        """
        loss = self._backpropagate(inputs, allowed)
        self._steps.add_(1)
        torch._fused_adam_(
            self._parameters,
            self._gradients,
            self._means,
            self._squares,
            [],
            [self._steps] * len(self._parameters),
            lr=self._learning_rate,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )
        return loss

    def _backpropagate(self, inputs: Tensor, allowed: Tensor) -> Tensor:
        """Return the loss, and overwrite the gradients."""
        hidden = self._hidden(inputs).relu_()
        decisions = [functional.log_softmax(layer(hidden), dim=1) for layer in self._decisions]
        agreeing = self._combine(decisions).masked_fill(~allowed, float("-inf"))
        likelihood = agreeing.logsumexp(dim=1, keepdim=True)
        by_output = agreeing.sub_(likelihood).exp_().mul_(-1 / inputs.shape[0])
        by_hidden = torch.zeros_like(hidden)
        by_decision = self._divide(by_output)
        for layer, decision, gradient in zip(self._decisions, decisions, by_decision, strict=True):
            by_score = _of_log_softmax(gradient, decision, 1, decision.dtype)
            layer.take(by_score, hidden)
            by_hidden.addmm_(by_score, layer.weight)
        self._hidden.take(by_hidden.mul_(hidden > 0), inputs)
        return likelihood.mean().neg_()


class _Layer:
    """The tensors of a linear layer, which a module would look up at each use."""

    def __init__(self, layer: nn.Linear) -> None:
        self.weight, self.bias = layer.weight.detach(), layer.bias.detach()
        self.weight_gradient, self.bias_gradient = map(torch.zeros_like, (self.weight, self.bias))

    def __call__(self, inputs: Tensor) -> Tensor:
        return functional.linear(inputs, self.weight, self.bias)

    def take(self, by_output: Tensor, inputs: Tensor) -> None:
        """Overwrite the gradients, given that by what the layer made of the inputs."""
        torch.mm(by_output.t(), inputs, out=self.weight_gradient)
        torch.sum(by_output, dim=0, out=self.bias_gradient)
