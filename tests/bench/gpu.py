"""The reference on an accelerator: `make bench-gpu`, or `python tests/bench/gpu.py [--data DIR]`.

Frozen and fine-tuned in full, in both precisions, beside bare loops, beside the memory there is,
and beside the same network on the CPU. Without a folder of images they are drawn. On a CPU it runs
at toy size, which shows that it works and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import torch
from embedding import from_files as embedding_speed
from finetuning import bare_loop, fit, reference
from forward import TOY, Forward, Way, backbone, fastest, scan, ways
from frame import Ratio, side_by_side
from pictures import Pictures, empty_cache, pictures
from record import before, measured, table, write

from lcbench.compute import Compute, PeakMemory, resolve_compute, supports_bf16
from lcbench.console import out
from lcbench.datasets.dataset import Dataset
from lcbench.features.extraction import Embedder, Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90
"""In which the reference is fine-tuned: `Plan.images`, `Plan.epochs` of a data-centre GPU."""
TOLERANCE = {"32": 0.01, "bf16": 0.05}
"""Of probabilities and, relative, of embeddings, beside a CPU's in 32 bits."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    name: str = "resnet50"
    images: int = 10_200
    epochs: int = 18
    short: int = 2  # epochs of what is repeated
    compared: int = 64
    repeats: int = 3


TOY_PLAN = Plan(TOY, 18, 1, 1, 6, 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of class folders, at least 10,200 images")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-gpu.json")
    options = parser.parse_args(arguments)
    device = resolve_compute()
    plan = Plan() if device.is_accelerator else TOY_PLAN
    given = options.data
    images = Pictures(given, None, f"images of {given.name}") if given else None
    found = before(options.out, quick=not device.is_accelerator)
    found["measures"] = {"gpu": measured("gpu", lambda: measure(plan, images))}
    write(options.out, found)
    out.print(table(found["measures"]))


def measure(plan: Plan, given: Pictures | None = None) -> list[Ratio]:
    """Measure every precision that the device has, then whether they agree with a CPU's."""
    images = given or pictures(plan.images, drawn=True)
    dataset = _first(images.dataset(), plan.images)
    encoder = backbone(plan.name)
    device = resolve_compute().device
    precisions = ("bf16", "32") if supports_bf16(device) else ("32",)
    computes = [replace(resolve_compute(device), precision=one) for one in precisions]
    frozen = [_frozen(plan, images, encoder, compute) for compute in computes]
    full = [_full(plan, dataset, encoder, compute) for compute in computes]
    ratios = [*frozen, *full]
    ratios += [_precisions(*pair) for pair in (frozen, full) if len(pair) > 1]
    for compute in computes:
        ratios += _agreement(plan, dataset, encoder, compute)
    return ratios


def _first(dataset: Dataset, number: int) -> Dataset:
    """Return `number` images, of every class."""
    rows = np.unique(np.linspace(0, len(dataset.manifest) - 1, number).astype(int))
    return replace(dataset, manifest=dataset.manifest.iloc[rows].reset_index(drop=True))


def _frozen(plan: Plan, images: Pictures, encoder: Backbone, compute: Compute) -> Ratio:
    tried = ways(compute) if compute.is_accelerator else (Way(2, 1),)
    forward = Forward(encoder, compute, max(way.size for way in tried))
    best = fastest(scan(forward, tried, plan.images // 4, rounds=1))
    with PeakMemory(compute.device) as memory:
        pairs = side_by_side(
            embedding_speed(images, encoder, compute),
            lambda: forward.speed(best, plan.images),
            plan.repeats,
        )
    return Ratio(
        f"embedding {len(images.files()):,} {images.words}, {plan.name}, {compute.precision}",
        f"bare forward pass, batch {best.size}",
        "images/s",
        pairs,
        0.9,
        f"peak memory {memory.megabytes:,.0f} MB, both together",
    )


def _full(plan: Plan, dataset: Dataset, encoder: Backbone, compute: Compute) -> Ratio:
    number = len(dataset.manifest)
    steps = max(1, plan.short * number // 25)
    with empty_cache():
        fit(dataset, encoder, compute, 1)  # decodes, and lets the device choose its kernels
        pairs = side_by_side(
            lambda: plan.short * number / fit(dataset, encoder, compute, plan.short)[1],
            lambda: bare_loop(encoder, compute, steps),
            plan.repeats,
        )
    return Ratio(
        f"fine-tuning {plan.name}, {number:,} images, turned and mirrored, {compute.precision}",
        "bare forward-backward loop, batch 25",
        "images/s",
        pairs,
        0.9,
        "loading and turning; on an accelerator the start of its kernels",
    )


def _precisions(half: Ratio, whole: Ratio) -> Ratio:
    pairs = tuple(
        (mine, other) for (mine, _), (other, _) in zip(half.pairs, whole.pairs, strict=True)
    )
    return Ratio(half.name, "32 bits", "images/s", pairs)


def _agreement(plan: Plan, dataset: Dataset, encoder: Backbone, compute: Compute) -> list[Ratio]:
    """Fine-tune to the end; compare time and memory with what there is, answers with a CPU's."""
    cpu = resolve_compute("cpu", "32")
    rows = np.linspace(0, len(dataset.manifest) - 1, plan.compared).astype(int)
    with empty_cache():
        with PeakMemory(compute.device) as memory:
            network, seconds = fit(dataset, encoder, compute, plan.epochs)
        answers = network.predict(
            Samples(Features(dataset, compute, {encoder.name: encoder}), rows)
        )
        same = reference(encoder, cpu, plan.epochs)
        same.restore(network.state())
        features = Features(dataset, cpu, {encoder.name: encoder})
        expected = same.predict(Samples(features, rows))
        pixels = features.pixels(encoder.name).values[rows]
    embedded, wanted = (Embedder(encoder, one)(pixels) for one in (compute, cpu))
    relative = np.linalg.norm(embedded - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    words = f"{plan.name} on {compute.device}, {compute.precision}"
    images = f"{len(dataset.manifest):,} images x {plan.epochs} epochs, decoding included"
    return [
        Ratio(f"fine-tuning {words}, {images}", "the aim", "s", ((seconds, SECONDS),), 1),
        _memory(words, memory.megabytes, compute),
        _difference(f"probabilities of {words}", np.abs(answers - expected).max(), compute),
        _difference(f"embeddings of {words}", relative.max(), compute),
    ]


def _memory(words: str, peak: float, compute: Compute) -> Ratio:
    there = psutil.virtual_memory().total
    if compute.device == "cuda":
        there = torch.cuda.get_device_properties(0).total_memory
    return Ratio(
        f"peak memory of fine-tuning {words}", "all there is", "MB", ((peak, there / 1e6),), 1
    )


def _difference(words: str, largest: float, compute: Compute) -> Ratio:
    found = max(float(largest), 1e-9)  # a CPU beside itself differs in nothing
    pairs = ((found, TOLERANCE[compute.precision]),)
    return Ratio(f"largest difference, {words}, from a CPU in 32 bits", "tolerance", "", pairs, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
