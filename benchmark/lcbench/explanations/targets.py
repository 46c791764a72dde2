"""What is explained: how a model decides for a node of the class tree and against its siblings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lcbench.errors import UserError, unknown_name
from lcbench.taxonomy import ROOT, Taxonomy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Target:
    """The decision for a node against the other children of its parent.

    Parameters
    ----------
    node
        What speaks for it is positive.
    siblings
        The other children of its parent: what speaks for them is negative.
    inside, outside
        Places, among the leaves of the tree, of those below the node and below its siblings.
    """

    node: str
    siblings: tuple[str, ...]
    inside: tuple[int, ...]
    outside: tuple[int, ...]

    @property
    def words(self) -> str:
        """The question that an attribution answers."""
        return f"why {self.node} and not {' or '.join(self.siblings)}"

    def score(self, logs: Tensor) -> Tensor:
        """Return the log-odds of the node against its siblings, by the natural logarithm.

        log P(node) - log P(siblings): what the model says at that decision alone, because what it
        says of the nodes above cancels. Flat models are asked for the sums over their leaves.

        Parameters
        ----------
        logs
            (images, leaves) log-probabilities, in the order of the tree's leaves; they need not be
            normalised.

        Returns
        -------
        Tensor of shape (images,)
        """
        return logs[:, list(self.inside)].logsumexp(dim=1) - (
            logs[:, list(self.outside)].logsumexp(dim=1)
        )

    def among(self, leaves: Sequence[int]) -> Target:
        """Return the same decision of a model that can answer some of the leaves only.

        Raises
        ------
        UserError
            If it can answer none of one side, so that there is nothing to decide.
        """
        inside, outside = (
            tuple(leaf for leaf in side if leaf in leaves) for side in (self.inside, self.outside)
        )
        if not inside or not outside:
            never = self.node if not inside else " or ".join(self.siblings)
            raise UserError(f"{self.words}: the model never answers {never}")
        return Target(self.node, self.siblings, inside, outside)


def find_target(taxonomy: Taxonomy, node: str) -> Target:
    """Return the decision for a node.

    Raises
    ------
    UserError
        If it is no node of the tree; with near names.
    """
    taxonomy.require(node)
    siblings = tuple(one for one in taxonomy.children(taxonomy.parents[node]) if one != node)
    inside = tuple(taxonomy.leaves.index(leaf) for leaf in taxonomy.leaves_under(node))
    outside = tuple(
        taxonomy.leaves.index(leaf) for one in siblings for leaf in taxonomy.leaves_under(one)
    )
    return Target(node, siblings, inside, outside)


def targets_below(taxonomy: Taxonomy, parent: str) -> tuple[Target, ...]:
    """Return the decisions between the children of a node, one for each child, in their order.

    Raises
    ------
    UserError
        If it is no node of the tree, or one without children.
    """
    if parent not in taxonomy.inner_nodes:
        raise unknown_name("decision of the class tree", parent, taxonomy.inner_nodes)
    return tuple(find_target(taxonomy, child) for child in taxonomy.children(parent))


def decision_words(taxonomy: Taxonomy, parent: str) -> str:
    """Return what is decided below a node: "adenocarcinoma or squamous_cell_carcinoma"."""
    between = " or ".join(taxonomy.children(parent))
    return between if parent == ROOT else f"{parent}: {between}"
