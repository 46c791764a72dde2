"""The one training loop, for heads on cached embeddings and for whole networks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from lcbench import interrupts
from lcbench.compute import Compute, fits_on_device
from lcbench.console import Tell
from lcbench.errors import UserError
from lcbench.training.checkpoint import Checkpoint, random_state, set_random_state
from lcbench.training.history import Epoch
from lcbench.training.objectives import negative_log_likelihood
from lcbench.training.perceptron import Perceptron
from lcbench.training.steps import precision, steps_for

_TELL_EVERY = 20
"""Batches between two reports of the loss: reading it makes an accelerator wait."""


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
    objective
        What training minimises; by default the negative log-probability of what the label allows.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    autocast: bool
    objective: nn.Module | None = None


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

    def batches(
        self,
        order: Tensor,
        size: int,
        generator: torch.Generator,  # noqa: ARG002 - for those that draw what they show
        device: torch.device,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs and answers of an epoch, on the device, in an order."""
        rows, allowed = (torch.split(table[order], size) for table in (self.rows, self.allowed))
        for batch, answers in zip(rows, allowed, strict=True):
            yield self.inputs.index_select(0, batch).to(device), answers.to(device)


@dataclass(frozen=True)
class TrainingResult:
    """Every epoch that was trained, and the number of the one that was restored."""

    epochs: tuple[Epoch, ...]
    best_epoch: int


