"""Networks from their names, at the size of image they are given, and what images go through."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcbench.documents import read_json
from lcbench.errors import UserError, first_line
from lcbench.features.encoder import Preprocessing
from lcbench.models.baseline import import_address
from lcbench.models.weights import (
    HUB_CONFIG,
    HUB_PREFIX,
    cached_file,
    download_file,
    how_to_get,
    is_function,
)

if TYPE_CHECKING:
    import torch
    from torch import nn

_CHANNELS = 3
_STEPS = (14, 16, 32)
"""What sides of images are usually multiples of, in pixels."""


def find_preprocessing(name: str, *, offline: bool) -> Preprocessing | None:
    """Return what a network's images go through by its own configuration, its size included.

    None where `offline` leaves that unknown.

    Raises
    ------
    UserError
        If the hub gives no configuration, it is none of timm's, or the network takes no square
        images of three channels; or if a user's function breaks its contract.
    """
    if is_function(name):
        return _preprocessing_of_function(name)
    if not name.startswith(HUB_PREFIX):
        import timm

        config = timm.get_pretrained_cfg(name)
        return _from_timm(name, config.to_dict() if config else {})
    repository = name.removeprefix(HUB_PREFIX)
    path = cached_file(repository, HUB_CONFIG)
    if path is None and offline:
        return None
    path = path or download_file(repository, HUB_CONFIG)
    config = read_hub_config(path)
    return _from_timm(name, config.get("pretrained_cfg", config))  # older files hold nothing else


def build_network(name: str, size: int, outputs: int | None) -> nn.Module:
    """Return a network with random weights, or a function's own.

    Parameters
    ----------
    name
        Of one of the forms that `lcbench.models.backbones` knows.
    size
        Side of the images, in pixels.
    outputs
        Of its own classifier; None for pooled features, without one. A function decides itself.

    Raises
    ------
    UserError
        If it cannot be built, or not for images of that size.
    """
    if is_function(name):
        return _call(name)[0]
    try:
        return _create(name, size, outputs)
    except UserError:
        raise
    except Exception as error:  # a foreign configuration can break timm anywhere
        if size != _own_size(name):  # positions and windows must divide the image
            raise refused_size(name, size, error) from error
        where = _config_of(name) if name.startswith(HUB_PREFIX) else f"backbone {name}"
        raise UserError(f"{where}: timm builds no network of it: {first_line(error)}") from error


def refused_size(name: str, size: int, error: Exception) -> UserError:
    """Return the error for a network that does not take images of a size, with sizes that work."""
    sizes = list(_sizes_that_work(name, size))
    why = (str(error).splitlines() or [type(error).__name__])[0]
    said = f"backbone {name} does not take images of {size} px: {why}"
    if not sizes:
        return UserError(said, "Choose a backbone for that size: 'lcbench list backbones'.")
    words = " or ".join(f"--image-size {one}" for one in sizes)
    return UserError(said, f"Sizes near it work: {words}; without it, its own size is taken.")


def _sizes_that_work(name: str, size: int) -> Iterator[int]:
    """Yield the sizes next to one that a network takes, found without weights and memory."""
    near = {step * (size // step + more) for step in _STEPS for more in (0, 1)}
    below = sorted((one for one in near if 0 < one < size), reverse=True)
    above = sorted(one for one in near if one > size)
    for candidates in (below, above):
        yield from islice((one for one in candidates if _takes(name, one)), 1)


def _takes(name: str, size: int) -> bool:
    import torch

    try:
        with torch.device("meta"), torch.no_grad():
            network = _call(name)[0] if is_function(name) else _create(name, size, None)
            network.eval()(torch.zeros(1, _CHANNELS, size, size))
    except Exception:  # noqa: BLE001 - however networks refuse an image size
        return False
    return True


def _create(name: str, size: int, outputs: int | None) -> nn.Module:
    """Return timm's network; those that have positions are told the size of the images."""
    import timm

    hub = name.startswith(HUB_PREFIX)
    architecture = f"local-dir:{_config_of(name).parent}" if hub else name
    network: nn.Module
    if size != _own_size(name):
        try:
            network = timm.create_model(
                architecture, pretrained=False, num_classes=outputs or 0, img_size=size
            )
        except TypeError:  # one that does not ask takes images as they come
            pass
        else:
            _require_whole_patches(network, size)
            return network
    network = timm.create_model(architecture, pretrained=False, num_classes=outputs or 0)
    return network


def _require_whole_patches(network: nn.Module, size: int) -> None:
    """Raise a ValueError where patches do not divide the image: the rest would not be seen."""
    stated = getattr(getattr(network, "patch_embed", None), "patch_size", None)
    sides = stated if isinstance(stated, tuple) else (stated,)
    for side in sides:
        if isinstance(side, int) and size % side:
            raise ValueError(f"its patches of {side} px do not divide it")


def _own_size(name: str) -> int | None:
    own = find_preprocessing(name, offline=True)
    return own.size if own else None


def _config_of(name: str) -> Path:
    config = cached_file(name.removeprefix(HUB_PREFIX), HUB_CONFIG)
    if config is None:
        raise UserError(f"no configuration of {name} on this machine", how_to_get(name))
    return config


def read_hub_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a network on the hub.

    Raises
    ------
    UserError
        If it is none of timm's.
    """
    try:
        config: Any = read_json(path)
        known = isinstance(config["architecture"], str)
        known = known and isinstance(config.get("pretrained_cfg", {}), dict)
    except (UserError, AttributeError, KeyError, TypeError):
        known = False
    if not known:
        raise UserError(
            f"{path}: not a configuration of timm's", "Choose a repository with timm's networks."
        )
    return dict(config)


def hub_config(name: str) -> dict[str, Any]:
    """Return the configuration of a network on the hub that lies on this machine.

    Raises
    ------
    UserError
        If it is not here, or none of timm's.
    """
    return read_hub_config(_config_of(name))


def _from_timm(name: str, config: dict[str, Any]) -> Preprocessing:
    from timm.data import resolve_data_config

    resolved = resolve_data_config(pretrained_cfg=config)
    channels, height, width = resolved["input_size"]
    if channels != _CHANNELS or height != width:
        raise UserError(
            f"backbone {name} takes images of {width} x {height} px in {channels} channels, not "
            "square ones in colour",
            "Let a function of your own bring network and preprocessing (docs/own-model.md).",
        )
    return Preprocessing(
        interpolation=resolved["interpolation"],
        crop_share=resolved["crop_pct"],
        crop_mode=resolved["crop_mode"],
        mean=tuple(resolved["mean"]),
        std=tuple(resolved["std"]),
        size=height,
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
