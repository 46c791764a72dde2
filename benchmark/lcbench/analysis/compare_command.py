"""What `lcbench compare` does: read, match, compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lcbench.analysis.compare_models import Settings, compare
from lcbench.analysis.compare_results import ComparisonResults
from lcbench.datasets.groups import read_groups
from lcbench.datasets.labels import read_labels_with
from lcbench.predictions.matching.alignment import match_models
from lcbench.predictions.matching.identity import By
from lcbench.predictions.reading.files import load_models
from lcbench.rendering.compare_notes import reading_notes
from lcbench.statistics.bootstrap import RESAMPLES, Tick
from lcbench.statistics.choices import Adjustment, Method
from lcbench.taxonomy import load_taxonomy


@dataclass(frozen=True)
class CompareOptions:
    """Options of a comparison.

    Parameters
    ----------
    names
        Names of the models, in the order of the files; empty for their own.
    groups
        CSV with the columns image and group.
    labels, taxonomy
        TOML files of a label map and of another class tree.
    match
        What images are matched by.
    interval
        Method of the intervals.
    adjustment
        Adjustment of p-values.
    resamples
        Bootstrap resamples of each interval.
    """

    names: tuple[str, ...] = ()
    groups: Path | None = None
    labels: Path | None = None
    taxonomy: Path | None = None
    match: By = "auto"
    interval: Method = Method.score
    adjustment: Adjustment = Adjustment.holm
    resamples: int = RESAMPLES

    @property
    def settings(self) -> Settings:
        """How intervals and p-values are computed."""
        return Settings(self.interval, self.resamples, self.adjustment)


def compare_files(
    files: Sequence[Path], options: CompareOptions, advance: Callable[[str], Tick | None]
) -> ComparisonResults:
    """Compare the models whose predictions are in files.

    Parameters
    ----------
    files
        A file, or a folder of runs, for each model.
    options
        How to read and to compute.
    advance
        Called with the name of each step before it begins.

    Raises
    ------
    UserError
        If a file cannot be used, or they do not speak of the same images.
    """
    taxonomy = load_taxonomy(options.taxonomy)
    advance("reading predictions")
    models = load_models(files, read_labels_with(options.labels, taxonomy), options.names)
    groups = None
    if options.groups is not None:
        table = read_groups(options.groups)
        groups = dict(zip(table["image"], table["group"], strict=True))
    matched = match_models(models, by=options.match, groups=groups)
    results = compare(matched, taxonomy, options.settings, advance)
    noted = reading_notes(models, groups_known=results.images_without_group < results.images)
    return results.model_copy(update={"notes": (*results.notes, *noted)})
