"""The class tree as arrays: what a label fixes, and the decisions that a predicted leaf takes.

Nothing here assumes a depth, a number of classes or the names of any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.hierarchy import labels_at_level, nodes_at_level
from lcbench.taxonomy import OR, Taxonomy, none_of

Codes = NDArray[np.integer[Any]]
Cells = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Decision:
    """A choice between parts of the class tree that exclude each other.

    Parameters
    ----------
    node
        The node whose children are the options, or a name for the choice.
    options
        Names of the K options.
    true_option
        (M,) option that a label fixes, by the node's code; -1 where it fixes none.
    leaf_option
        (L,) option that a predicted leaf lies in; -1 outside all of them.
    """

    node: str
    options: tuple[str, ...]
    true_option: NDArray[np.int64]
    leaf_option: NDArray[np.int64]

    @cached_property
    def asked(self) -> Cells:
        """(M, L) true node x predicted leaf: the label fixes an option."""
        return np.broadcast_to((self.true_option >= 0)[:, None], self._shape)

    @cached_property
    def right(self) -> Cells:
        """(M, L): the predicted leaf lies in the option that the label fixes."""
        same: Cells = self.true_option[:, None] == self.leaf_option[None, :]
        return self.asked & same

    @cached_property
    def confused(self) -> Cells:
        """(M, L): the predicted leaf lies in another option of this decision."""
        return self.asked & (self.leaf_option >= 0)[None, :] & ~self.right

    def rows_of(self, option: int) -> Cells:
        """Return the (M, L) cells whose label fixes one option."""
        return np.broadcast_to((self.true_option == option)[:, None], self._shape)

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.true_option), len(self.leaf_option)


@dataclass(frozen=True, eq=False)
class ClassTree:
    """The class tree as codes and arrays.

    Parameters
    ----------
    taxonomy
        The class tree.
    """

    taxonomy: Taxonomy

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> ClassTree:
        """Return the arrays of a class tree."""
        return cls(taxonomy)

    @property
    def leaves(self) -> tuple[str, ...]:
        """The L leaves: the code of a predicted leaf is its place here."""
        return self.taxonomy.leaves

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The M nodes below the root, leaves first: a label's code is its place here."""
        return (*self.leaves, *self.taxonomy.inner_nodes[1:])

    def codes(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Return the (N,) codes of labels; a code below L is a leaf.

        Raises
        ------
        UserError
            If a label is not a node of the tree.
        """
        place = {node: code for code, node in enumerate(self.nodes)}
        code = {label: place[self.taxonomy.require(label)] for label in sorted(set(labels))}
        return np.fromiter((code[label] for label in labels), np.int64, len(labels))

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The decision among the children of every inner node, the root included.

        Where the tree names what is negative and no inner node decides between that and the rest,
        that is one more decision, of node `not-<negative>`, several joined by ` or `. A decision
        among all leaves is left out: to be wrong there is to be wrong at all.
        """
        found = [self._among_children(node) for node in self.taxonomy.inner_nodes]
        if self._screening is not None and not _is_one_of(self._screening, found):
            found.append(self._screening)
        return tuple(one for one in found if len(one.options) < len(self.leaves))

    @cached_property
    def headline(self) -> Decision | None:
        """The decision that `subtypes_of` names: the one to read first."""
        named = (one for one in self.decisions if one.node == self.taxonomy.subtypes_of)
        return next(named, None)

    @cached_property
    def detections(self) -> tuple[Decision, ...]:
        """For every node that can be looked for: the choice between it (0) and all else (1).

        These are the inner nodes below the root, and what is not negative: by the name of the
        node that is just that, or as `not-<negative>`.
        """
        found = [self._apart(node, (node,)) for node in self.taxonomy.inner_nodes[1:]]
        if self._screening is not None and not _is_one_of(self._screening, found):
            positive = np.flatnonzero(self._screening.leaf_option)
            name = self.leaves[positive[0]] if len(positive) == 1 else self._screening.node
            found.append(_turned(self._screening, name))
        return tuple(found)

    @cached_property
    def gates(self) -> tuple[Decision, ...]:
        """The decision among the children of every inner node below the root.

        Whether an image lies under the node at all is the gate before that decision.
        """
        return tuple(self._among_children(node) for node in self.taxonomy.inner_nodes[1:])

    @cached_property
    def levels(self) -> tuple[Decision, ...]:
        """The choice among the nodes of every level above that of the leaves, `level 1` first.

        A leaf that ends above a level stands for itself there.
        """
        return tuple(self.at_level(level) for level in range(1, self.taxonomy.height))

    def at_level(self, level: int) -> Decision:
        """Return the choice among the nodes of a level, 1 to the height of the tree.

        Raises
        ------
        ValueError
            If the tree has no such level.
        """
        nodes = nodes_at_level(self.taxonomy, level)
        labels = labels_at_level(self.nodes, self.taxonomy, level)
        fixed = dict(zip(self.nodes, labels, strict=True))

        def option(other: str) -> int:
            return -1 if (node := fixed[other]) is None else nodes.index(node)

        return self._decision(f"level {level}", nodes, option)

    def level_of(self, decision: Decision) -> int:
        """Return the first level whose nodes tell the options of a decision apart."""
        for level, choice in enumerate(self.levels, start=1):
            together = {*zip(choice.leaf_option, decision.leaf_option, strict=True)}
            if len(together) == len(choice.options):
                return level
        return self.taxonomy.height

    @cached_property
    def under(self) -> Cells:
        """(M, L): the leaf is the node or lies below it, so that it is no error there."""
        return np.array(
            [[self._is_under(leaf, node) for leaf in self.leaves] for node in self.nodes]
        )

    @cached_property
    def shared_nodes(self) -> NDArray[np.int64]:
        """(M, L): nodes that the paths from below the root to the node and to the leaf share."""
        shared = [[self._shared(node, leaf) for leaf in self.leaves] for node in self.nodes]
        return np.array(shared, np.int64)

    @cached_property
    def true_nodes(self) -> NDArray[np.int64]:
        """(M, L): nodes on the path to the node."""
        depth = np.array([self.taxonomy.depth(node) for node in self.nodes])
        return np.broadcast_to(depth[:, None], self.under.shape)

    @cached_property
    def answered_nodes(self) -> NDArray[np.int64]:
        """(M, L): nodes on the path to the leaf, without those below the node.

        A label says nothing about what lies below it, so a predicted leaf there is neither right
        nor wrong in that.
        """
        of_leaves = np.broadcast_to(self.true_nodes[: len(self.leaves), 0], self.under.shape)
        return np.where(self.under, self.true_nodes, of_leaves)

    @cached_property
    def path_nodes(self) -> NDArray[np.int64]:
        """(M, L): nodes on both paths, those that they share counted twice."""
        return self.true_nodes + self.answered_nodes

    @cached_property
    def mistake_heights(self) -> NDArray[np.int64]:
        """(M, L): height of the lowest common ancestor of node and leaf; 0 where that is no error.

        The height of a node is the number of edges down to its deepest leaf.
        """
        height = self.taxonomy.lca_height
        heights = np.array([[height(node, leaf) for leaf in self.leaves] for node in self.nodes])
        return np.where(self.under, 0, heights)

    @cached_property
    def costs(self) -> NDArray[np.float64]:
        """(M, L): what it costs to answer the leaf where the node is true."""
        cost = self.taxonomy.cost
        return np.array([[cost(node, leaf) for leaf in self.leaves] for node in self.nodes])

    @cached_property
    def _screening(self) -> Decision | None:
        """The choice between what is negative (0) and the rest (1)."""
        negative = self.taxonomy.negative
        return self._apart(none_of(negative), negative) if negative else None

    def _among_children(self, node: str) -> Decision:
        children = self.taxonomy.children(node)

        def option(other: str) -> int:
            return next((k for k, one in enumerate(children) if self._is_under(other, one)), -1)

        return self._decision(node, children, option)

    def _apart(self, name: str, nodes: tuple[str, ...]) -> Decision:
        inside = {leaf for node in nodes for leaf in self.taxonomy.leaves_under(node)}

        def side(other: str) -> int:
            leaves = self.taxonomy.leaves_under(other)
            if inside.issuperset(leaves):
                return 0
            return 1 if inside.isdisjoint(leaves) else -1

        return self._decision(name, (OR.join(nodes), none_of(nodes)), side)

    def _decision(
        self, node: str, options: tuple[str, ...], option: Callable[[str], int]
    ) -> Decision:
        of_nodes = np.array([option(other) for other in self.nodes], np.int64)
        return Decision(node, options, of_nodes, of_nodes[: len(self.leaves)])

    def _is_under(self, node: str, ancestor: str) -> bool:
        return self.taxonomy.is_under(node, ancestor)

    def _shared(self, node: str, leaf: str) -> int:
        return len(set(self.taxonomy.path(node)) & set(self.taxonomy.path(leaf)))


def _is_one_of(decision: Decision, others: Iterable[Decision]) -> bool:
    """Tell whether one of the others divides the leaves into the same options."""
    return any(_parts(decision) == _parts(other) for other in others)


def _parts(decision: Decision) -> set[tuple[int, ...]]:
    options = range(len(decision.options))
    return {tuple(np.flatnonzero(decision.leaf_option == option).tolist()) for option in options}


def _turned(decision: Decision, name: str) -> Decision:
    """Return a choice between two with the second option first."""
    first, second = (
        np.where(codes < 0, codes, 1 - codes)
        for codes in (decision.true_option, decision.leaf_option)
    )
    return Decision(name, (name, decision.options[0]), first, second)
