"""The standard panel: every metric of lcbench for the predictions of one model."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lcbench.statistics import metrics
from lcbench.statistics import probabilities as scores
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.kinds import CalibrationGap, MeanOfImages, OfCounts
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import Count, Panel, count_panel, join
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.registry import METRICS, Metric, MetricKey
from lcbench.statistics.tree import ClassTree, Codes

ACCURACY = MetricKey("accuracy")


def standard_panel(
    true: Codes,
    predicted: Codes,
    probabilities: Values | None,
    units: Codes,
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
    design
        What is drawn.
    tree
        The class tree.
    """
    parts = [confusion_panel(true, predicted, units, design, tree)]
    if probabilities is not None:
        known = np.asarray(true) < len(tree.leaves)
        rows = true[known], probabilities[known], units[known]
        parts.append(_probability_panel(*rows, design))
        parts.append(ranking_panel(rows[1], rows[0], rows[2], design, tree.leaves))
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


def _bounded(metric: Metric, statistic: OfCounts, tree: ClassTree, of: Any) -> Count:  # noqa: ANN401 - see `OfCounts`
    bounds = metric.bounds if statistic.bounds is None else statistic.bounds(tree)
    return replace(statistic.count(tree, of), bounds=bounds, scale=metric.scale)


def _probability_panel(
    true: Codes, probabilities: Values, units: Codes, design: Design
) -> Panel[MetricKey]:
    """Return the metrics of single probabilities, from sums of each unit."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true

    def summed(values: Values | None) -> Values:
        sums = np.bincount(units, weights=values, minlength=design.units)
        return sums.astype(np.float64)[:, None]

    blocks, statistics, width = [summed(None)], {}, 1
    for metric in METRICS.values():
        if isinstance(metric.statistic, MeanOfImages):
            block = summed(metric.statistic.values(probabilities, true))
            function = partial(_mean, column=width)
        elif isinstance(metric.statistic, CalibrationGap):
            bins = metric.statistic.bins(confidence)
            block = scores.bin_sums(bins, confidence, right, units, design.units)
            function = partial(_calibration, bins=slice(width, width + block.shape[1]))
        else:
            continue
        blocks.append(block)
        width += block.shape[1]
        statistics[MetricKey(metric.key)] = Count(function, _images, metric.bounds, metric.scale)
    return count_panel(np.hstack(blocks), statistics, design)


def _images(sums: Values) -> Values:
    return np.asarray(sums[..., 0])


def _mean(sums: Values, column: int) -> Values:
    return metrics.ratio(sums[..., column], sums[..., 0])


def _calibration(sums: Values, bins: slice) -> Values:
    return scores.expected_calibration_error(sums[..., bins], sums[..., 0])
