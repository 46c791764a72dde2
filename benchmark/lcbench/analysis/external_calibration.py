"""Calibration on a part of an external folder that was set aside, and what it does to the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lcbench.analysis.external_arms import Arm, Crossed
from lcbench.analysis.external_detail_results import (
    CalibratedLevel,
    CalibratedNode,
    CalibrationResult,
)
from lcbench.analysis.external_nodes import detection_point
from lcbench.analysis.paired import scores_of
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.thresholds import operating_by_node
from lcbench.statistics.answers import Answers
from lcbench.statistics.hierarchy import down_to_level, summed
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.models import model_intervals
from lcbench.statistics.panel import Panel
from lcbench.statistics.panels import join
from lcbench.statistics.registry import MetricKey
from lcbench.statistics.scaling import fit_temperature, tempered
from lcbench.statistics.standard import accuracy_panel, probability_panels
from lcbench.statistics.tree import ClassTree, Decision

METRICS = ("accuracy", "log_loss", "brier_score", "calibration_error", "calibration_slope")
"""What is told of a model before and after."""


def calibrate(
    aside: Sequence[Arm], rest: Sequence[Arm], settings: AnalysisSettings
) -> tuple[CalibrationResult, ...]:
    """Return what a temperature, fitted on some images, does to the scores of others.

    One temperature a baseline, of all its trained models together.

    Parameters
    ----------
    aside
        Their rows are the images that were set aside, all with labels below the root.
    rest
        The same arms with the images to score.
    settings
        How intervals are computed.
    """
    return tuple(_calibrated(one, other, settings) for one, other in zip(aside, rest, strict=True))


def _calibrated(aside: Arm, rest: Arm, settings: AnalysisSettings) -> CalibrationResult:
    temperature = fit_temperature(aside.probabilities, aside.tree.under[aside.true])
    chosen = _at(aside, temperature)
    scaled = _at(rest, temperature)
    levels = range(1, rest.tree.taxonomy.height + 1)
    return CalibrationResult(
        baseline=rest.baseline,
        protocol=rest.protocol,
        runs=rest.runs,
        images=aside.table["image"].nunique(),
        groups=aside.clusters.count,
        temperature=temperature,
        levels=tuple(
            _level(rest, scaled, level, settings)
            for level in levels
            if (rest.tree.at_level(level).true_option[rest.true] >= 0).any()
        ),
        nodes=tuple(_nodes(chosen, scaled, settings)),
    )


def _at(arm: Arm, temperature: float) -> Arm:
    """Return an arm with its probabilities at a temperature; the most probable leaf stays so."""
    return replace(arm, probabilities=tempered(arm.probabilities, temperature))


def _level(rest: Arm, scaled: Arm, level: int, settings: AnalysisSettings) -> CalibratedLevel:
    choice = rest.tree.at_level(level)
    label = choice.true_option[rest.true]
    rows = label >= 0
    of_rows = Crossed.of(rest, rows, label[rows])
    panels = {
        name: _panel(arm.keep(rows), choice, level, of_rows)
        for name, arm in (("before", rest), ("after", scaled))
    }
    found = model_intervals(
        panels,
        [("before", "after")],
        method=settings.interval,
        resamples=settings.resamples,
    )

    def kept(scores: Mapping[MetricKey, Interval]) -> dict[MetricKey, Interval]:
        return {key: one for key, one in scores.items() if key.metric in METRICS}

    return CalibratedLevel(
        level=level,
        before=scores_of(kept(found.own["before"])),
        after=scores_of(kept(found.own["after"])),
        difference=scores_of(kept(found.differences["before", "after"])),
    )


def _panel(arm: Arm, choice: Decision, level: int, of_rows: Crossed) -> Panel[MetricKey]:
    """Return the accuracy and the metrics of the probabilities, of a level's nodes as classes."""
    tree = ClassTree.of(down_to_level(arm.tree.taxonomy, level))
    place = np.array([tree.leaves.index(option) for option in choice.options])
    chances = summed(arm.probabilities, choice.leaf_option)[:, np.argsort(place)]
    true = place[choice.true_option[arm.true]]
    predicted = place[choice.leaf_option[arm.at_level(level)]]
    units, design = of_rows.units, of_rows.design
    answers = Answers(tree, true, predicted, chances)
    accuracy = accuracy_panel(true, predicted, units, design, len(tree.leaves))
    return join([accuracy, *probability_panels(answers, units, design)])


def _nodes(aside: Arm, rest: Arm, settings: AnalysisSettings) -> Sequence[CalibratedNode]:
    """Return detection at the thresholds that the images set aside gave each trained model."""
    chosen = [
        operating_by_node(
            aside.probabilities[aside.run == run], aside.true[aside.run == run], aside.tree
        )
        for run in range(aside.runs)
    ]
    return [
        CalibratedNode(
            node=node.node,
            point=detection_point(rest, node, [one[node.node] for one in chosen], settings),
        )
        for node in rest.tree.detections
        if all(node.node in one for one in chosen)
    ]
