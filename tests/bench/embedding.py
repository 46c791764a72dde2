"""Embedding, from image files to the array on disk, beside the bare forward pass at its best."""

from __future__ import annotations

import time
from collections.abc import Callable

from forward import BACKBONES, TOY, Forward, backbone, fastest, scan, ways
from frame import Ratio, side_by_side
from pictures import Pictures, empty_cache, pictures

from lcbench.compute import Compute, resolve_compute
from lcbench.features.extraction import Features
from lcbench.models.backbones import Backbone

IMAGES = {"tf_efficientnet_lite0": 900, "resnet50": 300}
REPEATS = 3


def measure(quick: bool = False) -> list[Ratio]:
    """Measure each backbone in the precision that `lcbench run` takes on this machine."""
    return [_measure(name, quick) for name in ((TOY,) if quick else BACKBONES)]


def from_files(images: Pictures, encoder: Backbone, compute: Compute) -> Callable[[], float]:
    """Return what measures the images a second of embedding a folder that nothing is known of."""
    dataset = images.dataset()
    _ = encoder.facts  # a constant of the backbone: it is loaded once more to find them out

    def speed() -> float:
        with empty_cache():
            started = time.perf_counter()
            Features(dataset, compute, {encoder.name: encoder}).embeddings(encoder.name)
            return len(dataset.manifest) / (time.perf_counter() - started)

    return speed


def _measure(name: str, quick: bool) -> Ratio:
    compute, encoder = resolve_compute(), backbone(name)
    images = pictures(18, drawn=True) if quick else pictures(IMAGES[name])
    number = len(images.files())
    tried = ways(compute)[:2] if quick else ways(compute)
    forward = Forward(encoder, compute, max(way.size for way in tried))
    best = fastest(scan(forward, tried, 2 if quick else number // 6, rounds=1 if quick else 2))
    ours = from_files(images, encoder, compute)
    pairs = side_by_side(ours, lambda: forward.speed(best, number), 1 if quick else REPEATS)
    return Ratio(
        f"embedding {number:,} {images.words} from files, {name}, {compute.precision}",
        f"bare forward pass, {best}",
        "images/s",
        pairs,
        0.9,
        f"decoding and the forward pass share the cores; batch {compute.micro_batch} is fixed",
    )
