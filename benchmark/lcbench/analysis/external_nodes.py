"""Detection on an external folder: each node that can be looked for against all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from lcbench.analysis.external_arms import Arm, Crossed, Flags
from lcbench.analysis.external_detail_results import DetectionPoint, ExternalNode, NodeScore
from lcbench.analysis.external_pooling import Aside, pooled_intervals
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.thresholds import Thresholds
from lcbench.statistics.hierarchy import summed
from lcbench.statistics.interval_model import NOT_DEFINED, Interval
from lcbench.statistics.metrics import confusion_by_group
from lcbench.statistics.operating import SENSITIVITY, Operating
from lcbench.statistics.panel import Panel, count_panel
from lcbench.statistics.panels import join
from lcbench.statistics.ranking import log_odds, ranking_panel
from lcbench.statistics.registry import METRICS, MetricKey
from lcbench.statistics.standard import count_of
from lcbench.statistics.tree import Decision

_COUNTED = ("gate_sensitivity", "gate_specificity")
_RANKED = ("auroc", "average_precision")


def score_nodes(
    arms: Sequence[Arm],
    aside: Aside,
    settings: AnalysisSettings,
    thresholds: Thresholds | None = None,
) -> tuple[ExternalNode, ...]:
    """Return detection of every node of which, or outside which, there is an image.

    Parameters
    ----------
    arms
        Their rows are the images to score, all with labels below the root.
    aside
        Models whose errors say nothing about those of others.
    settings
        How intervals are computed.
    thresholds
        Of the runs' own validation images; without them, nothing is said of other thresholds.
    """
    found = [
        _score_node(arms, node, aside, settings, thresholds)
        for node in (arms[0].tree.detections if arms else ())
    ]
    return tuple(one for one in found if one.scores)


def _score_node(
    arms: Sequence[Arm],
    node: Decision,
    aside: Aside,
    settings: AnalysisSettings,
    thresholds: Thresholds | None,
) -> ExternalNode:
    images: dict[str, int] = {}
    panels = []
    for arm in arms:
        side = node.true_option[arm.true]
        images |= {
            image: of
            for image, of in zip(arm.table["image"], side.tolist(), strict=True)
            if of >= 0
        }
        if (side >= 0).any():
            panels.append((arm, _panel(arm, node)))
    found = pooled_intervals(panels, aside, settings)
    return ExternalNode(
        node=node.node,
        positives=sum(side == 0 for side in images.values()),
        negatives=sum(side == 1 for side in images.values()),
        scores=tuple(
            _score(arm, node, of_arm, settings, thresholds)
            for (arm, _), of_arm in zip(panels, found, strict=True)
        ),
    )


def _panel(arm: Arm, node: Decision) -> Panel[MetricKey]:
    side = node.true_option[arm.true]
    rows = side >= 0
    of_rows = Crossed.of(arm, rows, side[rows])
    return join([_counts(arm, node, rows, of_rows), _ranks(arm, node, rows, of_rows)])


def _score(
    arm: Arm,
    node: Decision,
    found: Mapping[MetricKey, Interval],
    settings: AnalysisSettings,
    thresholds: Thresholds | None,
) -> NodeScore:
    own = () if thresholds is None else thresholds.operating(node.node, arm.key, arm.cells)
    return NodeScore(
        baseline=arm.baseline,
        protocol=arm.protocol,
        runs=arm.runs,
        sensitivity=found[MetricKey("gate_sensitivity", node.node)],
        specificity=found[MetricKey("gate_specificity", node.node)],
        auroc=found[MetricKey("auroc", node.options[0])],
        average_precision=found[MetricKey("average_precision", node.options[0])],
        point=detection_point(arm, node, own, settings) if own else None,
    )


def _counts(arm: Arm, node: Decision, rows: Flags, of_rows: Crossed) -> Panel[MetricKey]:
    tree = arm.tree
    counts = confusion_by_group(
        arm.true[rows],
        arm.at_level(tree.level_of(node))[rows],
        of_rows.units,
        len(tree.leaves),
        n_groups=of_rows.design.units,
        n_nodes=len(tree.nodes),
    )
    statistics = {
        MetricKey(name, node.node): count_of(METRICS[name], tree, node) for name in _COUNTED
    }
    return count_panel(counts, statistics, of_rows.design)


def _ranks(arm: Arm, node: Decision, rows: Flags, of_rows: Crossed) -> Panel[MetricKey]:
    ranks = log_odds(summed(arm.probabilities[rows], node.leaf_option))
    side = node.true_option[arm.true][rows]
    return ranking_panel(ranks, side, of_rows.units, arm.run[rows], of_rows.design, node.options)


def detection_point(
    arm: Arm, node: Decision, chosen: Sequence[Operating], settings: AnalysisSettings
) -> DetectionPoint:
    """Return sensitivity and specificity at thresholds that other images gave.

    Parameters
    ----------
    arm
        Its rows are the images to score, all with labels below the root.
    node
        What is looked for.
    chosen
        The operating point of each trained model.
    settings
        How intervals are computed.
    """
    side = node.true_option[arm.true]
    limits = np.array([one.threshold for one in chosen])
    called = summed(arm.probabilities, node.leaf_option)[:, 0] >= limits[arm.run]

    def share(of: int, right: Flags) -> Interval:
        rows = side == of
        if not rows.any():
            return NOT_DEFINED
        return Crossed.of(arm, rows, side[rows]).share(right[rows], settings)

    specificities = [one.specificity for one in chosen if one.specificity is not None]
    return DetectionPoint(
        target=SENSITIVITY,
        thresholds=tuple(limits.tolist()),
        chosen_sensitivity=fmean(one.sensitivity for one in chosen),
        chosen_specificity=fmean(specificities) if specificities else None,
        sensitivity=share(0, called),
        specificity=share(1, ~called),
    )
