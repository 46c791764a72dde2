"""An external folder at each level of the class tree: accuracy beside the majority rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lcbench.analysis.external_arms import IT, Arm, Crossed, Flags
from lcbench.analysis.external_detail_results import OneClassLevel, OneClassScore
from lcbench.analysis.external_pooling import Aside, pooled_intervals
from lcbench.analysis.external_results import ClassGroups, ExternalLevel, ExternalScore, RunAccuracy
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.selective import operating_points
from lcbench.analysis.selective_scores import OperatingPoint
from lcbench.analysis.thresholds import Thresholds
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.power import ALPHA
from lcbench.statistics.rates import equal_groups
from lcbench.statistics.selective import Level
from lcbench.statistics.tree import Codes, Decision


def score_levels(
    arms: Sequence[Arm],
    aside: Aside,
    settings: AnalysisSettings,
    thresholds: Thresholds | None = None,
) -> tuple[tuple[ExternalLevel, ...], tuple[OneClassLevel, ...]]:
    """Return the scores of every level that the labels fix, and the levels of one class alone.

    Parameters
    ----------
    arms
        Their rows are the images to score, all with labels below the root.
    aside
        Models whose errors say nothing about those of others.
    settings
        How intervals are computed.
    thresholds
        Of the runs' own validation images; without them, nothing is said of selective prediction.
    """
    levels: list[ExternalLevel] = []
    single: list[OneClassLevel] = []
    for level in range(1, arms[0].tree.taxonomy.height + 1) if arms else ():
        choice = arms[0].tree.at_level(level)
        labels = _labels(arms, choice)
        present = set(labels.values())
        if len(present) > 1:
            levels.append(_score_level(arms, level, labels, aside, thresholds, settings))
        # What ends above a level is asked for where it ends: one model has one answer.
        elif any(arms[0].tree.taxonomy.depth(node) == level for node in present):
            single.append(_one_class(arms, level, labels, aside, settings))
    return tuple(levels), tuple(single)


def _labels(arms: Sequence[Arm], choice: Decision) -> dict[str, str]:
    """Return the node that the label of each image fixes at a level, by the image's name."""
    found: dict[str, str] = {}
    for arm in arms:
        fixed = arm.by_image(choice.true_option[arm.true])
        found |= {image: choice.options[option] for image, option in fixed.items() if option >= 0}
    return found


def _score_level(
    arms: Sequence[Arm],
    level: int,
    labels: dict[str, str],
    aside: Aside,
    thresholds: Thresholds | None,
    settings: AnalysisSettings,
) -> ExternalLevel:
    choice, counts = arms[0].tree.at_level(level), Counter(labels.values())
    majority = max(choice.options, key=lambda node: counts[node])
    groups = _groups_of_classes(arms, choice, labels)
    answers = [one for arm in arms if (one := _AtLevel.of(arm, level)).rows.any()]
    limits = [
        _shares_right(answers, aside, settings, confidence)
        for confidence in (0.95, simultaneous_confidence(len(arms)))
    ]
    few = any(one.few for one in groups)
    return ExternalLevel(
        level=level,
        classes=choice.options,
        images=len(labels),
        majority_class=majority,
        majority_rate=counts[majority] / len(labels),
        scores=tuple(
            _score_arm(
                at,
                level,
                majority,
                thresholds,
                settings,
                accuracy.model_copy(update={"few_groups": few or accuracy.few_groups}),
                together,
            )
            for at, accuracy, together in zip(answers, *limits, strict=True)
        ),
        groups=groups,
    )


def _groups_of_classes(
    arms: Sequence[Arm], choice: Decision, labels: dict[str, str]
) -> tuple[ClassGroups, ...]:
    """Return what is independent in each class of a level, by the arm that answered most images."""
    arm = max(arms, key=lambda one: one.table["image"].nunique())
    once = arm.run == 0
    nodes, codes = arm.table["image"][once].map(labels).to_numpy(), arm.clusters.codes[once]
    found = []
    for option in choice.options:
        sizes = np.bincount(codes[nodes == option])
        if sizes.any():
            groups, equal = int((sizes > 0).sum()), equal_groups(sizes.astype(np.float64))
            found.append(ClassGroups(node=option, groups=groups, equal=equal))
    return tuple(found)


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


