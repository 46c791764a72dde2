"""Networks of one hidden layer, and their steps of descent in NumPy.

A step of the paper's head is two tenths of a millisecond of matrix products and one of Adam on a
core; autograd, `torch.optim` and Accelerate take twice as long again, and NumPy a quarter of that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Floats = NDArray[np.float32]


class Perceptron(nn.Module, ABC):
    """Inputs -> Dense `hidden` ReLU -> a Dense softmax for each decision -> outputs.

    Returns (rows, outputs) log-probabilities: of each output, the sum over the options that lead
    to it.

    Parameters
    ----------
    inputs, hidden
        Sizes of the layers.
    on_path
        (options of all decisions, outputs) 0 or 1: which options lead to which output.
    """

    def __init__(self, inputs: int, hidden: int, on_path: Tensor) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU())
        self.register_buffer("on_path", on_path, persistent=False)

    @property
    @abstractmethod
    def decisions(self) -> Sequence[nn.Linear]:
        """The layers between the hidden one and each decision's options."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return log-probabilities, in 32 bits."""
        hidden = self.trunk(inputs)
        options = [functional.log_softmax(layer(hidden).float(), dim=1) for layer in self.decisions]
        # Summed by hand: autocast would turn a matrix product back into 16 bits.
        return (torch.cat(options, dim=1).unsqueeze(2) * self.get_buffer("on_path")).sum(dim=1)

    def lay_out(self) -> None:
        """Lay the parameters out in memory as those of a restored network.

        The last bits of a matrix product depend on it on some processors.
        """
        for parameter in self.parameters():
            parameter.data = parameter.detach().clone(memory_format=torch.contiguous_format)


class PerceptronSteps:
    """Steps of Adam (Kingma & Ba 2015) down the mean negative log-probability of what is allowed.

    The gradient by the scores of a softmax is what it says less what the label says: of the
    outputs that a label allows, the network's own probabilities say how likely each one is. Of
    another objective, autograd says how it falls with each output; the rest is the same.

    Parameters
    ----------
    network
        On the CPU, in 32 bits. Its parameters become views of what the steps change.
    learning_rate
        Of Adam.
    objective
        By default the negative log-probability of what the label allows.
    """

    def __init__(
        self, network: Perceptron, learning_rate: float, objective: nn.Module | None = None
    ) -> None:
        hidden, decisions = cast(nn.Linear, network.trunk[0]), list(network.decisions)
        sizes = [layer.out_features for layer in decisions]
        shapes = [
            *((hidden.in_features, hidden.out_features), (hidden.out_features,)),
            *((hidden.out_features, sum(sizes)), (sum(sizes),)),
        ]
        length = sum(map(int, map(np.prod, shapes)))
        # One behind the other, so that Adam takes them as one.
        self._parameters, self._gradients, self._means, self._squares = (
            torch.zeros(length) for _ in range(4)
        )
        self._step = torch.zeros(())
        self._learning_rate = learning_rate
        self._objective = objective
        self._layers = weight, bias, option_weight, option_bias = _cut(self._parameters, shapes)
        self._layer_gradients = _cut(self._gradients, shapes)
        _move(hidden, weight, bias)
        ends = np.cumsum(sizes)
        self._decisions = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        for layer, options in zip(decisions, self._decisions, strict=True):
            _move(layer, option_weight[:, options], option_bias[options])
        self._on_path: Floats = network.get_buffer("on_path").numpy()
        of_decision = np.repeat(np.arange(len(sizes)), sizes)
        self._below = self._on_path.T @ np.equal.outer(of_decision, of_decision).astype(np.float32)
        """(outputs, options): whether the option's decision is one on the way to the output."""

    def __call__(self, inputs: Tensor, allowed: Tensor) -> float:
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
        loss = self._backpropagate(inputs.numpy(), allowed)
        self._step += 1
        # What torch.optim.Adam(fused=True) calls, without checks that cost a tenth of a step.
        torch._fused_adam_(
            [self._parameters],
            [self._gradients],
            [self._means],
            [self._squares],
            [],
            [self._step],
            lr=self._learning_rate,
            beta1=0.9,
            beta2=0.999,
            eps=1e-8,
            weight_decay=0.0,
            amsgrad=False,
            maximize=False,
        )
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return what the next steps depend on beside the network."""
        return {"means": self._means, "squares": self._squares, "step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        for own, stored in self.state_dict().items():
            stored.copy_(state[own])

    @np.errstate(over="ignore", invalid="ignore")  # the loss tells of it
    def _backpropagate(self, inputs: Floats, allowed: Tensor) -> float:
        """Return the loss, and overwrite the gradients."""
        weight, bias, option_weight, option_bias = self._layers
        hidden = inputs @ weight
        hidden += bias
        np.maximum(hidden, 0, out=hidden)
        scores = hidden @ option_weight
        scores += option_bias
        for options in self._decisions:
            # First the highest, as large as it may be: what is left of it is small and exact.
            scores[:, options] -= scores[:, options].max(axis=1, keepdims=True)
            scores[:, options] -= _logsumexp(scores[:, options])
        loss, likely = self._descent(scores @ self._on_path, allowed)
        by_score = np.exp(scores) * (likely @ self._below)
        by_score -= likely @ self._on_path.T
        by_score /= len(inputs)
        by_hidden = by_score @ option_weight.T
        by_hidden *= hidden > 0
        of_weight, of_bias, of_option_weight, of_option_bias = self._layer_gradients
        np.matmul(hidden.T, by_score, out=of_option_weight)
        np.sum(by_score, axis=0, out=of_option_bias)
        np.matmul(inputs.T, by_hidden, out=of_weight)
        np.sum(by_hidden, axis=0, out=of_bias)
        return loss

    def _descent(
        self, outputs: NDArray[np.floating[Any]], allowed: Tensor
    ) -> tuple[float, NDArray[np.floating[Any]]]:
        """Return the mean loss, and how each row's falls with each output, (rows, outputs)."""
        if self._objective is not None:
            given = torch.from_numpy(outputs).requires_grad_()
            total = self._objective(given, allowed).sum()
            (rises,) = torch.autograd.grad(total, given)
            return total.item() / len(outputs), -rises.numpy()
        agreeing = np.where(allowed.numpy(), outputs, -np.inf)
        likelihood = _logsumexp(agreeing)
        return -float(likelihood.mean()), np.exp(agreeing - likelihood)


def _cut(values: Tensor, shapes: Iterable[tuple[int, ...]]) -> list[Floats]:
    """Return views of the values, one behind the other."""
    views, start = [], 0
    for shape in shapes:
        end = start + int(np.prod(shape))
        views.append(values.numpy()[start:end].reshape(shape))
        start = end
    return views


def _move(layer: nn.Linear, weight: Floats, bias: Floats) -> None:
    """Give a layer's parameters another place: (inputs, outputs) and (outputs,)."""
    for parameter, place in ((layer.weight, weight.T), (layer.bias, bias)):
        moved = torch.from_numpy(place)
        moved.copy_(parameter.detach())
        parameter.data = moved


def _logsumexp(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return (rows, 1); SciPy's takes longer than a step of the network."""
    highest = values.max(axis=1, keepdims=True)
    total: NDArray[np.floating[Any]] = np.exp(values - highest).sum(axis=1, keepdims=True)
    np.log(total, out=total)
    total += highest
    return total
