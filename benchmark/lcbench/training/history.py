"""What training tells: one line of a learning curve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One line of a learning curve: losses (mean over images) and validation accuracy.

    `network` names the network of a baseline that has several.
    """

    epoch: int
    network: str
    train_loss: float
    validation_loss: float
    validation_accuracy: float
