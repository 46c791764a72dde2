"""How much of the backbone was trained, what it cost, and how far it overfits."""

from __future__ import annotations

from lcbench.analysis.results import Results, Training
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.words import label, protocol_short


def training_table(results: Results) -> Table | None:
    """Return what each way of training gives and costs; None where there is but one."""
    headers = ["baseline", "protocol", "accuracy, %", "learned parameters", "training, s", "epochs"]
    headers += ["training loss", "validation loss", "gap"]
    rows = [_row(results, one) for one in results.training]
    return Table(headers, rows, "llrrrrrrr") if rows else None


def _row(results: Results, one: Training) -> list[str]:
    return [
        label(results, one.baseline),
        protocol_short(one.protocol),
        _accuracy(results, one),
        formats.integer(one.learned),
        formats.number(one.train_seconds),
        formats.number(one.epochs),
        *(
            formats.NONE if loss is None else formats.number(loss, 3)
            for loss in (one.train_loss, one.validation_loss, one.gap)
        ),
    ]


def _accuracy(results: Results, one: Training) -> str:
    result = results.protocol(one.protocol)
    scores = None if result is None else result.comparison.scores(one.baseline)
    return formats.NONE if scores is None else formats.share(scores.accuracy.value, unit=False)
