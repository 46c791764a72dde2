"""Where a network has its last feature maps: what Grad-CAM weighs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from lcbench.errors import UserError

Layout = Literal["channels first", "channels last", "tokens"]


@dataclass(frozen=True)
class MapsLayer:
    """The layer that gives the last feature maps.

    Parameters
    ----------
    name
        As in `torch.nn.Module.named_modules`.
    layout
        (B, C, h, w); (B, h, w, C); or (B, prefix + h w, C) tokens of a transformer.
    grid
        h and w.
    """

    name: str
    layout: Layout
    grid: tuple[int, int]


_FOUND: WeakKeyDictionary[nn.Module, MapsLayer] = WeakKeyDictionary()


def find_maps(model: nn.Module, images: Tensor) -> MapsLayer:
    """Return the layer with the last feature maps of a network.

    Of a convolutional network, and of a transformer that keeps its tokens on a grid, the last
    module that gives several places of an image. Of another transformer, the first normalisation
    of the last block: of what comes after it, the answer may depend through one token alone.

    Parameters
    ----------
    model
        From (B, 3, H, W) images.
    images
        Some that it takes; it looks at the first.

    Raises
    ------
    UserError
        If no module gives feature maps.
    """
    if model not in _FOUND:
        _FOUND[model] = _find(model, images)
    return _FOUND[model]


@contextmanager
def watched(model: nn.Module, layer: MapsLayer) -> Iterator[nn.Module]:
    """Give a module whose output is the layer's (B, C, h, w) feature maps, while the block runs."""
    maps = nn.Identity()

    def through(_: nn.Module, __: object, output: Tensor) -> Tensor:
        return _from_maps(maps(_to_maps(output, layer)), output, layer)

    handle = model.get_submodule(layer.name).register_forward_hook(through)
    try:
        yield maps
    finally:
        handle.remove()


def _find(model: nn.Module, images: Tensor) -> MapsLayer:
    tokens = _token_layer(model)
    if tokens is not None:
        return tokens
    shapes = _shapes_in_order(model, images[:1])
    for name, shape in reversed(shapes.items()):
        if len(shape) == 4 and shape[2] == shape[3] > 1:
            return MapsLayer(name, "channels first", (shape[2], shape[3]))
        if len(shape) == 4 and shape[1] == shape[2] > 1:
            return MapsLayer(name, "channels last", (shape[1], shape[2]))
        if len(shape) == 3 and shape[1] > 1:
            raise UserError(f"Grad-CAM needs feature maps, and {name} gives tokens in a row")
    raise UserError("none of its modules gives feature maps, which Grad-CAM needs")


def _token_layer(model: nn.Module) -> MapsLayer | None:
    """Return the layer of a transformer as timm builds it, whose tokens lie in one row."""
    for name, module in model.named_modules():
        blocks = getattr(module, "blocks", None)
        grid = getattr(getattr(module, "patch_embed", None), "grid_size", None)
        if not isinstance(blocks, nn.Sequential | nn.ModuleList) or grid is None:
            continue
        if hasattr(module, "num_prefix_tokens") and hasattr(blocks[-1], "norm1"):
            path = f"{name}.blocks.{len(blocks) - 1}.norm1".lstrip(".")
            return MapsLayer(path, "tokens", (int(grid[0]), int(grid[1])))
    return None


def _shapes_in_order(model: nn.Module, images: Tensor) -> dict[str, tuple[int, ...]]:
    """Return the shape of what each module gives, in the order in which they last end."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            shapes.pop(name, None)
            shapes[name] = tuple(output.shape)

    handles = [
        module.register_forward_hook(lambda _, __, output, name=name: note(name, output))
        for name, module in model.named_modules()
    ]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def _to_maps(output: Tensor, layer: MapsLayer) -> Tensor:
    if layer.layout == "channels first":
        return output
    if layer.layout == "channels last":
        return output.permute(0, 3, 1, 2)
    patches = output[:, output.shape[1] - layer.grid[0] * layer.grid[1] :]
    return patches.transpose(1, 2).reshape(len(output), -1, *layer.grid)


def _from_maps(maps: Tensor, output: Tensor, layer: MapsLayer) -> Tensor:
    if layer.layout == "channels first":
        return maps
    if layer.layout == "channels last":
        return maps.permute(0, 2, 3, 1)
    prefix = output[:, : output.shape[1] - layer.grid[0] * layer.grid[1]]
    return torch.cat([prefix, maps.flatten(2).transpose(1, 2)], dim=1)
