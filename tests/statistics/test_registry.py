"""Every metric that is declared, through the panel that computes it."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from lcbench.statistics.design import Design
from lcbench.statistics.intervals import intervals
from lcbench.statistics.kinds import of_cells
from lcbench.statistics.limits import Scale
from lcbench.statistics.registry import METRICS, MeanOfImages, Metric, MetricKey
from lcbench.statistics.standard import standard_panel
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import ROOT, Taxonomy, load_taxonomy

LUNG = ClassTree.of(load_taxonomy())


def panel_of(labels, predicted, tree=LUNG, probabilities=None):
    true, answers = tree.codes(labels), tree.codes(predicted)
    units = np.zeros(len(true), int)
    return standard_panel(true, answers, probabilities, units, units, Design(1), tree)


def values_of(labels, predicted, tree=LUNG):
    panel = panel_of(labels, predicted, tree)
    keys = [one.key for one in panel.measures]
    found = dict(zip(keys, panel.evaluate(np.ones((1, 1)))[0], strict=True))
    return {key: value for key, value in found.items() if not math.isnan(value)}


def images_of(labels, predicted, tree=LUNG):
    return {one.key: one.images for one in panel_of(labels, predicted, tree).measures}


def test_the_panel_has_what_is_declared_and_nothing_else(deep):
    tree = ClassTree.of(deep)
    panel = panel_of(["adeno", "benign"], ["adeno"] * 2, tree, np.full((2, 4), 0.25))
    declared = {
        MetricKey(key, name) for key, metric in METRICS.items() for name in metric.speaks_of(tree)
    }
    assert {one.key for one in panel.measures} == declared
    assert len(panel.measures) == len(declared)
    of_tree = {"mistake_severity": (1.0, 3.0), "lca_height": (0.0, 3.0)}
    for one in panel.measures:
        metric = METRICS[one.key.metric]
        expected = of_tree.get(metric.key, metric.bounds)
        assert (one.bounds, one.scale) == (expected, metric.scale)


def test_declarations_agree_with_themselves():
    for key, metric in METRICS.items():
        assert metric.key == key
        assert metric.title
        assert metric.what.endswith(".")
        low, high = metric.bounds
        assert low < high
        assert metric.scale is not Scale.positive or low == 0
        assert metric.unit == "number" or metric.bounds == (0, 1)
        assert (metric.shown == "class") == (metric.level == "leaf")


def test_a_declaration_is_all_that_a_new_metric_needs(monkeypatch):
    def certainty(probabilities, true):
        return probabilities[np.arange(len(true)), true]

    called_benign = of_cells(lambda tree, _: tree.under[:1], lambda tree, _: tree.under | True)
    mine = {
        "mean_certainty": Metric("mean_certainty", "certainty", "Mean.", MeanOfImages(certainty)),
        "benign_answers": Metric("benign_answers", "benign", "Share.", called_benign),
    }
    for key, metric in mine.items():
        monkeypatch.setitem(METRICS, key, metric)
    chances = np.array([[0.5, 0.3, 0.2], [0.6, 0.1, 0.3], [0.1, 0.8, 0.1]])
    panel = panel_of(LUNG.leaves, ["benign", "benign", "adenocarcinoma"], probabilities=chances)
    found = intervals(panel, resamples=20)
    assert found["mean_certainty", ""].value == pytest.approx((0.5 + 0.1 + 0.1) / 3)
    answers = found["benign_answers", ""]
    assert (answers.value, answers.count, answers.n) == (pytest.approx(2 / 3), 2, 3)


def test_sensitivity_is_that_of_the_node_as_clinics_use_it():
    # Defect 7: it was the recall of benign. Here 3 of 4 malignant images are called malignant.
    labels = ["adenocarcinoma", "squamous_cell_carcinoma", "adenocarcinoma", "adenocarcinoma"]
    labels += ["benign"] * 5
    predicted = ["adenocarcinoma", "adenocarcinoma", "squamous_cell_carcinoma", "benign"]
    predicted += ["benign"] * 4 + ["adenocarcinoma"]
    found = values_of(labels, predicted)
    assert found["sensitivity", "malignant"] == 3 / 4
    assert found["specificity", "malignant"] == 4 / 5
    positive, called = (
        np.array([node != "benign" for node in nodes]) for nodes in (labels, predicted)
    )
    assert found["sensitivity", "malignant"] == sk.recall_score(positive, called)
    assert found["specificity", "malignant"] == sk.recall_score(~positive, ~called)


def test_a_flat_tree_with_a_negative_class_detects_the_rest():
    flat = ClassTree.of(Taxonomy("flat", dict.fromkeys("abc", ROOT), {}, ("b",), None))
    found = values_of(list("aabbcc"), list("acabbc"), flat)
    assert found["sensitivity", "not-b"] == 3 / 4
    assert found["specificity", "not-b"] == 1 / 2
    assert found["confusion_rate", "not-b"] == 2 / 6
    assert not {"hierarchical_f", "mistake_severity"} & {key.metric for key in found}


def test_decisions_worked_by_hand():
    hand = np.array([[8, 1, 1], [2, 5, 3], [0, 4, 16]])
    true, predicted = (np.repeat(axis.ravel(), hand.ravel()) for axis in np.indices((3, 3)))
    found = values_of(*([LUNG.leaves[code] for code in codes] for codes in (true, predicted)))
    assert found["sensitivity", "malignant"] == 28 / 30  # a subtype for another is a hit
    assert found["specificity", "malignant"] == 8 / 10
    assert found["decision_accuracy", "malignant"] == 21 / 30
    assert found["confusion_rate", "malignant"] == 7 / 30
    assert found["confusions_of_all", "malignant"] == 7 / 40
    assert found["confusions_of_errors", "malignant"] == 7 / 11
    assert found["decision_accuracy", ROOT] == 36 / 40
    assert found["confusion_rate", ROOT] == 4 / 40
    assert found["mistake_severity", ""] == pytest.approx((4 * 2 + 7) / 11)


def test_a_coarse_label_counts_at_the_nodes_it_fixes():
    labels = ["malignant", "malignant", "adenocarcinoma", "benign"]
    predicted = ["adenocarcinoma", "benign", "adenocarcinoma", "benign"]
    found, images = values_of(labels, predicted), images_of(labels, predicted)
    assert (found["accuracy", ""], images["accuracy", ""]) == (1, 2)
    assert (found["sensitivity", "malignant"], images["sensitivity", "malignant"]) == (2 / 3, 3)
    assert (found["confusion_rate", ROOT], images["confusion_rate", ROOT]) == (1 / 4, 4)
    assert images["confusion_rate", "malignant"] == images["recall", "adenocarcinoma"] == 1
    # Malignant called benign is an error whatever the leaf; adenocarcinoma is none.
    assert (found["mistake_severity", ""], images["mistake_severity", ""]) == (2, 1)
    assert found["hierarchical_f", ""] == pytest.approx(2 * (1 + 0 + 2 + 1) / (2 + 2 + 4 + 2))


def test_hierarchical_f_is_hiclasss(oracle):
    numbers = oracle("hierarchical.json")
    full = {"squamous": "squamous_cell_carcinoma"}
    truth = [full.get(node, node) for node in numbers["truth"]]
    mistakes = (0, "squamous"), (0, "benign"), (2, "adenocarcinoma")
    severities = 1, 2, 2
    cases = zip(numbers["one_error_each"], mistakes, severities, strict=True)
    for case, (row, wrong), severity in cases:
        predicted = [*truth[:row], full.get(wrong, wrong), *truth[row + 1 :]]
        found = values_of(truth, predicted)
        expected = case["micro"]["hF"]
        assert found["hierarchical_f", ""] == pytest.approx(expected, abs=5e-5), case["error"]
        assert found["mistake_severity", ""] == severity


def test_hierarchical_f_of_a_deep_tree(deep):
    tree = ClassTree.of(deep)
    found = values_of(["adeno", "squamous", "benign"], ["squamous", "small_cell", "adeno"], tree)
    # Shared nodes 2, 1 and 0; paths of 3 + 3, 3 + 2 and 1 + 3 nodes.
    assert found["hierarchical_f", ""] == pytest.approx(2 * 3 / 15)
    assert found["mistake_severity", ""] == pytest.approx((1 + 2 + 3) / 3)
