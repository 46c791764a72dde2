"""How the tensors of a checkpoint find their places in a network of timm's."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lcbench.errors import UserError
from lcbench.models.checkpoints import without_counters
from lcbench.models.differences import Differences, classifier_names, listed
from lcbench.models.misfits import misfit
from lcbench.models.weights import PACKAGES

if TYPE_CHECKING:
    import torch
    from torch import nn

    Tensors = Mapping[str, torch.Tensor]

# Architectures whose torchvision (or package) tensors stand in timm's order under other names.
# Each is held by a test that compares the outputs of both networks.
_SAME_ORDER = frozenset({"densenet121", "efficientnet_b0", "convnext_tiny", *PACKAGES})
_CLASSIFIER_TENSORS = 2
_DEEPEST_PREFIX = 4
_PREFIXES = 4
"""How many of them are tried."""
_AVERAGED = ("teacher", "ema", "averaged")
"""What names averaged weights, which go before the trained ones that lie beside them."""


_POSITIONS = ("pos_embed", "relative_position_bias_table", "rel_pos")
"""Tensors that may be resampled for another size of image."""


@dataclass(frozen=True)
class Match:
    """A network's tensors, and how they were found in a checkpoint.

    Parameters
    ----------
    tensors
        By the network's names.
    prefix
        What stood before each name in the checkpoint.
    renamed
        By whose rule names were changed beyond that; empty where they were not.
    resampled
        Position embeddings that were brought to another size of image.
    left_out
        Tensors of the checkpoint that this network has no place for.
    """

    tensors: dict[str, torch.Tensor]
    prefix: str = ""
    renamed: str = ""
    resampled: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def match_tensors(backbone: str, tensors: Tensors, network: nn.Module, origin: str) -> Match:
    """Return a checkpoint's tensors under the names of a network.

    Names are compared first, without what training scripts put before all of them. Then timm's own
    converter for the architecture is asked, which knows the names of DINOv2 and others, and brings
    position embeddings to another size. For architectures whose torchvision tensors are known to
    stand in the same order under other names, the order decides last.

    Parameters
    ----------
    backbone
        The network's name.
    tensors
        Those of the checkpoint.
    network
        What they are for, on any device.
    origin
        The checkpoint, for messages.

    Raises
    ------
    UserError
        If nothing fits; with the tensors that are missing, of other shapes or too many.
    """
    given, wanted = without_counters(tensors), without_counters(network.state_dict())
    prefixes = _prefixes(given, wanted)
    for prefix in prefixes:
        below = _below(given, prefix)
        found = _by_name(below, wanted, network) or _converted(below, wanted, network)
        if found is not None:
            return _completed(found, prefix, tensors, network)
    for prefix in prefixes:
        by_order = _by_order(backbone, _below(given, prefix), wanted)
        if by_order is not None:
            return _completed(by_order, prefix, tensors, network)
    raise misfit(backbone, _below(given, prefixes[0]), wanted, network, origin)


def _below(given: Tensors, prefix: str) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): one for n, one in given.items() if n.startswith(prefix)}


def _prefixes(given: Tensors, wanted: Tensors) -> list[str]:
    """Return what may stand before all names, the likeliest first; of equals, averaged weights."""
    hits: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for name in given:
        parts = name.split(".")
        for depth in range(min(_DEEPEST_PREFIX, len(parts) - 1) + 1):
            prefix = "".join(f"{part}." for part in parts[:depth])
            sizes[prefix] += 1
            hits[prefix] += name.removeprefix(prefix) in wanted
    enough = [one for one in sizes if hits[one] or sizes[one] >= len(wanted)]
    ordered = sorted(
        enough or [""],
        key=lambda one: (-hits[one], not any(a in one for a in _AVERAGED), one.count(".")),
    )
    return ordered[:_PREFIXES]


def _by_name(given: Tensors, wanted: Tensors, network: nn.Module) -> Match | None:
    """Match where all tensors are there, of the right shapes, and no larger network's.

    The stages of a larger network hold more than is wanted: ResNet-101 holds all of ResNet-50.
    """
    if not Differences.of(given, wanted, network).none:
        return None
    left_out = tuple(name for name in given if name not in wanted)
    return Match({name: given[name] for name in wanted}, left_out=left_out)


def _converted(given: Tensors, wanted: Tensors, network: nn.Module) -> Match | None:
    """Match what timm's own converter for the architecture makes of the tensors."""
    convert = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return None
    try:
        made = without_counters(convert(dict(given), network))
    except Exception:  # noqa: BLE001 - written for few files, it can break anywhere on another
        return None
    found = _by_name(made, wanted, network)
    if found is None:
        return None
    changed = [
        name
        for name, tensor in found.tensors.items()
        if name in given and given[name].numel() != tensor.numel()
    ]
    if not all(any(words in name for words in _POSITIONS) for name in changed):
        return None  # patches of another size, for one, are another network's
    renamed = any(name not in given for name in wanted)
    module = type(network).__module__.rpartition(".")[2]
    return replace(
        found,
        renamed=f"timm's converter for {module}" if renamed else "",
        resampled=tuple(changed),
    )


def _by_order(backbone: str, given: Tensors, wanted: Tensors) -> Match | None:
    if backbone not in _SAME_ORDER:
        return None
    if len(given) not in (len(wanted), len(wanted) + _CLASSIFIER_TENSORS):
        return None
    pairs = list(zip(wanted.items(), given.values(), strict=False))
    if any(tensor.squeeze().shape != place.squeeze().shape for (_, place), tensor in pairs):
        return None
    tensors = {name: tensor.reshape(place.shape) for (name, place), tensor in pairs}
    left_out = tuple(given)[len(wanted) :]
    return Match(tensors, renamed="the order of torchvision's tensors", left_out=left_out)


def _completed(found: Match, prefix: str, tensors: Tensors, network: nn.Module) -> Match:
    """Return a match with the counters of batch normalisation, and all that was left out."""
    counters = {
        name: tensors[prefix + name]
        for name in network.state_dict()
        if name not in found.tensors and prefix + name in tensors
    }
    outside = [name for name in without_counters(tensors) if not name.startswith(prefix)]
    return replace(
        found,
        tensors={**found.tensors, **counters},
        prefix=prefix,
        left_out=(*(prefix + name for name in found.left_out), *outside),
    )


def head_outputs(backbone: str, tensors: Tensors, network: nn.Module, origin: str) -> int:
    """Return how many outputs the head in a checkpoint has.

    Parameters
    ----------
    backbone, tensors, network, origin
        As `match_tensors` takes them; the network with a head of any width.

    Raises
    ------
    UserError
        If the checkpoint holds no head of the network's.
    """
    places = [f"{head}.weight" for head in classifier_names(network)]
    for name, tensor in tensors.items():
        if any(name == place or name.endswith(f".{place}") for place in places):
            return int(tensor.shape[0])
    theirs = [one for name, one in tensors.items() if "classifier" in name and one.ndim == 2]
    if backbone in _SAME_ORDER and theirs:  # torchvision's name for it
        return int(theirs[-1].shape[0])
    raise UserError(
        f"{origin}: no head of {backbone}: no tensor {listed(places)}",
        "An encoder without a head is a backbone of another kind (network, linear-probe, "
        "neighbours). A head of another form is built by a function of your own "
        "(docs/own-model.md).",
    )
