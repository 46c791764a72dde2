"""Hierarchies: which networks there are, what each one learns from, and how they give leaves.

Local classifiers are those of Silla & Freitas, "A survey of hierarchical classification across
different application domains", Data Mining and Knowledge Discovery 22 (2011).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lcbench.features.samples import Samples
from lcbench.statistics.hierarchy import nodes_at_level
from lcbench.taxonomy import ROOT, Taxonomy

HierarchyName = Literal["flat", "multi-head", "cascade", "per-node", "per-level"]

Logs = Any
"""Logarithms of probabilities: an array of float64, or a tensor where gradients are asked for."""


@dataclass(frozen=True)
class Part:
    """One network of a baseline: what it decides between.

    Parameters
    ----------
    name
        Of the network in what is stored.
    words
        What it is, for those who wait for it: "network below malignant".
    options
        What it decides between: the nodes that each output stands for.
    joint
        Whether it decides everything, so that a coarse label leaves several outputs open. Else
        images whose label is too coarse to name one output are left out.
    """

    name: str
    words: str
    options: tuple[tuple[str, ...], ...]
    joint: bool = False

    def concerned(self, samples: Samples, taxonomy: Taxonomy) -> Samples:
        """Return the images whose label says something about this decision."""
        if self.joint:
            return samples
        nodes = [node for option in self.options for node in option]
        inside = [any(taxonomy.is_under(label, node) for node in nodes) for label in samples.labels]
        return Samples(samples.features, samples.rows[np.array(inside, dtype=bool)])

    def allowed(self, labels: NDArray[np.str_], taxonomy: Taxonomy) -> NDArray[np.bool_]:
        """Return (images, options): the options that agree with each label."""
        table = {
            label: [
                any(
                    taxonomy.is_under(label, node) or taxonomy.is_under(node, label)
                    for node in nodes
                )
                for nodes in self.options
            ]
            for label in np.unique(labels)
        }
        rows = [table[label] for label in labels]
        return np.array(rows, dtype=bool).reshape(len(labels), len(self.options))


@dataclass(frozen=True)
class Hierarchy:
    """The networks of a baseline, and how their decisions give leaves.

    Parameters
    ----------
    parts
        The networks.
    combine
        From (images, options) logarithms of each part's probabilities, in the order of the parts,
        to (images, leaves). What it gives need not sum to 1 exactly.
    """

    parts: tuple[Part, ...]
    combine: Callable[[Sequence[Logs]], Logs]


def find_hierarchy(name: HierarchyName, taxonomy: Taxonomy) -> Hierarchy:
    """Return the hierarchy of a name for a class tree."""
    return _HIERARCHIES[name](taxonomy)


def is_joint(name: HierarchyName) -> bool:
    """Tell whether one network decides everything, whose outputs are the leaves."""
    return _HIERARCHIES[name] is _joint


def _joint(taxonomy: Taxonomy) -> Hierarchy:
    """One network whose outputs are the leaves, by whatever head."""
    leaves = tuple((leaf,) for leaf in taxonomy.leaves)
    return Hierarchy((Part("all", "network", leaves, joint=True),), lambda decisions: decisions[0])


def _per_parent(taxonomy: Taxonomy) -> Hierarchy:
    """Local classifier per parent node (Silla & Freitas 2011), here called "cascade".

    A network for each inner node decides between its children, and learns from the images below
    it. A leaf's probability is the product of the decisions along its path.
    """
    families = {node: taxonomy.children(node) for node in taxonomy.inner_nodes}
    parts = tuple(
        Part(node, "network" if node == ROOT else f"network below {node}", _singles(children))
        for node, children in families.items()
    )

    def combine(decisions: Sequence[Logs]) -> Logs:
        conditional = {
            child: decision[:, column]
            for children, decision in zip(families.values(), decisions, strict=True)
            for column, child in enumerate(children)
        }
        return _along_paths(conditional, taxonomy)

    return Hierarchy(parts, combine)


def _per_node(taxonomy: Taxonomy) -> Hierarchy:
    """Local classifier per node (Silla & Freitas 2011) by the siblings policy.

    A network for each node tells it from its siblings: images below the node against those below
    its siblings. What it says is divided by the sum over the siblings; a leaf's probability is the
    product along its path.
    """
    families = [taxonomy.children(node) for node in taxonomy.inner_nodes]
    parts = tuple(
        Part(
            node,
            f"network of {node} against its siblings",
            ((node,), tuple(other for other in children if other != node)),
        )
        for children in families
        for node in children
    )

    def combine(decisions: Sequence[Logs]) -> Logs:
        scores = {part.name: logs[:, 0] for part, logs in zip(parts, decisions, strict=True)}
        return _along_paths(_among_siblings(scores, taxonomy), taxonomy)

    return Hierarchy(parts, combine)


def _per_level(taxonomy: Taxonomy) -> Hierarchy:
    """Local classifier per level (Silla & Freitas 2011), made consistent top-down.

    A network for each level decides between the nodes of that level; leaves that end above it
    stand for themselves there. Two levels may contradict each other: so of each level, only the
    shares among the children of one parent count, and a leaf's probability is the product along
    its path.
    """
    levels = [nodes_at_level(taxonomy, level) for level in range(1, taxonomy.height + 1)]
    parts = tuple(
        Part(f"level-{level}", f"network of level {level}", _singles(nodes))
        for level, nodes in enumerate(levels, start=1)
    )

    def combine(decisions: Sequence[Logs]) -> Logs:
        scores = {
            node: logs[:, column]
            for level, (nodes, logs) in enumerate(zip(levels, decisions, strict=True), start=1)
            for column, node in enumerate(nodes)
            if taxonomy.depth(node) == level
        }
        return _along_paths(_among_siblings(scores, taxonomy), taxonomy)

    return Hierarchy(parts, combine)


_HIERARCHIES: dict[HierarchyName, Callable[[Taxonomy], Hierarchy]] = {
    "flat": _joint,
    "multi-head": _joint,
    "cascade": _per_parent,
    "per-node": _per_node,
    "per-level": _per_level,
}


def _singles(nodes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple((node,) for node in nodes)


def _among_siblings(scores: Mapping[str, Logs], taxonomy: Taxonomy) -> dict[str, Logs]:
    """Return each node's share among its siblings, from a score for each node, (images,) each."""
    shares: dict[str, Logs] = {}
    for parent in taxonomy.inner_nodes:
        children = taxonomy.children(parent)
        together = reduce(_logaddexp, [scores[child] for child in children])
        shares |= {child: scores[child] - together for child in children}
    return shares


def _along_paths(conditional: Mapping[str, Logs], taxonomy: Taxonomy) -> Logs:
    """Return (images, leaves) from what is known of each node given its parent, (images,) each."""
    if not isinstance(next(iter(conditional.values())), np.ndarray):
        import torch

        return torch.stack([_sum(conditional, leaf, taxonomy) for leaf in taxonomy.leaves], dim=1)
    exact = {node: logs.astype(np.float64) for node, logs in conditional.items()}
    return np.stack([_sum(exact, leaf, taxonomy) for leaf in taxonomy.leaves], axis=1)


def _sum(conditional: Mapping[str, Logs], leaf: str, taxonomy: Taxonomy) -> Logs:
    return reduce(add, [conditional[node] for node in taxonomy.path(leaf)])


def _logaddexp(one: Logs, other: Logs) -> Logs:
    return np.logaddexp(one, other) if isinstance(one, np.ndarray) else one.logaddexp(other)
