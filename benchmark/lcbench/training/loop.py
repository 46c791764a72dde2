"""The one training loop, for heads on cached embeddings and for whole networks."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from lcbench.compute import Compute, fits_on_device


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Parameters
    ----------
    epochs
        At most.
    batch_size, learning_rate
        Of Adam (Kingma & Ba 2015).
    patience
        Epochs without a lower validation loss before training ends.
    autocast
        Whether the forward pass uses the compute's precision; else 32 bits.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    autocast: bool


@dataclass(frozen=True)
class Examples:
    """Inputs of a network and what it should say of them.

    Parameters
    ----------
    inputs
        (all, ...) of a whole dataset.
    rows
        (n,) the inputs that belong to this table.
    allowed
        (n, outputs) booleans: the outputs that agree with the label. A label that is an inner
        node allows every leaf below it.
    """

    inputs: Tensor
    rows: Tensor
    allowed: Tensor

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class EpochResult:
    """Losses (mean over images) and validation accuracy of an epoch."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float


def train(
    network: nn.Module,
    examples: Examples,
    validation: Examples,
    settings: TrainingSettings,
    compute: Compute,
    seed: int,
) -> list[EpochResult]:
    """Train a network that returns log-probabilities; leave it at its best epoch.

    The loss is the negative log-probability of what the label allows. The best epoch is the one
    of the lowest validation loss; the test table plays no part.

    Returns
    -------
    list of EpochResult
        One an epoch.
    """
    accelerator = compute.accelerator()
    device = accelerator.device
    network.to(device)
    optimizer = torch.optim.Adam(
        network.parameters(), settings.learning_rate, fused=device.type in ("cpu", "cuda")
    )
    examples, validation = (_placed(table, device) for table in (examples, validation))
    order = torch.Generator().manual_seed(seed)
    history: list[EpochResult] = []
    best = _Best(network)
    for epoch in range(1, settings.epochs + 1):
        network.train()
        total = torch.zeros((), device=device)
        shuffled = torch.randperm(len(examples), generator=order).to(examples.rows.device)
        for batch in torch.split(shuffled, settings.batch_size):
            inputs = examples.inputs[examples.rows[batch]].to(device)
            with _precision(accelerator, autocast=settings.autocast):
                loss = _losses(network(inputs), examples.allowed[batch].to(device)).mean()
            optimizer.zero_grad(set_to_none=True)
            accelerator.backward(loss)
            optimizer.step()
            total += loss.detach() * len(batch)
        loss_value, accuracy = _validate(network, validation, settings, compute)
        history.append(EpochResult(epoch, total.item() / len(examples), loss_value, accuracy))
        best.offer(loss_value, epoch)
        if epoch - best.epoch >= settings.patience:
            break
    best.restore()
    return history


def predict(
    network: nn.Module, inputs: Tensor, rows: Tensor, compute: Compute, *, autocast: bool
) -> Tensor:
    """Return (rows, outputs) log-probabilities on the CPU, in float64.

    Parameters
    ----------
    inputs, rows
        As in `Examples`.
    autocast
        Whether to use the compute's precision; else 32 bits.
    """
    accelerator = compute.accelerator()
    network.to(accelerator.device).eval()
    batch_size = compute.micro_batch if autocast else 4096
    parts = []
    for batch in torch.split(rows, batch_size):
        with torch.inference_mode(), _precision(accelerator, autocast=autocast):
            parts.append(network(inputs[batch].to(accelerator.device)).double().cpu())
    return torch.cat(parts)


class _Best:
    """The network's state at its lowest validation loss."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._loss = float("inf")
        self._state: dict[str, Tensor] = {}
        self.epoch = 0

    def offer(self, loss: float, epoch: int) -> None:
        """Keep the state if the loss is lower than at the epochs before."""
        if loss < self._loss or epoch == 1:
            self._loss, self.epoch = loss, epoch
            state = self._network.state_dict()
            self._state = {name: tensor.detach().clone() for name, tensor in state.items()}

    def restore(self) -> None:
        self._network.load_state_dict(self._state)


def _precision(accelerator: Accelerator, *, autocast: bool) -> AbstractContextManager[None]:
    """Return Accelerate's autocast; it costs more than a step of a small head, which skips it."""
    context: AbstractContextManager[None] = accelerator.autocast() if autocast else nullcontext()
    return context


def _losses(log_probabilities: Tensor, allowed: Tensor) -> Tensor:
    return -log_probabilities.masked_fill(~allowed, float("-inf")).logsumexp(dim=1)


def _validate(
    network: nn.Module, validation: Examples, settings: TrainingSettings, compute: Compute
) -> tuple[float, float]:
    output = predict(
        network, validation.inputs, validation.rows, compute, autocast=settings.autocast
    )
    allowed = validation.allowed.cpu()
    right = allowed.gather(1, output.argmax(dim=1, keepdim=True))
    return _losses(output, allowed).mean().item(), right.double().mean().item()


def _placed(examples: Examples, device: torch.device) -> Examples:
    """Move a table's inputs to the device if they fit there beside the network."""
    size = examples.inputs.numel() * examples.inputs.element_size()
    if not fits_on_device(size, device):
        return examples
    inputs, rows = examples.inputs.to(device), examples.rows.to(device)
    return Examples(inputs, rows, examples.allowed.to(device))
