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
from lcbench.analysis.external_results import ExternalLevel, ExternalResult, ExternalScore
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.selective import operating_points
from lcbench.analysis.selective_scores import OperatingPoint
from lcbench.analysis.thresholds import Cell, Thresholds
from lcbench.predictions.table import Predictions
from lcbench.runs.finished import ExternalFolder, FinishedSuite
from lcbench.statistics.answers import Answers
from lcbench.statistics.design import Design
from lcbench.statistics.groups import ClusterCodes, class_strata, cluster_codes
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.paired_groups import pair_groups
from lcbench.statistics.panel import column_share, count_panel
from lcbench.statistics.power import ALPHA
from lcbench.statistics.selective import Level
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import ROOT


def score_external(
    suite: FinishedSuite, thresholds: Thresholds, settings: AnalysisSettings
) -> tuple[ExternalResult, ...]:
    """Return the scores of every finished run on every external folder."""
    return tuple(_score_folder(folder, suite, thresholds, settings) for folder in suite.external)


@dataclass(frozen=True)
class _Arm:
    """The pooled predictions of one baseline trained under one protocol."""

    protocol: str
    baseline: str
    runs: int
    images: list[str]
    answers: Answers
    """What the models say of the images, and the labels."""
    clusters: ClusterCodes
    run: NDArray[np.int64]
    """Which of the trained models answered each row."""
    cells: tuple[Cell, ...]
    """Seed and fold of each trained model."""


def _score_folder(
    folder: ExternalFolder,
    suite: FinishedSuite,
    thresholds: Thresholds,
    settings: AnalysisSettings,
) -> ExternalResult:
    arms = _arms(folder, suite)
    levels = range(1, suite.taxonomy.height + 1) if arms else range(0)
    found = [_score_level(arms, level, thresholds, settings) for level in levels]
    return ExternalResult(
        record=folder.record,
        groups_known=all(arm.clusters.known for arm in arms),
        levels=tuple(level for level in found if level is not None),
    )


def _arms(folder: ExternalFolder, suite: FinishedSuite) -> list[_Arm]:
    """Return the arms in the order of the plan, ensembles last."""
    protocols, baselines = suite.plan.protocols, suite.plan.baselines
    tree = ClassTree.of(suite.taxonomy)
    by_arm: dict[tuple[str, str], list[Predictions]] = {}
    for run in folder.runs:
        # A label that is the root of the tree fixes no level.
        scored = run.predictions.keep((run.predictions.table["true"] != ROOT).to_numpy())
        if len(scored.table):
            by_arm.setdefault((run.protocol, run.baseline), []).append(scored)

    def rank(arm: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        return _place(protocols, arm[0]), _place(baselines, arm[1]), arm

    arms = [_pool(*arm, by_arm[arm], tree) for arm in sorted(by_arm, key=rank)]
    for protocol in dict.fromkeys(arm.protocol for arm in arms):
        own = {name: runs for (under, name), runs in by_arm.items() if under == protocol}
        for record in suite.plan.ensembles:
            runs = average_external(record, own)
            if runs:
                arms.append(_pool(protocol, record.name, runs, tree))
    return arms


def _place(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _pool(protocol: str, baseline: str, runs: Sequence[Predictions], tree: ClassTree) -> _Arm:
    table = pd.concat([run.table for run in runs], ignore_index=True)
    chances = [run.probabilities for run in runs if run.probabilities is not None]
    answers = Answers(
        tree,
        tree.codes(list(table["true"])),
        tree.codes(list(table["predicted"])),
        np.concatenate(chances),
    )
    return _Arm(
        protocol=protocol,
        baseline=baseline,
        runs=len(runs),
        images=list(table["image"]),
        answers=answers,
        clusters=cluster_codes(list(table["group"]), list(table["sha256"])),
        run=np.repeat(np.arange(len(runs)), [len(run.table) for run in runs]),
        cells=tuple((int(run.table["seed"][0]), int(run.table["fold"][0])) for run in runs),
    )


def _score_level(
    arms: Sequence[_Arm], level: int, thresholds: Thresholds, settings: AnalysisSettings
) -> ExternalLevel | None:
    """Return the scores at a level; None where no label fixes it."""
    choice = arms[0].answers.tree.at_level(level)
    labels = {
        image: choice.options[option]
        for arm in arms
        for image, option in zip(
            arm.images, choice.true_option[arm.answers.true].tolist(), strict=True
        )
        if option >= 0
    }
    if not labels:
        return None
    counts = Counter(labels.values())
    majority = max(choice.options, key=lambda node: counts[node])
    together = simultaneous_confidence(len(arms))
    return ExternalLevel(
        level=level,
        classes=choice.options,
        images=len(labels),
        majority_class=majority,
        majority_rate=counts[majority] / len(labels),
        scores=tuple(
            _score_arm(arm, level, majority, thresholds, settings, together) for arm in arms
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
    thresholds: Thresholds,
    settings: AnalysisSettings,
    together: float,
) -> ExternalScore:
    choice = arm.answers.tree.at_level(level)
    fixed = choice.true_option[arm.answers.true]
    scored = fixed >= 0
    true = fixed[scored]
    predicted = choice.leaf_option[arm.answers.at_level(level)][scored]
    groups = np.unique(arm.clusters.codes[scored], return_inverse=True)[1]
    strata = np.array(class_strata(true, groups, int(groups.max()) + 1), np.int64)
    # Every trained model answered every image: groups and models are crossed.
    right = pair_groups(true == predicted, true == predicted, groups, arm.run[scored], strata)
    counts = np.stack([right.both.ravel(), right.size.ravel()], axis=1)
    panel = count_panel(counts, {"it": column_share(0, 1, proportion=True)}, right.design)
    settle = partial(intervals, panel, method=settings.interval, resamples=settings.resamples)
    accuracy = settle()["it"]
    rate = float((true == choice.options.index(majority)).mean())
    return ExternalScore(
        baseline=arm.baseline,
        protocol=arm.protocol,
        runs=arm.runs,
        accuracy=accuracy,
        difference=_above(accuracy, rate),
        simultaneous=_above(settle(confidence=together)["it"], rate),
        points=_points(arm, level, thresholds, right.design, settings),
    )


def _points(
    arm: _Arm,
    level: int,
    thresholds: Thresholds,
    design: Design,
    settings: AnalysisSettings,
) -> tuple[OperatingPoint, ...]:
    """Return selective prediction at the thresholds of the runs; `design`: of the scored rows."""
    found = arm.answers
    assert found.probabilities is not None  # noqa: S101 - runs give them
    answers = Level(level, found.tree).answers(found.probabilities, found.true)
    rows = answers.known
    groups = np.unique(arm.clusters.codes[rows], return_inverse=True)[1]
    units = groups * design.seeds + arm.run[rows]
    own = arm.protocol, arm.baseline
    choices = thresholds.choices(answers, level, own, arm.cells, arm.run)
    return operating_points(choices, rows, units, design, settings)


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
