"""Memory of reading and embedding ten times as many images.

Each size is measured in a process of its own: `growth.py FOLDER`. The images are links to a few
small drawn ones and the backbone is an average over pixels, because neither changes what is kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from frame import Ratio
from PIL import Image

from lcbench.compute import PeakMemory, resolve_compute
from lcbench.datasets.dataset import load_dataset
from lcbench.datasets.labels import LabelReader
from lcbench.features.encoder import EncoderFacts, Preprocessing
from lcbench.features.extraction import Features
from lcbench.taxonomy import load_taxonomy

SIZES = (15_000, 150_000)
TOY_SIZES = (30, 300)
_DISTINCT = 10
_SIDE = 32


def measure(quick: bool = False) -> list[Ratio]:
    """Compare the peak at both sizes, the larger one without its manifest."""
    sizes = TOY_SIZES if quick else SIZES
    with tempfile.TemporaryDirectory(prefix="lcbench-bench-") as folder:
        few, many = (_in_process(size, Path(folder, str(size))) for size in sizes)
    manifest = many["manifest"] - few["manifest"]
    growth = many["peak"] - few["peak"]
    each = 1e3 * (growth - manifest) / (sizes[1] - sizes[0])
    return [
        Ratio(
            f"peak memory of reading and embedding {sizes[1]:,} images, less the manifest's growth",
            f"{sizes[0]:,} images",
            "MB",
            ((many["peak"] - manifest, few["peak"]),),
            0.9,
            f"{each:,.2f} kB an image beside the manifest, which takes "
            f"{1e3 * many['manifest'] / sizes[1]:,.2f}",
        )
    ]


class Mean:
    """Stands in for a backbone: the mean colour."""

    name = "mean"
    preprocessing = Preprocessing()
    facts = EncoderFacts(3, 0, 0.0, "")

    def load(self) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())


def _in_process(size: int, folder: Path) -> dict[str, float]:
    _link(size, folder)
    with tempfile.TemporaryDirectory(prefix="lcbench-bench-") as cache:
        done = subprocess.run(
            [sys.executable, __file__, folder],
            env={**os.environ, "LCBENCH_CACHE": cache},
            capture_output=True,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _link(size: int, folder: Path) -> None:
    rng = np.random.default_rng(0)
    for label in ("lung_aca", "lung_n", "lung_scc"):
        (folder / label).mkdir(parents=True)
        for number in range(size // 3):
            path = folder / label / f"{number:06d}.bmp"
            if number < _DISTINCT:
                pixels = rng.integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(path)
            else:
                path.hardlink_to(folder / label / f"{number % _DISTINCT:06d}.bmp")


def _work(folder: str) -> dict[str, Any]:
    with PeakMemory("cpu") as memory:
        dataset = load_dataset(folder, LabelReader(load_taxonomy()))
        features = Features(dataset, resolve_compute("cpu", "32"), {"mean": Mean()})
        features.colour()
        features.embeddings("mean")
    manifest = dataset.manifest.memory_usage(index=True, deep=True).sum() / 1e6
    return {"peak": memory.megabytes, "manifest": float(manifest)}


if __name__ == "__main__":
    print(json.dumps(_work(sys.argv[1])))
