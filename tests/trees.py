"""Class trees for tests: a ragged one of three levels, and random ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from lcbench.taxonomy import ROOT, Taxonomy


def tree_of(parents: dict[str, str], **changes: Any) -> Taxonomy:
    fields = {"aliases": {node: (node,) for node in parents}, "negative": None, "subtypes_of": None}
    return Taxonomy("drawn", parents, **{**fields, **changes})


RAGGED = tree_of(
    {
        "squamous": "malignant",
        "benign": ROOT,
        "malignant": ROOT,
        "adeno": "malignant",
        "lepidic": "adeno",
        "solid": "adeno",
    }
)
"""Its leaves: squamous, benign, lepidic, solid."""


@st.composite
def random_trees(draw: st.DrawFn) -> Taxonomy:
    """Rooted trees of any depth, ragged, with the nodes listed in any order."""
    shape = draw(
        st.recursive(
            st.just([]),
            lambda below: st.lists(below, min_size=2, max_size=3),
            max_leaves=8,
        ).filter(bool)
    )
    parents: dict[str, str] = {}

    def place(children: list[Any], parent: str) -> None:
        for child in children:
            name = f"node{len(parents)}"
            parents[name] = parent
            place(child, name)

    place(shape, ROOT)
    order = draw(st.permutations(list(parents)))
    return tree_of({name: parents[name] for name in order})
