import numpy as np
import pytest
from hypothesis import given, settings

from lcbench.errors import UserError
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import ROOT, load_taxonomy

from ..trees import trees
from .helpers import tree_of

LUNG = ClassTree.of(load_taxonomy())


def options_of(tree):
    return {one.node: one.options for one in tree.decisions}


def test_the_default_tree():
    assert LUNG.nodes == (*LUNG.leaves, "malignant")
    assert LUNG.codes(["malignant", "benign", "squamous_cell_carcinoma"]).tolist() == [3, 0, 2]
    assert LUNG.codes([]).shape == (0,)
    assert options_of(LUNG) == {
        ROOT: ("benign", "malignant"),
        "malignant": ("adenocarcinoma", "squamous_cell_carcinoma"),
    }
    assert LUNG.headline is LUNG.decisions[1]
    root, subtypes = LUNG.decisions
    assert (root.true_option.tolist(), root.leaf_option.tolist()) == ([0, 1, 1, 1], [0, 1, 1])
    assert subtypes.true_option.tolist() == [-1, 0, 1, -1]
    (malignant,) = LUNG.detections
    assert (malignant.node, malignant.true_option.tolist()) == ("malignant", [1, 0, 0, 0])
    assert LUNG.mistake_heights.tolist() == [[0, 2, 2], [2, 0, 1], [2, 1, 0], [2, 0, 0]]
    with pytest.raises(UserError, match="unknown class"):
        LUNG.codes(["benign", "adenocarcinom"])


def test_a_tree_of_depth_3(deep):
    tree = ClassTree.of(deep)
    assert tree.nodes == (*tree.leaves, "malignant", "non_small_cell")
    assert options_of(tree) == {
        ROOT: ("benign", "malignant"),
        "malignant": ("small_cell", "non_small_cell"),
        "non_small_cell": ("adeno", "squamous"),
    }
    assert tree.headline.true_option.tolist() == [-1, 0, 1, 1, -1, 1]
    assert tree.headline.leaf_option.tolist() == [-1, 0, 1, 1]
    assert [one.node for one in tree.detections] == ["malignant", "non_small_cell"]
    assert tree.detections[1].true_option.tolist() == [1, 1, 0, 0, -1, 0]


@pytest.mark.parametrize(
    ("parents", "negative", "decisions", "detections"),
    [
        # To be wrong among all leaves is any error, so a flat tree has no decision of its own.
        (dict.fromkeys("abc", ROOT), (), {}, []),
        (dict.fromkeys("abc", ROOT), ("b",), {"not-b": ("b", "not-b")}, ["not-b"]),
        (dict.fromkeys("ab", ROOT), ("a",), {}, ["b"]),
        (
            {"x": ROOT, "y": ROOT, "a": "x", "b": "x", "c": "y", "d": "y"},
            ("y",),
            {ROOT: ("x", "y"), "x": ("a", "b"), "y": ("c", "d")},
            ["x", "y"],
        ),
        (
            {"x": ROOT, "a": ROOT, "b": "x", "c": "x"},
            ("b",),
            {ROOT: ("x", "a"), "x": ("b", "c"), "not-b": ("b", "not-b")},
            ["x", "not-b"],
        ),
        # Several nodes together, which no inner node parts from the rest.
        (
            {"x": ROOT, "y": ROOT, "a": "x", "b": "x", "c": "y", "d": "y"},
            ("a", "c"),
            {
                ROOT: ("x", "y"),
                "x": ("a", "b"),
                "y": ("c", "d"),
                "not-a or c": ("a or c", "not-a or c"),
            },
            ["x", "y", "not-a or c"],
        ),
        # Together they are all but one node: that is what is looked for.
        (
            {"x": ROOT, "y": ROOT, "z": ROOT, "a": "z", "b": "z"},
            ("x", "y"),
            {ROOT: ("x", "y", "z"), "z": ("a", "b"), "not-x or y": ("x or y", "not-x or y")},
            ["z"],
        ),
    ],
)
def test_the_negative_class_against_the_rest(parents, negative, decisions, detections):
    tree = tree_of(parents, negative)
    assert options_of(tree) == decisions
    assert [one.node for one in tree.detections] == detections
    assert tree.headline is None
    if negative:
        under = [leaf for node in negative for leaf in tree.taxonomy.leaves_under(node)]
        inside = {tree.leaves.index(leaf) for leaf in under}
        sides = [set(np.flatnonzero(one.leaf_option == 1)) for one in tree.detections]
        assert inside in sides  # what is not detected is negative


@settings(max_examples=30)
@given(trees())
def test_what_holds_for_every_tree(taxonomy):
    tree = ClassTree.of(taxonomy)
    assert sorted(tree.nodes) == sorted(taxonomy.nodes)
    assert tree.codes(tree.nodes).tolist() == list(range(len(tree.nodes)))
    for decision in (*tree.decisions, *tree.detections, *tree.gates, *tree.levels):
        named = {k: name for k, name in enumerate(decision.options) if name in taxonomy.nodes}
        for node, option in zip(tree.nodes, decision.true_option, strict=True):
            above = {k for k, name in named.items() if taxonomy.is_under(node, name)}
            assert above == ({option} & set(named))
        np.testing.assert_array_equal(
            decision.leaf_option, decision.true_option[: len(tree.leaves)]
        )
        assert set(range(len(decision.options))) <= set(decision.leaf_option)
        coarser = len(decision.options) < len(tree.leaves)
        assert coarser or decision in tree.detections
        assert not (decision.right & decision.confused).any()
        assert not (decision.right & ~decision.asked).any()
        assert not (decision.confused & tree.under).any()
    leaves = slice(len(tree.leaves))
    np.testing.assert_array_equal(tree.under[leaves], np.eye(len(tree.leaves), dtype=bool))
    np.testing.assert_array_equal(tree.mistake_heights == 0, tree.under)
    assert tree.mistake_heights.max() == taxonomy.height
    # Twice the shared nodes make up both paths where nothing is wrong, and only there.
    np.testing.assert_array_equal(2 * tree.shared_nodes == tree.path_nodes, tree.under)
    assert (2 * tree.shared_nodes <= tree.path_nodes).all()


def test_costs_stand_by_node_and_leaf():
    assert LUNG.costs.tolist() == [[0, 2, 2], [2, 0, 1], [2, 1, 0], [2, 0, 0]]
