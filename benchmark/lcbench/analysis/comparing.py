"""What `lcbench compare` finds: models by their predictions, whatever tool wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Literal

from lcbench import __version__
from lcbench.analysis.results import ComparisonResults
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.scoring import compare_models, metric_catalogue
from lcbench.predictions.alignment import By, align
from lcbench.predictions.table import Predictions
from lcbench.runs.records import TaxonomyRecord
from lcbench.statistics.bootstrap import Tick
from lcbench.taxonomy import Taxonomy


def compare_predictions(
    models: Sequence[Predictions],
    taxonomy: Taxonomy,
    settings: AnalysisSettings,
    *,
    match: By = "auto",
    groups: Mapping[str, str] | None = None,
    command: str = "",
    repeats: Literal["seed", "trained model"] = "seed",
    advance: Callable[[str], Tick | None] = lambda _: None,
) -> ComparisonResults:
    """Compare models on the images that all of them have.

    Parameters
    ----------
    models
        Their predictions, under different names.
    taxonomy
        The class tree.
    settings
        How intervals and p-values are computed.
    match
        What images are matched by.
    groups
        Source group of each image name; by default the models' own.
    command
        Command that was typed.
    repeats
        What the seeds of the predictions stand for.
    advance
        Called with the name of each step before it begins.

    Raises
    ------
    UserError
        If the models do not speak of the same images, or no image has a label that they can answer.
    """
    aligned = align(models, by=match, groups=groups)
    tick = advance("metrics, intervals and paired tests")
    pairs = list(combinations(aligned.names, 2))
    return ComparisonResults(
        lcbench_version=__version__,
        command=command,
        settings=settings,
        taxonomy=TaxonomyRecord.of(taxonomy),
        leaves=taxonomy.leaves,
        metrics=metric_catalogue(),
        matched_by=aligned.identity,
        repeats=repeats,
        notes=_reading_notes(models, all_groups_unknown=bool((aligned.rows["group"] == "").all())),
        comparison=compare_models(aligned, taxonomy, pairs, settings, tick),
    )


def _reading_notes(models: Sequence[Predictions], *, all_groups_unknown: bool) -> tuple[str, ...]:
    """Return what was noted when the files were read, each note once with the models it is about.

    That a file lacks source groups is no longer true of the comparison where they came from
    another file or from the user.
    """
    about: dict[str, list[str]] = {}
    for model in models:
        for note in model.notes:
            if all_groups_unknown or note.column != "group":
                about.setdefault(note.what, []).append(model.name)
    return tuple(f"{', '.join(names)}: {note}" for note, names in about.items())
