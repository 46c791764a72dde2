"""Columns of the tables whose rows are the models on an external folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lcbench.analysis.external_detail_results import DetectionPoint, NodeScore
from lcbench.analysis.external_results import ExternalScore
from lcbench.analysis.results import Results
from lcbench.analysis.scores import ModelScores
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.words import label, protocol_short
from lcbench.statistics.interval_model import CONSTANT, Interval


class Titled(NamedTuple):
    """A table with what is said before and after it."""

    title: str
    """What it shows."""
    table: Table
    """The table."""
    note: str = ""
    """What a reader needs to know of its columns."""


class ModelRow(NamedTuple):
    """A model in every respect that tables look at."""

    score: ExternalScore
    model: ModelScores | None
    node: NodeScore | None


Cells = Callable[[Sequence[ModelRow]], list[str]]
"""From all rows to their cells; nothing where no row has a number."""


class Column(NamedTuple):
    """A column: from all rows to their cells; nothing where no row has a number."""

    header: str
    write: Cells


Find = Callable[[ModelRow], Interval | None]
"""From a model to the estimate of a column."""


def metric_of(row: ModelRow, metric: str) -> Interval | None:
    """Return a metric of the level that a table is about; None where it was not computed."""
    return row.model.get(metric) if row.model else None


def _written(find: Find, write: Callable[[list[Interval | None]], list[str]]) -> Cells:
    def cells(rows: Sequence[ModelRow]) -> list[str]:
        found = [find(row) for row in rows]
        return write(found) if any(one and one.value is not None for one in found) else []

    return cells


def share_cells(find: Find) -> Cells:
    """Return the cells of a share, in per cent with its interval."""

    def write(found: list[Interval | None]) -> list[str]:
        decimals = formats.share_decimals(one.value if one else None for one in found)
        return [formats.share_interval(one, decimals=decimals) for one in found]

    return _written(find, write)


def accuracy_cells(find: Find) -> Cells:
    """Return the cells of an accuracy; a mark where few groups tell how its errors spread."""
    return _written(find, marked_shares)


def marked_shares(found: Sequence[Interval | None]) -> list[str]:
    """Return accuracies as cells of one column, those with few groups marked."""
    decimals = formats.share_decimals(one.value if one else None for one in found)
    return [formats.share_interval(one, decimals=decimals) + few_mark(one) for one in found]


def few_mark(estimate: Interval | None) -> str:
    """Return what stands behind an interval whose spread few groups tell; else nothing."""
    if estimate is None or not estimate.few_groups or formats.is_fixed(estimate):
        return ""
    return " (few groups)"


def slope_of(row: ModelRow) -> Interval | None:
    """Return a calibration slope; None of one answer to every image, whose slope says nothing."""
    found = metric_of(row, "calibration_slope")
    return None if found is None or found.method == CONSTANT else found


def point_cells(find: Find) -> Cells:
    """Return the cells of a difference of shares, with limits for the way of training."""

    def write(found: list[Interval | None]) -> list[str]:
        judged = [formats.of_training(one) or one for one in found]
        decimals = formats.points_decimals(one.value if one else None for one in judged)
        return [
            formats.points_interval(one, decimals=decimals) if one else formats.NONE
            for one in judged
        ]

    return _written(find, write)


def number_cells(find: Find) -> Cells:
    """Return the cells of a number that is no share."""
    return _written(find, lambda found: [formats.value_interval(one) for one in found])


def count_cells(find: Find) -> Cells:
    """Return the cells of how many answers a number is of."""
    return _written(find, lambda found: [formats.integer(one.n if one else None) for one in found])


def models_table(results: Results, columns: Sequence[Column], rows: Sequence[ModelRow]) -> Table:
    """Return a row for each model; columns without a number are left out."""
    found = [(column.header, column.write(rows)) for column in columns]
    kept = [(header, cells) for header, cells in found if cells]
    return Table(
        ["baseline", "training", *(header for header, _ in kept)],
        [
            [label(results, row.score.baseline), protocol_short(row.score.protocol), *cells]
            for row, *cells in zip(rows, *(cells for _, cells in kept), strict=True)
        ],
        "llr",
    )


def shares(*estimates: Interval | None) -> list[str]:
    """Return estimates as cells, in per cent."""
    return [formats.share_interval(one) for one in estimates]


def operating_cells(point: DetectionPoint | None) -> list[str]:
    """Return what thresholds give where they were chosen, and here."""
    if point is None:
        return [formats.NONE] * 4
    chosen = (point.chosen_sensitivity, point.chosen_specificity)
    return [
        *(formats.share(value, unit=False) for value in chosen),
        *shares(point.sensitivity, point.specificity),
    ]
