"""Whether an explanation changes when the model forgets what it learned.

Adebayo, J. et al. (2018). Sanity checks for saliency maps. NeurIPS 31, section 3: the parameters
of a network are made random from the output towards the input, and the attributions of the network
so spoilt are compared with its own. A method whose maps stay alike does not explain the model.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lcbench.explanations.similarity import BATCH, Likeness, Maps, similarities
from lcbench.statistics.metrics import Values

if TYPE_CHECKING:
    from torch import Tensor, nn

    Attribute = Callable[[nn.Module, Tensor], Tensor]
    """Takes a model and (B, 3, H, W) images, and returns (B, H, W) attributions."""

STAGES = 4
"""How often attributions are made anew on the way from the output to the input."""


@dataclass(frozen=True)
class Stage:
    """How far a network is spoilt.

    Parameters
    ----------
    name
        The deepest module that is random, as PyTorch names it.
    modules
        All modules whose own parameters are random.
    share
        Share of the network's parameters that are random.
    """

    name: str
    modules: tuple[str, ...]
    share: float


@dataclass(frozen=True, eq=False)
class Randomised:
    """How alike the attributions of the network and of the spoilt one are.

    Parameters
    ----------
    stage
        How far the network is spoilt.
    likeness
        The (N,) likenesses of the images.
    """

    stage: Stage
    likeness: dict[Likeness, Values]


def cascade(model: nn.Module, head: Sequence[str] = (), stages: int = STAGES) -> tuple[Stage, ...]:
    """Return stages of randomisation: the head alone first, everything last.

    Parameters
    ----------
    model
        The network; its modules are registered in the order in which they run.
    head
        Modules that make the decision, with all that is in them; by default the last one with
        parameters.
    stages
        How many at most; those between head and everything take as many modules each.

    Raises
    ------
    ValueError
        If the model, or its head, has no parameters.
    """
    own = {
        name: sum(one.numel() for one in module.parameters(recurse=False))
        for name, module in model.named_modules()
    }
    names = [name for name, size in own.items() if size]
    in_head = [name for name in names if _is_inside(name, head)] if head else names[-1:]
    if not in_head:
        raise ValueError(f"no parameters in the head {list(head)} of {type(model).__name__}")
    rest = [name for name in reversed(names) if name not in in_head]
    ends = np.linspace(0, len(rest), max(1, stages)).round().astype(int)
    total = sum(own.values())
    found = []
    for end in sorted({int(one) for one in ends}):
        random = (*in_head, *rest[:end])
        share = sum(own[name] for name in random) / total
        found.append(Stage(rest[end - 1] if end else in_head[0], random, share))
    return tuple(found)


def spoilt(model: nn.Module, modules: Sequence[str], seed: int) -> nn.Module:
    """Return a copy of a network with the parameters of some modules in random order.

    Every tensor keeps its own values, each at another place: nothing that was learned is left but
    the scale, without which a network would answer alike to all images, and maps would differ for
    that reason (Sundararajan, M. and Taly, A. (2018). A note about: local explanation methods for
    deep neural networks lack sensitivity to parameter values. arXiv:1806.04205). The statistics of
    batch normalisation stay. The order of a module does not depend on which others are named.

    Parameters
    ----------
    model
        The network, which is not changed.
    modules
        Names of the modules whose own parameters are meant, as in `torch.nn.Module.named_modules`.
    seed
        Of the order.
    """
    import torch

    changed = copy.deepcopy(model)
    with torch.no_grad():
        for number, (name, module) in enumerate(changed.named_modules()):
            generator = torch.Generator().manual_seed(1_000_003 * seed + number)
            for parameter in module.parameters(recurse=False):
                order = torch.randperm(parameter.numel(), generator=generator)
                if name in modules:
                    values = parameter.flatten()[order.to(parameter.device)]
                    parameter.copy_(values.view(parameter.shape))
    return changed


def randomise(
    attribute: Attribute,
    model: nn.Module,
    images: Tensor,
    maps: Maps,
    stages: Sequence[Stage],
    *,
    seed: int = 0,
    batch: int = BATCH,
) -> Iterator[Randomised]:
    """Yield how alike the model's attributions are to those of the spoilt one, stage by stage.

    Parameters
    ----------
    attribute
        The method.
    model
        The network.
    images
        (N, 3, H, W) input.
    maps
        (N, H, W) attributions of the network itself.
    stages
        How far it is spoilt, see `cascade`.
    seed
        Of the random order.
    batch
        Images that are attributed at once.
    """
    import torch

    for stage in stages:
        other = spoilt(model, stage.modules, seed)
        made = [
            attribute(other, part).detach().cpu().numpy() for part in torch.split(images, batch)
        ]
        yield Randomised(stage, similarities(maps, np.concatenate(made)))


def _is_inside(name: str, modules: Sequence[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in modules)
