"""The standard panel: every metric of lcbench for the predictions of one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lcbench.statistics import metrics
from lcbench.statistics.answers import Answers, Question
from lcbench.statistics.calibration import Confidences, calibration_panel
from lcbench.statistics.design import Design
from lcbench.statistics.hierarchy import summed
from lcbench.statistics.kinds import MeanOfImages, OfConfidence, OfCounts
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import Count, Panel, column_share, count_panel
from lcbench.statistics.panels import join
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.registry import METRICS, Metric, MetricKey
from lcbench.statistics.tree import ClassTree, Codes

ACCURACY = MetricKey("accuracy")
T = TypeVar("T", OfConfidence, MeanOfImages)


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
    return answers_panel(Answers(tree, true, predicted, probabilities), units, models, design)


def answers_panel(
    answers: Answers, units: Codes, models: Codes, design: Design
) -> Panel[MetricKey]:
    """Return the panel of all metrics of one model from its answers; see `standard_panel`."""
    parts = [
        _counts_panel(answers.tree, answers.true, codes, units, design, statistics)
        for question, statistics in count_statistics(answers.tree).items()
        if (codes := answers.to(question)) is not None
    ]
    if answers.probabilities is not None:
        parts += probability_panels(answers, units, design)
        known = answers.true < len(answers.tree.leaves)
        rows = answers.probabilities[known], answers.true[known], units[known], models[known]
        parts.append(ranking_panel(*rows, design, answers.tree.leaves))
    return join(parts)


def confusion_panel(
    true: Codes, predicted: Codes, units: Codes, design: Design, tree: ClassTree
) -> Panel[MetricKey]:
    """Return the panel of the metrics that look at predicted leaves; see `standard_panel`."""
    statistics = count_statistics(tree)[Question()]
    return _counts_panel(tree, true, predicted, units, design, statistics)


def _counts_panel(
    tree: ClassTree,
    true: Codes,
    codes: Codes,
    units: Codes,
    design: Design,
    statistics: Mapping[MetricKey, Count],
) -> Panel[MetricKey]:
    counts = metrics.confusion_by_group(
        true, codes, units, len(tree.leaves), n_groups=design.units, n_nodes=len(tree.nodes)
    )
    return count_panel(counts, statistics, design)


def accuracy_panel(
    true: Codes, predicted: Codes, units: Codes, design: Design, classes: int
) -> Panel[MetricKey]:
    """Return the panel of the accuracy alone, of (N,) codes of so many classes."""
    counts = metrics.confusion_by_group(true, predicted, units, classes, n_groups=design.units)
    return count_panel(counts, {ACCURACY: Count(metrics.accuracy, proportion=True)}, design)


def count_statistics(tree: ClassTree) -> dict[Question, dict[MetricKey, Count]]:
    """Return every metric of counts that a class tree has, by the answers that it looks at."""
    found: dict[Question, dict[MetricKey, Count]] = {Question(): {}}
    for key, metric, _, of in _metrics_of_counts(tree):
        among = found.setdefault(metric.question(tree, of), {})
        among[key] = count_of(metric, tree, of)
    return found


class RateCells(NamedTuple):
    """A metric that is the rate of an event among images of some labels."""

    question: Question
    """The answers that it looks at."""
    cells: Codes
    """(M, L) cells in which the event happens."""
    labels: Codes
    """(M,) labels that enter."""


def rate_cells(tree: ClassTree) -> dict[MetricKey, RateCells]:
    """Return the metrics that are rates of an event among images of some labels.

    A share of what a model answers is none of them: its images are not the same for two models.
    """
    found = {}
    for key, metric, statistic, of in _metrics_of_counts(tree):
        if statistic.rate is not None:
            part, whole = statistic.rate(tree, of)
            if (whole == whole[:, :1]).all():
                found[key] = RateCells(metric.question(tree, of), part, whole[:, 0])
    return found


def _metrics_of_counts(
    tree: ClassTree,
) -> Iterator[tuple[MetricKey, Metric, OfCounts, Any]]:
    for metric in METRICS.values():
        if isinstance(metric.statistic, OfCounts):
            for name, of in metric.speaks_of(tree).items():
                yield MetricKey(metric.key, name), metric, metric.statistic, of


def count_of(metric: Metric, tree: ClassTree, of: Any) -> Count:  # noqa: ANN401 - see `OfCounts`
    """Return a metric of counts, of what it speaks of in a tree.

    Raises
    ------
    ValueError
        If it is no metric of counts.
    """
    statistic = metric.statistic
    if not isinstance(statistic, OfCounts):
        raise ValueError(f"{metric.key} is not made from counts")
    bounds = metric.bounds if statistic.bounds is None else statistic.bounds(tree)
    return replace(statistic.count(tree, of), bounds=bounds, scale=metric.scale)


def confidences(true: Codes, probabilities: Values, units: Codes, design: Design) -> Confidences:
    """Return what a model says of its own answers; see `standard_panel`.

    Labels that are no leaf must be left out: whether an answer to them is right is not known.
    """
    right = probabilities.argmax(axis=1) == true
    return Confidences(probabilities.max(axis=1), right, units, design)


def probability_panels(
    answers: Answers, units: Codes, design: Design
) -> Iterator[Panel[MetricKey]]:
    """Yield the metrics of the probabilities of the leaves, then those of each level above."""
    tree, leaves = answers.tree, answers.probabilities
    assert leaves is not None  # noqa: S101 - the caller has asked
    choices = [("", np.where(answers.true < len(tree.leaves), answers.true, -1), leaves)]
    choices += [
        (level.node, level.true_option[answers.true], summed(leaves, level.leaf_option))
        for level in tree.levels
    ]
    for name, true, chances in choices:
        known = true >= 0
        rows = true[known], chances[known], units[known]
        yield _means_panel(*rows, design, name)
        yield _confidence_panel(*rows, design, name)


def _of_level(kind: type[T], level: str) -> Iterator[tuple[MetricKey, Metric, T]]:
    """Yield the metrics of a kind that speak of a level above the leaves, or of the leaves."""
    for metric in METRICS.values():
        if isinstance(metric.statistic, kind) and (metric.level == "level") == bool(level):
            yield MetricKey(metric.key, level), metric, metric.statistic


def _confidence_panel(
    true: Codes, probabilities: Values, units: Codes, design: Design, level: str
) -> Panel[MetricKey]:
    """Return the calibration of the most probable leaf, or node of a level."""
    estimates = {
        key: (statistic.estimate, metric.bounds)
        for key, metric, statistic in _of_level(OfConfidence, level)
    }
    return calibration_panel(confidences(true, probabilities, units, design), estimates)


def _means_panel(
    true: Codes, probabilities: Values, units: Codes, design: Design, level: str
) -> Panel[MetricKey]:
    """Return the means of scores of single images, from sums of each unit."""

    def summed_up(values: Values | None) -> Values:
        sums = np.bincount(units, weights=values, minlength=design.units)
        return sums.astype(np.float64)

    columns, statistics = [summed_up(None)], {}
    for key, metric, statistic in _of_level(MeanOfImages, level):
        statistics[key] = column_share(len(columns), 0, bounds=metric.bounds, scale=metric.scale)
        columns.append(summed_up(statistic.values(probabilities, true)))
    return count_panel(np.stack(columns, axis=1), statistics, design)
