"""The main tables on external folders: a row a folder, and the models of one folder."""

from __future__ import annotations

from collections.abc import Collection

from lcbench.analysis.external_results import (
    ExternalResult,
)
from lcbench.analysis.results import Results
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.report.external import (
    LevelBest,
    best_at,
    broadest,
    key_of,
    plural_of,
    unit_words,
)
from lcbench.rendering.report.external_columns import (
    Column,
    ModelRow,
    accuracy_cells,
    count_cells,
    few_mark,
    metric_of,
    models_table,
    number_cells,
    point_cells,
    share_cells,
)
from lcbench.rendering.report.external_contamination import contaminated_images, is_not_external
from lcbench.rendering.words import (
    label,
    node_words,
    protocol_short,
    screening_node,
)

_NOT_EXTERNAL = "none: nothing here is external"
_NO_MAJORITY = "one class alone"
_NO_LABEL = "no label to score"


def folders_table(results: Results) -> Table | None:
    """Return a row for each external folder, at the level that most of its labels fix."""
    if not results.external:
        return None
    floor = results.roles.floor
    best = {one.record.name: _best(one, floor) for one in results.external}
    found = [one for one in best.values() if one]
    accuracy = formats.share_decimals(
        rate for one in found for rate in (one.score.accuracy.value, one.level.majority_rate)
    )
    difference = formats.points_decimals(one.score.difference.value for one in found)
    rows = []
    for folder in results.external:
        one = best[folder.record.name]
        cells = _no_score(folder) if one is None else [
            label(results, one.score.baseline),
            protocol_short(one.score.protocol),
            formats.share_interval(one.score.accuracy, decimals=accuracy)
            + few_mark(one.score.accuracy),
            formats.share(one.level.majority_rate, unit=False, decimals=accuracy),
            formats.points_interval(one.difference, decimals=difference),
            f"{formats.integer(one.models_above)} of {formats.integer(len(one.models))}",
        ]  # fmt: skip
        rows.append(
            [
                folder.record.name,
                one.classes if one else formats.NONE,
                formats.integer(_scored(folder, one)),
                _independent(folder, one),
                formats.integer(contaminated_images(folder)),
                *cells,
            ]
        )
    headers = ["folder", "classes", "images", "independent", "with training tissue"]
    headers += ["best model", "its training", "accuracy, %", "majority rate, %"]
    headers += ["difference, points", "models above"]
    return Table(headers, rows, "llrlrllr")


def _best(folder: ExternalResult, floor: Collection[str]) -> LevelBest | None:
    level = broadest(folder)
    return best_at(level, floor) if level else None


def _no_score(folder: ExternalResult) -> list[str]:
    why = formats.NONE
    if is_not_external(folder):
        why = _NOT_EXTERNAL
    elif folder.one_class:
        why = _NO_MAJORITY
    elif folder.answers:
        why = _NO_LABEL
    return [why, *([formats.NONE] * 5)]


def _scored(folder: ExternalResult, best: LevelBest | None) -> int:
    if best is not None:
        return best.level.images
    return folder.counts.scored if folder.counts else folder.record.scored


def _independent(folder: ExternalResult, best: LevelBest | None) -> str:
    unit = unit_words(folder)
    if best is not None:
        few = [
            f"{formats.integer(one.groups)} {node_words(one.node)}: few groups"
            for one in best.level.groups
            if one.few
        ]
        count = formats.plural(best.score.accuracy.groups, unit, plural_of(unit))
        return f"{count} ({', '.join(few)})" if few else count
    if folder.counts:
        return formats.plural(folder.counts.groups, unit, plural_of(unit))
    return formats.NONE


def main_table(results: Results, folder: ExternalResult) -> Table | None:
    """Return every model at the level that most labels fix; None where nothing is scored there."""
    level = broadest(folder)
    if level is None:
        return None
    node = screening_node(results.tree)
    detectors = {
        (one.protocol, one.baseline): one
        for found in folder.nodes
        if found.node == node
        for one in found.scores
    }
    scored = {
        (one.protocol, model.model): model
        for one in level.comparisons
        for model in one.comparison.models
    }
    name = node_words(node) if node else ""
    columns = [
        Column("accuracy, %", accuracy_cells(lambda row: row.score.accuracy)),
        Column("above the majority rate, points", point_cells(lambda row: row.score.simultaneous)),
        Column(
            "balanced accuracy, %", share_cells(lambda row: metric_of(row, "balanced_accuracy"))
        ),
        Column(
            f"sensitivity, {name}, %",
            share_cells(lambda row: row.node.sensitivity if row.node else None),
        ),
        Column(
            f"specificity, {name}, %",
            share_cells(lambda row: row.node.specificity if row.node else None),
        ),
        Column(f"AUROC, {name}, %", share_cells(lambda row: row.node.auroc if row.node else None)),
        *_of_several(len(level.classes)),
        Column("ECE", number_cells(lambda row: metric_of(row, "calibration_error"))),
        Column("n", count_cells(lambda row: row.score.accuracy)),
    ]
    rows = [
        ModelRow(one, scored.get(key_of(one)), detectors.get(key_of(one))) for one in level.scores
    ]
    return models_table(results, columns, rows)


def _of_several(classes: int) -> list[Column]:
    """Return what the detection of one node does not say already."""
    if classes == 2:
        return []
    return [Column("macro AUROC, %", share_cells(lambda row: metric_of(row, "macro_auroc")))]
