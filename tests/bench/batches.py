"""What the fixed micro-batch of a CPU costs, with and without instructions for bf16.

Each precision is measured in a process of its own, because the processor's instructions are chosen
once a process: `batches.py BACKBONE PRECISION QUICK`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from forward import BACKBONES, TOY, Forward, Way, backbone, fastest, scan, ways
from frame import Ratio, side_by_side

from lcbench.compute import resolve_compute, supports_bf16

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
IMAGES = {"tf_efficientnet_lite0": 128, "resnet50": 32, TOY: 2}
ROUNDS = 2


def measure(quick: bool = False) -> list[Ratio]:
    """Measure bf16 where the processor has it, and 32 bits on the instructions that all have."""
    precisions = ("bf16", "32") if supports_bf16("cpu") and not quick else ("32",)
    names = (TOY,) if quick else BACKBONES
    return [_in_process(name, precision, quick) for name in names for precision in precisions]


def _in_process(name: str, precision: str, quick: bool) -> Ratio:
    environment = {**os.environ, **(AVX2 if precision == "32" else {})}
    command = [sys.executable, Path(__file__), name, precision, str(int(quick))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return Ratio(**{**found, "pairs": tuple(map(tuple, found["pairs"]))})


def _work(name: str, precision: str, quick: bool) -> dict[str, object]:
    compute = resolve_compute("cpu", "bf16" if precision == "bf16" else "32")
    tried = ways(compute)[2:4] if quick else ways(compute)
    forward = Forward(backbone(name), compute, max(way.size for way in tried))
    found = scan(forward, tried, IMAGES[name], 1 if quick else ROUNDS)
    best, fixed = fastest(found), Way(compute.micro_batch, 1)
    images = 4 * IMAGES[name]
    pairs = side_by_side(
        lambda: forward.speed(fixed, images),
        lambda: forward.speed(best, images),
        1 if quick else ROUNDS,
    )
    speeds = ", ".join(
        f"{way.size}: {speed:.1f}" for way, speed in found.items() if way.threads == 1
    )
    shared = max((found[way] for way in found if way.threads > 1), default=0.0)
    return {
        "name": f"forward pass of {name}, {fixed}, {_words(precision)}",
        "beside": f"its fastest: {best}",
        "unit": "images/s",
        "pairs": pairs,
        "limit": f"images/s by batch, one thread each: {speeds}"
        + (f"; threads that share one batch: {shared:.1f} at most" if shared else ""),
    }


def _words(precision: str) -> str:
    return "bf16" if precision == "bf16" else "32 bits, AVX2"


if __name__ == "__main__":
    print(json.dumps(_work(sys.argv[1], sys.argv[2], sys.argv[3] == "1")))
