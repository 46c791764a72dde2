"""Checkpoint files: their tensors, and how these find their places in a network."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcbench.errors import UserError, first_line, from_os_error
from lcbench.models.weights import PACKAGES

if TYPE_CHECKING:
    import torch

    Tensors = Mapping[str, torch.Tensor]

# Architectures whose torchvision (or package) tensors stand in timm's order under other names.
# Each is held by a test that compares the outputs of both networks.
_SAME_ORDER = frozenset({"densenet121", "efficientnet_b0", "convnext_tiny", *PACKAGES})
_CLASSIFIER_TENSORS = 2
_MORE = "it holds more than tensors, which could be code"
"""Instead of torch's advice to run it."""


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a checkpoint: safetensors, or PyTorch's format with `weights_only=True`.

    Raises
    ------
    UserError
        If the file holds anything but tensors, or cannot be read.
    """
    import torch
    from safetensors.torch import load_file

    _refuse_compressed(path)
    loaded: Any
    try:
        if path.suffix == ".safetensors":
            loaded = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling foreign bytes can raise anything, OSError too
        if isinstance(error, OSError) and from_os_error(error) is not None:
            raise
        why = _MORE if "weights_only" in str(error) else first_line(error)
        raise UserError(
            f"{path}: not readable weights: {why}",
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


def _refuse_compressed(path: Path) -> None:
    """Refuse an archive that holds more than its size: `torch.save` does not compress."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # no archive, or a broken one: the reader says so
    if inside > path.stat().st_size:
        raise UserError(
            f"{path}: not readable weights: an archive that unpacks to {inside:,} bytes",
            "Store the state dict with torch.save, which does not compress, or as .safetensors.",
        )


def match_tensors(
    backbone: str, tensors: Tensors, network: Tensors, origin: str
) -> dict[str, torch.Tensor]:
    """Return a checkpoint's tensors under the names of timm's network without its classifier.

    Names are compared first. For architectures whose torchvision tensors are known to stand in
    the same order under other names, the order decides.

    Raises
    ------
    UserError
        If neither fits.
    """
    given, wanted = without_counters(tensors), without_counters(network)
    if _same_names(given, wanted):
        return {name: tensors[name] for name in network if name in tensors}
    by_order = _by_order(given, wanted) if backbone in _SAME_ORDER else None
    if by_order is not None:
        return by_order
    missing = [name for name in wanted if name not in given]
    detail = (
        f"no tensor {missing[0]!r} (and {len(missing) - 1} more)"
        if missing
        else "tensors of other shapes, or of a larger network"
    )
    raise UserError(
        f"{origin}: not weights of {backbone}: {detail}",
        "Give weights in timm's or torchvision's names, or the right --backbone.",
    )


def without_counters(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Leave out the batch counters of batch normalisation: they play no part in a prediction."""
    return {n: tensor for n, tensor in tensors.items() if not n.endswith("num_batches_tracked")}


def _same_names(given: Tensors, wanted: Tensors) -> bool:
    """Tell whether all tensors are there, of the right shapes, and no larger network's.

    The stages of a larger network hold more than is wanted: ResNet-101 holds all of ResNet-50.
    """
    if any(name not in given or given[name].shape != wanted[name].shape for name in wanted):
        return False
    stages = {name.partition(".")[0] for name in wanted}
    beyond = [name for name in given.keys() - wanted.keys() if name.partition(".")[0] in stages]
    return len(beyond) <= _CLASSIFIER_TENSORS


def _by_order(given: Tensors, wanted: Tensors) -> dict[str, torch.Tensor] | None:
    if len(given) not in (len(wanted), len(wanted) + _CLASSIFIER_TENSORS):
        return None
    pairs = list(zip(wanted.items(), given.values(), strict=False))
    if any(tensor.squeeze().shape != place.squeeze().shape for (_, place), tensor in pairs):
        return None
    return {name: tensor.reshape(place.shape) for (name, place), tensor in pairs}
