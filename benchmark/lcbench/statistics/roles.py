"""The part that each leaf of a class tree plays in metrics and events."""

from __future__ import annotations

from dataclasses import dataclass

from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class Roles:
    """The leaves that metrics and events speak of, as indices.

    Parameters
    ----------
    leaves
        Names of the leaves.
    negative
        Leaves that mean "no finding"; empty where the tree names none.
    subtypes
        Leaves that are subtypes; empty where the tree names none.
    """

    leaves: tuple[str, ...]
    negative: tuple[int, ...]
    subtypes: tuple[int, ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> Roles:
        """Return the roles of a class tree's leaves."""

        def under(node: str | None) -> tuple[int, ...]:
            inside = () if node is None else taxonomy.leaves_under(node)
            return tuple(taxonomy.leaves.index(leaf) for leaf in inside)

        return cls(taxonomy.leaves, under(taxonomy.negative), under(taxonomy.subtypes_of))
