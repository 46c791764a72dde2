"""Time of the statistics of a report: 7 models, 3 seeds, every metric, interval and paired test.

On as many predictions as LC25000's lung classes give out of fold, in the sizes of their source
groups. Processor time stands beside wall time, for machines that do other work too.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from frame import Ratio
from simulated import Groups, lc25000_groups

from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.scoring import compare_models
from lcbench.predictions.alignment import align
from lcbench.predictions.table import Predictions
from lcbench.taxonomy import load_taxonomy

MODELS, SEEDS, FOLDS = 7, 3, 5
BOUND = 20.0
"""Seconds, that the project sets itself."""
TAXONOMY = load_taxonomy()


def measure(quick: bool = False) -> list[Ratio]:
    """Put the models side by side and compare them; the first time is not counted."""
    few = lc25000_groups().first(20)
    _compare(few)  # what is loaded at first use is not timed
    (processor, wall), rows = _compare(few if quick else lc25000_groups())
    return [
        Ratio(
            f"statistics of a report, {MODELS} models x {rows:,} predictions, {SEEDS} seeds",
            "the bound",
            "s",
            ((wall, BOUND),),
            1,
            f"one core: {processor:.1f} s of a processor",
        )
    ]


def _compare(groups: Groups) -> tuple[tuple[float, float], int]:
    """Return processor and wall seconds, and the predictions of each model."""
    models = [predictions(f"model {number}", groups, number) for number in range(MODELS)]
    settings = AnalysisSettings(resamples=1)
    processor, wall = time.process_time(), time.perf_counter()
    aligned = align(models, by="image")
    pairs = [(aligned.names[0], other) for other in aligned.names[1:]]
    compare_models(aligned, TAXONOMY, pairs, settings)
    return (time.process_time() - processor, time.perf_counter() - wall), len(aligned.rows)


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
