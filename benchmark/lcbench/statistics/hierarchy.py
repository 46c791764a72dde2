"""Scores on the levels of the class tree, from leaf probabilities and node labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcbench.taxonomy import Taxonomy


class LevelScore(NamedTuple):
    """Answers at one level: (N,) correct (False where not scored), (N,) scored."""

    correct: NDArray[np.bool_]
    scored: NDArray[np.bool_]


class HierarchicalScore(NamedTuple):
    """Hierarchical precision, recall and F."""

    precision: float
    recall: float
    f: float


def labels_at_level(labels: Sequence[str], taxonomy: Taxonomy, level: int) -> list[str | None]:
    """Return the node that each label fixes at a level.

    Parameters
    ----------
    labels
        (N,) nodes.
    taxonomy
        The class tree.
    level
        Depth below the root, 1 to `taxonomy.height`.

    Returns
    -------
    list
        The ancestor at that level; a leaf above it stands for itself; None where the label is too
        coarse to say.

    Raises
    ------
    UserError
        If a label is not a node of the tree.
    ValueError
        If the tree has no such level.
    """
    _check_level(taxonomy, level)
    answers = {
        node: taxonomy.ancestor_at(taxonomy.require(node), level) for node in sorted(set(labels))
    }
    return [answers[label] for label in labels]


def predicted_at_level(
    probabilities: NDArray[np.floating[Any]], taxonomy: Taxonomy, level: int
) -> list[str]:
    """Return the most probable node of a level for each image.

    A node's probability is the sum over its leaves, so the answer at a coarse level need not be an
    ancestor of the most probable leaf. Of equal nodes the first in the order of the tree wins.

    Parameters
    ----------
    probabilities
        (N, L) leaf probabilities, columns in the order of `taxonomy.leaves`.
    taxonomy, level
        As for `labels_at_level`.

    Raises
    ------
    ValueError
        If the columns are not as many as the leaves, or the tree has no such level.
    """
    _check_level(taxonomy, level)
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(taxonomy.leaves):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for {len(taxonomy.leaves)} leaves"
        )
    at_level = {taxonomy.ancestor_at(leaf, level) for leaf in taxonomy.leaves}
    nodes = [node for node in taxonomy.nodes if node in at_level]
    columns = [taxonomy.nodes.index(node) for node in nodes]
    best = (probabilities @ taxonomy.leaf_to_node[:, columns]).argmax(axis=1)
    return [nodes[index] for index in best]


def level_correct(
    labels: Sequence[str],
    probabilities: NDArray[np.floating[Any]],
    taxonomy: Taxonomy,
    level: int,
) -> LevelScore:
    """Return which images are right at a level, and which ones their label lets us score there.

    Parameters
    ----------
    labels
        (N,) nodes; a label above the level is not scored.
    probabilities, taxonomy, level
        As for `predicted_at_level`.

    Raises
    ------
    ValueError
        If the lengths differ, or as `predicted_at_level`.
    """
    true = labels_at_level(labels, taxonomy, level)
    predicted = predicted_at_level(probabilities, taxonomy, level)
    correct = [one == other for one, other in zip(true, predicted, strict=True)]
    return LevelScore(
        np.asarray(correct, np.bool_),
        np.asarray([node is not None for node in true], np.bool_),
    )


def path_counts(
    true_nodes: Sequence[str], predicted_leaves: Sequence[str], taxonomy: Taxonomy
) -> NDArray[np.int64]:
    """Return, for each image, the sizes that hierarchical precision and recall are made of.

    Parameters
    ----------
    true_nodes, predicted_leaves
        (N,) nodes.
    taxonomy
        The class tree.

    Returns
    -------
    ndarray
        (N, 3): nodes shared by the two paths from below the root, nodes on the predicted path,
        nodes on the true path. Summed over source groups they can be resampled.

    Raises
    ------
    UserError
        If a name is not a node of the tree.
    ValueError
        If the lengths differ.
    """
    pairs = list(zip(true_nodes, predicted_leaves, strict=True))
    sizes: dict[tuple[str, str], tuple[int, int, int]] = {}
    for true, predicted in sorted(set(pairs)):
        true_path = taxonomy.path(taxonomy.require(true))
        predicted_path = taxonomy.path(taxonomy.require(predicted))
        shared = len(set(true_path) & set(predicted_path))
        sizes[true, predicted] = (shared, len(predicted_path), len(true_path))
    return np.asarray([sizes[pair] for pair in pairs], np.int64).reshape(-1, 3)


def hierarchical_precision_recall_f(
    true_nodes: Sequence[str],
    predicted_leaves: Sequence[str],
    taxonomy: Taxonomy,
    average: Literal["micro", "macro"] = "micro",
) -> HierarchicalScore:
    """Return hierarchical precision, recall and F.

    Each label is replaced by its path from below the root; precision is the share of predicted
    nodes that are true, recall the share of true nodes that are predicted. An image labelled with
    an inner node counts against the precision of every leaf below it.

    Parameters
    ----------
    true_nodes, predicted_leaves
        (N,) nodes.
    taxonomy
        The class tree.
    average
        `micro` sums the nodes over images first, as published; `macro` is the mean over images of
        each image's precision, recall and F (not the F of the mean precision and recall).

    Returns
    -------
    HierarchicalScore
        All 0 without images.

    References
    ----------
    Kiritchenko, S., Matwin, S., Nock, R. and Famili, A. F. (2006). Learning and evaluation in the
    presence of class hierarchies. Canadian AI 2006, 395-406.
    """
    counts = path_counts(true_nodes, predicted_leaves, taxonomy).astype(np.float64)
    if len(counts) == 0:
        return HierarchicalScore(0.0, 0.0, 0.0)
    if average == "micro":
        counts = counts.sum(axis=0, keepdims=True)
    shared, predicted, true = counts.T
    scores = (shared / predicted, shared / true, 2.0 * shared / (predicted + true))
    return HierarchicalScore(*(float(score.mean()) for score in scores))


def _check_level(taxonomy: Taxonomy, level: int) -> None:
    if not 1 <= level <= taxonomy.height:
        raise ValueError(f"taxonomy {taxonomy.name!r} has levels 1 to {taxonomy.height}: {level}")