@dataclass(frozen=True, eq=False)
class _AtLevel:
    """The answers of an arm at a level, of the images whose label fixes it.

    `rows`: (N,) which these are; `fixed` and `answered`: (n,) places among the level's options.
    """

    arm: Arm
    rows: Flags
    fixed: Codes
    answered: Codes

    @classmethod
    def of(cls, arm: Arm, level: int) -> _AtLevel:
        choice = arm.tree.at_level(level)
        fixed = choice.true_option[arm.true]
        rows = fixed >= 0
        return cls(arm, rows, fixed[rows], choice.leaf_option[arm.at_level(level)[rows]])

    @property
    def right(self) -> Flags:
        return np.asarray(self.answered == self.fixed)

    @cached_property
    def of_rows(self) -> Crossed:
        return Crossed.of(self.arm, self.rows, self.fixed)


def _shares_right(
    answers: Sequence[_AtLevel],
    aside: Aside,
    settings: AnalysisSettings,
    confidence: float = 0.95,
) -> list[Interval]:
    """Return the share of right answers of each arm."""
    panels = [(one.arm, one.of_rows.share_panel(one.right)) for one in answers]
    return [found[IT] for found in pooled_intervals(panels, aside, settings, confidence)]


def _score_arm(
    at: _AtLevel,
    level: int,
    majority: str,
    thresholds: Thresholds | None,
    settings: AnalysisSettings,
    accuracy: Interval,
    together: Interval,
) -> ExternalScore:
    arm, rows, right = at.arm, at.rows, at.right
    choice = arm.tree.at_level(level)
    rate = float((at.fixed == choice.options.index(majority)).mean())
    return ExternalScore(
        baseline=arm.baseline,
        protocol=arm.protocol,
        runs=arm.runs,
        accuracy=accuracy,
        difference=_above(accuracy, rate),
        simultaneous=_above(together, rate),
        points=() if thresholds is None else _points(arm, level, thresholds, at.of_rows, settings),
        average=None if arm.runs == 1 else _average(arm, level, settings),
        alone=tuple(
            RunAccuracy(seed=seed, fold=fold, accuracy=float(right[arm.run[rows] == run].mean()))
            for run, (seed, fold) in enumerate(arm.cells)
        )
        if arm.runs > 1
        else (),
        apart=int((at.answered != choice.leaf_option[arm.likeliest[rows]]).sum()),
    )


def _average(arm: Arm, level: int, settings: AnalysisSettings) -> Interval:
    """Return the accuracy of the mean of all trained models, one answer an image."""
    at = _AtLevel.of(arm.of_all_runs, level)
    return at.of_rows.share(at.right, settings)


def _points(
    arm: Arm, level: int, thresholds: Thresholds, of_rows: Crossed, settings: AnalysisSettings
) -> tuple[OperatingPoint, ...]:
    """Return selective prediction at the thresholds of the runs."""
    answers = Level(level, arm.tree).answers(arm.probabilities, arm.true)
    choices = thresholds.choices(answers, level, arm.key, arm.cells, arm.run)
    return operating_points(choices, answers.known, of_rows.units, of_rows.design, settings)


def _one_class(
    arms: Sequence[Arm],
    level: int,
    labels: dict[str, str],
    aside: Aside,
    settings: AnalysisSettings,
) -> OneClassLevel:
    """Return how often each arm answers the one class; a constant answer has no interval."""
    (node,) = set(labels.values())
    called = _shares_right([_AtLevel.of(arm, level) for arm in arms], aside, settings)
    scores = tuple(
        OneClassScore(baseline=arm.baseline, protocol=arm.protocol, runs=arm.runs, called=share)
        for arm, share in zip(arms, called, strict=True)
    )
    return OneClassLevel(level=level, node=node, images=len(labels), scores=scores)


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
