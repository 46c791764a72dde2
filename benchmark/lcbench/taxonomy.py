"""The class tree: nodes, leaves, aliases of folder names, and the matrices metrics need."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lcbench.documents import read_toml
from lcbench.errors import UserError, unknown_name

ROOT = "root"
NOT = "not-"
"""How the name of what a node is not begins: `not-benign`."""
OR = " or "
"""What stands between several nodes in one name: `not-benign_lung or benign_colon`."""
_SHIPPED = Path(__file__).with_name("taxonomies")
_DEFAULT = "lung"
_OTHER_ERROR = 1.0
"""What an error costs that a file with costs does not speak of."""

_REMEDY = (
    'It needs name = "..." and one [nodes.NAME] table with parent = "..." a class. A child names '
    "its parent and has a table of its own; a NAME with a dot or a space stands in quotes."
)


def _several(names: object) -> object:
    """Return one name as a tuple of one."""
    return (names,) if isinstance(names, str) else names


_Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
_Cost = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class _NodeEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    parent: str
    aliases: _Names = ()


class _TaxonomyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    negative: _Names = ()
    subtypes_of: str | None = None
    nodes: dict[Annotated[str, Field(max_length=100)], _NodeEntry] = Field(
        min_length=2, max_length=1_000
    )
    costs: dict[str, dict[str, _Cost]] = {}


@dataclass(frozen=True)
class Taxonomy:
    """A rooted class tree of any depth; ragged trees are allowed.

    Parameters
    ----------
    name
        Name of the tree.
    parents
        Parent of each node, in the order of the file; `root` itself is not listed.
    aliases
        Normalised folder names of each node; a name may end in `*`.
    negative
        The nodes that mean "no finding" in screening, perhaps none; none lies below another.
    subtypes_of
        The inner node whose children are the subtypes that get confused, or None.
    costs
        What it costs to answer one node where another is true, by the true node and the answer;
        empty where every error costs what `cost` says without them.
    """

    name: str
    parents: dict[str, str]
    aliases: dict[str, tuple[str, ...]]
    negative: tuple[str, ...]
    subtypes_of: str | None
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Nodes without children, in the order of the file: the classes models predict."""
        inner = set(self.parents.values())
        return tuple(node for node in self.parents if node not in inner)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Every node but the root, in the order of the file."""
        return tuple(self.parents)

    @cached_property
    def inner_nodes(self) -> tuple[str, ...]:
        """The root and every node with children, parents before children."""
        inner = {ROOT, *self.parents.values()}
        return tuple(sorted(inner, key=lambda node: (self.depth(node), self._order(node))))

    def children(self, node: str) -> tuple[str, ...]:
        """Return the children of a node, in the order of the file."""
        return tuple(child for child, parent in self.parents.items() if parent == node)

    def path(self, node: str) -> tuple[str, ...]:
        """Return the nodes from below the root down to `node`; empty for the root."""
        steps: list[str] = []
        while node != ROOT:
            steps.append(node)
            node = self.parents[node]
        return tuple(reversed(steps))

    def depth(self, node: str) -> int:
        """Return the number of edges from the root."""
        return len(self.path(node))

    @cached_property
    def height(self) -> int:
        """Depth of the deepest leaf: the number of levels below the root."""
        return max(self.depth(leaf) for leaf in self.leaves)

    def ancestor_at(self, node: str, level: int) -> str | None:
        """Return the node at depth `level` on the path to `node`.

        A leaf that ends above `level` stands for itself there; an inner node says nothing about
        the levels below it, so the answer is None.
        """
        path = self.path(node)
        if len(path) >= level:
            return path[level - 1]
        return node if node in self.leaves else None

    def is_under(self, node: str, ancestor: str) -> bool:
        """Tell whether `node` is `ancestor` or lies below it."""
        return ancestor == ROOT or ancestor in self.path(node)

    def leaves_under(self, node: str) -> tuple[str, ...]:
        """Return the leaves that are `node` or lie below it."""
        return tuple(leaf for leaf in self.leaves if self.is_under(leaf, node))

    @cached_property
    def leaf_to_node(self) -> NDArray[np.float64]:
        """0/1 matrix, (leaves, nodes): 1 where the node is the leaf or an ancestor of it.

        Leaf probabilities times this matrix are node probabilities.
        """
        matrix = np.zeros((len(self.leaves), len(self.nodes)))
        for row, leaf in enumerate(self.leaves):
            for node in self.path(leaf):
                matrix[row, self.nodes.index(node)] = 1.0
        return matrix

    def lca_height(self, first: str, second: str) -> int:
        """Return the height of the lowest common ancestor of two nodes.

        The height of a node is the number of edges down to its deepest leaf (Bertinetto et al.,
        CVPR 2020, "Making better mistakes").
        """
        shared = 0
        for one, other in zip(self.path(first), self.path(second), strict=False):
            if one != other:
                break
            shared += 1
        ancestor = (ROOT, *self.path(first))[shared]
        return max(self.depth(leaf) for leaf in self.leaves_under(ancestor)) - shared

    def cost(self, label: str, answer: str) -> float:
        """Return what it costs to answer a leaf where the label is true; 0 where it is no error.

        Of the stated costs the one that speaks of the deepest nodes counts, the true one first;
        an error of which none speaks costs 1. Without stated costs an error costs the height of
        the lowest common ancestor (Karthik et al., ICLR 2021, "No cost likelihood manipulation at
        test time for making better mistakes").
        """
        if self.is_under(answer, label):
            return 0.0
        if not self.costs:
            return float(self.lca_height(label, answer))
        for true in reversed(self.path(label)):
            for said in reversed(self.path(answer)):
                if said in self.costs.get(true, {}):
                    return self.costs[true][said]
        return _OTHER_ERROR

    def find(self, folder_name: str) -> str | None:
        """Return the node that a folder name stands for, or None."""
        wanted = normalise(folder_name)
        exact = self._exact_names.get(wanted)
        if exact is not None:
            return exact
        for prefix, node in self._prefixes:
            if wanted.startswith(prefix):
                return node
        return None

    def require(self, node: str) -> str:
        """Return `node` if the tree has it.

        Raises
        ------
        UserError
            With the nearest names, if it does not.
        """
        if node not in self.parents:
            raise unknown_name(f"class of taxonomy {self.name!r}", node, self.nodes)
        return node

    @cached_property
    def _exact_names(self) -> dict[str, str]:
        names = {normalise(node): node for node in self.nodes}
        for node, aliases in self.aliases.items():
            names |= {alias: node for alias in aliases if not alias.endswith("*")}
        return names

    @cached_property
    def _prefixes(self) -> tuple[tuple[str, str], ...]:
        pairs = [
            (alias.removesuffix("*"), node)
            for node, aliases in self.aliases.items()
            for alias in aliases
            if alias.endswith("*")
        ]
        return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))

    def _order(self, node: str) -> int:
        return -1 if node == ROOT else self.nodes.index(node)


def normalise(folder_name: str) -> str:
    """Return a folder name without case and punctuation: `Squamous.cell` is `squamous cell`.

    Letters with accents compare equal whether they are stored as one character or as two.
    """
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", folder_name).casefold()))


def none_of(nodes: Sequence[str]) -> str:
    """Return the name of all that lies under none of the nodes: `not-benign`."""
    return NOT + OR.join(nodes)


def shipped_taxonomies() -> dict[str, Path]:
    """Return the class trees that come with lcbench, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"))}


def load_taxonomy(name_or_file: str | Path | None = None) -> Taxonomy:
    """Read a class tree by name or from a TOML file; the default is the lung tree.

    Raises
    ------
    UserError
        If there is no such tree, with near names; if the file cannot be read, or is not a tree: a
        parent that does not exist, a cycle, an inner node with one child, a folder name claimed
        twice.
    """
    path = _find_file(str(name_or_file or _DEFAULT))
    entries = read_toml(
        path,
        _TaxonomyFile,
        "a readable taxonomy",
        _REMEDY,
    )
    _check_tree(path, entries)
    return Taxonomy(
        name=entries.name,
        parents={name: node.parent for name, node in entries.nodes.items()},
        aliases={
            name: tuple(_normalise_alias(alias) for alias in node.aliases)
            for name, node in entries.nodes.items()
        },
        negative=entries.negative,
        subtypes_of=entries.subtypes_of,
        costs=entries.costs,
    )


def _find_file(name_or_file: str) -> Path:
    shipped = shipped_taxonomies()
    if name_or_file in shipped:
        return shipped[name_or_file]
    path = Path(name_or_file)
    if path.suffix or path.exists() or len(path.parts) > 1:
        return path
    raise unknown_name("taxonomy", name_or_file, shipped)


def _normalise_alias(alias: str) -> str:
    return f"{normalise(alias)} *" if alias.endswith("*") else normalise(alias)


def _check_tree(path: Path, entries: _TaxonomyFile) -> None:
    _check_edges(path, entries.nodes)
    _check_aliases(path, entries.nodes)
    named = [("negative", node) for node in entries.negative]
    if entries.subtypes_of is not None:
        named.append(("subtypes_of", entries.subtypes_of))
    for key, node in named:
        if node not in entries.nodes:
            raise _no_node(f"{path}: {key} = {node!r}", node, entries.nodes)
    parents = {name: node.parent for name, node in entries.nodes.items()}
    if entries.subtypes_of is not None and entries.subtypes_of not in parents.values():
        raise UserError(
            f"{path}: subtypes_of = {entries.subtypes_of!r} has no children",
            "Name the node whose children are the subtypes, or leave the key out.",
        )
    tree = Taxonomy(entries.name, parents, {}, entries.negative, None)
    _check_negative(path, tree)
    _check_costs(path, tree, entries.costs)


def _no_node(where: str, name: str, nodes: Iterable[str]) -> UserError:
    """Return the error for a name in a file that stands for no node, with the nearest ones."""
    return UserError(f"{where} is not one of the nodes", unknown_name("node", name, nodes).remedy)


def _check_name(path: Path, name: str) -> None:
    if name == ROOT:
        raise UserError(f"{path}: {ROOT!r} is the tree's own root and cannot be listed")
    if not name.isprintable():
        raise UserError(
            f"{path}: {name!r} is no name of a class: a character in it is invisible",
            "Type the name anew.",
        )
    if not normalise(name):
        raise UserError(f"{path}: {name!r} is no name of a class: it needs letters or digits")


def _check_edges(path: Path, nodes: dict[str, _NodeEntry]) -> None:
    children: dict[str, int] = {}
    for name, node in nodes.items():
        _check_name(path, name)
        if node.parent not in nodes and node.parent != ROOT:
            where = f"{path}: parent {node.parent!r} of {name!r}"
            raise _no_node(where, node.parent, [ROOT, *nodes])
        children[node.parent] = children.get(node.parent, 0) + 1
        step, seen = name, {name}
        while (step := nodes[step].parent) != ROOT:
            if step in seen:
                raise UserError(
                    f"{path}: {step!r} is its own ancestor",
                    f"Parents must lead up to {ROOT!r}.",
                )
            if step not in nodes:
                break
            seen.add(step)
    for parent, count in children.items():
        if count < 2:
            raise UserError(
                f"{path}: {parent!r} has one child only: a decision needs two",
                "Give it another child, or leave the child out and let its parent be the class.",
            )


def _check_aliases(path: Path, nodes: dict[str, _NodeEntry]) -> None:
    owner: dict[str, str] = {}
    for name in nodes:
        if owner.setdefault(normalise(name), name) != name:
            raise UserError(f"{path}: {owner[normalise(name)]!r} and {name!r} are the same name")
    for name, node in nodes.items():
        for stated in node.aliases:
            alias = _normalise_alias(stated)
            if not alias.strip(" *"):
                raise UserError(
                    f"{path}: alias {stated!r} of {name!r} fits no name of a folder",
                    "Case and punctuation do not count: it needs letters or digits.",
                )
            if owner.setdefault(alias, name) != name:
                raise UserError(f"{path}: {alias!r} stands for both {owner[alias]!r} and {name!r}")


def _check_negative(path: Path, tree: Taxonomy) -> None:
    for place, node in enumerate(tree.negative):
        others = tree.negative[:place] + tree.negative[place + 1 :]
        if node in others:
            raise UserError(f"{path}: negative names {node!r} twice", "Name each node once.")
        above = next((other for other in others if tree.is_under(node, other)), None)
        if above is not None:
            raise UserError(
                f"{path}: negative names {node!r}, which {above!r} holds already",
                "Name each part of the tree once.",
            )
    found = {leaf for node in tree.negative for leaf in tree.leaves_under(node)}
    if found == set(tree.leaves):
        raise UserError(
            f"{path}: negative names every class, so that nothing is left to be found",
            "Name the nodes that mean no finding only.",
        )


def _check_costs(path: Path, tree: Taxonomy, costs: Mapping[str, Mapping[str, float]]) -> None:
    for true, answers in costs.items():
        for name in (true, *answers):
            if name not in tree.parents:
                raise _no_node(f"{path}: costs: {name!r}", name, tree.nodes)
        for answer in answers:
            if tree.is_under(answer, true) or tree.is_under(true, answer):
                raise UserError(
                    f"{path}: costs: to answer {answer!r} where {true!r} is true is no error",
                    "A cost stands between two nodes of which neither is above the other.",
                )
