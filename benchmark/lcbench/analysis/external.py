"""External folders: accuracy at each level of the class tree beside the majority rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.analysis.ensembles import average_external
from lcbench.analysis.results import ExternalLevel, ExternalResult, ExternalScore
from lcbench.analysis.scores import AnalysisSettings
from lcbench.predictions.table import Predictions
from lcbench.runs.finished import ExternalFolder, FinishedSuite
from lcbench.statistics.groups import ClusterCodes, class_strata, cluster_codes
from lcbench.statistics.hierarchy import labels_at_level, nodes_at_level, predicted_at_level
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.paired_groups import pair_groups
from lcbench.statistics.panel import column_share, count_panel
from lcbench.statistics.power import ALPHA
from lcbench.taxonomy import Taxonomy


def score_external(suite: FinishedSuite, settings: AnalysisSettings) -> tuple[ExternalResult, ...]:
    """Return the scores of every finished run on every external folder."""
    return tuple(_score_folder(folder, suite, settings) for folder in suite.external)


@dataclass(frozen=True)
class _Arm:
    """The pooled predictions of one baseline trained under one protocol."""

    protocol: str
    baseline: str
    runs: int
    images: list[str]
    true: list[str]
    probabilities: NDArray[np.float64]
    clusters: ClusterCodes
    run: NDArray[np.int64]
    """Which of the trained models answered each row."""


def _score_folder(
    folder: ExternalFolder, suite: FinishedSuite, settings: AnalysisSettings
) -> ExternalResult:
    arms = _arms(folder, suite)
    levels = range(1, suite.taxonomy.height + 1) if arms else range(0)
    found = [_score_level(arms, level, suite.taxonomy, settings) for level in levels]
    return ExternalResult(
        record=folder.record,
        groups_known=all(arm.clusters.known for arm in arms),
        levels=tuple(level for level in found if level is not None),
    )


def _arms(folder: ExternalFolder, suite: FinishedSuite) -> list[_Arm]:
    """Return the arms in the order of the plan, ensembles last."""
    protocols, baselines = suite.plan.protocols, suite.plan.baselines
    by_arm: dict[tuple[str, str], list[Predictions]] = {}
    for run in folder.runs:
        by_arm.setdefault((run.protocol, run.baseline), []).append(run.predictions)

    def rank(arm: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        return _place(protocols, arm[0]), _place(baselines, arm[1]), arm

    arms = [_pool(*arm, by_arm[arm]) for arm in sorted(by_arm, key=rank)]
    for protocol in dict.fromkeys(arm.protocol for arm in arms):
        own = {name: runs for (under, name), runs in by_arm.items() if under == protocol}
        for record in suite.plan.ensembles:
            runs = average_external(record, own)
            if runs:
                arms.append(_pool(protocol, record.name, runs))
    return arms


def _place(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _pool(protocol: str, baseline: str, runs: Sequence[Predictions]) -> _Arm:
    table = pd.concat([run.table for run in runs], ignore_index=True)
    return _Arm(
        protocol=protocol,
        baseline=baseline,
        runs=len(runs),
        images=list(table["image"]),
        true=list(table["true"]),
        probabilities=np.concatenate(
            [run.probabilities for run in runs if run.probabilities is not None]
        ),
        clusters=cluster_codes(list(table["group"]), list(table["sha256"])),
        run=np.repeat(np.arange(len(runs)), [len(run.table) for run in runs]),
    )


def _score_level(
    arms: Sequence[_Arm], level: int, taxonomy: Taxonomy, settings: AnalysisSettings
) -> ExternalLevel | None:
    """Return the scores at a level; None where no label fixes it."""
    classes = nodes_at_level(taxonomy, level)
    labels = {
        image: node
        for arm in arms
        for image, node in zip(arm.images, labels_at_level(arm.true, taxonomy, level), strict=True)
        if node is not None
    }
    if not labels:
        return None
    counts = Counter(labels.values())
    majority = max(classes, key=lambda node: counts[node])
    together = simultaneous_confidence(len(arms))
    return ExternalLevel(
        level=level,
        classes=classes,
        images=len(labels),
        majority_class=majority,
        majority_rate=counts[majority] / len(labels),
        scores=tuple(
            _score_arm(arm, level, majority, taxonomy, settings, together) for arm in arms
        ),
    )


def simultaneous_confidence(models: int) -> float:
    """Return the confidence of each of so many intervals, for 95 % of them all at once.

    Whoever looks at the best of many models has chosen among their differences; limits that hold
    for all of them together hold for the chosen one too, whatever the models have in common.

    References
    ----------
    Dunn, O. J. (1961). Multiple comparisons among means. Journal of the American Statistical
    Association 56, 52-64 (the intervals of Bonferroni's inequality).
    """
    return 1.0 - ALPHA / models


def _score_arm(
    arm: _Arm,
    level: int,
    majority: str,
    taxonomy: Taxonomy,
    settings: AnalysisSettings,
    together: float,
) -> ExternalScore:
    classes = nodes_at_level(taxonomy, level)
    fixed = labels_at_level(arm.true, taxonomy, level)
    answers = predicted_at_level(arm.probabilities, taxonomy, level)
    scored = np.array([node is not None for node in fixed])
    true = np.array([classes.index(node) for node in fixed if node is not None], dtype=np.int64)
    predicted = np.array([classes.index(node) for node in answers], dtype=np.int64)[scored]
    groups = np.unique(arm.clusters.codes[scored], return_inverse=True)[1]
    strata = np.array(class_strata(true, groups, int(groups.max()) + 1), np.int64)
    # Every trained model answered every image: groups and models are crossed.
    right = pair_groups(true == predicted, true == predicted, groups, arm.run[scored], strata)
    counts = np.stack([right.both.ravel(), right.size.ravel()], axis=1)
    panel = count_panel(counts, {"it": column_share(0, 1, proportion=True)}, right.design)
    settle = partial(intervals, panel, method=settings.interval, resamples=settings.resamples)
    accuracy = settle()["it"]
    rate = float((true == classes.index(majority)).mean())
    return ExternalScore(
        baseline=arm.baseline,
        protocol=arm.protocol,
        runs=arm.runs,
        accuracy=accuracy,
        difference=_above(accuracy, rate),
        simultaneous=_above(settle(confidence=together)["it"], rate),
    )


def _above(accuracy: Interval, rate: float) -> Interval:
    """Return an accuracy minus the majority rate, which the numbers of each class fix."""

    def less(value: float | None) -> float | None:
        return None if value is None else value - rate

    training = accuracy.training
    if training is not None:
        limits = {"low": training.low - rate, "high": training.high - rate}
        training = training.model_copy(update=limits)
    return accuracy.model_copy(
        update={
            "value": less(accuracy.value),
            "low": less(accuracy.low),
            "high": less(accuracy.high),
            "count": None,
            "design_effect": None,
            "training": training,
        }
    )
