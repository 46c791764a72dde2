"""Examples that are shown as views of themselves, or mixed with others, as each epoch draws it.

An epoch has as many steps as without: each image is shown once, as itself or as a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lcbench.training.loop import Examples
from lcbench.training.objectives import negative_log_likelihood


@dataclass(frozen=True)
class AugmentedExamples(Examples):
    """Training images with their views, and whom they are mixed with.

    Parameters
    ----------
    views
        (n, 1 + views) the inputs that show each image: itself, then its views. An image without
        views stands in each column as itself.
    families
        Positions of the images of each class that is mixed with the others; none: no mixing.
    alpha
        Of the Beta distribution of the shares of a mixture.
    """

    views: Tensor
    families: Sequence[Tensor] = ()
    alpha: float = 1.0

    def batches(
        self, order: Tensor, size: int, generator: torch.Generator, device: torch.device
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs and answers; those of mixtures are for `MixedObjective`."""
        draws = _fork(generator)
        rows = _chosen(self.views, draws)
        mixture = self._mixture(draws) if self.families else None
        for batch in torch.split(order, size):
            inputs = self.inputs.index_select(0, rows[batch])
            answers = self.allowed[batch]
            if mixture is not None:
                partner, share = mixture[0][batch], mixture[1][batch].unsqueeze(1)
                inputs = share * inputs + (1.0 - share) * self.inputs.index_select(0, rows[partner])
                answers = torch.cat([answers.float(), self.allowed[partner].float(), share], dim=1)
            yield inputs.to(device), answers.to(device)

    def _mixture(self, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return each image's partner, of another family, and its own share; 1 without one."""
        partner = torch.arange(len(self))
        share = torch.ones(len(self))
        random = np.random.default_rng(int(torch.randint(2**63 - 1, (1,), generator=draws)))
        for number, family in enumerate(self.families):
            others = torch.cat([one for other, one in enumerate(self.families) if other != number])
            if len(family) and len(others):
                picked = torch.randint(len(others), (len(family),), generator=draws)
                partner[family] = others[picked]
                drawn = random.beta(self.alpha, self.alpha, len(family))
                share[family] = torch.from_numpy(drawn).float()
        return partner, share


class MixedObjective(nn.Module):
    """Mixup (Zhang et al., ICLR 2018): the losses of both labels, each with its share.

    Parameters
    ----------
    objective
        Of one label; by default the negative log-probability of what it allows.
    """

    def __init__(self, objective: nn.Module | None = None) -> None:
        super().__init__()
        self._objective = objective

    def forward(self, log_probabilities: Tensor, answers: Tensor) -> Tensor:
        """Return (rows,) losses.

        Parameters
        ----------
        log_probabilities
            (rows, outputs).
        answers
            (rows, 2 outputs + 1): what each of the two labels allows, and the share of the first.
        """
        outputs = log_probabilities.shape[1]
        losses = self._objective or negative_log_likelihood
        share = answers[:, -1]
        one, other = (
            losses(log_probabilities, allowed > 0)
            for allowed in (answers[:, :outputs], answers[:, outputs:-1])
        )
        mixed: Tensor = share * one + (1.0 - share) * other
        return mixed


def _fork(generator: torch.Generator) -> torch.Generator:
    """Return a generator of its own, so that every arm shows its images in the same order."""
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    return torch.Generator().manual_seed(int(torch.randint(2**63 - 1, (1,), generator=copy)))


def _chosen(views: Tensor, draws: torch.Generator) -> Tensor:
    """Return (n,) one of each row's inputs, each as likely."""
    column = torch.randint(views.shape[1], (len(views), 1), generator=draws)
    return views.gather(1, column).squeeze(1)
