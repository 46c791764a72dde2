"""Finished runs as networks with gradients, held to what they predicted."""

from __future__ import annotations

import importlib.metadata
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from lcbench.compute import (
    Compute,
    DeviceChoice,
    channels_last,
    processor,
    resolve_compute,
    supports_bf16,
)
from lcbench.errors import UserError
from lcbench.explanations.options import ExplainOptions
from lcbench.features.embedding_tables import is_embedding_file
from lcbench.features.encoder import Normaliser, Preprocessing
from lcbench.models.backbones import Backbone
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.restoring import (
    backbones_of,
    kind_and_settings,
    reason_of,
    restored,
    weights_option,
    without_kind,
)
from lcbench.runs.stored import StoredRun
from lcbench.taxonomy import Taxonomy

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lcbench.features.views import View
    from lcbench.models.differentiable import LeafNetwork


@dataclass(frozen=True)
class Tolerance:
    """By how much probabilities may differ from the stored ones: in the mean, and at most."""

    mean: float
    most: float


_SAME, _ROUNDED = Tolerance(1e-4, 1e-3), Tolerance(0.02, 0.25)
"""Of what is computed as the run computed it, and of bf16 on another processor: it keeps 8 bits of
a number, and a quarter of the rounding of a log-odds comes out where a model is undecided."""


@dataclass(frozen=True)
class Held:
    """How the networks compare with what runs predicted.

    Parameters
    ----------
    images
        That were compared.
    difference
        The largest difference between probabilities of a leaf, in the precision of the run where
        this device has it.
    answers
        Images whose most likely leaf is another one in 32 bits.
    """

    images: int
    difference: float
    answers: int


