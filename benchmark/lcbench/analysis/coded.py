"""Matched predictions as codes of leaves and source groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lcbench.errors import UserError
from lcbench.predictions.matching.alignment import Matched
from lcbench.predictions.reading.findings import counted, listed
from lcbench.statistics.events import Event, EventRows, event_rows
from lcbench.statistics.groups import ClusterCodes, cluster_codes
from lcbench.statistics.roles import Roles
from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class CodedPredictions:
    """Matched predictions as codes of leaves and groups.

    Parameters
    ----------
    names
        The models.
    roles
        The leaves that metrics and events speak of.
    true
        (rows,) true leaf; -1 where the label is no leaf.
    side
        (rows,) a leaf on the label's side of the tree; -1 where it has leaves on both.
    predicted
        (rows,) leaf that each model predicts.
    probabilities
        (rows, leaves) of each model; None where it has none.
    clusters
        Source group of each row.
    once
        (rows,) those of the first seed.
    notes
        What was done that a reader should know.
    """

    names: tuple[str, ...]
    roles: Roles
    true: NDArray[np.int64]
    side: NDArray[np.int64]
    predicted: dict[str, NDArray[np.int64]]
    probabilities: dict[str, NDArray[np.float64] | None]
    clusters: ClusterCodes
    once: NDArray[np.bool_]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, matched: Matched, taxonomy: Taxonomy) -> CodedPredictions:
        """Return the codes of matched predictions.

        Raises
        ------
        UserError
            If no image has a label that models can answer.
        """
        leaf = {name: code for code, name in enumerate(taxonomy.leaves)}
        sides = _sides(taxonomy)
        rows = matched.rows
        true = np.array([leaf.get(node, -1) for node in rows["true"]], np.int64)
        coarse = sorted(set(rows["true"][true < 0]))
        if not (true >= 0).any():
            raise UserError(
                "no image that the models share has a true class that they can answer: "
                f"all are labelled {listed(coarse)}",
                f"Label some by a leaf of the class tree: {', '.join(taxonomy.leaves)}.",
            )
        side = np.array([sides[node] for node in rows["true"]], np.int64)
        roles = Roles.of(taxonomy)
        events = event_rows(true, roles, side)
        return cls(
            names=matched.names,
            roles=roles,
            true=true,
            side=side,
            predicted={
                name: np.array([leaf[one] for one in predicted], np.int64)
                for name, predicted in matched.predicted.items()
            },
            probabilities=matched.probabilities,
            clusters=cluster_codes(
                list(rows["group"]),
                [sha or image for sha, image in zip(rows["sha256"], rows["image"], strict=True)],
            ),
            once=(rows["seed"] == rows["seed"].min()).to_numpy(),
            notes=tuple(_coarse_notes(coarse, true, side, events)),
        )

    @cached_property
    def events(self) -> tuple[EventRows, ...]:
        """The events that the class tree knows."""
        return event_rows(self.true, self.roles, self.side)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs of models, in the order of the command line."""
        return list(combinations(self.names, 2))


def _coarse_notes(
    labels: Sequence[str],
    true: NDArray[np.int64],
    side: NDArray[np.int64],
    events: Sequence[EventRows],
) -> Iterator[str]:
    """Say what becomes of the predictions for images whose label is no leaf."""
    if not labels:
        return
    counts = any(one.event is Event.benign_malignant for one in events)
    used = int(((true < 0) & (side >= 0)).sum()) if counts else 0
    unused = int((true < 0).sum()) - used
    words = f"for images labelled {listed(labels)}, which is no leaf of the class tree,"
    if len(labels) > 1:
        words = f"for images labelled {listed(labels)}, which are no leaves of the class tree,"
    if used:
        yield (
            f"{counted(used, 'prediction')} of each model {words} "
            f"{'enters' if used == 1 else 'enter'} the event {Event.benign_malignant.value} only"
        )
    if unused:
        yield (
            f"{counted(unused, 'prediction')} of each model {words} "
            f"{'is' if unused == 1 else 'are'} left out"
        )


def _sides(taxonomy: Taxonomy) -> dict[str, int]:
    """Return, for each node, a leaf on its side of the tree; -1 where it has leaves on both."""
    sides = {}
    for node in taxonomy.nodes:
        leaves = taxonomy.leaves_under(node)
        negative = taxonomy.negative
        inside = {negative is not None and taxonomy.is_under(leaf, negative) for leaf in leaves}
        sides[node] = taxonomy.leaves.index(leaves[0]) if len(inside) == 1 else -1
    return sides
