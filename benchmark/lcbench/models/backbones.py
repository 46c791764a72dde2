"""Backbones: what their names can be, and the network and preprocessing that each name gives.

- a name of timm's, as `resnet50`
- `hf-hub:organisation/name`: a repository of the Hugging Face hub in timm's format
- `package.module:function`: a function of the user's own. It takes nothing and returns
  `(network, Preprocessing)`: a `torch.nn.Module` from (n, 3, size, size) float32, normalised as the
  `lcbench.features.encoder.Preprocessing` says, to (n, features); with its weights.

With its own head, a network gives (n, outputs) instead: a classifier that is finished.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.errors import UserError, unknown_name, wrong_usage
from lcbench.features.encoder import EncoderFacts, HeadFacts, Preprocessing
from lcbench.models.baseline import import_address
from lcbench.models.building import (
    build_network,
    find_preprocessing,
    hub_config,
    refused_size,
)
from lcbench.models.checkpoints import (
    Checkpoint,
    class_names,
    read_checkpoint,
    require_finite,
    without_counters,
)
from lcbench.models.matching import Match, head_outputs, match_tensors
from lcbench.models.weights import (
    HUB_PREFIX,
    HUB_WEIGHTS,
    RANDOM,
    WeightOptions,
    WeightSource,
    download_file,
    is_function,
    locate_weights,
)

if TYPE_CHECKING:
    import torch

SUGGESTED = (
    "resnet50",
    "densenet121",
    "efficientnet_b0",
    "convnext_tiny",
    "tf_efficientnet_lite0",
    "tf_efficientnet_lite1",
)
"""Backbones that the shipped suites use; any other name works as well."""

_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class Reading:
    """How the tensors of a file became a network's: where they lay, and what was left out."""

    checkpoint: Checkpoint
    match: Match


@dataclass(frozen=True)
class Backbone:
    """A backbone with a known source of weights, not yet loaded.

    Parameters
    ----------
    name
        Of one of the forms above.
    source
        Where the weights come from, on this machine.
    preprocessing
        What its images go through.
    outputs
        Of its own head, where that is kept: 0 where only the weights tell how many. None for
        pooled features, without a head.
    """

    name: str
    source: WeightSource
    preprocessing: Preprocessing
    outputs: int | None = None

    @property
    def random(self) -> bool:
        """Whether the user asked for random weights."""
        return self.source.kind == RANDOM

    @property
    def facts(self) -> EncoderFacts:
        """Size, cost and weight hash; the network is loaded to find out."""
        return self._examined[0]

    @property
    def reading(self) -> Reading | None:
        """How its file of weights was read; None where no file holds them. Loads the network."""
        return self._examined[1]

    @property
    def head(self) -> HeadFacts:
        """How many outputs its own head has and what they are called; the weights are read."""
        classes: tuple[str, ...] = ()
        if self.source.path is not None:
            classes = read_checkpoint(self.source.path).classes
        if not classes and self.name.startswith(HUB_PREFIX):
            classes = class_names(hub_config(self.name))
        here = self.source.kind != "hub"
        return HeadFacts(self.facts.features if here else None, classes)

    @cached_property
    def _examined(self) -> tuple[EncoderFacts, Reading | None]:
        network, reading = self._read()
        try:
            return _examine(self, network), reading
        except (AssertionError, RuntimeError) as error:  # how networks refuse an image size
            raise refused_size(self.name, self.preprocessing.size, error) from error

    def load(self) -> torch.nn.Module:
        """Return the network, from images to pooled features, or to what its own head gives.

        Raises
        ------
        UserError
            If the weights cannot be read or belong to another network.
        """
        return self._read()[0]

    def _read(self) -> tuple[torch.nn.Module, Reading | None]:
        import torch

        if self.source.kind == "hub":
            raise RuntimeError(f"{self.source} was not fetched")
        path, outputs = self.source.path, self.outputs
        if path is not None and outputs is not None:
            outputs = self._outputs_in(path)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = build_network(self.name, self.preprocessing.size, outputs)
        if path is None:
            return network, None
        checkpoint = read_checkpoint(path)
        match = match_tensors(self.name, checkpoint.tensors, network, str(self.source))
        require_finite(match.tensors, str(self.source))
        network.load_state_dict({**network.state_dict(), **match.tensors})
        return network, Reading(replace(checkpoint, tensors={}), replace(match, tensors={}))

    def _outputs_in(self, path: Path) -> int:
        """Return how many outputs the head in a file has."""
        import torch

        with torch.device("meta"):
            network = build_network(self.name, self.preprocessing.size, 1)
        return head_outputs(self.name, read_checkpoint(path).tensors, network, str(self.source))


def require_backbone(name: str) -> None:
    """Raise a UserError if a name leads to no backbone; with near names where it is no address.

    The hub is not asked.
    """
    if name.startswith(HUB_PREFIX):
        if not _REPOSITORY.fullmatch(name.removeprefix(HUB_PREFIX)):
            raise wrong_usage(f"backbone {name!r}: not of the form {HUB_PREFIX}organisation/name")
        return
    if is_function(name):
        if not callable(import_address(name, "backbone", "function")):
            raise UserError(f"backbone = {name!r}: not a function")
        return
    import timm

    if not timm.is_model(name):
        raise unknown_name("backbone", name, {*timm.list_models(f"{name[:4]}*"), *SUGGESTED})


def resolve_backbone(
    name: str, options: WeightOptions, outputs: int | None = None
) -> Backbone | None:
    """Find a backbone and its weights; None where `--offline` leaves it without weights.

    Parameters
    ----------
    name
        Of one of the forms above.
    options
        What the user asked for.
    outputs
        Of its own head, as `Backbone` takes them.

    Raises
    ------
    UserError
        If the name leads to no backbone, the weights' file is missing, the hub gives no
        configuration, or the user's function breaks its contract.
    """
    require_backbone(name)
    source = locate_weights(name, options)
    if source is None:
        return None
    preprocessing = find_preprocessing(name, offline=options.offline)
    if preprocessing is None:
        return None
    size = options.size_of(name)
    if size is not None:
        preprocessing = replace(preprocessing, size=size)
    return Backbone(name, source, preprocessing, outputs)


def fetch_backbone(backbone: Backbone) -> Backbone:
    """Download the weights from the hub if they are not on this machine yet.

    Raises
    ------
    UserError
        If the download fails.
    """
    source = backbone.source
    if source.kind != "hub":
        return backbone
    path = download_file(source.name, *HUB_WEIGHTS)
    return replace(backbone, source=WeightSource("cache", source.name, path))


def _examine(backbone: Backbone, network: torch.nn.Module) -> EncoderFacts:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    size = backbone.preprocessing.size
    network.eval()
    with torch.no_grad(), counter:
        features = network(torch.zeros(1, 3, size, size))
    _require_features(backbone.name, features)
    return EncoderFacts(
        features=features.shape[1],
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gmacs=counter.get_total_flops() / 2 / 1e9,  # a multiply-accumulate is two operations
        weights_sha256=_tensor_hash(network),
    )


def _require_features(name: str, found: object) -> None:
    import torch

    if isinstance(found, torch.Tensor) and found.ndim == 2 and found.is_floating_point():
        return
    gave = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    raise UserError(
        f"backbone {name} gives {gave} for one image, not numbers of shape (1, features)",
        "It must pool its feature maps and return one tensor.",
    )


def _tensor_hash(network: torch.nn.Module) -> str:
    import torch

    digest = hashlib.sha256()
    for name, tensor in without_counters(network.state_dict()).items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
