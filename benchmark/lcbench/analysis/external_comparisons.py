"""The models of a protocol side by side on an external folder, as those of a suite are."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from lcbench.analysis.external_arms import Arm
from lcbench.analysis.external_results import ExternalComparison
from lcbench.analysis.scores import AnalysisSettings, ModelComparison, PairResult, Score
from lcbench.analysis.scoring import compare_models
from lcbench.analysis.thresholds import Cell
from lcbench.predictions.alignment import align
from lcbench.predictions.table import Predictions
from lcbench.runs.plan_records import RolesRecord
from lcbench.statistics.hierarchy import down_to_level, summed
from lcbench.statistics.registry import METRICS
from lcbench.statistics.tree import ClassTree


def compare_at_level(
    arms: Sequence[Arm],
    level: int,
    reference: str,
    roles: RolesRecord,
    averages: Collection[str],
    settings: AnalysisSettings,
) -> tuple[ExternalComparison, ...]:
    """Return every metric and paired test of the nodes of a level, protocol by protocol.

    The nodes are the classes there: probabilities are summed, and an answer is that of the level.
    Each trained model answered every image, so that source groups are crossed with trained models
    as they are with seeds.

    Parameters
    ----------
    arms
        Their rows are the images to score, all with labels below the root; images of more than one
        class of the level are among them.
    level
        Of the class tree.
    reference
        Baseline that the others are compared with.
    roles
        Which models are floor or shortcut.
    averages
        Models that are one average over all seeds: no trained model of theirs stands beside others.
    settings
        How intervals and p-values are computed.
    """
    tree = ClassTree.of(down_to_level(arms[0].tree.taxonomy, level))
    found = []
    for protocol in dict.fromkeys(arm.protocol for arm in arms):
        own = [arm for arm in arms if arm.protocol == protocol and arm.baseline not in averages]
        kept, cells = _with_shared_runs(own)
        models = [_at_level(arm, level, tree, cells) for arm in kept]
        aligned = align(models, by="image")
        others = [name for name in aligned.names if name != reference]
        pairs = [(reference, name) for name in others] if reference in aligned.names else []
        comparison = compare_models(aligned, tree.taxonomy, pairs, settings, roles=roles)
        found.append(
            ExternalComparison(
                protocol=protocol,
                runs=cells,
                comparison=_of_this_level(comparison, tree, level),
            )
        )
    return tuple(found)


def _with_shared_runs(arms: Sequence[Arm]) -> tuple[list[Arm], tuple[Cell, ...]]:
    """Return the arms that share a seed and fold, and the seeds and folds that they all have."""
    every = sorted({cell for arm in arms for cell in arm.cells})
    anchor = max(every, key=lambda cell: sum(cell in arm.cells for arm in arms))
    kept = [arm for arm in arms if anchor in arm.cells]
    return kept, tuple(cell for cell in every if all(cell in arm.cells for arm in kept))


def _at_level(arm: Arm, level: int, tree: ClassTree, cells: Sequence[Cell]) -> Predictions:
    """Return the predictions of some trained models with the nodes of a level as classes."""
    choice = arm.tree.at_level(level)
    label = choice.true_option[arm.true]
    place = np.array([cells.index(cell) if cell in cells else -1 for cell in arm.cells])[arm.run]
    rows = (label >= 0) & (place >= 0)
    names = np.asarray(choice.options, dtype=object)
    table = arm.table.loc[rows, ["image", "sha256", "group"]].assign(
        protocol=arm.protocol,
        seed=place[rows],
        fold=0,
        baseline=arm.baseline,
        true=names[label[rows]],
        predicted=names[choice.leaf_option[arm.at_level(level)][rows]],
    )
    chances = summed(arm.probabilities[rows], choice.leaf_option)
    in_order = [choice.options.index(leaf) for leaf in tree.leaves]
    return Predictions(
        arm.baseline, tree.leaves, table.reset_index(drop=True), chances[:, in_order]
    )


def _of_this_level(comparison: ModelComparison, tree: ClassTree, level: int) -> ModelComparison:
    """Leave out what a higher level decides: there, the answer is that of the higher level."""
    kinds = {
        "node": tree.detections,
        "decision": tree.decisions,
        "gate": tree.gates,
        "level": tree.levels,
    }
    higher = {
        kind: {one.node for one in places if tree.level_of(one) < level}
        for kind, places in kinds.items()
    }

    def kept(scores: tuple[Score, ...]) -> tuple[Score, ...]:
        return tuple(
            one for one in scores if one.of not in higher.get(METRICS[one.metric].level, ())
        )

    def pair(one: PairResult) -> PairResult:
        events = tuple(event for event in one.events if event.node not in higher["decision"])
        return one.model_copy(update={"differences": kept(one.differences), "events": events})

    return comparison.model_copy(
        update={
            "models": tuple(
                one.model_copy(update={"scores": kept(one.scores)}) for one in comparison.models
            ),
            "pairs": tuple(pair(one) for one in comparison.pairs),
            "omnibus": tuple(
                one for one in comparison.omnibus if one.node not in higher["decision"]
            ),
        }
    )
