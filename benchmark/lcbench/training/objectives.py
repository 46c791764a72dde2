"""Objectives: what training minimises, from log-probabilities of the leaves and what labels allow.

The usual one is the negative log-probability of what a label allows. The others see a class tree.
The probability of a node is the sum of those of its leaves, and most objectives count the negative
logarithms of some nodes' probabilities, each with a weight: then they are a table, (labels, nodes),
of weights. A label may be any node, so that each objective says what it makes of a coarse one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lcbench.taxonomy import ROOT, Taxonomy

Weights = NDArray[np.float64]
"""(nodes, nodes): of each node's negative log-probability, for each label."""

_SMALLEST = 1e-7
"""Of 1 less a probability: its powers have no slope at 0."""


def negative_log_likelihood(log_probabilities: Tensor, allowed: Tensor) -> Tensor:
    """Return (rows,) negative log-probabilities of what each label allows.

    Parameters
    ----------
    log_probabilities
        (rows, outputs).
    allowed
        (rows, outputs) booleans: the outputs that agree with each label.
    """
    return -log_probabilities.masked_fill(~allowed, float("-inf")).logsumexp(dim=1)


class TreeObjective(nn.Module):
    """Weighted negative log-probabilities of nodes: of which ones, the label says.

    Parameters
    ----------
    taxonomy
        The class tree; its leaves are the outputs, in its order.
    weights
        For each label.
    """

    below: Tensor
    sizes: Tensor
    weights: Tensor

    def __init__(self, taxonomy: Taxonomy, weights: Weights) -> None:
        super().__init__()
        below = torch.from_numpy(taxonomy.leaf_to_node.T.copy()).float()
        self.register_buffer("below", below)
        self.register_buffer("sizes", below.sum(dim=1))
        self.register_buffer("weights", torch.from_numpy(weights).float())

    def forward(self, log_probabilities: Tensor, allowed: Tensor) -> Tensor:
        """Return (rows,) losses; see `negative_log_likelihood`."""
        nodes = self.nodes(log_probabilities)
        return -(self.weights[self.labels(allowed)] * nodes).sum(dim=1)

    def nodes(self, log_probabilities: Tensor) -> Tensor:
        """Return (rows, nodes) log-probabilities."""
        leaves = log_probabilities.unsqueeze(1)
        return leaves.masked_fill(self.below == 0, float("-inf")).logsumexp(dim=2)

    def labels(self, allowed: Tensor) -> Tensor:
        """Return (rows,) the node whose leaves are those that are allowed."""
        wanted = allowed.to(self.below.dtype)
        shared = wanted @ self.below.T
        same = (shared == self.sizes) & (shared == wanted.sum(dim=1, keepdim=True))
        return same.to(self.below.dtype).argmax(dim=1)


