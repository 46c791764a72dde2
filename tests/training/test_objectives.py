"""Objectives: their papers' formulas, other software, and what coarse labels become."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from lcbench.taxonomy import ROOT, Taxonomy, load_taxonomy
from lcbench.training.objectives import (
    Focal,
    SiblingMargin,
    TreeObjective,
    class_balanced,
    hierarchical_cross_entropy,
    negative_log_likelihood,
    sibling_smoothing,
    soft_labels,
    summed_levels,
)

from ..trees import RAGGED, random_trees, tree_of

LUNG = load_taxonomy()  # benign, adenocarcinoma, squamous_cell_carcinoma
FLAT = tree_of(dict.fromkeys("abcde", ROOT))

Make = Callable[[Taxonomy, float], nn.Module]
MAKE: dict[str, Make] = {
    "summed-levels": lambda tree, weight: TreeObjective(tree, summed_levels(tree, weight)),
    "hxe": lambda tree, alpha: TreeObjective(tree, hierarchical_cross_entropy(tree, alpha)),
    "soft-labels": lambda tree, beta: TreeObjective(tree, soft_labels(tree, 1 / (beta + 1e-9))),
    "focal": lambda tree, gamma: Focal(gamma),  # noqa: ARG005 - of no tree
    "class-balanced": lambda tree, beta: TreeObjective(
        tree, class_balanced(tree, min(beta, 0.99), [*tree.leaves, tree.leaves[0]])
    ),
    "smoothing": lambda tree, amount: TreeObjective(
        tree, sibling_smoothing(tree, min(amount, 0.9), tree.inner_nodes)
    ),
    "margin": lambda tree, margin: SiblingMargin(tree, margin, tree.inner_nodes),
}
EVERY = pytest.mark.parametrize("name", MAKE)


def allowed(tree: Taxonomy, labels: Sequence[str]) -> Tensor:
    return torch.tensor(
        [[leaf in tree.leaves_under(one) for leaf in tree.leaves] for one in labels]
    )


def scores(tree: Taxonomy, rows: int, seed: int = 0, scale: float = 1.5) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return scale * torch.randn(rows, len(tree.leaves), generator=random, dtype=torch.float64)


def loss(
    objective: nn.Module, tree: Taxonomy, label: str, probabilities: dict[str, float]
) -> float:
    logs = torch.tensor([[math.log(probabilities[leaf]) for leaf in tree.leaves]])
    return float(objective(logs, allowed(tree, [label])))


@given(tree=random_trees(), name=st.sampled_from(list(MAKE)), data=st.data())
@settings(max_examples=80, deadline=None)
def test_without_its_own_part_each_is_the_negative_log_likelihood_of_any_label(
    tree: Taxonomy, name: str, data: st.DataObject
) -> None:
    labels = data.draw(st.lists(st.sampled_from(tree.nodes), min_size=1, max_size=6))
    logs = scores(tree, len(labels)).log_softmax(dim=1)
    expected = negative_log_likelihood(logs, allowed(tree, labels))
    found = MAKE[name](tree, 0.0).double()(logs, allowed(tree, labels))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@given(tree=random_trees(), name=st.sampled_from(list(MAKE)))
@settings(max_examples=40, deadline=None)
def test_gradients_are_those_of_finite_differences(tree: Taxonomy, name: str) -> None:
    labels = allowed(tree, tree.nodes)
    objective = MAKE[name](tree, 0.7).double()
    given_scores = scores(tree, len(tree.nodes)).requires_grad_()

    def total(values: Tensor) -> Tensor:
        result: Tensor = objective(values.log_softmax(dim=1), labels)
        return result

    assert torch.autograd.gradcheck(total, given_scores)


@EVERY
def test_losses_of_certain_outputs_are_finite(name: str) -> None:
    """However wrong they are, and in 32 bits."""
    logs = torch.tensor([[0.0, -300.0, -300.0, -300.0]] * len(RAGGED.nodes)).log_softmax(dim=1)
    logs.requires_grad_()
    found = MAKE[name](RAGGED, 0.5)(logs, allowed(RAGGED, RAGGED.nodes))
    found.sum().backward()
    assert logs.grad is not None
    assert found.isfinite().all()
    assert logs.grad.isfinite().all()


def test_the_gradient_of_weighted_nodes_in_closed_form() -> None:
    """By each score: the weights times what the softmax says, less what each node's own says."""
    weights = torch.from_numpy(hierarchical_cross_entropy(RAGGED, 0.4))
    logits = scores(RAGGED, len(RAGGED.nodes)).requires_grad_()
    objective = MAKE["hxe"](RAGGED, 0.4).double()
    objective(logits.log_softmax(dim=1), allowed(RAGGED, RAGGED.nodes)).sum().backward()
    below = torch.from_numpy(RAGGED.leaf_to_node.T)
    p = logits.detach().softmax(dim=1)
    within = below * p.unsqueeze(1) / (p @ below.T).unsqueeze(2)  # (rows, nodes, leaves)
    expected = weights.sum(dim=1, keepdim=True) * p - (weights.unsqueeze(2) * within).sum(dim=1)
    torch.testing.assert_close(logits.grad, expected, rtol=1e-5, atol=1e-7)


