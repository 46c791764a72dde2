import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.statistics.hierarchy import (
    hierarchical_precision_recall_f,
    labels_at_level,
    level_correct,
    path_counts,
    predicted_at_level,
)
from lcbench.taxonomy import load_taxonomy

LUNG = load_taxonomy()
LEAVES = ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
DEEP = dataclasses.replace(
    LUNG,
    name="deep",
    parents={
        "benign": "root",
        "malignant": "root",
        "small_cell": "malignant",
        "non_small_cell": "malignant",
        "adeno": "non_small_cell",
        "squamous": "non_small_cell",
    },
)


def test_the_default_tree_is_the_one_these_tests_assume():
    assert LUNG.leaves == LEAVES


def test_labels_at_level():
    labels = ["adenocarcinoma", "benign", "malignant", "adenocarcinoma"]
    assert labels_at_level(labels, LUNG, 1) == ["malignant", "benign", "malignant", "malignant"]
    assert labels_at_level(labels, LUNG, 2) == ["adenocarcinoma", "benign", None, "adenocarcinoma"]
    assert labels_at_level(["small_cell", "non_small_cell"], DEEP, 3) == ["small_cell", None]


def test_coarse_answer_is_the_sum_over_leaves_not_the_best_leafs_ancestor():
    probabilities = np.array([[0.4, 0.35, 0.25], [0.6, 0.3, 0.1]])
    assert predicted_at_level(probabilities, LUNG, 1) == ["malignant", "benign"]
    assert predicted_at_level(probabilities, LUNG, 2) == ["benign", "benign"]


def test_levels_of_a_ragged_tree():
    # benign, small_cell, adeno, squamous
    probabilities = np.array([[0.3, 0.25, 0.24, 0.21]])
    assert predicted_at_level(probabilities, DEEP, 1) == ["malignant"]
    assert predicted_at_level(probabilities, DEEP, 2) == ["non_small_cell"]
    assert predicted_at_level(probabilities, DEEP, 3) == ["benign"]


def test_ties_go_to_the_first_node_of_the_tree():
    assert predicted_at_level(np.array([[0.5, 0.25, 0.25]]), LUNG, 1) == ["benign"]


def test_level_correct_scores_what_the_label_fixes():
    labels = ["malignant", "adenocarcinoma", "benign"]
    probabilities = np.array([[0.2, 0.4, 0.4], [0.1, 0.3, 0.6], [0.1, 0.5, 0.4]])
    coarse = level_correct(labels, probabilities, LUNG, 1)
    assert coarse.correct.tolist() == [True, True, False]
    assert coarse.scored.tolist() == [True, True, True]
    fine = level_correct(labels, probabilities, LUNG, 2)
    assert fine.correct.tolist() == [False, False, False]
    assert fine.scored.tolist() == [False, True, True]


@pytest.mark.parametrize("level", [0, 3, -1])
def test_levels_that_do_not_exist_are_refused(level):
    with pytest.raises(ValueError, match="levels 1 to 2"):
        labels_at_level([], LUNG, level)
    with pytest.raises(ValueError, match="levels 1 to 2"):
        predicted_at_level(np.ones((1, 3)) / 3, LUNG, level)


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="adenocarcinom"):
        labels_at_level(["adenocarcinom"], LUNG, 1)
    with pytest.raises(ValueError, match="3 leaves"):
        predicted_at_level(np.ones((2, 4)) / 4, LUNG, 1)
    with pytest.raises(ValueError, match="shorter"):
        level_correct(["benign", "benign"], np.ones((1, 3)) / 3, LUNG, 1)
    with pytest.raises(UserError, match="unknown class"):
        path_counts(["benign"], ["nothing"], LUNG)


def with_oracle_name(node):
    return "squamous_cell_carcinoma" if node == "squamous" else node


def test_reproduces_hiclass(oracle):
    numbers = oracle("hierarchical.json")
    truth = [with_oracle_name(node) for node in numbers["truth"]]
    mistakes = (0, "squamous"), (0, "benign"), (2, "adenocarcinoma")
    assert len(numbers["one_error_each"]) == len(mistakes)
    for case, (row, wrong) in zip(numbers["one_error_each"], mistakes, strict=True):
        predicted = list(truth)
        predicted[row] = with_oracle_name(wrong)
        micro = hierarchical_precision_recall_f(truth, predicted, LUNG)
        expected = [case["micro"][key] for key in ("hP", "hR", "hF")]
        assert list(micro) == pytest.approx(expected, abs=5e-5), case["error"]
        macro = hierarchical_precision_recall_f(truth, predicted, LUNG, "macro")
        # With these paths of one length or none shared, the three means coincide.
        assert list(macro) == pytest.approx([case["macro"]] * 3, abs=5e-5), case["error"]


def test_an_inner_label_costs_precision_not_recall():
    micro = hierarchical_precision_recall_f(["malignant"], ["adenocarcinoma"], LUNG)
    assert micro == pytest.approx((1 / 2, 1, 2 / 3))


def test_macro_f_is_the_mean_of_each_images_f():
    true, predicted = ["malignant", "benign"], ["adenocarcinoma", "benign"]
    macro = hierarchical_precision_recall_f(true, predicted, LUNG, "macro")
    assert macro == pytest.approx((3 / 4, 1, 5 / 6))


def test_path_counts():
    counts = path_counts(["adeno", "squamous", "benign"], ["squamous", "small_cell", "adeno"], DEEP)
    assert counts.tolist() == [[2, 3, 3], [1, 2, 3], [0, 3, 1]]
    assert path_counts([], [], LUNG).shape == (0, 3)


def test_no_images():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for average in ("micro", "macro"):
            assert hierarchical_precision_recall_f([], [], LUNG, average) == (0, 0, 0)


@given(st.lists(st.tuples(st.sampled_from(LEAVES), st.sampled_from(LEAVES)), min_size=1))
def test_swapping_truth_and_prediction_swaps_precision_and_recall(pairs):
    true, predicted = zip(*pairs, strict=True)
    one = hierarchical_precision_recall_f(true, predicted, LUNG)
    other = hierarchical_precision_recall_f(predicted, true, LUNG)
    assert one == pytest.approx((other.recall, other.precision, other.f))
    exact = sum(a == b for a, b in pairs) / len(pairs)
    macro = hierarchical_precision_recall_f(true, predicted, LUNG, "macro")
    assert exact - 1e-12 <= macro.f <= 1 + 1e-12