def train(
    network: nn.Module,
    examples: Examples,
    validation: Examples,
    settings: TrainingSettings,
    compute: Compute,
    seed: int,
    name: str = "all",
    tell: Tell | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Train a network that returns log-probabilities; leave it at its best epoch.

    The best epoch is the one of the lowest validation loss, which is the negative log-probability
    of what the label allows, whatever the objective of training; without validation images, it is
    the last one. The test table plays no part.

    Parameters
    ----------
    seed
        Decides the order of the training images.
    name
        Of the network, in its learning curve.
    tell
        Takes the images of each batch, and words on epoch and loss.
    checkpoint
        Where to go on from, and to store where training stands after an epoch. An interrupted
        training that goes on ends with the bytes of one that was not interrupted.

    Raises
    ------
    UserError
        If a loss is not finite: nothing that was learned can be trusted then.
    """
    training = _Training(network, settings, compute, seed, tell)
    device = compute.accelerator().device
    examples, validation = (_placed(table, device) for table in (examples, validation))
    progress = _Progress(state=network.state_dict())
    stored = checkpoint.load() if checkpoint else None
    if stored:
        progress = training.resume(stored, len(examples))
    while not progress.ended(settings):
        train_loss = training.train(examples, progress.epoch + 1)
        loss, accuracy = training.validate(validation)
        epoch = Epoch(progress.epoch + 1, name, train_loss, loss, accuracy)
        _require_finite(epoch, chosen_by_validation=len(validation) > 0)
        progress.add(epoch, network)
        if checkpoint:
            checkpoint.save(training.standing(progress), now=interrupts.asked())
    network.load_state_dict(progress.state)
    if isinstance(network, Perceptron):
        network.lay_out()
    return TrainingResult(tuple(progress.epochs), progress.best_epoch)


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
        with torch.inference_mode(), precision(accelerator, autocast=autocast):
            taken = inputs.index_select(0, batch).to(accelerator.device)
            parts.append(network(taken).cpu().double())
    return torch.cat(parts)


@dataclass
class _Progress:
    """The epochs that were trained, and the best of them.

    `state` is the network's at the best epoch.
    """

    state: Mapping[str, Tensor]
    epochs: list[Epoch] = field(default_factory=list)
    lowest: float = math.inf
    best_epoch: int = 0

    @property
    def epoch(self) -> int:
        """How many epochs were trained."""
        return len(self.epochs)

    def ended(self, settings: TrainingSettings) -> bool:
        """Tell whether no further epoch is wanted."""
        waited = self.epoch - self.best_epoch
        return self.epoch >= settings.epochs or waited >= settings.patience

    def add(self, epoch: Epoch, network: nn.Module) -> None:
        """Take another epoch, after which the network stands as it does now."""
        self.epochs.append(epoch)
        loss = epoch.validation_loss
        if loss < self.lowest or math.isnan(loss):  # nan: there are no validation images
            self.lowest, self.best_epoch = loss, epoch.epoch
            self.state = deepcopy(network.state_dict())


class _Training:
    """A network in training: passes over its images, each in an order of its own."""

    def __init__(
        self,
        network: nn.Module,
        settings: TrainingSettings,
        compute: Compute,
        seed: int,
        tell: Tell | None,
    ) -> None:
        self._compute = compute
        self._accelerator = compute.accelerator()
        device = self._accelerator.device
        self._network = network.to(device)
        self._settings = settings
        self._steps = steps_for(
            network, settings.learning_rate, compute, settings.objective, autocast=settings.autocast
        )
        self._order = torch.Generator().manual_seed(seed)
        self._tell = tell

    def train(self, examples: Examples, epoch: int) -> float:
        """Show every image once; return the mean loss."""
        self._network.train()
        device = self._accelerator.device
        shuffled = torch.randperm(len(examples), generator=self._order).to(examples.rows.device)
        batches = examples.batches(shuffled, self._settings.batch_size, self._order, device)
        total: Tensor | float = 0.0
        seen, words = 0, ""
        for number, (inputs, answers) in enumerate(batches):
            total = total + self._steps(inputs, answers) * len(inputs)
            if self._tell:
                seen += len(inputs)
                if number % _TELL_EVERY == 0:
                    loss = float(total) / seen
                    words = f"epoch {epoch} of {self._settings.epochs}, loss {loss:.3g}"
                self._tell(len(inputs), words)
        return float(total) / len(examples)

    def validate(self, validation: Examples) -> tuple[float, float]:
        """Return the mean loss and the share of images whose likeliest output is allowed."""
        output = predict(
            self._network,
            validation.inputs,
            validation.rows,
            self._compute,
            autocast=self._settings.autocast,
        )
        allowed = validation.allowed.cpu()
        right = allowed.gather(1, output.argmax(dim=1, keepdim=True))
        loss = negative_log_likelihood(output, allowed)
        return loss.mean().item(), right.double().mean().item()

    def standing(self, progress: _Progress) -> dict[str, Any]:
        """Return everything that decides how training goes on."""
        best_is_last = progress.best_epoch == progress.epoch
        return {
            "network": self._network.state_dict(),
            "optimizer": self._steps.state_dict(),
            "order": self._order.get_state(),
            "random": random_state(),
            "epochs": [asdict(epoch) for epoch in progress.epochs],
            "lowest": progress.lowest,
            "best_epoch": progress.best_epoch,
            "best": None if best_is_last else progress.state,
        }

    def resume(self, stored: dict[str, Any], images: int) -> _Progress:
        """Take back what `standing` returned."""
        self._network.load_state_dict(stored["network"])
        self._steps.load_state_dict(stored["optimizer"])
        self._order.set_state(stored["order"])
        set_random_state(stored["random"])
        progress = _Progress(
            state=stored["best"] or deepcopy(self._network.state_dict()),
            epochs=[Epoch(**epoch) for epoch in stored["epochs"]],
            lowest=stored["lowest"],
            best_epoch=stored["best_epoch"],
        )
        if self._tell:
            self._tell(images * progress.epoch, f"goes on after epoch {progress.epoch}")
        return progress


def _require_finite(epoch: Epoch, *, chosen_by_validation: bool) -> None:
    losses = {"training": epoch.train_loss}
    if chosen_by_validation:
        losses["validation"] = epoch.validation_loss
    for table, loss in losses.items():
        if not math.isfinite(loss):
            raise UserError(
                f"the {table} loss is {loss} in epoch {epoch.epoch}: training has diverged",
                "Lower the recipe's learning_rate, or use --precision 32.",
            )


def _placed(examples: Examples, device: torch.device) -> Examples:
    """Move a table's inputs to the device if they fit there beside the network."""
    size = examples.inputs.numel() * examples.inputs.element_size()
    if not fits_on_device(size, device):
        return examples
    inputs, rows = examples.inputs.to(device), examples.rows.to(device)
    return replace(examples, inputs=inputs, rows=rows, allowed=examples.allowed.to(device))