class Focal(nn.Module):
    """Focal loss (Lin et al., ICCV 2017): what is nearly certain counts less.

    -(1 - p)^gamma log p, where p is the probability of what the label allows: of a coarse label,
    that of its node.

    Parameters
    ----------
    gamma
        0 is the negative log-likelihood.
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, log_probabilities: Tensor, allowed: Tensor) -> Tensor:
        """Return (rows,) losses; see `negative_log_likelihood`."""
        loss = negative_log_likelihood(log_probabilities, allowed)
        missing = -torch.expm1(-loss)
        return missing.clamp(min=_SMALLEST) ** self.gamma * loss


class SiblingMargin(TreeObjective):
    """Negative log-likelihood with a margin between siblings.

    An additive margin on scores (Cao et al., NeurIPS 2019, "Learning imbalanced datasets with
    label-distribution-aware margin loss", with one margin for all classes), among the children of
    some inner nodes alone: where a label lies below one of them, its score counts `margin` less
    than it is against its siblings'. A label of the inner node itself, or above it, knows no child
    there, and has no margin.

    Parameters
    ----------
    margin
        In logarithms of odds; 0 is the negative log-likelihood.
    between
        The inner nodes.
    """

    paths: Tensor

    def __init__(self, taxonomy: Taxonomy, margin: float, between: Sequence[str]) -> None:
        super().__init__(taxonomy, np.eye(len(taxonomy.nodes)))
        self.margin = margin
        self.families = [
            [taxonomy.nodes.index(child) for child in taxonomy.children(node)] for node in between
        ]
        paths = [
            [taxonomy.is_under(label, node) for node in taxonomy.nodes] for label in taxonomy.nodes
        ]
        self.register_buffer("paths", torch.tensor(paths))

    def forward(self, log_probabilities: Tensor, allowed: Tensor) -> Tensor:
        """Return (rows,) losses; see `negative_log_likelihood`."""
        loss = negative_log_likelihood(log_probabilities, allowed)
        nodes, path = self.nodes(log_probabilities), self.paths[self.labels(allowed)]
        for family in self.families:
            scores, own = nodes[:, family], path[:, family]
            less = (scores - self.margin * own).logsumexp(dim=1) + self.margin
            loss = loss + (less - scores.logsumexp(dim=1)) * own.any(dim=1)
        return loss


def summed_levels(taxonomy: Taxonomy, weight: float) -> Weights:
    """Return the weights of the sum over levels of the negative log of summed probabilities.

    The marginalisation of Dhall et al. (CVPR workshops 2020, "Hierarchical image classification
    using entailment cone embeddings"): the deepest level that a label fixes counts 1, each level
    above it `weight`. A leaf that ends above a level stands for itself there; a coarse label counts
    at the levels that it fixes.

    Parameters
    ----------
    weight
        0 is the negative log-likelihood.
    """
    weights = np.eye(len(taxonomy.nodes))
    for row, label in enumerate(taxonomy.nodes):
        deepest = taxonomy.height if label in taxonomy.leaves else taxonomy.depth(label)
        for level in range(1, deepest):
            node = taxonomy.ancestor_at(label, level)
            weights[row, taxonomy.nodes.index(node or label)] += weight
    return weights


def hierarchical_cross_entropy(taxonomy: Taxonomy, alpha: float) -> Weights:
    """Return the weights of the hierarchical cross-entropy (Bertinetto et al., CVPR 2020).

    The sum over the nodes C on the path to the label of -exp(-alpha h(C)) log p(C | parent of C),
    where h(C) is 0 for the children of the root and grows by 1 a level, as in the authors' program
    (their weights are these times a constant). The higher `alpha`, the more the coarse decisions
    count. A coarse label counts the decisions that lead to it.

    Parameters
    ----------
    alpha
        0 is the negative log-likelihood.
    """
    weights = np.zeros((len(taxonomy.nodes),) * 2)
    for row, label in enumerate(taxonomy.nodes):
        for node in taxonomy.path(label):
            parent, weight = taxonomy.parents[node], np.exp(-alpha * (taxonomy.depth(node) - 1))
            weights[row, taxonomy.nodes.index(node)] += weight
            if parent != ROOT:
                weights[row, taxonomy.nodes.index(parent)] -= weight
    return weights


def soft_labels(taxonomy: Taxonomy, beta: float) -> Weights:
    """Return the weights of the cross-entropy with soft labels (Bertinetto et al., CVPR 2020).

    The label's share of leaf A is exp(-beta d(A, label)) over the sum of these, where d is the
    height of the lowest common ancestor over that of the tree. A coarse label counts as one class
    beside the leaves that are not below it, at distance 0 from itself.

    Parameters
    ----------
    beta
        The higher it is, the nearer this is to the negative log-likelihood.
    """
    weights = np.zeros((len(taxonomy.nodes),) * 2)
    for row, label in enumerate(taxonomy.nodes):
        weights[row, row] = 1.0
        for leaf in taxonomy.leaves:
            if not taxonomy.is_under(leaf, label):
                distance = taxonomy.lca_height(label, leaf) / taxonomy.height
                weights[row, taxonomy.nodes.index(leaf)] = np.exp(-beta * distance)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def class_balanced(
    taxonomy: Taxonomy, beta: float, labels: Sequence[str] | NDArray[np.str_]
) -> Weights:
    """Return the weights of the class-balanced cross-entropy (Cui et al., CVPR 2019).

    A class with n training images counts (1 - beta) / (1 - beta^n), times what makes these weights
    sum to the number of classes. A coarse label counts the mean of the leaves below it; leaves
    without a training image have no weight of their own.

    Parameters
    ----------
    beta
        From 0, where all classes count the same, to below 1, towards one over their number.
    labels
        Of the training images.
    """
    names, counts = np.unique(np.asarray(labels, dtype=str), return_counts=True)
    images = dict(zip(names.tolist(), counts.tolist(), strict=True))
    own = {
        leaf: (1 - beta) / (1 - beta ** images[leaf]) for leaf in taxonomy.leaves if leaf in images
    }
    mean = np.mean(list(own.values())) if own else 1.0
    diagonal = [
        np.mean([own[leaf] / mean for leaf in taxonomy.leaves_under(node) if leaf in own] or [1.0])
        for node in taxonomy.nodes
    ]
    return np.diag(np.asarray(diagonal, dtype=np.float64))


def sibling_smoothing(taxonomy: Taxonomy, smoothing: float, between: Sequence[str]) -> Weights:
    """Return the weights of label smoothing (Szegedy et al., CVPR 2016) between siblings alone.

    Of the decisions on the path to a label, those among the children of some inner nodes want
    1 - smoothing + smoothing / k of the right child and smoothing / k of each other one, of k. A
    coarse label counts the decisions that lead to it.

    Parameters
    ----------
    smoothing
        0 is the negative log-likelihood.
    between
        The inner nodes.
    """
    weights = np.eye(len(taxonomy.nodes))
    for row, label in enumerate(taxonomy.nodes):
        for node in taxonomy.path(label):
            siblings = taxonomy.children(taxonomy.parents[node])
            if taxonomy.parents[node] in between:
                weights[row, taxonomy.nodes.index(node)] -= smoothing
                for sibling in siblings:
                    weights[row, taxonomy.nodes.index(sibling)] += smoothing / len(siblings)
    return weights
