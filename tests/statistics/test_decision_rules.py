"""Decision rules: by hand, by their definitions on random trees, and what contradicts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.statistics.decision_rules import RULES, DecisionRule, contradicts, decide
from lcbench.taxonomy import ROOT, Taxonomy, load_taxonomy

from ..trees import RAGGED, random_trees, tree_of

LUNG = load_taxonomy()
KARTHIK = tree_of(
    {
        "plant": ROOT, "vehicle": ROOT, "rose": "plant", "lily": "plant", "bus": "vehicle",
        "car": "vehicle",
    }
)  # fmt: skip


def probabilities(tree: Taxonomy, images: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(len(tree.leaves)) * 0.5, images)


def answer(rule: DecisionRule, tree: Taxonomy, *row: float) -> str:
    return tree.leaves[int(decide(rule, np.array([row]), tree)[0])]


def test_each_rule_by_hand() -> None:
    """Benign is likeliest, yet cancer of either subtype is likelier."""
    row = (0.4, 0.35, 0.25)
    assert answer("likeliest", LUNG, *row) == "benign"
    assert answer("top-down", LUNG, *row) == "adenocarcinoma"
    # Costs: 2 across the root, 1 between the subtypes: 1.2, 1.05 and 1.15 are to be expected.
    assert answer("least-cost", LUNG, *row) == "adenocarcinoma"


def test_least_cost_does_not_take_the_likeliest_class_of_an_unlikely_branch() -> None:
    """As in the picture that Karthik et al. (2021) open with: "rose" is likeliest, "bus" answered.

    The probabilities are made up; risks are sums of probabilities times heights.
    """
    row = (0.38, 0.02, 0.32, 0.28)  # rose, lily, bus, car
    assert answer("likeliest", KARTHIK, *row) == "rose"
    assert answer("least-cost", KARTHIK, *row) == "bus"
    risks = {
        "rose": 1 * 0.02 + 2 * (0.32 + 0.28), "lily": 1 * 0.38 + 2 * (0.32 + 0.28),
        "bus": 1 * 0.28 + 2 * (0.38 + 0.02), "car": 1 * 0.32 + 2 * (0.38 + 0.02),
    }  # fmt: skip
    assert min(risks, key=risks.__getitem__) == "bus"


def test_top_down_and_least_cost_are_different_rules() -> None:
    row = (0.05, 0.45, 0.3, 0.2)  # squamous, benign, lepidic, solid
    assert answer("top-down", RAGGED, *row) == "lepidic"
    equal = (0.0, 0.5, 0.25, 0.25)
    assert answer("likeliest", RAGGED, *equal) == "benign"


def test_least_cost_takes_the_costs_that_the_class_tree_states() -> None:
    fearful = tree_of(LUNG.parents, costs={"malignant": {"benign": 100.0}})
    row = (0.97, 0.02, 0.01)
    assert answer("least-cost", LUNG, *row) == "benign"
    assert answer("least-cost", fearful, *row) == "adenocarcinoma"


@given(tree=random_trees(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_top_down_goes_to_the_child_of_the_largest_sum(tree: Taxonomy, seed: int) -> None:
    chances = probabilities(tree, seed=seed)
    for row, code in zip(chances, decide("top-down", chances, tree), strict=True):
        node = ROOT
        while node not in tree.leaves:
            sums = {
                child: sum(row[tree.leaves.index(leaf)] for leaf in tree.leaves_under(child))
                for child in tree.children(node)
            }
            node = max(sums, key=sums.__getitem__)
        assert tree.leaves[code] == node


@given(tree=random_trees(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_no_other_leaf_is_expected_to_cost_less(tree: Taxonomy, seed: int) -> None:
    """R(answer) = sum over the classes of their probability times the cost of that."""
    chances = probabilities(tree, seed=seed)
    for row, code in zip(chances, decide("least-cost", chances, tree), strict=True):
        risk = [
            sum(p * tree.cost(true, said) for p, true in zip(row, tree.leaves, strict=True))
            for said in tree.leaves
        ]
        assert risk[code] == pytest.approx(min(risk), abs=1e-12)


@given(tree=random_trees(), seed=st.integers(0, 99), rule=st.sampled_from(RULES))
@settings(max_examples=60, deadline=None)
def test_answers_of_a_rule_do_not_contradict_it_and_worse_ones_do(
    tree: Taxonomy, seed: int, rule: DecisionRule
) -> None:
    chances = probabilities(tree, seed=seed)
    answers = decide(rule, chances, tree)
    assert not contradicts(rule, answers, chances, tree).any()
    shifted = chances * (1 + 1e-15)  # as a file stores them
    assert rule == "likeliest" or not contradicts(rule, answers, shifted, tree).any()
    least = chances.argmin(axis=1)
    wrong = contradicts(rule, least, chances, tree)
    assert (least[~wrong] == answers[~wrong]).all() or rule == "least-cost"


@pytest.mark.parametrize("rule", RULES)
def test_of_equal_leaves_the_first_is_chosen_and_the_others_are_no_contradiction(
    rule: DecisionRule,
) -> None:
    flat = tree_of(dict.fromkeys("abc", ROOT))
    chances = np.full((1, 3), 1 / 3)
    assert decide(rule, chances, flat).tolist() == [0]
    assert not contradicts(rule, np.array([2]), chances, flat).any()


def test_a_flat_tree_has_one_rule() -> None:
    flat = tree_of(dict.fromkeys("abcde", ROOT))
    chances = probabilities(flat, 200)
    for rule in RULES:
        np.testing.assert_array_equal(decide(rule, chances, flat), chances.argmax(axis=1))
