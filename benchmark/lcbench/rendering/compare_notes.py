"""What was noted when the files were read, as one list for all models."""

from __future__ import annotations

from collections.abc import Sequence

from lcbench.predictions.reading.findings import clipped, listed
from lcbench.predictions.reading.inspection import ModelPredictions
from lcbench.predictions.reading.limits import is_about_groups


def reading_notes(models: Sequence[ModelPredictions], *, groups_known: bool) -> tuple[str, ...]:
    """Return each note once, with the models that it is about.

    Parameters
    ----------
    models
        With the notes of their files.
    groups_known
        Whether source groups came from some model or from the user: that a file has none is then
        no longer true of the comparison.
    """
    about: dict[str, list[str]] = {}
    for model in models:
        for note in model.notes:
            if not (groups_known and is_about_groups(note)):
                about.setdefault(note, []).append(clipped(model.name))
    return tuple(f"{_whose(names, len(models))}: {note}" for note, names in about.items())


def _whose(names: Sequence[str], models: int) -> str:
    return "all models" if len(names) == models > 2 else listed(names)
