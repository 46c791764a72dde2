import numpy as np
import pytest

from lcbench.errors import UserError
from lcbench.statistics.hierarchy import labels_at_level, predicted_at_level, summed
from lcbench.taxonomy import load_taxonomy

LUNG = load_taxonomy()


def test_labels_at_level(deep):
    labels = ["adenocarcinoma", "benign", "malignant", "adenocarcinoma"]
    assert labels_at_level(labels, LUNG, 1) == ["malignant", "benign", "malignant", "malignant"]
    assert labels_at_level(labels, LUNG, 2) == ["adenocarcinoma", "benign", None, "adenocarcinoma"]
    assert labels_at_level(["small_cell", "non_small_cell"], deep, 3) == ["small_cell", None]


def test_coarse_answer_is_the_sum_over_leaves_not_the_best_leafs_ancestor():
    probabilities = np.array([[0.4, 0.35, 0.25], [0.6, 0.3, 0.1]])
    assert predicted_at_level(probabilities, LUNG, 1) == ["malignant", "benign"]
    assert predicted_at_level(probabilities, LUNG, 2) == ["benign", "benign"]


def test_ties_are_ties_and_small_probabilities_are_kept():
    tie = np.array([[0.6, 0.1 + 0.2, 0.1], [0.3, 0.2, 0.1]])
    sums = summed(tie, np.array([-1, 0, 1]))
    assert summed(tie, np.array([0, 1, -1]))[1, 0] == sums[0, 0]  # 0.1 + 0.2 is not 0.3 in floats
    small = np.array([[1e-14, 1.0 - 1e-14], [3e-30, 1.0]])
    np.testing.assert_allclose(summed(small, np.array([0, 1]))[:, 0], [1e-14, 3e-30], rtol=1e-12)


def test_levels_of_a_ragged_tree(deep):
    # benign, small_cell, adeno, squamous
    probabilities = np.array([[0.3, 0.25, 0.24, 0.21]])
    assert predicted_at_level(probabilities, deep, 1) == ["malignant"]
    assert predicted_at_level(probabilities, deep, 2) == ["non_small_cell"]
    assert predicted_at_level(probabilities, deep, 3) == ["benign"]


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="adenocarcinom"):
        labels_at_level(["adenocarcinom"], LUNG, 1)
    with pytest.raises(ValueError, match="3 leaves"):
        predicted_at_level(np.ones((2, 4)) / 4, LUNG, 1)
