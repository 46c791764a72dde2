"""The metrics of levels, gates and paths of the class tree, declared for the registry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics import kinds, metrics
from lcbench.statistics import probabilities as scores
from lcbench.statistics.declaration import Metric
from lcbench.statistics.kinds import MeanOfImages, OfConfidence, error_cells, every_cell
from lcbench.statistics.limits import Scale
from lcbench.statistics.reliability import calibration_error
from lcbench.statistics.tree import Cells, ClassTree, Decision


def _missed(_tree: ClassTree, node: Decision) -> Cells:
    return node.rows_of(0) & ~node.right


def _false_alarms(_tree: ClassTree, node: Decision) -> Cells:
    return node.rows_of(1) & ~node.right


def _other_errors(tree: ClassTree, node: Decision) -> Cells:
    """Return the errors that are neither of the two, nor confusions of the decision at the node."""
    confused = [one.confused for one in tree.gates if one.node == node.node]
    known = (_missed(tree, node), _false_alarms(tree, node), *confused)
    others: Cells = error_cells(tree) & ~np.any(known, axis=0)
    return others


def _largest_cost(tree: ClassTree) -> tuple[float, float]:
    return 0.0, float(tree.costs.max()) or 1.0


def _height(tree: ClassTree) -> tuple[float, float]:
    return 0.0, float(tree.taxonomy.height)


def _on_one_path(tree: ClassTree, _of: None) -> NDArray[Any]:
    """Return the cells of the first column, which `Question` gives to answers on one path."""
    cells = np.zeros_like(tree.under)
    cells[:, 0] = True
    return cells


_LEVELS = (
    Metric(
        "level_accuracy",
        "accuracy at a level",
        "Share of images whose answer at a level of the class tree is the node that the label "
        "fixes there. The answer is the node of the largest summed probability; where a model "
        "decides by a rule of its own, or gives no probabilities, where its predicted leaf lies.",
        kinds.of_right(),
        level="level",
        answers="level",
    ),
    Metric(
        "level_balanced_accuracy",
        "balanced accuracy at a level",
        "Mean of the recalls of the nodes of a level.",
        kinds.of_options(metrics.balanced_accuracy),
        level="level",
        answers="level",
    ),
    Metric(
        "level_macro_f1",
        "macro F1 at a level",
        "Mean of the F1 scores of the nodes of a level.",
        kinds.of_options(metrics.macro_f1),
        level="level",
        answers="level",
    ),
    Metric(
        "level_log_loss",
        "log loss at a level",
        "Mean of minus the logarithm of the summed probability of the true node of a level.",
        MeanOfImages(scores.log_losses),
        unit="number",
        bounds=(0.0, math.inf),
        scale=Scale.positive,
        higher_is_better=False,
        level="level",
    ),
    Metric(
        "level_calibration_error",
        "ECE, bias-corrected, at a level",
        "Expected calibration error of the most probable node of a level, as that of the most "
        "probable class; it has no interval, as none would cover.",
        OfConfidence(calibration_error),
        unit="number",
        scale=Scale.linear,
        higher_is_better=False,
        level="level",
    ),
)
_GATES = (
    Metric(
        "gate_sensitivity",
        "sensitivity of the gate",
        "Share of the images of a node that are answered so at its level.",
        kinds.of_option(0),
        level="node",
        answers="level",
        needs_depth=True,
    ),
    Metric(
        "gate_specificity",
        "specificity of the gate",
        "Share of the images outside a node that are answered otherwise at its level.",
        kinds.of_option(1),
        level="node",
        answers="level",
        needs_depth=True,
    ),
    Metric(
        "true_gate_accuracy",
        "accuracy below the true gate",
        "Of the images below a node, the share whose most probable child of the node is the right "
        "one, as if it were known that they lie below it.",
        kinds.of_right(),
        level="gate",
        answers="true gate",
    ),
    Metric(
        "predicted_gate_accuracy",
        "accuracy below the predicted gate",
        "The same of the images below a node that the model calls below it.",
        kinds.of_cells(
            lambda _, gate: gate.right, lambda _, gate: gate.asked & (gate.leaf_option >= 0)
        ),
        level="gate",
        answers="predicted gate",
    ),
    Metric(
        "perfect_gate_accuracy",
        "accuracy under a perfect gate",
        "What the accuracy would be if every image were put on the right side of a node: the "
        "most probable class of that side counts where the predicted one lies on the other. What "
        "a better gate alone could reach.",
        kinds.of_images(metrics.accuracy),
        level="node",
        answers="perfect gate",
        needs_depth=True,
    ),
)
_PARTS_OF_ERRORS = tuple(
    Metric(
        f"{key}_of_{share}",
        f"{title} among all {whole}",
        f"{what}, as a share of all {whole}.",
        kinds.of_cells(part, among),
        higher_is_better=False,
        level="node",
    )
    for key, title, what, part in (
        ("missed", "missed", "Images of a node that are called something outside it", _missed),
        (
            "false_alarms",
            "false alarms",
            "Images outside a node that are called something under it",
            _false_alarms,
        ),
        (
            "other_errors",
            "other errors",
            "Errors that are neither missed nor false alarms of a node, nor confusions among its "
            "children",
            _other_errors,
        ),
    )
    for share, whole, among in (("all", "images", every_cell), ("errors", "errors", error_cells))
)
_PATHS = (
    Metric(
        "hierarchical_precision",
        "hierarchical precision (micro)",
        "Nodes of the class tree that truth and answer share, of the nodes on the path to the "
        "answer, each summed over the images (Kiritchenko et al. 2006).",
        kinds.of_cells(
            lambda tree, _: tree.shared_nodes,
            lambda tree, _: tree.answered_nodes,
            images=every_cell,
        ),
        needs_depth=True,
    ),
    Metric(
        "hierarchical_recall",
        "hierarchical recall (micro)",
        "Nodes of the class tree that truth and answer share, of the nodes on the path to the "
        "truth, each summed over the images (Kiritchenko et al. 2006).",
        kinds.of_cells(
            lambda tree, _: tree.shared_nodes, lambda tree, _: tree.true_nodes, images=every_cell
        ),
        needs_depth=True,
    ),
    *(
        Metric(
            f"hierarchical_{key}_macro",
            f"hierarchical {title} (macro)",
            f"Mean over the images of the hierarchical {title} of each image alone.",
            kinds.of_cells(share, every_cell, images=every_cell),
            needs_depth=True,
        )
        for key, title, share in (
            ("precision", "precision", lambda tree, _: tree.shared_nodes / tree.answered_nodes),
            ("recall", "recall", lambda tree, _: tree.shared_nodes / tree.true_nodes),
            ("f", "F", lambda tree, _: 2 * tree.shared_nodes / tree.path_nodes),
        )
    ),
    Metric(
        "lca_height",
        "mean LCA height",
        "Mean height in the class tree of the node where truth and answer part, over all images, "
        "0 where the answer is right: the expected cost where every error costs its height "
        "(Bertinetto et al. 2020).",
        kinds.of_cells(
            lambda tree, _: tree.mistake_heights, every_cell, images=every_cell, bounds=_height
        ),
        unit="number",
        bounds=(0.0, math.inf),
        higher_is_better=False,
        needs_depth=True,
    ),
    Metric(
        "expected_cost",
        "expected cost",
        "Mean over all images of what their answers cost by the costs that the class tree states.",
        kinds.of_cells(
            lambda tree, _: tree.costs, every_cell, images=every_cell, bounds=_largest_cost
        ),
        unit="number",
        bounds=(0.0, math.inf),
        higher_is_better=False,
        needs_costs=True,
    ),
    Metric(
        "path_consistency",
        "path consistency",
        "Share of images whose answers at all levels lie on one path of the class tree. By a rule "
        "of one's own it is all of them.",
        kinds.of_cells(_on_one_path, every_cell),
        answers="path",
        needs_depth=True,
    ),
)
TREE_METRICS = (*_LEVELS, *_GATES, *_PARTS_OF_ERRORS, *_PATHS)
"""The metrics that speak of the class tree, in the order of reports."""
