"""Backbones: what their names can be, and the network and preprocessing that each name gives.

- a name of timm's, as `resnet50`
- `hf-hub:organisation/name`: a repository of the Hugging Face hub in timm's format
- `package.module:function`: a function of the user's own. It takes nothing and returns
  `(network, Preprocessing)`: a `torch.nn.Module` from (n, 3, 224, 224) float32, normalised as the
  `lcbench.features.encoder.Preprocessing` says, to (n, features); with its weights.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcbench.documents import read_json
from lcbench.errors import UserError, first_line, unknown_name, wrong_usage
from lcbench.features.encoder import IMAGE_SIZE, EncoderFacts, Preprocessing
from lcbench.models.baseline import import_address
from lcbench.models.checkpoints import match_tensors, read_tensors, without_counters
from lcbench.models.weights import (
    HUB_CONFIG,
    HUB_PREFIX,
    HUB_WEIGHTS,
    RANDOM,
    WeightOptions,
    WeightSource,
    cached_file,
    download_file,
    how_to_get,
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
    """

    name: str
    source: WeightSource
    preprocessing: Preprocessing

    @property
    def random(self) -> bool:
        """Whether the user asked for random weights."""
        return self.source.kind == RANDOM

    @cached_property
    def facts(self) -> EncoderFacts:
        """Size, cost and weight hash; the network is loaded to find out."""
        network = self.load()
        try:
            return _examine(self.name, network)
        except (AssertionError, RuntimeError) as error:  # how networks refuse an image size
            raise UserError(
                f"backbone {self.name} does not take images of {IMAGE_SIZE} px: {error}",
                "Choose a backbone for that size: 'lcbench list backbones'.",
            ) from error

    def load(self) -> torch.nn.Module:
        """Return the network without its classifier, from images to pooled features.

        Raises
        ------
        UserError
            If the weights cannot be read or belong to another network.
        """
        import torch

        if self.source.kind == "hub":
            raise RuntimeError(f"{self.source} was not fetched")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = _create_network(self.name)
        if self.source.path is not None:
            wanted = network.state_dict()
            given = read_tensors(self.source.path)
            matched = match_tensors(self.name, given, wanted, str(self.source))
            network.load_state_dict({**wanted, **matched})
        return network


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


def resolve_backbone(name: str, options: WeightOptions) -> Backbone | None:
    """Find a backbone and its weights; None where `--offline` leaves it without weights.

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
    preprocessing = _find_preprocessing(name, offline=options.offline)
    return None if preprocessing is None else Backbone(name, source, preprocessing)


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


def _find_preprocessing(name: str, *, offline: bool) -> Preprocessing | None:
    """Return what a backbone's images go through; None where `offline` leaves that unknown."""
    if is_function(name):
        return _preprocessing_of_function(name)
    if name.startswith(HUB_PREFIX):
        repository = name.removeprefix(HUB_PREFIX)
        path = cached_file(repository, HUB_CONFIG)
        if path is None and offline:
            return None
        return _from_timm(_hub_config(path or download_file(repository, HUB_CONFIG)))
    import timm

    config = timm.get_pretrained_cfg(name)
    return _from_timm(config.to_dict() if config else {})


def _create_network(name: str) -> torch.nn.Module:
    """Return a network without classifier; its weights are random, or a function's own."""
    if is_function(name):
        return _call(name)[0]
    import timm

    network: torch.nn.Module
    if not name.startswith(HUB_PREFIX):
        network = timm.create_model(name, pretrained=False, num_classes=0)
        return network
    config = cached_file(name.removeprefix(HUB_PREFIX), HUB_CONFIG)
    if config is None:
        raise UserError(f"no configuration of {name} on this machine", how_to_get(name))
    try:
        network = timm.create_model(f"local-dir:{config.parent}", pretrained=False, num_classes=0)
    except Exception as error:  # a foreign configuration can break timm anywhere
        raise UserError(f"{config}: timm builds no network of it: {first_line(error)}") from error
    return network


def _hub_config(path: Path) -> dict[str, Any]:
    try:
        config: Any = read_json(path)
        found = config.get("pretrained_cfg", config)  # older files hold nothing else
        known = isinstance(config["architecture"], str) and isinstance(found, dict)
    except (UserError, AttributeError, KeyError, TypeError):
        known = False
    if not known:
        raise UserError(
            f"{path}: not a configuration of timm's", "Choose a repository with timm's networks."
        )
    return dict(found)


def _from_timm(config: dict[str, Any]) -> Preprocessing:
    from timm.data import resolve_data_config

    resolved = resolve_data_config(pretrained_cfg=config)
    return Preprocessing(
        interpolation=resolved["interpolation"],
        crop_share=resolved["crop_pct"],
        crop_mode=resolved["crop_mode"],
        mean=tuple(resolved["mean"]),
        std=tuple(resolved["std"]),
    )


@cache
def _preprocessing_of_function(address: str) -> Preprocessing:
    return _call(address)[1]


def _call(address: str) -> tuple[torch.nn.Module, Preprocessing]:
    """Call the user's function and hold it to its contract."""
    import torch

    function = import_address(address, "backbone", "function")
    try:
        found = function()
    except UserError:
        raise
    except Exception as error:  # a function of the user's own can raise anything
        raise UserError(f"backbone {address}: {type(error).__name__}: {error}") from error
    match found:
        case (torch.nn.Module() as network, Preprocessing() as preprocessing):
            return network, preprocessing
    raise UserError(
        f"backbone {address}: gave {type(found).__name__}, not (network, preprocessing)",
        "Return a torch.nn.Module and a lcbench.features.encoder.Preprocessing.",
    )


def _examine(name: str, network: torch.nn.Module) -> EncoderFacts:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    network.eval()
    with torch.no_grad(), counter:
        features = network(torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE))
    _require_features(name, features)
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
