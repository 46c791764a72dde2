"""Levels, gates, parts of the errors and paths of random trees, against plain loops over names."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from lcbench.statistics.answers import Answers, Question
from lcbench.statistics.design import Design
from lcbench.statistics.hierarchy import labels_at_level, nodes_at_level, predicted_at_level
from lcbench.statistics.intervals import intervals
from lcbench.statistics.metrics import ratio
from lcbench.statistics.registry import METRICS
from lcbench.statistics.standard import answers_panel
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import ROOT, load_taxonomy

from .helpers import tree_of, trees

LUNG = ClassTree.of(load_taxonomy())
IMAGES = 60
seeds = st.integers(0, 10**6)


class Case:
    """Images of a random model: labels are any nodes, a leaf more often than not."""

    def __init__(self, tree, seed, rule="sums"):
        rng = np.random.default_rng(seed)
        self.tree, self.taxonomy = tree, tree.taxonomy
        size = len(tree.leaves)
        coarse = rng.integers(0, len(tree.nodes), IMAGES)
        self.codes = np.where(rng.random(IMAGES) < 0.3, coarse, rng.integers(0, size, IMAGES))
        chances = rng.dirichlet(np.full(size, 0.7), IMAGES)
        chances += 0.6 * np.eye(len(tree.nodes))[self.codes][:, :size]
        self.chances = chances / chances.sum(axis=1, keepdims=True)
        self.predicted = self.chances.argmax(axis=1)
        if rule == "own rule":
            self.predicted = np.where(
                rng.random(IMAGES) < 0.3, rng.integers(0, size, IMAGES), self.predicted
            )
        given_chances = None if rule == "no probabilities" else self.chances
        self.answers = Answers(tree, self.codes, self.predicted, given_chances)
        self.true = [tree.nodes[code] for code in self.codes]
        self.said = self.named(self.predicted)

    def named(self, codes):
        return [self.tree.leaves[code] for code in codes]

    def under(self, node, ancestor):
        return self.taxonomy.is_under(node, ancestor)

    def wrong(self):
        return [not self.under(b, a) for a, b in zip(self.true, self.said, strict=True)]

    def values(self):
        panel = answers_panel(
            self.answers, np.arange(IMAGES), np.zeros(IMAGES, int), Design(IMAGES)
        )
        return dict(zip((one.key for one in panel.measures), panel.on_all(), strict=True))

    def sides(self, node):
        """Return per image whether its label lies in a node; None where that is not fixed."""
        return [self.side(node, label) for label in self.true]

    def side(self, node, label):
        below = set(self.taxonomy.leaves_under(label))
        inside = {
            leaf
            for name in node.removeprefix("not-").split(" or ")
            for leaf in self.taxonomy.leaves_under(name)
        }
        if below & inside and below - inside:
            return None
        return bool(below & inside) != node.startswith("not-")

    def called(self, node, answers):
        return [self.side(node, answer) is True for answer in answers]

    def level_of(self, node):
        """Return the first level of which every node lies on one side."""
        return next(
            level
            for level in range(1, self.taxonomy.height + 1)
            if None not in [self.side(node, one) for one in nodes_at_level(self.taxonomy, level)]
        )


def share(values):
    values = list(values)
    return sum(values) / len(values) if values else math.nan


def same(found, expected):
    return found == pytest.approx(expected, nan_ok=True, abs=1e-9)


# levels


@settings(max_examples=25)
@given(trees(least_height=2), seeds)
def test_levels_are_scored_by_their_summed_answers(tree, seed):
    case = Case(tree, seed)
    found = case.values()
    for level in range(1, tree.taxonomy.height):
        of = f"level {level}"
        fixed = labels_at_level(case.true, case.taxonomy, level)
        said = predicted_at_level(case.chances, case.taxonomy, level)
        rows = [row for row, node in enumerate(fixed) if node is not None]
        true, answers = [fixed[row] for row in rows], [said[row] for row in rows]
        assert same(found["level_accuracy", of], share(np.equal(true, answers)))
        assert same(found["level_macro_f1", of], sk.f1_score(true, answers, average="macro"))
        recalls = sk.recall_score(true, answers, average=None, labels=sorted(set(true)))
        assert same(found["level_balanced_accuracy", of], np.mean(recalls))
        losses = [
            -math.log(
                sum(
                    case.chances[row, code]
                    for code, leaf in enumerate(tree.leaves)
                    if case.under(leaf, node)
                )
            )
            for row, node in zip(rows, true, strict=True)
        ]
        assert found["level_log_loss", of] == pytest.approx(share(losses))
        assert 0 <= found["level_calibration_error", of] <= 1


@pytest.mark.parametrize("rule", ["own rule", "no probabilities"])
@given(trees(least_height=2), seeds)
@settings(max_examples=15)
def test_other_answers_at_a_level_are_where_the_predicted_leaf_lies(rule, tree, seed):
    case = Case(tree, seed, rule)
    if case.answers.basis != rule:  # the drawn answers happen to be the most probable ones
        return
    found = case.values()
    for level in range(1, tree.taxonomy.height):
        fixed = labels_at_level(case.true, case.taxonomy, level)
        said = [case.taxonomy.ancestor_at(leaf, level) for leaf in case.said]
        right = [a == b for a, b in zip(fixed, said, strict=True) if a is not None]
        assert same(found["level_accuracy", f"level {level}"], share(right))
    if rule == "own rule":
        assert found["path_consistency", ""] == 1
    else:
        behind = {"true_gate_accuracy", "perfect_gate_accuracy", "path_consistency"}
        assert not {key.metric for key in found} & {*behind, "level_log_loss"}


@settings(max_examples=25)
@given(trees(least_height=2), seeds)
def test_answers_lie_on_one_path_where_each_is_above_the_next(tree, seed):
    case = Case(tree, seed)
    levels = range(1, tree.taxonomy.height)
    columns = [predicted_at_level(case.chances, case.taxonomy, level) for level in levels]
    on_path = [
        all(case.under(low, high) for high, low in pairwise(answers))
        for answers in zip(*columns, case.said, strict=True)
    ]
    assert same(case.values()["path_consistency", ""], share(on_path))


# gates


@settings(max_examples=25)
@given(trees(least_height=2), seeds)
def test_gates_open_by_the_answer_at_their_level(tree, seed):
    case = Case(tree, seed)
    found = case.values()
    for node in (one.node for one in tree.detections):
        level = case.level_of(node)
        called = case.called(node, predicted_at_level(case.chances, case.taxonomy, level))
        sides = case.sides(node)
        pairs = list(zip(sides, called, strict=True))
        sensitivity = share(said for side, said in pairs if side is True)
        specificity = share(not said for side, said in pairs if side is False)
        assert same(found["gate_sensitivity", node], sensitivity)
        assert same(found["gate_specificity", node], specificity)


@settings(max_examples=25)
@given(trees(least_height=2), seeds)
def test_subtypes_behind_the_true_and_the_predicted_gate(tree, seed):
    case = Case(tree, seed)
    found = case.values()
    for node in case.taxonomy.inner_nodes[1:]:
        level = case.taxonomy.depth(node)
        children = case.taxonomy.children(node)
        below = [tree.nodes.index(child) for child in children]
        columns = np.array(
            [[case.under(leaf, child) for child in children] for leaf in tree.leaves]
        )
        best = (case.chances @ columns).argmax(axis=1)
        called = predicted_at_level(case.chances, case.taxonomy, level)
        right = {"true": [], "predicted": []}
        for row, label in enumerate(case.true):
            if label != node and case.under(label, node):
                is_right = case.under(label, tree.nodes[below[best[row]]])
                right["true"].append(is_right)
                if called[row] == node:
                    right["predicted"].append(is_right)
        for gate, values in right.items():
            assert same(found[f"{gate}_gate_accuracy", node], share(values))


@pytest.mark.parametrize("rule", ["sums", "own rule"])
@settings(max_examples=25)
@given(trees(least_height=2), seeds)
def test_a_perfect_gate_puts_every_image_on_its_side(rule, tree, seed):
    case = Case(tree, seed, rule)
    found = case.values()
    for node in (one.node for one in tree.detections):
        inside = case.called(node, tree.leaves)
        right = []
        for row, (label, side) in enumerate(zip(case.true, case.sides(node), strict=True)):
            if label in tree.leaves:
                answer = case.predicted[row]
                if inside[answer] != side:
                    allowed = np.where(np.equal(inside, side), case.chances[row], -1)
                    answer = int(allowed.argmax())
                right.append(tree.leaves[answer] == label)
        assert same(found["perfect_gate_accuracy", node], share(right))
        if right:
            assert found["perfect_gate_accuracy", node] >= found["accuracy", ""]


# errors


@settings(max_examples=30)
@given(trees(), seeds, st.sampled_from(["sums", "own rule", "no probabilities"]))
def test_the_parts_of_the_errors_add_up(tree, seed, rule):
    case = Case(tree, seed, rule)
    found, errors = case.values(), sum(case.wrong())
    gates = {one.node for one in tree.gates}
    for node in (one.node for one in tree.detections):
        parts = ["missed", "false_alarms", "other_errors"]
        parts += ["confusions"] if node in gates else []
        for whole, size in (("all", IMAGES), ("errors", errors)):
            shares = [found.get((f"{part}_of_{whole}", node), 0.0) for part in parts]
            if size:
                assert sum(shares) * size == pytest.approx(errors)
        sides, called = case.sides(node), case.called(node, case.said)
        pairs = list(zip(sides, called, strict=True))
        missed = sum(side is True and not said for side, said in pairs)
        alarms = sum(side is False and said for side, said in pairs)
        assert found["missed_of_all", node] * IMAGES == pytest.approx(missed)
        assert found["false_alarms_of_all", node] * IMAGES == pytest.approx(alarms)


@settings(max_examples=30)
@given(trees(least_height=2), seeds)
def test_every_error_is_a_confusion_at_one_node(tree, seed):
    case = Case(tree, seed)
    found = case.values()
    nodes = case.taxonomy.inner_nodes
    confusions = sum(found["confusions_of_all", node] for node in nodes)
    assert confusions == pytest.approx(share(case.wrong()))


# paths


def hierarchical(pairs):
    """Return precision, recall and F of pairs of node sets, truth first."""
    shared = sum(len(true & said) for true, said in pairs)
    true, said = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    precision, recall = shared / said, shared / true
    return precision, recall, 2 * shared / (true + said)


def node_sets(case):
    """Return the nodes of truth and answer; what lies below a coarse label is not asked."""
    for label, answer in zip(case.true, case.said, strict=True):
        known = label if case.under(answer, label) else answer
        yield set(case.taxonomy.path(label)), set(case.taxonomy.path(known))


@settings(max_examples=25)
@given(trees(least_height=2), seeds)
def test_hierarchical_scores_and_heights_from_paths(tree, seed):
    case = Case(tree, seed)
    found, pairs = case.values(), list(node_sets(case))
    keys = ["hierarchical_precision", "hierarchical_recall", "hierarchical_f"]
    micro, each = hierarchical(pairs), np.array([hierarchical([pair]) for pair in pairs])
    for key, total, mean in zip(keys, micro, each.mean(axis=0), strict=True):
        assert found[key, ""] == pytest.approx(total)
        assert found[f"{key}_macro", ""] == pytest.approx(mean)
    wrong = np.array(case.wrong())
    heights = [
        case.taxonomy.lca_height(label, answer) if off else 0
        for label, answer, off in zip(case.true, case.said, wrong, strict=True)
    ]
    assert found["lca_height", ""] == pytest.approx(np.mean(heights))
    severity = float(ratio(np.sum(heights), wrong.sum())) if wrong.any() else math.nan
    assert same(found["mistake_severity", ""], severity)


@pytest.mark.filterwarnings("ignore:F-score is ill-defined")
@settings(max_examples=15)
@given(trees(least_height=2), seeds)
def test_hierarchical_scores_are_hiclasss(tree, seed):
    theirs = pytest.importorskip("hiclass.metrics", reason="hiclass is not installed: an oracle")
    case = Case(tree, seed)
    case.codes = case.codes % len(tree.leaves)  # hiclass takes a leaf for every label
    case.answers = Answers(tree, case.codes, case.predicted, case.chances)
    found, height = case.values(), case.taxonomy.height

    def padded(leaves):
        return np.array(
            [[*(p := case.taxonomy.path(one)), *[""] * (height - len(p))] for one in leaves]
        )

    pair = padded(case.named(case.codes)), padded(case.said)
    for key, function in (
        ("precision", theirs.precision),
        ("recall", theirs.recall),
        ("f", theirs.f1),
    ):
        key = f"hierarchical_{key}"
        assert found[key, ""] == pytest.approx(function(*pair, average="micro"))
        assert found[f"{key}_macro", ""] == pytest.approx(function(*pair, average="macro"))


def test_hierarchical_scores_of_the_lung_tree_are_hiclasss(oracle):
    numbers = oracle("hierarchical.json")
    full = {"squamous": "squamous_cell_carcinoma"}
    truth = [full.get(node, node) for node in numbers["truth"]]
    mistakes = (0, "squamous"), (0, "benign"), (2, "adenocarcinoma")
    for case, (row, wrong) in zip(numbers["one_error_each"], mistakes, strict=True):
        predicted = LUNG.codes([*truth[:row], full.get(wrong, wrong), *truth[row + 1 :]])
        panel = answers_panel(
            Answers(LUNG, LUNG.codes(truth), predicted, None),
            np.zeros(4, int), np.zeros(4, int), Design(1),
        )  # fmt: skip
        found = dict(zip((one.key for one in panel.measures), panel.on_all(), strict=True))
        for letter, key in (("P", "precision"), ("R", "recall"), ("F", "f")):
            micro, macro = case["micro"][f"h{letter}"], case["macro"]
            assert found[f"hierarchical_{key}", ""] == pytest.approx(micro, abs=5e-5)
            assert found[f"hierarchical_{key}_macro", ""] == pytest.approx(macro, abs=5e-5)


def test_costs_that_the_tree_states_are_averaged():
    parents = {"a": ROOT, "x": ROOT, "b": "x", "c": "x"}
    tree = tree_of(parents, costs={"x": {"a": 9.0}, "a": {"x": 2.0}})
    case = Case(tree, 3)
    price = {("b", "a"): 9, ("c", "a"): 9, ("x", "a"): 9, ("a", "b"): 2, ("a", "c"): 2}
    price |= {("b", "c"): 1, ("c", "b"): 1}
    costs = [price.get(pair, 0) for pair in zip(case.true, case.said, strict=True)]
    assert case.values()["expected_cost", ""] == pytest.approx(np.mean(costs))
    assert not any(key.metric == "expected_cost" for key in Case(LUNG, 3).values())


# what is left out, and intervals


def test_a_tree_with_one_level_has_nothing_of_levels():
    flat = tree_of(dict.fromkeys("abc", ROOT), ("b",))
    new = {key.metric for key in Case(flat, 0).values()} - {"confusions_of_all"}
    assert {"missed_of_all", "false_alarms_of_errors"} <= new
    words = (
        "level_",
        "gate_",
        "true_gate",
        "predicted_gate",
        "perfect_gate",
        "hierarchical",
        "path",
    )
    assert not [metric for metric in new if metric.startswith(words)]
    assert not {"lca_height", "mistake_severity"} & new


def test_errors_that_a_tree_cannot_have_are_left_out(deep):
    assert not METRICS["other_errors_of_all"].speaks_of(LUNG)
    tree = ClassTree.of(deep)
    assert set(METRICS["other_errors_of_all"].speaks_of(tree)) == {"malignant", "non_small_cell"}


@pytest.mark.parametrize("rule", ["sums", "own rule"])
@settings(max_examples=8)
@given(trees(least_height=2), seeds)
def test_every_number_has_limits_within_its_bounds(rule, tree, seed):
    case = Case(tree, seed, rule)
    units = np.arange(IMAGES) // 4
    panel = answers_panel(case.answers, units, np.zeros(IMAGES, int), Design(IMAGES // 4))
    found = intervals(panel)
    for one in panel.measures:
        estimate, (low, high) = found[one.key], one.bounds
        assert one.groups == estimate.groups
        if estimate.low is not None:
            assert low <= estimate.low <= estimate.value <= estimate.high <= high, one.key


def test_equal_sums_are_equal_whatever_their_rounding():
    # 0.1 + 0.2 is not 0.3 in floats: it must not decide the level.
    chances = np.array([[0.3, 0.1, 0.2], [0.3, 0.2, 0.1]]) / 0.6
    answers = Answers(LUNG, np.array([0, 0]), np.array([0, 0]), chances)
    assert answers.to(Question("level", 1)).tolist() == [0, 0]
    assert answers.to(Question("path")).tolist() == [0, 0]


def test_probabilities_rounded_before_they_were_stored_are_no_rule_of_ones_own():
    chances = np.array([[0.3333334, 0.3333333, 0.3333333]])
    assert Answers(LUNG, np.array([0]), np.array([1]), chances).basis == "sums"
    assert (
        Answers(LUNG, np.array([0]), np.array([1]), np.array([[0.4, 0.3, 0.3]])).basis == "own rule"
    )
