"""Is this machine ready? One line a question, each with what to do when the answer is no."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from lcbench.caching.place import cache_folder
from lcbench.console import progress

if TYPE_CHECKING:
    from lcbench.datasets.listing import Listing

Verdict = Literal["good", "note", "bad"]
_GIGABYTE = 1e9
_MEMORY_NEEDED = 3
_DISK_NEEDED = 5


@dataclass(frozen=True)
class Check:
    """One line of the doctor: what was looked at, what was found, what to do about it."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""


def examine_machine(
    data: str | None = None, labels: Path | None = None, taxonomy: Path | None = None
) -> list[Check]:
    """Run every check; a check that itself fails is a bad line, never an exception.

    Parameters
    ----------
    data
        A folder or CSV to look at as well.
    labels, taxonomy
        The map and the class tree that its folder names are read with.
    """
    checks: list[Check] = []
    for subject, examine in _EXAMINATIONS.items():
        checks.extend(_guarded(subject, examine))
    if data is not None:
        checks.extend(_guarded("data", lambda: _data(data, labels, taxonomy)))
    return checks


def _guarded(subject: str, examine: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(examine())
    except Exception as error:  # noqa: BLE001 - a broken installation can raise anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return [Check(subject, "bad", reason, "Install lcbench again in a fresh environment.")]


def _python() -> Iterator[Check]:
    good = sys.version_info >= (3, 11)
    yield Check(
        "Python", "good" if good else "bad", platform.python_version(), "" if good else "Needs 3.11"
    )


def _torch() -> Iterator[Check]:
    for name in ("torch", "torchvision", "timm", "accelerate"):
        yield Check(name, "good", importlib.metadata.version(name))
    import torchvision  # noqa: F401 - fails where its build does not match torch's


def _device() -> Iterator[Check]:
    import torch

    from lcbench.compute import available_devices, supports_bf16

    for device in available_devices():
        precision = "bf16 and 32 bit" if supports_bf16(device) else "32 bit"
        name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
        yield Check(f"device {device}", "good", f"{name}, {precision}")
    if available_devices() == ("cpu",):
        built = torch.version.cuda
        why = (
            f"torch is built for CUDA {built}, but no GPU or driver answers: see nvidia-smi"
            if built
            else "torch is built without CUDA: see pytorch.org for the right build"
        )
        yield Check("accelerator", "note", "none: backbones are not trained without --force", why)


def _memory() -> Iterator[Check]:
    memory = psutil.virtual_memory()
    free, total = memory.available / _GIGABYTE, memory.total / _GIGABYTE
    good = free >= _MEMORY_NEEDED
    yield Check(
        "memory",
        "good" if good else "bad",
        f"{free:.1f} of {total:.1f} GB free",
        "" if good else f"A run needs about {_MEMORY_NEEDED} GB: close other programs.",
    )


def _disk() -> Iterator[Check]:
    for subject, folder, remedy in (
        ("disk for runs", Path.cwd(), "Free some space, or use --out on another disk."),
        ("disk for caches", cache_folder(), "Set LCBENCH_CACHE to a folder on another disk."),
    ):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free / _GIGABYTE
        good = free >= _DISK_NEEDED
        found = f"{free:.1f} GB free at {folder}"
        yield Check(subject, "good" if good else "bad", found, "" if good else remedy)


def _weights() -> Iterator[Check]:
    from lcbench.models.backbones import SUGGESTED
    from lcbench.models.weights import WeightOptions, how_to_get, locate_weights

    for name in SUGGESTED:
        here = locate_weights(name, WeightOptions(offline=True))
        if here is not None:
            yield Check(f"weights {name}", "good", str(here))
        else:
            yield Check(f"weights {name}", "note", "not on this machine", how_to_get(name))


def _data(data: str, labels: Path | None, taxonomy: Path | None) -> Iterator[Check]:
    from lcbench.datasets.dataset import DEMO, drawn_classes, require_classes
    from lcbench.datasets.labels import read_labels_with
    from lcbench.datasets.listing import list_images
    from lcbench.errors import UserError
    from lcbench.taxonomy import load_taxonomy

    try:
        reader = read_labels_with(labels, load_taxonomy(taxonomy))
        if data == DEMO:
            classes = ", ".join(drawn_classes(reader))
            found = f"synthetic demonstration data, drawn at first use: {classes}"
            yield Check("data", "good", found)
            return
        listing = list_images(Path(data), reader)
        require_classes(Path(data), listing)
    except UserError as error:
        yield Check("data", "bad", error.message, error.remedy or "Choose another folder or CSV.")
        return
    counts = ", ".join(f"{k} {v:,}" for k, v in listing.rows["label"].value_counts().items())
    unknown = ", ".join(sorted(listing.unknown))
    yield Check(
        "data",
        "bad" if unknown else "good",
        f"{len(listing.rows):,} images: {counts}" + (f"; unknown: {unknown}" if unknown else ""),
        "Say what the unknown names stand for with --labels MAP.toml." if unknown else "",
    )
    absent = [leaf for leaf in reader.taxonomy.leaves if leaf not in set(listing.rows["label"])]
    if absent:
        yield Check(
            "classes",
            "note",
            f"no images of {', '.join(absent)}",
            "lcbench run needs images of every class of the tree; lcbench evaluate does not.",
        )
    yield from _unreadable(listing)


def _unreadable(listing: Listing) -> Iterator[Check]:
    from lcbench.datasets.listing import decode_all

    with progress("Reading images", len(listing.rows)) as advance:
        images = decode_all(listing, advance)
    bad = images[images["problem"] != ""]
    if bad.empty:
        yield Check("images", "good", f"all {len(images):,} can be read")
        return
    first = bad.iloc[0]
    yield Check(
        "images",
        "bad",
        f"{len(bad):,} of {len(images):,} cannot be read, e.g. {first['image']}: "
        f"{first['problem']}",
        "Mend or remove them, or leave them out with --on-bad skip.",
    )


_EXAMINATIONS: dict[str, Callable[[], Iterator[Check]]] = {
    "Python": _python,
    "torch": _torch,
    "device": _device,
    "memory": _memory,
    "disk": _disk,
    "weights": _weights,
}
