"""A backbone's forward pass with nothing around it, and the fastest way to call it."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch

from lcbench.compute import Compute, channels_last
from lcbench.models.backbones import Backbone, resolve_backbone
from lcbench.models.weights import WeightOptions

BACKBONES = ("tf_efficientnet_lite0", "resnet50")
TOY = "test_resnet"
SIZES = (1, 2, 4, 8, 16, 32, 64)
ACCELERATOR_SIZES = (32, 64, 128, 256)


@dataclass(frozen=True)
class Way:
    """How many images pass at once, and how many threads share them."""

    size: int
    threads: int

    def __str__(self) -> str:
        return f"batch {self.size}, {self.threads} thread{'s' * (self.threads > 1)} a batch"


def backbone(name: str) -> Backbone:
    """Return a backbone with its packaged weights, or random ones: they do not change the speed."""
    found = resolve_backbone(name, WeightOptions(offline=True))
    found = found or resolve_backbone(name, WeightOptions(weights="random", backbone=name))
    if found is None:
        raise RuntimeError(f"no backbone {name}")
    return found


def wait(device: torch.device) -> None:
    """Wait until an accelerator has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize()


class Forward:
    """Passes random input, which lies in memory, through a frozen backbone.

    Parameters
    ----------
    encoder
        The backbone.
    compute
        Device and precision.
    largest
        Images that can pass at once.
    """

    def __init__(self, encoder: Backbone, compute: Compute, largest: int) -> None:
        self._device = compute.accelerator().device
        self._bf16 = compute.precision == "bf16"
        self._network = channels_last(encoder.load(), self._device).eval()
        size = encoder.preprocessing.size
        shape = (largest, 3, size, size)
        images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        self._images = images.to(self._device).to(memory_format=torch.channels_last)

    def speed(self, way: Way, images: int) -> float:
        """Return the images a second of about so many images."""
        batch = self._images[: way.size]
        at_once = max(1, (os.cpu_count() or 1) // way.threads)
        each = max(1, round(images / way.size / at_once))
        self._pass(batch, way.threads, 1)
        wait(self._device)
        started = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda _: self._pass(batch, way.threads, each), range(at_once)))
        wait(self._device)
        return at_once * each * way.size / (time.perf_counter() - started)

    def _pass(self, batch: torch.Tensor, threads: int, times: int) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)  # holds for the calling thread
        precision = torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16)
        with torch.inference_mode(), precision:
            for _ in range(times):
                self._network(batch)
        torch.set_num_threads(before)


def ways(compute: Compute) -> tuple[Way, ...]:
    """Return every way that is worth trying on a device."""
    cores = os.cpu_count() or 1
    if compute.is_accelerator:
        return tuple(Way(size, cores) for size in ACCELERATOR_SIZES)
    return tuple(Way(size, threads) for threads in sorted({1, cores}) for size in SIZES)


def scan(forward: Forward, tried: tuple[Way, ...], images: int, rounds: int) -> dict[Way, float]:
    """Return the median speed of each way, over rounds that try all of them in turn."""
    found: dict[Way, list[float]] = {way: [] for way in tried}
    for _ in range(rounds):
        for way in tried:
            found[way].append(forward.speed(way, images))
    return {way: sorted(speeds)[len(speeds) // 2] for way, speeds in found.items()}


def fastest(found: dict[Way, float]) -> Way:
    """Return the way of the highest speed."""
    return max(found, key=lambda way: found[way])
