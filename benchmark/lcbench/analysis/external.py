"""External folders: what finished runs reach on images of another source.

Contamination comes first: what is scored are images whose tissue the models have not seen, and
what they reach with the others stands beside it. Images that were set aside to calibrate on are
scored nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lcbench.analysis.ensembles import of_all_seeds
from lcbench.analysis.external_answers import answers_without_truth
from lcbench.analysis.external_arms import Arm, Flags, arms_of
from lcbench.analysis.external_calibration import calibrate
from lcbench.analysis.external_comparisons import compare_at_level
from lcbench.analysis.external_levels import score_levels
from lcbench.analysis.external_nodes import score_nodes
from lcbench.analysis.external_pooling import Aside
from lcbench.analysis.external_results import ExternalCounts, ExternalLevel, ExternalResult
from lcbench.analysis.external_units import score_units
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.shift import sureness_shifts
from lcbench.analysis.thresholds import Thresholds
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.finished import ExternalFolder, FinishedSuite


def score_external(
    suite: FinishedSuite, thresholds: Thresholds, settings: AnalysisSettings
) -> tuple[ExternalResult, ...]:
    """Return the scores of every finished run on every external folder."""
    return tuple(_score_folder(folder, suite, thresholds, settings) for folder in suite.external)


def glance_at(suite: FinishedSuite, name: str, settings: AnalysisSettings) -> ExternalResult | None:
    """Return the accuracies on one external folder, the same numbers as in the report.

    Returns
    -------
    ExternalResult or None
        None where the suite has no predictions on a folder of this name.
    """
    folder = next((one for one in suite.external if one.record.name == name), None)
    if folder is None:
        return None
    every, record = arms_of(folder, suite), folder.record
    labelled = _kept(every, [arm.has_label & ~arm.is_set_aside for arm in every])
    clean = _clean(labelled, record)
    levels, one_class = score_levels(clean, _aside(suite), settings)
    return ExternalResult(
        record=record,
        groups_known=all(arm.clusters.known for arm in labelled),
        levels=levels,
        counts=_counts(every, labelled, clean, record),
        one_class=one_class,
    )


def _score_folder(
    folder: ExternalFolder,
    suite: FinishedSuite,
    thresholds: Thresholds,
    settings: AnalysisSettings,
) -> ExternalResult:
    every, record = arms_of(folder, suite), folder.record
    labelled = _kept(every, [arm.has_label & ~arm.is_set_aside for arm in every])
    clean = _clean(labelled, record)
    apart = _aside(suite)
    levels, one_class = score_levels(clean, apart, settings, thresholds)
    aside = _kept(every, [arm.has_label & arm.is_set_aside & ~arm.is_contaminated for arm in every])
    unscored = _kept(every, [~arm.has_label for arm in every])
    kept = _kept(every, [~arm.is_set_aside for arm in every])
    counts = _counts(every, labelled, clean, record)
    return ExternalResult(
        record=record,
        groups_known=all(arm.clusters.known for arm in labelled),
        levels=tuple(_compared(level, clean, suite, settings) for level in levels),
        counts=counts,
        one_class=one_class,
        nodes=score_nodes(clean, apart, settings, thresholds),
        contaminated=score_levels(labelled, apart, settings)[0] if counts.contaminated else (),
        units=score_units(clean, record.unit, apart, settings),
        answers=answers_without_truth(unscored, record, thresholds, settings),
        sureness=sureness_shifts(_clean(kept, record), suite, settings),
        calibration=calibrate(aside, clean, settings) if len(aside) == len(clean) else (),
    )


def _aside(suite: FinishedSuite) -> Aside:
    return Aside(suite.roles.floor, of_all_seeds(suite.plan.ensembles))


def _kept(arms: Sequence[Arm], rows: Sequence[Flags]) -> list[Arm]:
    """Return the arms with some of their rows; none where there are no such images."""
    return [arm.keep(own) for arm, own in zip(arms, rows, strict=True) if own.any()]


def _clean(arms: Sequence[Arm], record: ExternalRecord) -> list[Arm]:
    """Return the images of tissue that the models have not seen.

    An older version stored how many are contaminated and not which: then none can be told clean.
    """
    if _contaminated_by_record(record) and record.table is None:
        return []
    return _kept(arms, [~arm.is_contaminated for arm in arms])


def _contaminated_by_record(record: ExternalRecord) -> int:
    return record.overlap.with_sibling if record.overlap else 0


def _counts(
    every: Sequence[Arm], labelled: Sequence[Arm], clean: Sequence[Arm], record: ExternalRecord
) -> ExternalCounts:
    known = record.table is not None or not _contaminated_by_record(record)
    of_labelled = _images(labelled)
    return ExternalCounts(
        answered=_images(every),
        scored=_images(clean),
        groups=max((arm.clusters.count for arm in clean), default=0),
        contaminated=of_labelled - _images(clean) if known else _contaminated_by_record(record),
        contaminated_known=known,
        calibration=_images(_kept(every, [arm.is_set_aside for arm in every])),
        unscored=_images(_kept(every, [~arm.has_label for arm in every])),
    )


def _images(arms: Sequence[Arm]) -> int:
    return len(np.unique(np.concatenate([arm.table["image"] for arm in arms]))) if arms else 0


def _compared(
    level: ExternalLevel, arms: Sequence[Arm], suite: FinishedSuite, settings: AnalysisSettings
) -> ExternalLevel:
    found = compare_at_level(
        arms,
        level.level,
        suite.plan.reference,
        suite.roles,
        of_all_seeds(suite.plan.ensembles),
        settings,
    )
    return level.model_copy(update={"comparisons": found})
