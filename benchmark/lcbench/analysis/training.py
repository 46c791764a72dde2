"""How training went: what it cost, and how far training and validation are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import pandas as pd

from lcbench.analysis.results import Training
from lcbench.models.losses import USUAL_LOSS
from lcbench.runs.finished import FinishedRun, FinishedSuite

_FROZEN = "frozen"
_LOSSES = ["train_loss", "validation_loss", "validation_accuracy"]


def training_of(suite: FinishedSuite) -> tuple[Training, ...]:
    """Return how each baseline of one network was trained, where any trained its backbone."""
    if all(_tuning(run) == _FROZEN for run in suite.runs):
        return ()
    found = []
    for protocol in suite.protocols:
        for name in suite.baselines:
            runs = suite.runs_of(protocol=protocol, baseline=name)
            restored = [row for run in runs if (row := _restored(run)) is not None]
            if restored and len(restored) == len(runs):
                found.append(_training(protocol, name, runs, pd.DataFrame(restored)))
    return tuple(found)


def _training(
    protocol: str, name: str, runs: Sequence[FinishedRun], restored: pd.DataFrame
) -> Training:
    gaps = restored["validation_loss"] - restored["train_loss"]
    return Training(
        protocol=protocol,
        baseline=name,
        runs=len(runs),
        tuning=_tuning(runs[0]),
        learned=round(median(run.state.parameters for run in runs)),
        train_seconds=median(run.state.train_seconds for run in runs),
        epochs=median(run.state.epochs or 0 for run in runs),
        train_loss=float(restored["train_loss"].median()),
        validation_loss=_number(restored["validation_loss"]),
        validation_accuracy=_number(restored["validation_accuracy"]),
        gap=_number(gaps) if _is_comparable(runs[0]) else None,
    )


def _tuning(run: FinishedRun) -> str:
    return str(run.config.recipe.get("tuning", _FROZEN))


def _is_comparable(run: FinishedRun) -> bool:
    """Tell whether training minimised what validation measures, on images as they are."""
    recipe = run.config.recipe
    changed = recipe.get("views") or recipe.get("mixup_between")
    augmented = recipe.get("augmentation", "none") != "none"
    return recipe.get("loss", USUAL_LOSS) == USUAL_LOSS and not changed and not augmented


def _restored(run: FinishedRun) -> pd.Series | None:
    """Return the line of the restored epoch; None for several networks, or none."""
    history = run.history
    if history is None or history["network"].nunique() != 1:
        return None
    lines = history[history["epoch"] == run.state.best_epoch]
    return lines[_LOSSES].iloc[0].astype(float) if len(lines) == 1 else None


def _number(values: pd.Series) -> float | None:
    found = float(values.median())
    return None if math.isnan(found) else found
