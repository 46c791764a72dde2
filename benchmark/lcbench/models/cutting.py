"""Networks cut in two: the layers that stay frozen, which run once, and the rest, which trains.

A layer is a module with parameters of its own that runs: a convolution, a normalisation, a fully
connected one. Layers are counted in the order in which they run. Parameters that belong to no
layer, as the scale of a block or the positions of a transformer, train where every layer of their
module does; those of a module that is never called, because the one around it takes its weights, do
as if they were of that one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, fx, nn

from lcbench.errors import UserError, first_line
from lcbench.features.encoder import IMAGE_SIZE

_NORMALISATIONS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def last_layers(
    name: str, network: nn.Module, count: int, size: int = IMAGE_SIZE
) -> tuple[str, ...]:
    """Return the names of the last `count` layers of a backbone, in the order in which they run.

    `size`: side of the images that it takes, in pixels.

    Raises
    ------
    UserError
        If it has no more layers than that.
    """
    layers = layers_in_order(network, size)
    if count >= len(layers):
        raise UserError(
            f"last_layers = {count}: {name} has {len(layers)} layers",
            'Train fewer, or all of them with tuning = "full".',
        )
    return layers[-count:]


def last_stages(
    name: str, network: nn.Module, count: int, size: int = IMAGE_SIZE
) -> tuple[str, ...]:
    """Return the names of the layers that run in the last `count` stages of a backbone.

    Stages are timm's (`feature_info`): in a convolutional network, what works at one resolution;
    in a transformer without resolutions, a block. What follows the last stage belongs to it.
    `size`: side of the images that it takes, in pixels.

    Raises
    ------
    UserError
        If it has no more stages than that.
    """
    stages = _stages(network)
    if count >= len(stages):
        words = f"{len(stages)} stages" if stages else "no stages that timm knows"
        raise UserError(
            f"last_stages = {count}: {name} has {words}",
            'Say last_layers instead, or train all layers with tuning = "full".',
        )
    order = _modules_in_order(network, size)
    before = order[: order.index(stages[-count - 1]) + 1]
    return tuple(layer for layer in layers_in_order(network, size) if layer not in before)


def layers_in_order(network: nn.Module, size: int = IMAGE_SIZE) -> tuple[str, ...]:
    """Return the names of the layers, in the order in which they first run."""
    order = _modules_in_order(network, size)
    holding = {name for name in order if _own_parameters(network.get_submodule(name))}
    layers = {one for one in holding if not any(_inside(other, one) for other in holding - {one})}
    return tuple(name for name in order if name in layers)


def cut(
    name: str, network: nn.Module, trained: Collection[str], size: int = IMAGE_SIZE
) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Cut a backbone at the last point before its trained layers that one tensor alone passes.

    Parameters
    ----------
    name
        Of the backbone, for messages.
    network
        From (n, 3, size, size) images to (n, features). Its parameters are marked as trained or
        frozen; both parts share them.
    trained
        Names of the layers that train. Others after the cut stay frozen.
    size
        Side of the images, in pixels.

    Returns
    -------
    front, tail
        The network is `tail(front(images))`.

    Raises
    ------
    UserError
        If its computations cannot be followed.
    """
    _mark(network, trained, size)
    root = _OnImages(network).eval()
    nodes = list(_trace(name, root).nodes)
    first = next(place for place, node in enumerate(nodes) if _trains(root, node))
    for place in reversed(list(_passages(nodes, first))):
        front = fx.GraphModule(root, _until(nodes, place))
        if _gives_a_tensor(front, size):
            return front, fx.GraphModule(root, _after(nodes, place))
    raise UserError(
        f"backbone {name} has no point that one tensor alone passes",
        'Use tuning = "full" or "frozen", or another backbone.',
    )


class TailNetwork(nn.Module):
    """The rest of a backbone and a head, from activations to log-probabilities.

    Frozen layers keep their statistics while the others train.
    """

    def __init__(self, tail: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.tail = tail
        self.head = head

    def train(self, mode: bool = True) -> TailNetwork:
        """Set the mode of every layer but the frozen ones, which stay as they predict."""
        super().train(mode)
        for module in self.tail.modules():
            own = _own_parameters(module)
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()
        return self

    def forward(self, activations: Tensor) -> Tensor:
        """Return log-probabilities of (images, ...) activations of any precision."""
        given = activations.float()
        if given.ndim == 4:
            given = given.contiguous(memory_format=torch.channels_last)
        output: Tensor = self.head(self.tail(given))
        return output


def _own_parameters(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False))


