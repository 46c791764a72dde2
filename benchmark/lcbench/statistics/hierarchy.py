"""The levels of the class tree: what a label fixes there, and what a model answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.taxonomy import Taxonomy

_DIGITS = 2.0**44


def labels_at_level(labels: Sequence[str], taxonomy: Taxonomy, level: int) -> list[str | None]:
    """Return the node that each label fixes at a level, 1 to `taxonomy.height`.

    That is the ancestor at that level; a leaf above it stands for itself; None where the label is
    too coarse to say.

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


def nodes_at_level(taxonomy: Taxonomy, level: int) -> tuple[str, ...]:
    """Return the nodes that a leaf can have at a level, in the order of the tree."""
    at_level = {taxonomy.ancestor_at(leaf, level) for leaf in taxonomy.leaves}
    return tuple(node for node in taxonomy.nodes if node in at_level)


def down_to_level(taxonomy: Taxonomy, level: int) -> Taxonomy:
    """Return the tree whose leaves are the nodes of a level; costs are left out with the rest.

    Raises
    ------
    ValueError
        If the tree has no such level.
    """
    _check_level(taxonomy, level)
    if level == taxonomy.height:
        return taxonomy
    parents = {
        node: parent for node, parent in taxonomy.parents.items() if taxonomy.depth(node) <= level
    }
    subtypes = taxonomy.subtypes_of
    return replace(
        taxonomy,
        parents=parents,
        aliases={node: names for node, names in taxonomy.aliases.items() if node in parents},
        negative=taxonomy.negative if set(taxonomy.negative) <= set(parents) else (),
        subtypes_of=subtypes if subtypes in set(parents.values()) else None,
        costs={},
    )


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
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(taxonomy.leaves):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for {len(taxonomy.leaves)} leaves"
        )
    nodes = nodes_at_level(taxonomy, level)
    parts = np.array(
        [nodes.index(str(taxonomy.ancestor_at(one, level))) for one in taxonomy.leaves]
    )
    return [nodes[part] for part in summed(probabilities, parts).argmax(axis=1)]


def summed(
    probabilities: NDArray[np.floating[Any]], part: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Return the summed probability of each of K parts of the leaves, (N, K).

    What differs by rounding alone is equal, so that ties are ties: sums are rounded to 44 binary
    digits. These are digits of the sum, not places after the point: a probability of 1e-14 is not
    0, neither in a logarithm nor in an order.

    Parameters
    ----------
    probabilities
        (N, L) leaf probabilities.
    part
        (L,) part that each leaf belongs to, 0 to K - 1; -1 outside all of them.
    """
    members = part[:, None] == np.arange(int(part.max()) + 1)
    digits, exponent = np.frexp(np.asarray(probabilities, np.float64) @ members)
    return np.asarray(np.ldexp(np.round(digits * _DIGITS) / _DIGITS, exponent), np.float64)


def _check_level(taxonomy: Taxonomy, level: int) -> None:
    if not 1 <= level <= taxonomy.height:
        raise ValueError(f"taxonomy {taxonomy.name!r} has levels 1 to {taxonomy.height}: {level}")