def test_levels_are_summed_and_a_shallow_leaf_stands_for_itself() -> None:
    p = {"squamous": 0.1, "benign": 0.2, "lepidic": 0.3, "solid": 0.4}
    objective = TreeObjective(RAGGED, summed_levels(RAGGED, 0.5))
    by_hand = {
        "lepidic": 0.5 * math.log(0.8) + 0.5 * math.log(0.7) + math.log(0.3),
        "squamous": 0.5 * math.log(0.8) + 0.5 * math.log(0.1) + math.log(0.1),
        "benign": (0.5 + 0.5 + 1) * math.log(0.2),
        "adeno": 0.5 * math.log(0.8) + math.log(0.7),
        "malignant": math.log(0.8),
    }
    for label, expected in by_hand.items():
        assert loss(objective, RAGGED, label, p) == pytest.approx(-expected, rel=1e-5)


def test_hierarchical_cross_entropy_by_the_papers_formula() -> None:
    p = {"squamous": 0.1, "benign": 0.2, "lepidic": 0.3, "solid": 0.4}
    objective = TreeObjective(RAGGED, hierarchical_cross_entropy(RAGGED, 0.2))
    first, second, third = (math.exp(-0.2 * level) for level in range(3))
    decisions = [math.log(0.8), math.log(0.7 / 0.8), math.log(0.3 / 0.7)]
    by_hand = {
        "lepidic": first * decisions[0] + second * decisions[1] + third * decisions[2],
        "adeno": first * decisions[0] + second * decisions[1],
        "benign": first * math.log(0.2),
    }
    for label, expected in by_hand.items():
        assert loss(objective, RAGGED, label, p) == pytest.approx(-expected, rel=1e-5)


def test_hierarchical_cross_entropy_has_the_authors_weights() -> None:
    """Of a full binary tree of eight leaves at alpha = 0.1, which their program normalises.

    There, the edges on a path weigh 0.0753, 0.0682 and 0.0617 of the sum of all weights.
    """
    parents = {
        name: name[:-1] or ROOT
        for depth in (1, 2, 3)
        for name in (format(number, f"0{depth}b") for number in range(2**depth))
    }
    tree = tree_of(parents)
    objective = TreeObjective(tree, hierarchical_cross_entropy(tree, 0.1))
    every = sum(2**depth * math.exp(-0.1 * depth) for depth in range(4))
    found = loss(objective, tree, "010", dict.fromkeys(tree.leaves, 1 / 8))
    authors = -(0.061677575 + 0.0681642630 + 0.07533316) * math.log(0.5)
    assert found * math.exp(-0.1) / every == pytest.approx(authors, rel=1e-5)


def test_soft_labels_by_the_papers_formula() -> None:
    """Heights of common ancestors over that of the tree: a subtype from the other 1/2, else 1."""
    p = {"benign": 0.5, "adenocarcinoma": 0.3, "squamous_cell_carcinoma": 0.2}
    objective = TreeObjective(LUNG, soft_labels(LUNG, 4.0))
    sibling, far = math.exp(-2), math.exp(-4)
    of_subtype = (math.log(0.3) + sibling * math.log(0.2) + far * math.log(0.5)) / (
        1 + sibling + far
    )
    of_benign = (math.log(0.5) + far * math.log(0.3) + far * math.log(0.2)) / (1 + 2 * far)
    of_malignant = (math.log(0.5) + far * math.log(0.5)) / (1 + far)
    for label, expected in (
        ("adenocarcinoma", of_subtype), ("benign", of_benign), ("malignant", of_malignant),
    ):  # fmt: skip
        assert loss(objective, LUNG, label, p) == pytest.approx(-expected, rel=1e-5)