def _inside(name: str, container: str) -> bool:
    return not container or name == container or name.startswith(f"{container}.")


def _stages(network: nn.Module) -> tuple[str, ...]:
    """Return the modules that end timm's stages, of those that are there."""
    known = dict(network.named_modules())
    found = getattr(network, "feature_info", None) or ()
    return tuple(one["module"] for one in found if one["module"] in known)


def _modules_in_order(network: nn.Module, size: int) -> list[str]:
    """Return the names of the modules in the order in which they first end, for one image."""
    order: dict[str, None] = {}
    handles = [
        module.register_forward_hook(partial(_note, order, name))
        for name, module in network.named_modules()
    ]
    try:
        network.eval()
        with torch.no_grad():
            network(torch.zeros(1, 3, size, size))
    finally:
        for handle in handles:
            handle.remove()
    return list(order)


def _note(order: dict[str, None], name: str, *_: object) -> None:
    order.setdefault(name)


def _mark(network: nn.Module, trained: Collection[str], size: int) -> None:
    """Let the parameters of the trained layers train, and no others."""
    layers = layers_in_order(network, size)
    for name, module in network.named_modules():
        trains = all(layer in trained for layer in _layers_of(name, layers))
        for parameter in _own_parameters(module):
            parameter.requires_grad_(trains)


def _layers_of(name: str, layers: Sequence[str]) -> list[str]:
    """Return the layers inside a module, or inside the smallest one around it that has any."""
    while not (inside := [layer for layer in layers if _inside(layer, name)]) and name:
        name = name.rpartition(".")[0]
    return inside


class _OnImages(nn.Module):
    """A backbone without the further arguments that it may take."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.backbone(images)
        return features


class _Tracer(fx.Tracer):
    """Follows a network down to its layers, which are called as they are in either mode."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        from timm.models import is_notrace_module

        return (
            super().is_leaf_module(m, module_qualified_name)
            or not list(m.children())
            or isinstance(m, _NORMALISATIONS)
            or is_notrace_module(m)
        )


def _trace(name: str, network: nn.Module) -> fx.Graph:
    from timm.models import get_notrace_functions

    tracer = _Tracer(autowrap_functions=tuple(get_notrace_functions()))
    try:
        return tracer.trace(network)
    except Exception as error:  # whatever a network does with what stands in for its images
        raise UserError(
            f"backbone {name} cannot be cut in two: {first_line(error)}",
            'Use tuning = "full" or "frozen", or another backbone.',
        ) from error


def _trains(network: nn.Module, node: fx.Node) -> bool:
    if node.op == "call_module":
        module = network.get_submodule(str(node.target))
        return any(parameter.requires_grad for parameter in module.parameters())
    if node.op == "get_attr":
        owner, _, attribute = str(node.target).rpartition(".")
        value = getattr(network.get_submodule(owner), attribute)
        return isinstance(value, nn.Parameter) and value.requires_grad
    return False


def _passages(nodes: Sequence[fx.Node], end: int) -> Iterator[int]:
    """Yield the places before `end` after which nothing of before is used but their own output."""
    place_of = {node: place for place, node in enumerate(nodes)}
    needed = -1
    for place, node in enumerate(nodes[:end]):
        if node.op == "get_attr":  # a parameter is at hand on both sides
            continue
        last = max((place_of[user] for user in node.users), default=-1)
        if needed <= place < last:
            yield place
        needed = max(needed, last)


def _until(nodes: Sequence[fx.Node], place: int) -> fx.Graph:
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in nodes[: place + 1]:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[nodes[place]])
    return graph


def _after(nodes: Sequence[fx.Node], place: int) -> fx.Graph:
    graph = fx.Graph()
    copies = {nodes[place]: graph.placeholder("activations")}
    later = set(nodes[place + 1 :])
    for node in nodes:
        if node in later or (node.op == "get_attr" and later & node.users.keys()):
            copies[node] = graph.node_copy(node, copies.__getitem__)
    return graph


def _gives_a_tensor(front: nn.Module, size: int) -> bool:
    """Tell whether it gives numbers, a row an image."""
    with torch.no_grad():
        found = front(torch.zeros(2, 3, size, size))
    return isinstance(found, Tensor) and found.is_floating_point() and len(found) == 2