_KEPT = 8
"""Networks that a thread keeps; those of frozen backbones share it."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Kept = TypeVar("Kept")


@dataclass
class Networks:
    """Runs of one suite, each as a network from normalised images to the leaves.

    Parameters
    ----------
    runs
        By name.
    backbones
        By the `encoder_key` of a recipe's settings.
    compute
        Device; the precision is 32 bits.
    taxonomy
        The class tree.
    """

    runs: Mapping[str, StoredRun]
    backbones: Mapping[str, Backbone]
    compute: Compute
    taxonomy: Taxonomy
    _of_thread: threading.local = field(default_factory=threading.local)
    _making: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor | None = None

    def of(self, name: str) -> LeafNetwork:
        """Return the network of a run, in evaluation mode, without gradients of its own.

        Each thread has its own, because methods watch the layers of a network while it runs.

        Raises
        ------
        UserError
            If it has none, or its model cannot be read.
        """
        kept: OrderedDict[str, LeafNetwork] = self._own("networks", OrderedDict)
        if name not in kept:
            with self._making:  # random weights come from the one generator of the process
                kept[name] = self._make(name)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        return kept[name]

    def over(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield `work(item)` in order; on a CPU, every core works on one in one thread.

        Threads that share a batch wait for each other, and the bits would depend on their number.
        """
        if self.compute.is_accelerator:
            yield from map(work, items)
            return
        workers = os.cpu_count() or 1

        def alone(item: Item) -> Result:
            import torch

            torch.set_num_threads(1)  # holds for the calling thread
            return work(item)

        if self._pool is None:
            self._pool = ThreadPoolExecutor(workers)
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(alone, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        device: torch.device = self.compute.accelerator().device
        return device

    def preprocessing(self, run: str) -> Preprocessing:
        """Return what the images of a run go through."""
        return self.backbones[self._key(run)].preprocessing

    def view(self, run: str) -> View | None:
        """Return the view of each image that a run looks at; None for images as they are."""
        return kind_and_settings(self.runs[run])[1].view

    def _make(self, name: str) -> LeafNetwork:
        run = self.runs[name]
        model = restored(run, self.backbones, self.compute, self.taxonomy)
        network = model.differentiable(lambda: self._backbone(self._key(name)))
        found = channels_last(network, self.device).eval()
        for parameter in found.parameters():
            parameter.requires_grad_(False)
        return network

    def _key(self, run: str) -> str:
        return kind_and_settings(self.runs[run])[1].encoder_key or ""

    def _backbone(self, key: str) -> nn.Module:
        loaded: dict[str, nn.Module] = self._own("backbones", dict)
        if key not in loaded:
            loaded[key] = self.backbones[key].load()
        return loaded[key]

    def _own(self, what: str, make: Callable[[], Kept]) -> Kept:
        """Return what this thread keeps."""
        if not hasattr(self._of_thread, what):
            setattr(self._of_thread, what, make())
        found: Kept = getattr(self._of_thread, what)
        return found


def make_networks(
    runs: Sequence[StoredRun],
    plan: PlanRecord,
    taxonomy: Taxonomy,
    options: ExplainOptions,
    compute: Compute,
) -> tuple[Networks, dict[str, str]]:
    """Return the networks of runs that have one, and why other baselines cannot be explained."""
    left_out = without_kind(runs)
    for run in runs:
        backbone = run.config.backbone
        if backbone is None:
            left_out.setdefault(run.config.baseline, "it has no network from images to answers")
        elif is_embedding_file(backbone.name):
            left_out.setdefault(
                run.config.baseline,
                f"it was trained on the embeddings {backbone.name}: no network from images to "
                "them is known",
            )
    able = [run for run in runs if run.config.baseline not in left_out]
    asked = weights_option(runs, plan, options.weights, offline=options.offline)
    backbones, lost = backbones_of(able, asked)
    left_out |= lost
    able = [run for run in able if run.config.baseline not in left_out]
    networks = Networks({run.name: run for run in able}, backbones, compute, taxonomy)
    for run in able:
        if run.config.baseline in left_out:
            continue
        try:
            networks.of(run.name)
        except BaseException as error:  # noqa: BLE001 - a user's own kind may raise anything
            left_out[run.config.baseline] = reason_of(error)
    networks.runs = {
        name: run for name, run in networks.runs.items() if run.config.baseline not in left_out
    }
    return networks, left_out


def normalised(
    pixels: NDArray[np.uint8], preprocessing: Preprocessing, device: torch.device
) -> torch.Tensor:
    """Return (n, 3, size, size) network input of pixels."""
    import torch

    return Normaliser(preprocessing, device)(torch.from_numpy(pixels))


def probabilities(
    network: LeafNetwork, images: torch.Tensor, compute: Compute
) -> NDArray[np.float64]:
    """Return (n, leaves) what a network says of normalised images, in some precision."""
    import torch

    ask = network.in_bf16 if compute.precision == "bf16" else network
    with torch.no_grad():
        parts = torch.split(images, compute.micro_batch)
        logs = torch.cat([ask(some).double() for some in parts])
    found: NDArray[np.float64] = logs.softmax(dim=1).cpu().numpy()
    return found


def require_as_predicted(
    runs: Sequence[StoredRun],
    images: Sequence[str],
    found: NDArray[np.float64],
    stored: NDArray[np.float64],
    plain: NDArray[np.float64],
) -> Held:
    """Return how probabilities differ; refuse what was not predicted so.

    Parameters
    ----------
    runs, images
        (answers,) whose network it is, and the name of the image.
    found, stored
        (answers, leaves) what the networks say, computed as the run did where this device can, and
        what the prediction files say.
    plain
        (answers, leaves) what they say in 32 bits.

    Raises
    ------
    UserError
        If they differ by more than rounding explains: other networks would be explained than
        those that predicted.
    """
    differences = np.abs(found - stored).max(axis=1)
    most = np.array([tolerance_of(run).most for run in runs])
    mean = np.mean([tolerance_of(run).mean for run in runs])
    worst = int((differences - most).argmax())
    if not (differences[worst] <= most[worst] and differences.mean() <= mean):
        raise UserError(
            f"{runs[worst].name}: the network that would be explained gives other probabilities "
            f"than the run predicted, by {differences[worst]:.2g} for {images[worst]}; by "
            f"{differences.mean():.2g} in the mean of {len(images)} images of all runs",
            "Explain it on a machine and with versions like those that it was run with, or run it "
            "again: lcbench run --fresh",
        )
    others = int((plain.argmax(axis=1) != stored.argmax(axis=1)).sum())
    return Held(len(images), float(differences.max()), others)


def tolerance_of(run: StoredRun) -> Tolerance:
    """Return by how much its probabilities may differ from the stored ones."""
    if run.config.precision == "32":
        return _SAME
    device = run.config.device
    alike = (
        supports_bf16(device)
        and run.state.processor == processor(device)
        and run.config.versions.get("torch") == importlib.metadata.version("torch")
    )
    return _SAME if alike else _ROUNDED


def compute_of(run: StoredRun, here: Compute) -> Compute:
    """Return how to compute what it predicted: in its own precision, where this device has it."""
    able = run.config.precision == "bf16" and supports_bf16(here.device)
    return resolve_compute(cast(DeviceChoice, here.device), "bf16") if able else here
