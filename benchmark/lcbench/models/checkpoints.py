"""Checkpoint files: the tensors in them, where these lie, and the names of classes beside them.

Nothing that a file holds is run: `torch.load` reads it with `weights_only=True`, which makes
numbers, text, lists, dictionaries and tensors alone. `argparse.Namespace` is the one class that is
allowed beside: timm's and DINO's training scripts store their options in it. Reading one fills the
dictionary of an object that has no code of its own, and nothing here looks into it.
"""

from __future__ import annotations

import argparse
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcbench.errors import UserError, first_line, from_os_error

if TYPE_CHECKING:
    import torch

    Tensors = Mapping[str, torch.Tensor]

_INSIDE = (
    "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema", "teacher",
    "state_dict", "model_state_dict", "model", "student", "network", "net", "encoder", "backbone",
    "weights", "params",
)  # fmt: skip
"""What training scripts store tensors under. Averaged weights (EMA, the teacher of DINO) go before
the ones that were trained, as in the evaluations of timm and DINO."""

_CLASS_NAMES = ("label_names", "class_names", "classes", "class_to_idx", "idx_to_class", "labels")
_AROUND_NAMES = ("hyper_parameters", "pretrained_cfg", "config", "meta")
"""Where the names of classes stand, and what may stand around them."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Parameters
    ----------
    tensors
        By name, as they lie in the file.
    under
        The keys that lead to them, outermost first.
    beside
        Other keys that were passed over on the way, outermost first.
    classes
        Names of the classes of its head, where the file states them.
    """

    tensors: Tensors
    under: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint: safetensors, or PyTorch's format with `weights_only=True`.

    Raises
    ------
    UserError
        If the file cannot be read, or holds objects that are neither tensors nor plain values.
    """
    import torch

    _refuse_compressed(path)
    found = _load(path)
    _refuse_damaged(path)
    classes = class_names(found)
    under: list[str] = []
    beside: list[str] = []
    while isinstance(found, Mapping):
        key = next((one for one in _INSIDE if isinstance(found.get(one), Mapping)), None)
        if key is None:
            break
        beside += [str(one) for one in found if one != key]
        under.append(key)
        found = found[key]
    items = found.items() if isinstance(found, Mapping) else ()
    tensors = {str(name): value for name, value in items if isinstance(value, torch.Tensor)}
    if not tensors:
        raise UserError(f"{path}: holds no tensors", "Expected the state dict of a network.")
    return Checkpoint(tensors, tuple(under), tuple(beside), classes)


def class_names(content: object) -> tuple[str, ...]:
    """Return the names of classes that a checkpoint or a configuration states; often none."""
    if not isinstance(content, Mapping):
        return ()
    for key in _CLASS_NAMES:
        names = _in_order(content.get(key))
        if names:
            return names
    around = (content.get(key) for key in _AROUND_NAMES)
    return next(filter(None, map(class_names, around)), ())


def _in_order(stated: object) -> tuple[str, ...]:
    """Return names from a list, from {name: number} or from {number: name}; else none."""
    if isinstance(stated, Mapping):
        pairs = list(stated.items())
        if all(isinstance(number, int) for _, number in pairs):  # torchvision's class_to_idx
            stated = [name for name, _ in sorted(pairs, key=lambda pair: pair[1])]
        elif all(str(number).isdecimal() for number, _ in pairs):
            stated = [name for _, name in sorted(pairs, key=lambda pair: int(str(pair[0])))]
    if isinstance(stated, Sequence) and not isinstance(stated, str | bytes):
        names = tuple(name for name in stated if isinstance(name, str))
        return names if len(names) == len(stated) else ()
    return ()


def without_counters(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Leave out the batch counters of batch normalisation: they play no part in a prediction."""
    return {n: tensor for n, tensor in tensors.items() if not n.endswith("num_batches_tracked")}


def require_finite(tensors: Tensors, source: str) -> None:
    """Raise a UserError if a tensor holds what no network here can use.

    With NaN or infinity no image would have features; of complex numbers, half would be dropped.
    """
    twofold = [name for name, tensor in tensors.items() if tensor.is_complex()]
    if twofold:
        raise UserError(
            f"{source}: {twofold[0]} holds complex numbers ({len(twofold):,} of "
            f"{len(tensors):,} tensors)",
            "Networks here compute with real numbers: take the checkpoint of such a network.",
        )
    broken = [
        name
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and not bool(tensor.isfinite().all())
    ]
    if broken:
        raise UserError(
            f"{source}: {broken[0]} holds numbers that are not finite ({len(broken):,} of "
            f"{len(tensors):,} tensors)",
            "Its training went astray, or the file is damaged: take an earlier checkpoint.",
        )


def _load(path: Path) -> Any:  # noqa: ANN401 - a file can hold anything
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling foreign bytes can raise anything, OSError too
        if isinstance(error, OSError) and from_os_error(error) is not None:
            raise
        if "weights_only" in str(error):
            raise _refused(path, str(error)) from error
        raise UserError(
            f"{path}: not readable weights: {first_line(error)}",
            "Expected .safetensors, or a .pth state dict that torch reads with weights_only=True.",
        ) from error


def _refused(path: Path, said: str) -> UserError:
    """Return the error for an object that is not on the allow-list, with the way out."""
    named = re.search(r"GLOBAL (\S+)", said)
    what = f" ({named[1]})" if named else ""
    tensors = path.with_name(f"{path.stem}-tensors.pth").name
    return UserError(
        f"{path}: not readable weights: it holds more than tensors{what}, which could be code",
        "Save its tensors alone. Where you still have the network: "
        f"torch.save(network.state_dict(), {tensors!r}). From the file, which runs what is in it, "
        'so only if you trust who made it: python -c "import torch; '
        f"c = torch.load({path.name!r}, map_location='cpu', weights_only=False); "
        f"torch.save(c.get('state_dict', c.get('model', c)), {tensors!r})\"",
    )


def _refuse_damaged(path: Path) -> None:
    """Refuse an archive whose parts are not what was written.

    PyTorch does not compare the checksums that it writes: a tensor with other bytes is read as it
    is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            part = archive.testzip()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return  # the reader knows better
    if part is not None:
        raise UserError(
            f"{path}: not readable weights: damaged: {part} in it is not what was written",
            "Get the file again. Where it was saved without checksums "
            "(torch.serialization.set_crc32_options(False)), save it with them.",
        )


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
