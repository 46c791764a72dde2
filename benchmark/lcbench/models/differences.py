"""In what the tensors of a checkpoint differ from those that a network wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    Tensors = Mapping[str, torch.Tensor]

_OF_A_HEAD = (
    "head", "fc", "classif", "aux", "proj", "predict", "decoder", "prototype", "queue",
    "mask_token", "loss", "criterion", "logit",
)  # fmt: skip
"""What the first part of a name contains where a tensor plays no part in pooled features."""

_NAMED = 3
"""Tensors that a message names."""


@dataclass(frozen=True)
class Differences:
    """Names of tensors that stand between a checkpoint and a network.

    Parameters
    ----------
    missing
        What the network wants and the checkpoint lacks.
    misshapen
        What is there in another shape.
    beyond
        What the network has no place for, and is no head's.
    """

    missing: Sequence[str]
    misshapen: Sequence[str]
    beyond: Sequence[str]

    @classmethod
    def of(cls, given: Tensors, wanted: Tensors, network: nn.Module) -> Differences:
        """Compare tensors of a checkpoint with those that a network wants, by name."""
        heads = tuple(f"{one}." for one in classifier_names(network))
        own = {name.partition(".")[0].lower() for name in wanted}
        return cls(
            missing=[name for name in wanted if name not in given],
            misshapen=[n for n in wanted if n in given and given[n].shape != wanted[n].shape],
            beyond=[
                name
                for name in given
                if name not in wanted
                and not name.startswith(heads)
                and not _of_a_head(name.partition(".")[0].lower(), own)
            ],
        )

    @property
    def none(self) -> bool:
        """Whether the checkpoint fits."""
        return not (self.missing or self.misshapen or self.beyond)

    @property
    def layer_scale(self) -> bool:
        """Whether all that the network has no place for are the factors of LayerScale."""
        last = [name.rpartition(".")[2] for name in self.beyond]
        return bool(last) and all(name.startswith("gamma") for name in last)


def _of_a_head(first: str, own: set[str]) -> bool:
    """Tell from the first part of a name whether a tensor plays no part in pooled features."""
    # The normalisation after pooling (fc_norm) changes the features.
    known = any(words in first for words in _OF_A_HEAD) and "norm" not in first
    return known and first not in own


def classifier_names(network: nn.Module) -> tuple[str, ...]:
    """Return what timm calls the classifier of a network; empty where it has none."""
    config = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None)
    stated = (config or {}).get("classifier") or ()
    find = getattr(network, "get_classifier", None)
    if not stated and callable(find):  # configurations need not say it
        last = find()
        stated = [name for name, module in network.named_modules() if module is last]
    return (stated,) if isinstance(stated, str) else tuple(stated)


def listed(names: Sequence[str], *, quoted: bool = True) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(repr(name) if quoted else name for name in names[:_NAMED])
    more = len(names) - _NAMED
    return f"{shown} (and {more} more)" if more > 0 else shown
