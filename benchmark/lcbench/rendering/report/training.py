"""How much of the backbone was trained, what it cost, and how far it overfits."""

from __future__ import annotations

from lcbench.analysis.results import Results, Training
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.words import label, protocol_short
from lcbench.statistics.interval_model import Interval


def training_table(results: Results) -> Table | None:
    """Return what each way of training gives and costs; None where there is but one."""
    headers = ["baseline", "protocol", "accuracy, %", "learned parameters", "training, s", "epochs"]
    headers += ["training loss", "validation loss", "gap"]
    accuracies = [_accuracy(results, one) for one in results.training]
    decimals = formats.share_decimals(one.value for one in accuracies if one is not None)
    rows = [
        _row(results, one, formats.share_interval(accuracy, decimals=decimals))
        for one, accuracy in zip(results.training, accuracies, strict=True)
    ]
    return Table(headers, rows, "llrrrrrrr") if rows else None


def _row(results: Results, one: Training, accuracy: str) -> list[str]:
    return [
        label(results, one.baseline),
        protocol_short(one.protocol),
        accuracy,
        formats.integer(one.learned),
        formats.number(one.train_seconds),
        formats.number(one.epochs),
        *(
            formats.NONE if loss is None else formats.number(loss, 3)
            for loss in (one.train_loss, one.validation_loss, one.gap)
        ),
    ]


def _accuracy(results: Results, one: Training) -> Interval | None:
    result = results.protocol(one.protocol)
    scores = None if result is None else result.comparison.scores(one.baseline)
    return None if scores is None else scores.accuracy


def most_epochs(results: Results) -> int | None:
    """Return after how many epochs training ended at the latest, by the recipes in the table."""
    shown = {one.baseline for one in results.training}
    recipes = [one.recipe or {} for one in results.baselines if one.baseline in shown]
    found = [recipe.get("epochs") for recipe in recipes]
    return max((epochs for epochs in found if isinstance(epochs, int)), default=None)
