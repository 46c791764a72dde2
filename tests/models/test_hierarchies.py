"""Hierarchies: what enters a decision, and the decisions of other software on random trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.features.samples import Samples
from lcbench.models.hierarchies import Hierarchy, HierarchyName, find_hierarchy, is_joint
from lcbench.statistics.decision_rules import decide
from lcbench.taxonomy import ROOT, Taxonomy, load_taxonomy

from ..trees import RAGGED, random_trees, tree_of

MakeSamples = Callable[..., Samples]
NAMES = get_args(HierarchyName)


def entering(hierarchy: Hierarchy, samples: Samples, tree: Taxonomy) -> dict[str, dict[str, Any]]:
    """The labels that enter each network, and the outputs that each of them allows."""
    found = {}
    for part in hierarchy.parts:
        labels = part.concerned(samples, tree).labels
        rows = part.allowed(labels, tree)
        found[part.name] = {
            str(label): "".join("+" if one else "-" for one in row)
            for label, row in zip(labels, rows, strict=True)
        }
    return found


def test_what_each_network_learns_from_each_label(given_samples: MakeSamples) -> None:
    """Labels that are too coarse for a decision do not enter it; a joint one takes them all."""
    samples = given_samples(RAGGED.nodes, np.zeros((len(RAGGED.nodes), 1)))
    below = {"squamous": "+-", "adeno": "-+", "lepidic": "-+", "solid": "-+"}
    everything = {
        "squamous": "+---", "benign": "-+--", "malignant": "+-++", "adeno": "--++",
        "lepidic": "--+-", "solid": "---+",
    }  # fmt: skip
    wanted = {
        "flat": {"all": everything},
        "multi-head": {"all": everything},
        "cascade": {
            "root": {"benign": "+-", "malignant": "-+", **dict.fromkeys(below, "-+")},
            "malignant": below,
            "adeno": {"lepidic": "+-", "solid": "-+"},
        },
        "per-level": {
            "level-1": {"benign": "+-", "malignant": "-+", **dict.fromkeys(below, "-+")},
            "level-2": {
                "squamous": "+--", "benign": "-+-", "adeno": "--+", "lepidic": "--+",
                "solid": "--+",
            },
            "level-3": {label: everything[label] for label in RAGGED.leaves},
        },
        "per-node": {
            "benign": {"benign": "+-", "malignant": "-+", **dict.fromkeys(below, "-+")},
            "malignant": {"benign": "-+", "malignant": "+-", **dict.fromkeys(below, "+-")},
            "squamous": below,
            "adeno": {"squamous": "-+", **dict.fromkeys(("adeno", "lepidic", "solid"), "+-")},
            "lepidic": {"lepidic": "+-", "solid": "-+"},
            "solid": {"lepidic": "-+", "solid": "+-"},
        },
    }  # fmt: skip
    assert set(wanted) == set(NAMES)
    for name in NAMES:
        assert entering(find_hierarchy(name, RAGGED), samples, RAGGED) == wanted[name]


@given(tree=random_trees(), name=st.sampled_from(NAMES), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_whatever_networks_say_the_leaves_are_a_distribution(
    tree: Taxonomy, name: HierarchyName, seed: int
) -> None:
    random = np.random.default_rng(seed)
    hierarchy = find_hierarchy(name, tree)
    decisions = [np.log(random.dirichlet(np.ones(len(p.options)), 7)) for p in hierarchy.parts]
    leaves = np.exp(hierarchy.combine(decisions))
    np.testing.assert_allclose(leaves.sum(axis=1), 1, atol=1e-9)
    assert len({part.name for part in hierarchy.parts}) == len(hierarchy.parts)


@given(tree=random_trees(), name=st.sampled_from(NAMES[2:]), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_sums_of_leaves_give_back_what_was_said_among_siblings(
    tree: Taxonomy, name: HierarchyName, seed: int
) -> None:
    """So that probabilities are consistent along the tree, whatever the networks said."""
    random = np.random.default_rng(seed)
    hierarchy = find_hierarchy(name, tree)
    said = [random.dirichlet(np.ones(len(p.options)), 7) for p in hierarchy.parts]
    nodes = np.exp(hierarchy.combine([np.log(one) for one in said])) @ tree.leaf_to_node
    of_node: dict[str, np.ndarray] = {}
    for part, chances in zip(hierarchy.parts, said, strict=True):
        for column, (node, *_) in enumerate(part.options):
            level = f"level-{tree.depth(node)}"
            if part.name in (level, node, tree.parents[node]):
                of_node.setdefault(node, chances[:, column])
    for parent in tree.inner_nodes:
        children = tree.children(parent)
        columns = [tree.nodes.index(child) for child in children]
        found = nodes[:, columns] / nodes[:, columns].sum(axis=1, keepdims=True)
        wanted = np.stack([of_node[child] for child in children], axis=1)
        np.testing.assert_allclose(found, wanted / wanted.sum(axis=1, keepdims=True), rtol=1e-7)
        if parent != ROOT:
            whole = nodes[:, tree.nodes.index(parent)]
            np.testing.assert_allclose(nodes[:, columns].sum(axis=1), whole, rtol=1e-7)


def test_on_one_level_all_hierarchies_of_local_classifiers_are_one_softmax() -> None:
    flat = tree_of(dict.fromkeys("abc", ROOT))
    softmax = np.log(np.random.default_rng(0).dirichlet(np.ones(3), 5))
    for name in ("flat", "cascade", "per-level"):
        np.testing.assert_allclose(find_hierarchy(name, flat).combine([softmax]), softmax)


def test_only_joint_networks_decide_between_all_leaves() -> None:
    lung = load_taxonomy()
    for name in NAMES:
        parts = find_hierarchy(name, lung).parts
        assert is_joint(name) == (len(parts) == 1 and parts[0].joint)


def full_paths(tree: Taxonomy, leaves: list[str]) -> np.ndarray:
    """Labels as hiclass wants them: a column a level, empty below a leaf."""
    rows = [[*tree.path(leaf), *[""] * (tree.height - tree.depth(leaf))] for leaf in leaves]
    return np.array(rows, dtype=object)


def decisions_of_hiclass(
    name: HierarchyName, fitted: Any, tree: Taxonomy, points: np.ndarray
) -> list[np.ndarray]:
    """What hiclass's own local classifiers say, in the order of our networks."""

    def graph(node: str) -> Any:
        path = [*tree.path(node)]
        return fitted.separator_.join(path) if path else fitted.root_

    def columns(classifier: Any, nodes: list[str]) -> np.ndarray:
        chances = classifier.predict_proba(points)
        wanted = [list(classifier.classes_).index(graph(node)) for node in nodes]
        return np.asarray(np.log(chances[:, wanted]))

    if name == "cascade":
        return [
            columns(fitted.hierarchy_.nodes[graph(node)]["classifier"], [*tree.children(node)])
            for node in tree.inner_nodes
        ]
    if name == "per-node":
        found = []
        for part in find_hierarchy(name, tree).parts:
            classifier = fitted.hierarchy_.nodes[graph(part.name)]["classifier"]
            own = classifier.predict_proba(points)[:, list(classifier.classes_).index(1)]
            found.append(np.log(np.stack([own, 1 - own], axis=1)))
        return found
    found = []
    for level, classifier in enumerate(fitted.local_classifiers_, start=1):
        options = [option[0] for option in find_hierarchy(name, tree).parts[level - 1].options]
        table = np.full((len(points), len(options)), -np.inf)  # leaves that ended above stay out
        own = [column for column, node in enumerate(options) if tree.depth(node) == level]
        table[:, own] = columns(classifier, [options[column] for column in own])
        found.append(table)
    return found


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("cascade", "LocalClassifierPerParentNode"),
        ("per-node", "LocalClassifierPerNode"),
        ("per-level", "LocalClassifierPerLevel"),
    ],
)
def test_the_same_local_probabilities_give_the_decisions_of_hiclass(
    name: HierarchyName, theirs: str
) -> None:
    """On random trees, with the same logistic regressions; hiclass decides top-down."""
    hiclass = pytest.importorskip("hiclass", reason="hiclass is not installed: pip install hiclass")
    from sklearn.linear_model import LogisticRegression

    checked = 0

    @given(tree=random_trees(), seed=st.integers(0, 99))
    @settings(max_examples=15, deadline=None, database=None)
    def compare(tree: Taxonomy, seed: int) -> None:
        nonlocal checked
        random = np.random.default_rng(seed)
        leaves = list(tree.leaves) * 8
        centres = dict(zip(tree.leaves, random.normal(size=(len(tree.leaves), 3)), strict=True))
        points = np.array([centres[leaf] for leaf in leaves]) + random.normal(size=(len(leaves), 3))
        local = LogisticRegression()
        options = {"binary_policy": "siblings"} if name == "per-node" else {}
        fitted = getattr(hiclass, theirs)(local_classifier=local, **options)
        fitted.fit(points, full_paths(tree, leaves))
        new = random.normal(size=(50, 3)) * 2
        expected = [
            [node for node in row if node][-1] for row in fitted.predict(new).reshape(50, -1)
        ]
        decisions = decisions_of_hiclass(name, fitted, tree, new)
        leaf = np.exp(find_hierarchy(name, tree).combine(decisions))
        found = [tree.leaves[code] for code in decide("top-down", leaf, tree)]
        assert found == expected
        checked += 1

    compare()
    assert checked >= 10
