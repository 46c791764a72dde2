"""The core suite beside the straightforward way, which keeps nothing.

There, every baseline, seed, fold and epoch decodes its images and passes them through the backbone.
That would take hours, so a part is measured, and the rest is arithmetic: the images that each run
of ours had, times the seconds that one of them takes.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from forward import TOY, backbone
from frame import Ratio
from pictures import Pictures, pictures

from lcbench.compute import Compute, channels_last, resolve_compute
from lcbench.datasets.images import ImageFile
from lcbench.features.decoding import decode_batch
from lcbench.features.encoder import Normaliser
from lcbench.features.extraction import colour_histogram

REFERENCE = "tf_efficientnet_lite0"
BATCH = 25
IMAGES = 1_500
PART = 200
COLOUR = "colour"
REPEATS = 3


def measure(quick: bool = False) -> list[Ratio]:
    """Run the suite, then count what the straightforward way would decode and pass."""
    images = pictures(72, drawn=True) if quick else pictures(IMAGES)
    compute = resolve_compute()
    with tempfile.TemporaryDirectory(prefix="lcbench-bench-") as folder:
        seconds = _run_suite(images, Path(folder), quick)
        passes = count_passes(Path(folder, "runs"))
        runs = len(list(Path(folder, "runs").rglob("config.json")))
    files = images.dataset().files()
    part = files[:: max(1, len(files) // PART)]
    each = {
        what: [1 / _speed(what, part, compute) for _ in range(1 if quick else REPEATS)]
        for what in passes
    }
    pairs = tuple(
        (seconds, sum(passes[what] * costs[repeat] for what, costs in each.items()))
        for repeat in range(1 if quick else REPEATS)
    )
    counted = "; ".join(
        f"{what}: {number:,} images at {1000 * sorted(each[what])[len(each[what]) // 2]:.2f} ms"
        for what, number in passes.items()
    )
    return [
        Ratio(
            f"core, {runs} runs on {len(images.files()):,} {images.words}",
            "every epoch decodes and passes its images (arithmetic)",
            "s",
            pairs,
            100,
            f"the steps of the heads, which both ways have; counted beside: {counted}",
        )
    ]


def count_passes(runs: Path) -> Counter[str]:
    """Return the images that the runs of a folder would decode anew, by what they go through.

    Parameters
    ----------
    runs
        Of `lcbench run`. A network's epochs show it its training and validation images, and then
        the test images are predicted; neighbours and colour see each image of a split once.
    """
    passes: Counter[str] = Counter()
    for path in sorted(runs.rglob("config.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        split = config["split"]
        once = split["train"] + split["validation"] + split["test"]
        name = (config["backbone"] or {}).get("name", "")
        if config["kind"] == COLOUR:
            passes[COLOUR] += once
        elif config["kind"] == "network":
            epochs = sum(_shares(config, path.with_name("history.csv")))
            passes[name] += round(epochs * (split["train"] + split["validation"]) + split["test"])
        elif name:
            passes[name] += once
    return passes


def _shares(config: dict[str, Any], history: Path) -> Iterator[float]:
    """Yield, for each epoch of each network, the share of the images that it is shown."""
    parents, counts = config["taxonomy"]["parents"], config["dataset"]["images_by_class"]

    def under(label: str | None, node: str) -> bool:
        return label is not None and (label == node or under(parents.get(label), node))

    with history.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            node = "root" if row["network"] == "all" else row["network"]
            inside = sum(count for label, count in counts.items() if under(label, node))
            yield inside / sum(counts.values())


def _run_suite(images: Pictures, folder: Path, quick: bool) -> float:
    """Return the seconds of `lcbench run`, from an empty cache to the last run."""
    toy = ("--backbone", TOY, "--weights", "random", "--seeds", "1", "--protocol", "paper")
    words = (
        *("run", "--suite", "core", "--data", images.folder, "--groups", images.groups),
        *("--offline", "--out", folder / "runs"),
        *(
            (*toy, "--only", "reference", "--only", "colour")
            if quick
            else ("--backbone", REFERENCE)
        ),
    )
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "lcbench", *map(str, words)],
        env={**os.environ, "LCBENCH_CACHE": str(folder / "cache")},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def _speed(what: str, files: Sequence[ImageFile], compute: Compute) -> float:
    """Return the images a second, from files, in batches as the recipe trains on."""
    work = _histograms if what == COLOUR else _forward(what, compute)
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    work(batches[0])
    started = time.perf_counter()
    for batch in batches:
        work(batch)
    return len(files) / (time.perf_counter() - started)


def _histograms(files: Sequence[ImageFile]) -> None:
    decode_batch(files, colour_histogram)


def _forward(name: str, compute: Compute) -> Callable[[Sequence[ImageFile]], None]:
    encoder, device = backbone(name), compute.accelerator().device
    network = channels_last(encoder.load(), device).eval()
    to_pixels = encoder.preprocessing.to_pixels()
    normalise = Normaliser(encoder.preprocessing, device)

    def work(files: Sequence[ImageFile]) -> None:
        pixels = torch.from_numpy(decode_batch(files, to_pixels))
        with torch.inference_mode(), compute.accelerator().autocast():
            network(normalise(pixels)).float().cpu()

    return work
