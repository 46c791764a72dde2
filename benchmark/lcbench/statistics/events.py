"""What can go wrong with an image, as booleans: the events that paired tests compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.roles import Roles

Codes = NDArray[np.integer[Any]]
Events = NDArray[np.bool_]


class Event(StrEnum):
    """The events, by the names under which they are reported."""

    any_error = "any-error"
    subtype_confusion = "subtype-confusion"
    benign_malignant = "benign-malignant"


def any_error(true: Codes, predicted: Codes) -> Events:
    """Return, for (N,) leaf codes, where the predicted leaf is not the true one."""
    return np.not_equal(true, predicted)


def subtype_confusion(true: Codes, predicted: Codes, subtypes: Sequence[int]) -> Events:
    """Return, for (N,) leaf codes, where an image of one subtype is predicted as another.

    Parameters
    ----------
    true, predicted
        (N,) leaf codes.
    subtypes
        Codes of the subtype leaves.
    """
    both = np.isin(true, subtypes) & np.isin(predicted, subtypes)
    return np.asarray(both & any_error(true, predicted))


def side_error(true: Codes, predicted: Codes, negative: Sequence[int]) -> Events:
    """Return, for (N,) leaf codes, where a negative leaf is taken for a positive one or reversed.

    Parameters
    ----------
    true, predicted
        (N,) leaf codes.
    negative
        Codes of the leaves that mean "no finding", such as benign.
    """
    return np.not_equal(np.isin(true, negative), np.isin(predicted, negative))


@dataclass(frozen=True)
class EventRows:
    """An event, and the rows that can have it.

    Parameters
    ----------
    event
        The event.
    rows
        (N,) rows that enter: subtype confusions are looked for among the subtypes only.
    true
        (rows,) leaf codes of these rows.
    roles
        The leaves that events speak of.
    """

    event: Event
    rows: Events
    true: Codes
    roles: Roles

    def happens(self, predicted: Codes) -> Events:
        """Return, for (N,) predicted leaf codes, where the event happens among the rows."""
        answers = predicted[self.rows]
        if self.event is Event.any_error:
            return any_error(self.true, answers)
        if self.event is Event.subtype_confusion:
            return subtype_confusion(self.true, answers, self.roles.subtypes)
        return side_error(self.true, answers, self.roles.negative)


def event_rows(true: Codes, roles: Roles, side: Codes | None = None) -> tuple[EventRows, ...]:
    """Return every event that the class tree knows and that some row can have.

    Parameters
    ----------
    true
        (N,) leaf codes; -1 where the label is no leaf.
    roles
        The leaves that events speak of.
    side
        (N,) codes of any leaf on the true side of the tree, -1 where the label leaves the side
        open; by default `true`. An image labelled "malignant" has a side, but no leaf.
    """
    side = true if side is None else side
    candidates = [(Event.any_error, true, true >= 0)]
    if roles.subtypes:
        candidates.append((Event.subtype_confusion, true, np.isin(true, roles.subtypes)))
    if roles.negative:
        candidates.append((Event.benign_malignant, side, side >= 0))
    return tuple(
        EventRows(event, rows, codes[rows], roles)
        for event, codes, rows in candidates
        if rows.any()
    )
