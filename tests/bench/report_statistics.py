"""Time of the statistics of a report: 7 models, 3 seeds, every metric, interval and paired test.

On as many predictions as LC25000's lung classes give out of fold, in the sizes of their source
groups. Run by `make bench`; alone: `python tests/bench/report_statistics.py`. Processor time
stands beside wall time, for machines that do other work too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd
from simulated import Groups, lc25000_groups

from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.scoring import compare_models
from lcbench.predictions.alignment import align
from lcbench.predictions.table import Predictions
from lcbench.taxonomy import load_taxonomy

MODELS, SEEDS, FOLDS = 7, 3, 5
GOAL = 20.0
TAXONOMY = load_taxonomy()
T = TypeVar("T")


def main() -> None:
    """Print the times."""
    measure(lc25000_groups().first(20))  # what is loaded at first use is not timed
    aligning, comparing, rows = measure(lc25000_groups())
    print(f"\nStatistics of a report: {MODELS} models x {rows:,} predictions, {SEEDS} seeds")
    print(f"{'step':<40} {'processor, s':>13} {'wall, s':>9}")
    print(f"{'put side by side':<40} {aligning[0]:>13.2f} {aligning[1]:>9.2f}")
    print(f"{'metrics, intervals, paired tests':<40} {comparing[0]:>13.2f} {comparing[1]:>9.2f}")
    print(f"Goal: {GOAL:g} s.")


def measure(groups: Groups) -> tuple[tuple[float, float], tuple[float, float], int]:
    """Return processor and wall seconds of both steps, and the predictions of each model."""
    models = [predictions(f"model {number}", groups, number) for number in range(MODELS)]
    aligned, aligning = _timed(lambda: align(models, by="image"))
    pairs = [(aligned.names[0], other) for other in aligned.names[1:]]
    settings = AnalysisSettings(resamples=1)
    _, comparing = _timed(lambda: compare_models(aligned, TAXONOMY, pairs, settings))
    return aligning, comparing, len(aligned.rows)


def predictions(name: str, groups: Groups, number: int) -> Predictions:
    """Return the predictions of a classifier that is right in about 95 %, of every seed."""
    codes = np.repeat(np.arange(len(groups.sizes)), groups.sizes)
    true, leaves = groups.classes[codes], np.array(TAXONOMY.leaves, dtype=object)
    # What is hard about a group is hard for every model.
    hard = np.random.default_rng(0).normal(size=(len(groups.sizes), len(leaves)))[codes]
    parts, chances = [], []
    for seed in range(SEEDS):
        scores = hard + np.random.default_rng([number, seed]).normal(size=hard.shape)
        scores[np.arange(len(true)), true] += 4.0
        exponents = np.exp(scores)
        chances.append(exponents / exponents.sum(axis=1, keepdims=True))
        table = {
            "image": [f"{leaves[label]}/{row}.png" for row, label in enumerate(true)],
            "sha256": "",
            "group": [f"group {code}" for code in codes],
            "protocol": "grouped",
            "seed": seed,
            "fold": codes % FOLDS,
            "baseline": name,
            "true": leaves[true],
            "predicted": leaves[scores.argmax(axis=1)],
        }
        parts.append(pd.DataFrame(table))
    table = pd.concat(parts, ignore_index=True)
    return Predictions(name, TAXONOMY.leaves, table, np.concatenate(chances))


def _timed(work: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    processor, wall = time.process_time(), time.perf_counter()
    found = work()
    return found, (time.process_time() - processor, time.perf_counter() - wall)


if __name__ == "__main__":
    main()
