"""What a model answers wherever it is asked: at a level of the class tree, behind a gate.

Every answer is the code of a leaf, so that one table of true nodes and leaves scores them all. An
answer that is a coarser node is written as the first leaf below it; what lies deeper is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from lcbench.statistics.hierarchy import summed
from lcbench.statistics.metrics import Values
from lcbench.statistics.tree import ClassTree, Codes, Decision

Asked = Literal["leaf", "level", "true gate", "predicted gate", "perfect gate", "path"]
Basis = Literal["sums", "own rule", "no probabilities"]
"""How a model answers above the leaves: by the largest sum of leaf probabilities; by its predicted
leaf, as it chooses that by a rule of its own; by its predicted leaf, for want of probabilities."""
# Probabilities of equal leaves may differ by as much, as they were rounded before they were stored.
_ROUNDING = 1e-6


class Question(NamedTuple):
    """What a model is asked.

    `leaf`: the predicted leaf. `level`: the node of a level. `true gate`: the child of an inner
    node, of an image that is known to lie below it. `predicted gate`: the same of an image that the
    model calls below it, else the node that it is called instead. `perfect gate`: the leaf, where
    somebody else tells whether the image lies below a node. `path`: 0 where the answers of all
    levels lie on one path of the tree, else 1.
    """

    asked: Asked = "leaf"
    at: int | str = 0
    """The level, or the name of the gate."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of one model.

    Parameters
    ----------
    tree
        The class tree.
    true
        (N,) codes of the labels, see `ClassTree.codes`.
    predicted
        (N,) leaf codes.
    probabilities
        (N, L) leaf probabilities, or None.
    """

    tree: ClassTree
    true: Codes
    predicted: Codes
    probabilities: Values | None

    @cached_property
    def basis(self) -> Basis:
        """How the model answers above the leaves.

        A model that answers, for any image, another leaf than a most probable one has a rule of its
        own (top-down, least cost): its answer at a level is where that leaf lies.
        """
        if self.probabilities is None:
            return "no probabilities"
        chosen = self.probabilities[np.arange(len(self.predicted)), self.predicted]
        best = self.probabilities.max(axis=1, initial=0.0)
        return "sums" if (chosen >= best - _ROUNDING).all() else "own rule"

    def at_level(self, level: int) -> Codes:
        """Return the (N,) answers at a level, 1 to the height of the tree."""
        if level == self.tree.taxonomy.height or self.basis != "sums":
            return self.predicted
        return self._most_probable(self.tree.levels[level - 1])

    def to(self, question: Question) -> Codes | None:
        """Return the (N,) answers; None where they cannot be known without probabilities."""
        match question:
            case Question("level", int(level)):
                return self.at_level(level)
            case Question("predicted gate", str(node)):
                return self._behind_predicted_gate(_named(self.tree.gates, node))
        if self.probabilities is None and question.asked != "leaf":
            return None
        match question:
            case Question("true gate", str(node)):
                return self._behind_true_gate(_named(self.tree.gates, node))
            case Question("perfect gate", str(node)):
                return self._behind_perfect_gate(_named(self.tree.detections, node))
            case Question("path"):
                return self._off_one_path()
        return self.predicted

    def _behind_true_gate(self, gate: Decision) -> Codes:
        children = self._most_probable(gate)
        if self.basis == "sums":
            return children
        return np.where(gate.leaf_option[self.predicted] >= 0, self.predicted, children)

    def _behind_predicted_gate(self, gate: Decision) -> Codes:
        if self.basis != "sums":
            return self.predicted
        called = self.at_level(self.tree.level_of(gate) - 1)
        return np.where(gate.leaf_option[called] >= 0, self._most_probable(gate), called)

    def _behind_perfect_gate(self, gate: Decision) -> Codes:
        chances = self._chances
        of_sides = np.stack(
            [np.where(gate.leaf_option == side, chances, -1.0).argmax(axis=1) for side in (0, 1)]
        )
        side = gate.true_option[self.true]
        kept = (side < 0) | (gate.leaf_option[self.predicted] == side)
        return np.where(kept, self.predicted, of_sides[side, np.arange(len(side))])

    def _off_one_path(self) -> Codes:
        """Return 0 where each answer lies below that of the level above it, else 1."""
        off = np.zeros(len(self.predicted), np.int64)
        for level, choice in enumerate(self.tree.levels, start=1):
            above, below = (choice.leaf_option[self.at_level(one)] for one in (level, level + 1))
            off |= above != below
        return off

    def _most_probable(self, choice: Decision) -> Codes:
        """Return the first leaf of the most probable option; of equal ones, of the first."""
        first = np.array(
            [np.flatnonzero(choice.leaf_option == k)[0] for k in range(len(choice.options))]
        )
        return np.asarray(first[summed(self._chances, choice.leaf_option).argmax(axis=1)])

    @property
    def _chances(self) -> Values:
        assert self.probabilities is not None  # noqa: S101 - asked for only where there are any
        return self.probabilities


def _named(decisions: tuple[Decision, ...], name: str) -> Decision:
    return next(one for one in decisions if one.node == name)
