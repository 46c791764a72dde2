"""The reference on an accelerator: `make bench-gpu`, or `python tests/bench/gpu.py [--quick]`.

Frozen and fine-tuned in full, in both precisions, beside bare loops, beside the memory there is,
and beside the same network on the CPU. Without a folder of images they are drawn, in the size and
number of LC25000's training images. Every measure is written when it is done, and one that fails
leaves the others be. On a CPU it runs at toy size, which shows that it works and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil
import torch
from embedding import from_files as embedding_speed
from finetuning import BATCH, bare_loop, fit, reference
from forward import TOY, Forward, Way, backbone, fastest, scan, ways
from frame import Ratio, side_by_side
from pictures import Pictures, empty_cache, pictures
from record import before, failed, measured, table, write

from lcbench.compute import Compute, PeakMemory, resolve_compute, supports_bf16
from lcbench.console import out
from lcbench.datasets.dataset import Dataset
from lcbench.features.extraction import Embedder, Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone
from lcbench.models.network import Network

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90
"""In which the reference is fine-tuned: `Plan.images`, `Plan.epochs` of a data-centre GPU."""
TOLERANCE = {"32": 0.01, "bf16": 0.05}
"""Of probabilities and, relative, of embeddings, beside a CPU's in 32 bits."""
LARGE = 8 * BATCH
"""A batch that keeps an accelerator busy."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    name: str = "resnet50"
    images: int = 10_200
    epochs: int = 18
    compared: int = 64
    repeats: int = 2


QUICK = Plan(images=600, epochs=2, compared=8, repeats=1)
TOY_PLAN = Plan(TOY, 18, 1, 6, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and write the JSON file; return 1 if a measure failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of class folders, at least 10,200 images")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-gpu.json")
    parser.add_argument("--quick", action="store_true", help="few images: whether it runs")
    options = parser.parse_args(arguments)
    device = resolve_compute()
    plan = (QUICK if options.quick else Plan()) if device.is_accelerator else TOY_PLAN
    found = before(options.out, quick=plan != Plan())
    found["measures"] = {}
    with empty_cache():
        bench = prepared(plan, options.data)
        found["weights"] = str(bench.encoder.source)
        for name, measure in bench.measures():
            found["measures"][name] = measured(name, measure)
            write(options.out, found)  # now: a later one may take long, and be stopped
    out.print(table(found["measures"]))
    return int(failed(found["measures"]))


def prepared(plan: Plan, folder: Path | None) -> Bench:
    """Return what is measured, with its images drawn or found."""
    out.print("images ...")
    given = Pictures(folder, None, f"images of {folder.name}") if folder else None
    images = given or pictures(plan.images, drawn=True)
    encoder = backbone(plan.name)
    out.print(f"{len(images.files()):,} {images.words}; {plan.name}, {encoder.source}")
    return Bench(plan, images, _first(images.dataset(), plan.images), encoder)


def _first(dataset: Dataset, number: int) -> Dataset:
    """Return `number` images, of every class."""
    rows = np.unique(np.linspace(0, len(dataset.manifest) - 1, number).astype(int))
    return replace(dataset, manifest=dataset.manifest.iloc[rows].reset_index(drop=True))


@dataclass
class Bench:
    """The measures of one plan.

    Parameters
    ----------
    plan
        How much.
    images, dataset
        The files, and as many of them as are trained on.
    encoder
        The reference's backbone.
    """

    plan: Plan
    images: Pictures
    dataset: Dataset
    encoder: Backbone
    _fitted: dict[str, Network] = field(default_factory=dict)
    _pairs: dict[tuple[str, str], Ratio] = field(default_factory=dict)

    def measures(self) -> Iterator[tuple[str, Callable[[], list[Ratio]]]]:
        """Yield each measure and its name, the shortest first."""
        device = resolve_compute().device
        precisions = ("bf16", "32") if supports_bf16(device) else ("32",)
        computes = [replace(resolve_compute(device), precision=one) for one in precisions]
        for what, measure in (("frozen", self.frozen), ("full", self.full)):
            for compute in computes:
                yield f"{what}, {compute.precision}", lambda m=measure, c=compute: m(c)
            if len(computes) > 1:
                yield f"{what}, bf16 against 32", lambda w=what: self.precisions(w)
        for compute in computes:
            yield f"agreement, {compute.precision}", lambda c=compute: self.agreement(c)
        yield "whole", lambda: self.whole(computes[0])

    def frozen(self, compute: Compute) -> list[Ratio]:
        """Embed from files, beside the bare forward pass at its best batch."""
        tried = ways(compute) if compute.is_accelerator else (Way(2, 1),)
        forward = Forward(self.encoder, compute, max(way.size for way in tried))
        best = fastest(scan(forward, tried, self.plan.images // 4, rounds=1))
        ours = embedding_speed(self.images, self.encoder, compute)
        with PeakMemory(compute.device) as memory:
            pairs = side_by_side(
                ours, lambda: forward.speed(best, self.plan.images), self.plan.repeats
            )
        found = Ratio(
            f"embedding {len(self.images.files()):,} {self.images.words} from files, "
            f"{self._words(compute)}",
            f"bare forward pass, batch {best.size}",
            "images/s",
            pairs,
            0.9,
            f"decoding on {psutil.cpu_count()} cores; peak memory {memory.megabytes:,.0f} MB",
        )
        self._pairs["frozen", compute.precision] = found
        return [found]

    def full(self, compute: Compute) -> list[Ratio]:
        """Train the whole network for an epoch, beside a loop that only computes."""
        number = len(self.dataset.manifest)
        steps = max(1, number // BATCH)
        fit(self.dataset, self.encoder, compute, 1)  # decodes, and lets the device choose kernels
        with PeakMemory(compute.device) as memory:
            pairs = side_by_side(
                lambda: self._epoch(compute),
                lambda: bare_loop(self.encoder, compute, steps),
                self.plan.repeats,
            )
        large = bare_loop(self.encoder, compute, max(1, steps * BATCH // LARGE), LARGE)
        found = Ratio(
            f"fine-tuning, {number:,} images, turned and mirrored, {self._words(compute)}",
            f"bare forward-backward loop, batch {BATCH}",
            "images/s",
            pairs,
            0.9,
            f"{large:,.0f} images/s of a bare loop at batch {LARGE}",
        )
        self._pairs["full", compute.precision] = found
        return [found, _memory(self._words(compute), memory.megabytes, compute)]

    def precisions(self, what: str) -> list[Ratio]:
        """Set bf16 beside 32 bits, as measured before."""
        half, whole = (self._pairs[what, precision] for precision in ("bf16", "32"))
        both = zip(half.pairs, whole.pairs, strict=True)
        pairs = tuple((mine, other) for (mine, _), (other, _) in both)
        return [Ratio(half.name, "32 bits", "images/s", pairs)]

    def agreement(self, compute: Compute) -> list[Ratio]:
        """Compare what the fitted network says with what it says on a CPU in 32 bits."""
        cpu = resolve_compute("cpu", "32")
        rows = np.linspace(0, len(self.dataset.manifest) - 1, self.plan.compared).astype(int)
        network = self._fitted[compute.precision]
        answers = network.predict(Samples(self._features(compute), rows))
        same = reference(self.encoder, cpu, 1)
        same.restore(network.state())
        expected = same.predict(Samples(self._features(cpu), rows))
        pixels = self._features(cpu).pixels(self.encoder.name).values[rows]
        embedded, wanted = (Embedder(self.encoder, one)(pixels) for one in (compute, cpu))
        relative = np.linalg.norm(embedded - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
        agreeing = int((answers.argmax(axis=1) == expected.argmax(axis=1)).sum())
        what = f"{self._words(compute)} on {compute.device}"
        says = f"{agreeing} of {len(rows)} images get the same class"
        return [
            _difference(
                f"probabilities of {what}", np.abs(answers - expected).max(), compute, says
            ),
            _difference(f"embeddings of {what}", relative.max(), compute, ""),
        ]

    def whole(self, compute: Compute) -> list[Ratio]:
        """Fine-tune from files to the end, beside the aim and a loop that only computes."""
        number, epochs = len(self.dataset.manifest), self.plan.epochs
        with empty_cache():
            _, seconds = fit(self.dataset, self.encoder, compute, epochs)
        bare = bare_loop(self.encoder, compute, max(1, 2 * number // BATCH))
        name = (
            f"fine-tuning, {number:,} images x {epochs} epochs from files, {self._words(compute)}"
        )
        loop = f"bare forward-backward loop, batch {BATCH}"
        return [
            Ratio(name, "the aim", "s", ((seconds, SECONDS),), 1),
            Ratio(name, loop, "images/s", ((number * epochs / seconds, bare),), 0.9),
        ]

    def _epoch(self, compute: Compute) -> float:
        network, seconds = fit(self.dataset, self.encoder, compute, 1)
        self._fitted[compute.precision] = network
        return len(self.dataset.manifest) / seconds

    def _features(self, compute: Compute) -> Features:
        return Features(self.dataset, compute, {self.encoder.name: self.encoder})

    def _words(self, compute: Compute) -> str:
        return f"{self.plan.name}, {compute.precision}"


def _memory(words: str, peak: float, compute: Compute) -> Ratio:
    there = psutil.virtual_memory().total
    if compute.device == "cuda":
        there = torch.cuda.get_device_properties(0).total_memory
    return Ratio(
        f"peak memory of fine-tuning, {words}", "all there is", "MB", ((peak, there / 1e6),), 1
    )


def _difference(words: str, largest: float, compute: Compute, limit: str) -> Ratio:
    found = max(float(largest), 1e-9)  # a CPU beside itself differs in nothing
    pairs = ((found, TOLERANCE[compute.precision]),)
    return Ratio(f"largest difference, {words}, from a CPU", "tolerance", "", pairs, 1, limit)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
