"""How long `lcbench --help` takes, beside the bound that the project sets itself."""

from __future__ import annotations

import subprocess
import sys
import time

from frame import Ratio

BOUND = 0.3
TIMES = 15


def measure(quick: bool = False) -> list[Ratio]:
    """Measure the command with Python's start, its modules already compiled."""
    command = [sys.executable, "-m", "lcbench", "--help"]
    seconds = []
    for _ in range(2 if quick else 1 + TIMES):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return [
        Ratio(
            "lcbench --help",
            "the bound",
            "s",
            tuple((found, BOUND) for found in seconds[1:]),
            1,
            "importing typer and rich, drawing the help",
        )
    ]
