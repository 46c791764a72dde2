"""Images per second of a frozen backbone by micro-batch, as `lcbench run` embeds them.

Run by `make bench`. The CPU's micro-batch in `lcbench.compute` is a constant, so that results do
not depend on a measurement; this shows whether it is a good one on your machine.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from lcbench.compute import resolve_compute
from lcbench.features.decoding import ahead
from lcbench.features.encoder import IMAGE_SIZE
from lcbench.features.extraction import Embedder
from lcbench.models.backbones import resolve_backbone
from lcbench.models.weights import WeightOptions

IMAGES = 256
REPEATS = 3


def images_per_second(name: str, size: int) -> float:
    """Return the median speed of some repeats, after one to warm up."""
    backbone = resolve_backbone(name, WeightOptions(weights="random", backbone=name))
    if backbone is None:
        raise SystemExit(f"no backbone {name}")
    compute = replace(resolve_compute(), micro_batch=size)
    embed = Embedder(backbone, compute)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (size, 3, IMAGE_SIZE, IMAGE_SIZE), dtype=np.uint8)
    batches = [pixels] * (IMAGES // size)
    speeds = []
    for _ in range(1 + REPEATS):
        started = time.perf_counter()
        for _features in map(embed, batches) if compute.is_accelerator else ahead(embed, batches):
            pass
        speeds.append(IMAGES / (time.perf_counter() - started))
    return float(np.median(speeds[1:]))


def main() -> None:
    """Print a table of backbones and micro-batches."""
    names = sys.argv[1:] or ["tf_efficientnet_lite0", "resnet50"]
    chosen = resolve_compute()
    print(f"{chosen.device}, precision {chosen.precision}; lcbench uses {chosen.micro_batch}")
    sizes = (1, 4, 8, 16, 32) if not chosen.is_accelerator else (32, 64, 128, 256)
    print("backbone".ljust(24) + "".join(f"{size:>9}" for size in sizes))
    for name in names:
        speeds = "".join(f"{images_per_second(name, size):9.1f}" for size in sizes)
        print(name.ljust(24) + speeds)


if __name__ == "__main__":
    main()
