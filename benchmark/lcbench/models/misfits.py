"""What is said of a checkpoint that does not fit a network: why, and what it may fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lcbench.errors import UserError
from lcbench.models.checkpoints import without_counters
from lcbench.models.differences import Differences, listed

if TYPE_CHECKING:
    import torch
    from torch import nn

    Tensors = Mapping[str, torch.Tensor]

_NAMED = 3
"""Networks that a message names."""
_CANDIDATES = 40
"""Networks of the same family that are held against a checkpoint which does not fit."""


def misfit(
    backbone: str, given: Tensors, wanted: Tensors, network: nn.Module, origin: str
) -> UserError:
    """Return the error that says what does not fit, why that may be, and what may fit."""
    found = Differences.of(given, wanted, network)
    details = []
    if found.missing:
        details.append(f"no tensor {listed(found.missing)}")
    if found.misshapen and not found.missing:
        shapes = [
            f"{name} ({_shape(given[name])} instead of {_shape(wanted[name])})"
            for name in found.misshapen
        ]
        details.append(f"tensors of other shapes: {listed(shapes, quoted=False)}")
    if found.beyond and not found.missing:
        what = "tensors of a larger network"
        if found.layer_scale:
            what = f"it has LayerScale, and {backbone} has none"
        details.append(f"{what}: no place for {listed(found.beyond)}")
    detail = "; ".join(reversed(details))
    return UserError(
        f"{origin}: not weights of {backbone}: {detail}",
        " ".join(_remedies(backbone, given, found)),
    )


def _remedies(backbone: str, given: Tensors, found: Differences) -> Iterator[str]:
    if any("pos_embed" in name for name in found.misshapen):
        yield (
            "Position embeddings belong to a size of image and a number of extra tokens; timm "
            "resamples them where the tokens agree."
        )
    if any("patch_embed" in name for name in found.misshapen):
        yield "Its patches are of another size."
    fitting = fitting_networks(backbone, given)
    if fitting:
        yield f"They fit --backbone {' or '.join(fitting)}."
    elif found.layer_scale:
        yield (
            "Let a function of your own build it with LayerScale, timm.create_model"
            f'("{backbone}", init_values=1e-5, num_classes=0), and load the file '
            "(docs/own-model.md)."
        )
    elif found.beyond and not found.missing and not found.misshapen:
        yield (
            "If those tensors play no part in the features, save the file without them; if they "
            "do, let a function of your own build the network (docs/own-model.md)."
        )
    else:
        yield (
            "Give weights in timm's or torchvision's names, the right --backbone, or a function of "
            "your own that builds the network (docs/own-model.md)."
        )


def fitting_networks(backbone: str, given: Tensors) -> tuple[str, ...]:
    """Return the first networks of a backbone's family in timm that tensors fit into by name.

    They are built without memory; position embeddings of another size fit.
    """
    import timm
    import torch

    family = "_".join(backbone.partition(".")[0].split("_")[:2])
    fitting: list[str] = []
    for name in timm.list_models(f"{family}*")[:_CANDIDATES]:
        try:
            with torch.device("meta"):
                network = timm.create_model(name, num_classes=0)
        except Exception:  # noqa: BLE001, S112 - few cannot be built without memory
            continue
        wanted = without_counters(network.state_dict())
        found = Differences.of(given, wanted, network)
        misshapen = [one for one in found.misshapen if "pos_embed" not in one]
        if not (found.missing or misshapen or found.beyond):
            fitting.append(name)
        if len(fitting) == _NAMED:
            break
    return tuple(fitting)


def _shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"
