"""The standard panel: every metric of lcbench for the predictions of one model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lcbench.statistics import metrics
from lcbench.statistics.calibration import Confidences, calibration_panel
from lcbench.statistics.design import Design
from lcbench.statistics.kinds import MeanOfImages, OfConfidence, OfCounts
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import Count, Panel, column_share, count_panel
from lcbench.statistics.panels import join
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.registry import METRICS, Metric, MetricKey
from lcbench.statistics.tree import ClassTree, Codes

ACCURACY = MetricKey("accuracy")


def standard_panel(
    true: Codes,
    predicted: Codes,
    probabilities: Values | None,
    units: Codes,
    models: Codes,
    design: Design,
    tree: ClassTree,
) -> Panel[MetricKey]:
    """Return the panel of all metrics of one model.

    Parameters
    ----------
    true
        (N,) codes of the labels, see `ClassTree.codes`. Labels that are no leaf enter the metrics
        of the nodes and decisions that they fix.
    predicted
        (N,) leaf codes.
    probabilities
        (N, L) leaf probabilities, or None: ranking and calibration are then left out.
    units
        (N,) unit of each row, see `Design`.
    models
        (N,) code of the trained model that answered each row, zeros where one answered all: scores
        are ranked within trained models.
    design
        Groups, seeds, strata and sizes.
    tree
        The class tree.
    """
    parts = [confusion_panel(true, predicted, units, design, tree)]
    if probabilities is not None:
        known = np.asarray(true) < len(tree.leaves)
        rows = true[known], probabilities[known], units[known]
        true, probabilities, units = rows
        parts.append(_means_panel(true, probabilities, units, design))
        parts.append(_confidence_panel(true, probabilities, units, design))
        parts.append(ranking_panel(probabilities, true, units, models[known], design, tree.leaves))
    return join(parts)


def confusion_panel(
    true: Codes, predicted: Codes, units: Codes, design: Design, tree: ClassTree
) -> Panel[MetricKey]:
    """Return the panel of all metrics of counts; see `standard_panel`."""
    size = len(tree.leaves)
    counts = metrics.confusion_by_group(
        true, predicted, units, size, n_groups=design.units, n_nodes=len(tree.nodes)
    )
    return count_panel(counts, count_statistics(tree), design)


def accuracy_panel(
    true: Codes, predicted: Codes, units: Codes, design: Design, classes: int
) -> Panel[MetricKey]:
    """Return the panel of the accuracy alone, of (N,) codes of so many classes."""
    counts = metrics.confusion_by_group(true, predicted, units, classes, n_groups=design.units)
    return count_panel(counts, {ACCURACY: Count(metrics.accuracy, proportion=True)}, design)


def count_statistics(tree: ClassTree) -> dict[MetricKey, Count]:
    """Return every metric of counts that a class tree has."""
    return {
        MetricKey(metric.key, name): _bounded(metric, metric.statistic, tree, of)
        for metric in METRICS.values()
        if isinstance(metric.statistic, OfCounts)
        for name, of in metric.speaks_of(tree).items()
    }


def rate_cells(tree: ClassTree) -> dict[MetricKey, tuple[Codes, Codes]]:
    """Return the metrics that are the rate of an event among images of some labels.

    Returns
    -------
    dict
        For each, the (M, L) cells in which the event happens and the (M,) labels that enter. A
        share of what a model answers is none of them: its images are not the same for two models.
    """
    found = {}
    for metric in METRICS.values():
        if not isinstance(metric.statistic, OfCounts) or metric.statistic.rate is None:
            continue
        for name, of in metric.speaks_of(tree).items():
            part, whole = metric.statistic.rate(tree, of)
            if (whole == whole[:, :1]).all():
                found[MetricKey(metric.key, name)] = (part, whole[:, 0])
    return found


def _bounded(metric: Metric, statistic: OfCounts, tree: ClassTree, of: Any) -> Count:  # noqa: ANN401 - see `OfCounts`
    bounds = metric.bounds if statistic.bounds is None else statistic.bounds(tree)
    return replace(statistic.count(tree, of), bounds=bounds, scale=metric.scale)


def confidences(true: Codes, probabilities: Values, units: Codes, design: Design) -> Confidences:
    """Return what a model says of its own answers; see `standard_panel`.

    Labels that are no leaf must be left out: whether an answer to them is right is not known.
    """
    right = probabilities.argmax(axis=1) == true
    return Confidences(probabilities.max(axis=1), right, units, design)


def _confidence_panel(
    true: Codes, probabilities: Values, units: Codes, design: Design
) -> Panel[MetricKey]:
    """Return the calibration of the most probable leaf."""
    estimates = {
        MetricKey(metric.key): (metric.statistic.estimate, metric.bounds)
        for metric in METRICS.values()
        if isinstance(metric.statistic, OfConfidence)
    }
    return calibration_panel(confidences(true, probabilities, units, design), estimates)


def _means_panel(
    true: Codes, probabilities: Values, units: Codes, design: Design
) -> Panel[MetricKey]:
    """Return the means of scores of single images, from sums of each unit."""

    def summed(values: Values | None) -> Values:
        sums = np.bincount(units, weights=values, minlength=design.units)
        return sums.astype(np.float64)

    columns, statistics = [summed(None)], {}
    for metric in METRICS.values():
        if isinstance(metric.statistic, MeanOfImages):
            key = MetricKey(metric.key)
            statistics[key] = column_share(
                len(columns), 0, bounds=metric.bounds, scale=metric.scale
            )
            columns.append(summed(metric.statistic.values(probabilities, true)))
    return count_panel(np.stack(columns, axis=1), statistics, design)
