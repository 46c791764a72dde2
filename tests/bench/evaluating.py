"""10,000 external images through one backbone and three heads: speed and memory of the pass.

The pass is what `lcbench evaluate` does once it knows the images: decode, embed, predict, write.
It runs in a process of its own: `evaluating.py SUITE FOLDER OUT`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from forward import TOY, Forward, Way, backbone, fastest, scan, ways
from frame import Ratio
from pictures import pictures

from lcbench.compute import resolve_compute
from lcbench.datasets.dataset import load_dataset
from lcbench.datasets.labels import LabelReader
from lcbench.features.extraction import Embedder
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.predicting import make_ready, predict_all
from lcbench.runs.store import plan_taxonomy, read_plan, run_folders
from lcbench.runs.stored import read_runs

IMAGES = 10_000
BACKBONE = "tf_efficientnet_lite0"
HEADS = ("knn", "reference", "hierarchical-two-head")
_BARE = 600
_QUARTERS = 4
_LOOK_SECONDS = 0.1


def measure(quick: bool = False) -> list[Ratio]:
    """Let three fitted heads predict; the bare pass is measured before and after, at its best."""
    number, name = (36, TOY) if quick else (IMAGES, BACKBONE)
    with tempfile.TemporaryDirectory(prefix="lcbench-bench-") as temporary:
        suite = _fitted(Path(temporary), name, quick)
        folder = Path(temporary, "images")
        words = _link(number, folder, quick)
        forward, way = _fastest(name, quick)
        bare = [forward.speed(way, 8 if quick else _BARE)]
        found = _in_process(suite, folder, Path(temporary))
        bare.append(forward.speed(way, 8 if quick else _BARE))
    speed = found["images"] / found["seconds"]
    first, *_, last = found["quarters"]
    return [
        Ratio(
            f"{found['images']:,} {words} through one backbone and {found['heads']} heads, from "
            f"files to stored predictions, {name}, {found['precision']}",
            f"bare forward pass, {way}",
            "images/s",
            tuple((speed, each) for each in bare),
            0.9,
            f"{found['seconds']:,.0f} s, of which the heads take {found['heads_seconds']:.1f} s; "
            f"{found['looked_at']:,} images were looked at; decoding shares the cores",
        ),
        Ratio(
            f"peak memory in the last quarter of the pass over {found['images']:,} images",
            "in the first quarter",
            "MB",
            ((last, first),),
            0.9,
            f"by quarters: {', '.join(f'{each:,.0f}' for each in found['quarters'])} MB",
        ),
    ]


def _fitted(place: Path, name: str, quick: bool) -> Path:
    """Return the folder of a suite of three heads, fitted on a few drawn images."""
    few = pictures(72, drawn=True)
    weights = ("--weights", "random") if quick else ()
    words = (
        *("run", "--suite", "core", "--data", few.folder, "--groups", few.groups, "--offline"),
        *("--backbone", name, *weights, "--seeds", "1", "--protocol", "paper"),
        *(word for head in HEADS for word in ("--only", head)),
        *("--out", place / "runs"),
    )
    subprocess.run(
        [sys.executable, "-m", "lcbench", *map(str, words)],
        env={**os.environ, "LCBENCH_CACHE": str(place / "fitted")},
        check=True,
        capture_output=True,
    )
    return place / "runs" / "core"


def _link(number: int, folder: Path, quick: bool) -> str:
    """Put so many images into a folder, evenly over all there are; return what they are."""
    there = pictures(number, drawn=quick)
    files = there.files()
    for path in {files[place * len(files) // number] for place in range(number)}:
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / path.name).symlink_to(path.resolve())
    return there.words


def _fastest(name: str, quick: bool) -> tuple[Forward, Way]:
    compute = resolve_compute()
    tried = ways(compute)[:2] if quick else ways(compute)
    forward = Forward(backbone(name), compute, max(way.size for way in tried))
    return forward, fastest(scan(forward, tried, 2 if quick else 100, rounds=1 if quick else 2))


def _in_process(suite: Path, folder: Path, place: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, suite, folder, place / "predictions"],
        env={**os.environ, "LCBENCH_CACHE": str(place / "cache")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _work(suite: Path, folder: Path, out: Path) -> dict[str, Any]:
    plan = read_plan(suite)
    taxonomy = plan_taxonomy(plan)
    runs = list(read_runs(run_folders(suite, plan.protocols)).sound.values())
    dataset = load_dataset(str(folder), LabelReader(taxonomy))
    compute = resolve_compute()
    looked_at = _count_looks()
    with _memory() as seen:
        started = time.perf_counter()
        ready = make_ready(runs, dataset, plan, compute, EvaluationOptions(offline=True))
        embedded = time.perf_counter()
        predicted, broken = predict_all(ready, taxonomy, out)
        ended = time.perf_counter()
    if broken or len(predicted) != len(runs):
        raise RuntimeError(f"{broken}, {ready.left_out}")
    return {
        "images": len(dataset.manifest),
        "heads": len(predicted),
        "precision": compute.precision,
        "seconds": ended - started,
        "heads_seconds": ended - embedded,
        "looked_at": sum(looked_at),
        "quarters": _peaks(seen, started, ended),
    }


def _count_looks() -> list[int]:
    """Return where the number of images of each batch that a backbone sees is put."""
    batches: list[int] = []
    embed = Embedder.__call__

    def counting(self: Embedder, pixels: Any) -> Any:
        batches.append(len(pixels))
        return embed(self, pixels)

    Embedder.__call__ = counting  # type: ignore[method-assign]
    return batches


@contextmanager
def _memory() -> Iterator[list[tuple[float, float]]]:
    """Sample the resident memory; give the list that moments and MB are put into."""
    ended, process = threading.Event(), psutil.Process()
    seen: list[tuple[float, float]] = []

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            seen.append((time.perf_counter(), process.memory_info().rss / 1e6))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _peaks(seen: list[tuple[float, float]], started: float, ended: float) -> list[float]:
    """Return the peak of each quarter of the time; of a moment that is too short, the nearest."""
    quarter = (ended - started) / _QUARTERS
    peaks: list[float] = []
    for number in range(_QUARTERS):
        middle = started + (number + 0.5) * quarter
        nearest = min(seen, key=lambda look: abs(look[0] - middle))[1]
        peaks.append(max([nearest, *(mb for at, mb in seen if abs(at - middle) <= quarter / 2)]))
    return peaks


if __name__ == "__main__":
    print(json.dumps(_work(*map(Path, sys.argv[1:]))))
