"""External folders: accuracy at each level of the class tree beside the majority rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.analysis.context import Context
from lcbench.analysis.results import ExternalLevel, ExternalResult, ExternalScore
from lcbench.runs.finished_suite import ExternalFolder, ExternalRun, Suite
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.groups import ClusterCodes, cluster_codes
from lcbench.statistics.hierarchy import labels_at_level, predicted_at_level
from lcbench.statistics.panel import difference
from lcbench.statistics.standard import accuracy_panel


def score_external(suite: Suite, context: Context) -> tuple[ExternalResult, ...]:
    """Return the scores of every finished run on every external folder."""
    return tuple(_score_folder(folder, suite, context) for folder in suite.external)


def _score_folder(folder: ExternalFolder, suite: Suite, context: Context) -> ExternalResult:
    arms = _arms(folder, suite)
    levels = range(1, context.taxonomy.height + 1)
    found = [_score_level(arms, level, context) for level in levels]
    known = all(arm.clusters.known for arm in arms)
    return ExternalResult(
        record=folder.record,
        groups_known=known,
        levels=tuple(level for level in found if level is not None),
    )


@dataclass(frozen=True)
class _Arm:
    """The pooled predictions of one baseline trained under one protocol."""

    protocol: str
    baseline: str
    runs: int
    true: list[str]
    probabilities: NDArray[np.float64]
    images: list[str]
    clusters: ClusterCodes


def _arms(folder: ExternalFolder, suite: Suite) -> list[_Arm]:
    protocols = list(suite.plan.protocols)
    baselines = list(suite.plan.baselines)
    by_arm: dict[tuple[str, str], list[ExternalRun]] = {}
    for run in folder.runs:
        by_arm.setdefault((run.protocol, run.baseline), []).append(run)

    def rank(key: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        return _place(protocols, key[0]), _place(baselines, key[1]), key

    return [_pool(key, by_arm[key]) for key in sorted(by_arm, key=rank)]


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _pool(key: tuple[str, str], runs: list[ExternalRun]) -> _Arm:
    tables = [run.predictions.table for run in runs]
    groups = [group for table in tables for group in table["group"]]
    hashes = [sha256 for table in tables for sha256 in table["sha256"]]
    return _Arm(
        protocol=key[0],
        baseline=key[1],
        runs=len(runs),
        true=[label for table in tables for label in table["true"]],
        probabilities=np.concatenate([run.predictions.probabilities for run in runs]),
        images=[image for table in tables for image in table["image"]],
        clusters=cluster_codes(groups, hashes),
    )


def _score_level(arms: list[_Arm], level: int, context: Context) -> ExternalLevel | None:
    if not arms:
        return None
    taxonomy = context.taxonomy
    classes = [
        node
        for node in taxonomy.nodes
        if node in {taxonomy.ancestor_at(leaf, level) for leaf in taxonomy.leaves}
    ]
    labels: dict[str, str] = {}
    for arm in arms:
        fixed = labels_at_level(arm.true, taxonomy, level)
        labels |= {
            image: node for image, node in zip(arm.images, fixed, strict=True) if node is not None
        }
    if not labels:
        return None
    counts = {node: list(labels.values()).count(node) for node in classes}
    majority = max(classes, key=lambda node: counts[node])
    return ExternalLevel(
        level=level,
        classes=tuple(classes),
        images=len(labels),
        majority_class=majority,
        majority_rate=counts[majority] / len(labels),
        scores=tuple(_score_arm(arm, level, classes, majority, context) for arm in arms),
    )


def _score_arm(
    arm: _Arm, level: int, classes: list[str], majority: str, context: Context
) -> ExternalScore:
    fixed = labels_at_level(arm.true, context.taxonomy, level)
    answers = predicted_at_level(arm.probabilities, context.taxonomy, level)
    scored = np.array([node is not None for node in fixed])
    true = np.array([classes.index(node) for node in fixed if node is not None], dtype=np.int64)
    predicted = np.array([classes.index(node) for node in answers], dtype=np.int64)[scored]
    clusters = np.unique(arm.clusters.codes[scored], return_inverse=True)[1]
    always = np.full_like(true, classes.index(majority))
    design = Design(int(clusters.max()) + 1)
    model, constant = (
        accuracy_panel(true, guess, clusters, design, len(classes)) for guess in (predicted, always)
    )
    return ExternalScore(
        baseline=arm.baseline,
        protocol=arm.protocol,
        runs=arm.runs,
        accuracy=context.estimates(model)["accuracy"],
        difference=context.estimates(difference(model, constant))["accuracy"],
    )
