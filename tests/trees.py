"""Class trees for tests: a ragged one of three levels, and random ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from lcbench.taxonomy import ROOT, Taxonomy


def tree_of(parents: dict[str, str], **changes: Any) -> Taxonomy:
    """Return a class tree from the parent of each node."""
    fields = {"aliases": {node: (node,) for node in parents}, "negative": (), "subtypes_of": None}
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

Shape = list["Shape | None"]
"""A leaf is None, an inner node the list of its children."""

shapes = st.lists(
    st.recursive(st.none(), lambda inner: st.lists(inner, min_size=2, max_size=4), max_leaves=12),
    min_size=2,
    max_size=4,
)


def walk(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield the path of each node and whether it is a leaf."""
    for position, child in enumerate(shape):
        here = (*path, "/".join((*path[-1:], str(position))))
        yield here, child is None
        if child is not None:
            yield from walk(child, here)


@st.composite
def trees(draw: st.DrawFn) -> Taxonomy:
    """Draw a class tree: ragged, its nodes in any order, each of its options set or not.

    Costs stand between nodes of which neither is above the other, as a file may state them.
    """
    parents = _parents(draw(st.permutations(list(walk(draw(shapes))))))
    plain = Taxonomy("random", parents, {}, (), None)
    names = st.sampled_from(plain.nodes)
    inner = st.sampled_from((None, *plain.inner_nodes[1:]))
    pairs = draw(st.lists(st.tuples(names, names), max_size=4))
    costs: dict[str, dict[str, float]] = {}
    for true, answer in pairs:
        if not plain.is_under(true, answer) and not plain.is_under(answer, true):
            costs.setdefault(true, {})[answer] = draw(st.floats(0, 100))
    negative = _negative(plain, draw(st.lists(names, max_size=3)))
    return Taxonomy("random", parents, {}, negative, draw(inner), costs)


def _parents(nodes: list[tuple[tuple[str, ...], bool]]) -> dict[str, str]:
    return {path[-1]: path[-2] if len(path) > 1 else ROOT for path, _ in nodes}


def _negative(tree: Taxonomy, wanted: list[str]) -> tuple[str, ...]:
    """Return the wanted nodes that a file may name together."""
    chosen: list[str] = []
    for node in wanted:
        apart = not any(tree.is_under(*pair) for c in chosen for pair in ((node, c), (c, node)))
        leaves = {leaf for one in (*chosen, node) for leaf in tree.leaves_under(one)}
        if apart and leaves < set(tree.leaves):
            chosen.append(node)
    return tuple(chosen)


def random_trees() -> st.SearchStrategy[Taxonomy]:
    """Random class trees that state nothing but their nodes."""
    return trees().map(lambda tree: tree_of(tree.parents))
