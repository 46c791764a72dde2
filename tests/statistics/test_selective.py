"""Thresholds, curves and answers of selective prediction, by hand and by published examples."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics.hierarchy import labels_at_level, predicted_at_level
from lcbench.statistics.selective import (
    Answers,
    Chosen,
    chosen,
    deepest,
    levels_of,
    risk_coverage,
    risks_at,
    threshold_for,
)
from lcbench.statistics.tree import ClassTree

from ..trees import random_trees

seeds = st.integers(0, 10**6)
# The example of CovAtxRisk in torch-uncertainty 0.13: surest first, R R R W W.
SURE = np.array([0.9, 0.6, 0.8, 0.5, 0.7])
WRONG = np.array([False, True, False, True, False])


def some_answers(seed, n=40, digits=2):
    """Return confidences with ties, and errors that are rarer the surer a model is."""
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.beta(4, 1, n), digits)
    return confidence, rng.random(n) > confidence


def test_the_curve_of_a_published_example() -> None:
    coverage, risk = risk_coverage(SURE, WRONG)
    assert coverage.tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert risk.tolist() == [0.0, 0.0, 0.0, 0.25, 0.4]


def test_the_area_of_a_published_example_by_its_trapezoids() -> None:
    # AURC of torch-uncertainty 0.13: three images, the least sure one is wrong, 0.0833.
    coverage, risk = risk_coverage(np.array([0.7, 0.6, 0.8]), np.array([False, True, False]))
    assert np.trapezoid(risk, coverage) / (1 - 1 / 3) == pytest.approx(0.0833, abs=5e-5)


def test_the_coverage_at_a_risk_of_a_published_example() -> None:
    threshold = threshold_for(SURE, WRONG, 0.3)
    assert threshold == 0.6
    assert (threshold <= SURE).mean() == 0.8


@pytest.mark.parametrize(
    ("confidence", "wrong", "target", "expected"),
    [
        ([0.9, 0.8, 0.7], [0, 0, 0], 0.01, 0.0),
        ([0.9, 0.8, 0.7], [1, 0, 0], 0.01, None),
        ([0.9, 0.8, 0.7], [1, 0, 0], 0.34, 0.0),
        ([0.9, 0.8, 0.7, 0.6], [0, 1, 0, 1], 0.34, 0.7),  # beyond 0.8, where it is 1/2
        ([0.9, 0.8, 0.8, 0.6], [0, 0, 1, 1], 0.2, 0.9),  # one of two alike is wrong
        ([0.8] * 5, [0, 0, 0, 0, 1], 0.2, 0.0),
        ([0.8] * 5, [0, 0, 0, 0, 1], 0.19, None),
        ([], [], 0.05, None),
    ],
)
def test_the_smallest_threshold_within_the_target(confidence, wrong, target, expected) -> None:
    found = threshold_for(np.array(confidence), np.array(wrong, bool), target)
    assert found == expected


@given(seeds, st.sampled_from([0.01, 0.05, 0.2]))
def test_a_threshold_keeps_its_target_and_no_smaller_one_does(seed, target) -> None:
    confidence, wrong = some_answers(seed)
    threshold = threshold_for(confidence, wrong, target)
    coverage, risk = risk_coverage(confidence, wrong)
    kept = 0.0 if threshold is None else float((confidence >= threshold).mean())
    if threshold is not None:
        assert wrong[confidence >= threshold].mean() <= target + 1e-9
    assert (risk[coverage > kept + 1e-9] > target).all()


@given(seeds)
def test_the_order_of_the_rows_never_matters(seed) -> None:
    confidence, wrong = some_answers(seed, digits=1)
    models = np.random.default_rng(seed).integers(0, 3, len(wrong))
    order = np.random.default_rng(seed + 1).permutation(len(wrong))
    grid = np.linspace(0.1, 1.0, 10)
    np.testing.assert_array_equal(
        risk_coverage(confidence, wrong), risk_coverage(confidence[order], wrong[order])
    )
    np.testing.assert_allclose(
        risks_at(confidence, wrong, models, grid),
        risks_at(confidence[order], wrong[order], models[order], grid),
    )


@given(seeds)
def test_between_two_points_the_risk_is_the_mean_over_orders_of_what_is_alike(seed) -> None:
    confidence, wrong = some_answers(seed, n=12, digits=1)
    rng = np.random.default_rng(seed)
    risks = []
    for _ in range(4000):
        order = np.lexsort((rng.random(12), -confidence))
        risks.append(wrong[order].cumsum() / np.arange(1, 13))
    one = np.zeros(12, int)
    found = risks_at(confidence, wrong, one, np.arange(1, 13) / 12)
    np.testing.assert_allclose(found, np.mean(risks, axis=0), atol=0.04)
    assert found[-1] == pytest.approx(wrong.mean())


def test_trained_models_are_never_ranked_against_each_other() -> None:
    confidence = np.array([0.9, 0.8, 0.6, 0.5])
    wrong = np.array([False, True, False, True])
    both = risks_at(confidence, wrong, np.array([0, 0, 1, 1]), np.array([0.5, 1.0]))
    assert both.tolist() == [0.0, 0.5]  # each answers the one that it is surer of


@given(random_trees(), seeds)
def test_answers_at_a_level_are_those_of_the_hierarchy(lung, deep, drawn, seed) -> None:
    for taxonomy in (lung, deep, drawn):
        tree = ClassTree.of(taxonomy)
        rng = np.random.default_rng(seed)
        chances = rng.dirichlet(np.full(len(tree.leaves), 0.5), 30)
        true = rng.integers(0, len(tree.nodes), 30)
        labels = [tree.nodes[code] for code in true]
        for one in levels_of(tree):
            fixed = labels_at_level(labels, taxonomy, one.level)
            said = predicted_at_level(chances, taxonomy, one.level)
            found = one.answers(chances, true)
            known = [label is not None for label in fixed]
            assert found.known.tolist() == known
            wrong = [a != b for a, b in zip(fixed, said, strict=True)]
            assert found.wrong[known].tolist() == np.array(wrong)[known].tolist()
            columns = [taxonomy.nodes.index(node) for node in said]
            sums = (chances @ taxonomy.leaf_to_node)[np.arange(30), columns]
            np.testing.assert_allclose(found.confidence, sums, atol=1e-11)


@given(random_trees(), seeds)
def test_a_model_is_never_less_sure_of_a_coarser_level(drawn, seed) -> None:
    tree = ClassTree.of(drawn)
    chances = np.random.default_rng(seed).dirichlet(np.full(len(tree.leaves), 0.5), 20)
    true = np.zeros(20, int)
    sure = [one.answers(chances, true).confidence for one in levels_of(tree)]
    assert all((a >= b - 1e-11).all() for a, b in pairwise(sure))


def test_labels_that_do_not_fix_a_level_choose_no_threshold_there(lung) -> None:
    tree = ClassTree.of(lung)
    true = tree.codes(["benign", "malignant", "adenocarcinoma"])
    sure = np.full((3, 3), 0.1) + 0.7 * np.eye(3)[[tree.leaves.index("benign")] * 3]
    first, second = (one.answers(sure, true) for one in levels_of(tree))
    assert first.known.tolist() == [True, True, True]
    assert second.known.tolist() == [True, False, True]
    assert first.threshold(0.5) is None  # two of three are wrong
    assert second.threshold(0.5) == 0.0


def test_each_trained_model_answers_by_its_own_threshold() -> None:
    answers = Answers(np.array([0.9, 0.9, 0.7, 0.7, 0.9]), np.zeros(5, bool), np.ones(5, bool))
    found = chosen(answers, [0.8, 0.7, None], np.array([0, 1, 0, 1, 2]))
    assert found.answered.tolist() == [True, True, False, True, False]


def test_the_hierarchical_answer_is_the_deepest_that_is_sure_enough() -> None:
    flags = {"first": [1, 1, 1, 0, 0], "second": [0, 1, 1, 1, 0]}
    levels = [
        Chosen(np.array(flags["first"], bool), np.array([1, 1, 0, 0, 1], bool)),
        Chosen(np.array(flags["second"], bool), np.array([0, 0, 1, 0, 1], bool)),
    ]
    found = deepest(levels)
    assert found.level.tolist() == [1, 2, 2, 2, 0]
    assert found.wrong.tolist() == [True, False, True, False, False]
    assert found.at(1).answered.tolist() == [True, False, False, False, False]
    assert found.anywhere.answered.tolist() == [True, True, True, True, False]
