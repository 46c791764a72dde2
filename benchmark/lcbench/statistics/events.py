"""What can go wrong with an image, as booleans: the events that paired tests compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.tree import ClassTree, Codes, Decision

Events = NDArray[np.bool_]


class Event(NamedTuple):
    """What goes wrong.

    `any_error`: the predicted leaf is not the true one. `confusion`: it lies in another option of
    the decision at a node; an answer outside that decision is another event.
    """

    kind: Literal["any_error", "confusion"]
    node: str = ""


ANY_ERROR = Event("any_error")


@dataclass(frozen=True, eq=False)
class EventRows:
    """An event, and the rows that can have it.

    Parameters
    ----------
    event
        The event.
    rows
        (N,) rows that enter: those whose label fixes an option.
    true
        (rows,) option that their label fixes.
    leaf_option
        (L,) option that a predicted leaf lies in; -1 outside all of them.
    """

    event: Event
    rows: Events
    true: NDArray[np.int64]
    leaf_option: NDArray[np.int64]

    def happens(self, predicted: Codes) -> Events:
        """Return, for (N,) predicted leaf codes, where the event happens among the rows."""
        answers = self.leaf_option[predicted[self.rows]]
        return np.asarray((answers >= 0) & (answers != self.true))


def event_rows(true: Codes, tree: ClassTree) -> tuple[EventRows, ...]:
    """Return every event that the class tree knows and that some row can have.

    Parameters
    ----------
    true
        (N,) codes of the labels, see `ClassTree.codes`: a label "malignant" fixes no leaf, but it
        does fix an option of the decision between benign and malignant.
    tree
        The class tree.

    Returns
    -------
    tuple of EventRows
        Any error, the headline decision, then the others in the order of the tree.
    """
    others = [one for one in tree.decisions if one is not tree.headline]
    decisions = others if tree.headline is None else [tree.headline, *others]
    found = [
        _rows(ANY_ERROR, true, _leaf_or_none(tree)),
        *(_rows(Event("confusion", one.node), true, one) for one in decisions),
    ]
    return tuple(one for one in found if one.rows.any())


def _rows(event: Event, true: Codes, decision: Decision) -> EventRows:
    options = decision.true_option[true]
    rows = options >= 0
    return EventRows(event, rows, options[rows], decision.leaf_option)


def _leaf_or_none(tree: ClassTree) -> Decision:
    """Return the choice among all leaves."""
    leaves = np.arange(len(tree.leaves))
    nodes = np.arange(len(tree.nodes))
    return Decision("", tree.leaves, np.where(nodes < len(leaves), nodes, -1), leaves)