def test_focal_loss_by_the_papers_formula() -> None:
    p = {"benign": 0.5, "adenocarcinoma": 0.3, "squamous_cell_carcinoma": 0.2}
    for label, likely in (("benign", 0.5), ("adenocarcinoma", 0.3), ("malignant", 0.5)):
        expected = -((1 - likely) ** 2) * math.log(likely)
        assert loss(Focal(2.0), LUNG, label, p) == pytest.approx(expected, rel=1e-5)


def cross_entropy(logits: Tensor, **options: Any) -> Tensor:
    codes = torch.arange(len(logits)) % logits.shape[1]
    return functional.cross_entropy(logits, codes, reduction="none", **options)


def of_flat(objective: nn.Module, logits: Tensor) -> Tensor:
    labels = [FLAT.leaves[row % 5] for row in range(len(logits))]
    found: Tensor = objective.double()(logits.log_softmax(dim=1), allowed(FLAT, labels))
    return found


def test_weights_of_classes_are_pytorchs_and_those_of_effective_numbers() -> None:
    counts = [1, 10, 100, 1000, 5]
    labels = [name for name, n in zip(FLAT.leaves, counts, strict=True) for _ in range(n)]
    effective = torch.tensor([(1 - 0.99) / (1 - 0.99**n) for n in counts], dtype=torch.float64)
    expected = effective / effective.sum() * len(counts)
    logits = scores(FLAT, 10)
    found = of_flat(TreeObjective(FLAT, class_balanced(FLAT, 0.99, labels)), logits)
    torch.testing.assert_close(found, cross_entropy(logits, weight=expected), rtol=1e-5, atol=1e-6)


def test_a_coarse_label_weighs_the_mean_of_its_leaves_and_absent_leaves_count_for_nothing() -> None:
    weights = class_balanced(RAGGED, 0.9, ["benign", *["lepidic"] * 4, "adeno"]).diagonal()
    own = dict(zip(RAGGED.nodes, weights, strict=True))
    assert own["benign"] + own["lepidic"] == pytest.approx(2.0)
    assert own["lepidic"] < own["benign"]
    assert own["adeno"] == own["malignant"] == own["lepidic"]
    assert own["squamous"] == own["solid"] == 1.0


def test_label_smoothing_between_all_classes_is_pytorchs() -> None:
    logits = scores(FLAT, 10)
    found = of_flat(TreeObjective(FLAT, sibling_smoothing(FLAT, 0.2, [ROOT])), logits)
    torch.testing.assert_close(found, cross_entropy(logits, label_smoothing=0.2))


def test_label_smoothing_between_subtypes_leaves_the_other_decisions_alone() -> None:
    p = {"benign": 0.5, "adenocarcinoma": 0.3, "squamous_cell_carcinoma": 0.2}
    objective = TreeObjective(LUNG, sibling_smoothing(LUNG, 0.1, ["malignant"]))
    expected = 0.95 * math.log(0.3) + 0.05 * math.log(0.2)
    assert loss(objective, LUNG, "adenocarcinoma", p) == pytest.approx(-expected, rel=1e-5)
    assert loss(objective, LUNG, "benign", p) == pytest.approx(-math.log(0.5), rel=1e-5)
    assert loss(objective, LUNG, "malignant", p) == pytest.approx(-math.log(0.5), rel=1e-5)


def test_a_margin_between_all_classes_is_one_less_on_the_right_score() -> None:
    logits = scores(FLAT, 10)
    own = functional.one_hot(torch.arange(10) % 5, 5)
    found = of_flat(SiblingMargin(FLAT, 0.8, [ROOT]), logits)
    torch.testing.assert_close(found, cross_entropy(logits - 0.8 * own))


def test_a_margin_between_subtypes_leaves_the_other_decisions_alone() -> None:
    p = {"benign": 0.5, "adenocarcinoma": 0.3, "squamous_cell_carcinoma": 0.2}
    objective = SiblingMargin(LUNG, 1.0, ["malignant"])
    less = 0.3 / math.e
    expected = math.log(0.5) + math.log(less / (less + 0.2))
    assert loss(objective, LUNG, "adenocarcinoma", p) == pytest.approx(-expected, rel=1e-5)
    assert loss(objective, LUNG, "benign", p) == pytest.approx(-math.log(0.5), rel=1e-5)
    assert loss(objective, LUNG, "malignant", p) == pytest.approx(-math.log(0.5), rel=1e-5)
