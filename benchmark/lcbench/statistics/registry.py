"""Every metric, declared once. To add one, add its declaration to `METRICS`."""

from __future__ import annotations

import math

from lcbench.statistics import kinds, metrics
from lcbench.statistics import probabilities as scores
from lcbench.statistics.calibration import calibration_intercept, calibration_slope
from lcbench.statistics.declaration import Metric, MetricKey
from lcbench.statistics.kinds import (
    MeanOfImages,
    OfConfidence,
    OfRanks,
    error_cells,
    every_cell,
)
from lcbench.statistics.limits import Scale
from lcbench.statistics.reliability import calibration_error
from lcbench.statistics.tree_metrics import TREE_METRICS

__all__ = ["METRICS", "MeanOfImages", "Metric", "MetricKey"]

CORRELATION = (-1.0, 1.0)
ANY_NUMBER = (-math.inf, math.inf)


_DECLARED = (
    Metric(
        "accuracy",
        "accuracy",
        "Share of images that are called their own class.",
        kinds.of_images(metrics.accuracy),
        shown="main",
    ),
    Metric(
        "balanced_accuracy",
        "balanced accuracy",
        "Mean of the recalls of the classes.",
        kinds.of_classes(metrics.balanced_accuracy),
        shown="further",
    ),
    Metric(
        "macro_f1",
        "macro F1",
        "Mean of the F1 scores of the classes.",
        kinds.of_classes(metrics.macro_f1),
        shown="main",
    ),
    Metric(
        "cohen_kappa",
        "Cohen's kappa",
        "Agreement with the truth beyond chance: 0 is chance, 1 is perfect.",
        kinds.of_classes(metrics.cohen_kappa, metrics.beyond_chance),
        unit="number",
        bounds=CORRELATION,
        shown="further",
    ),
    Metric(
        "matthews_correlation",
        "Matthews correlation",
        "Correlation of answers and truth for any number of classes: 0 is chance, 1 is perfect.",
        kinds.of_classes(metrics.matthews_correlation, metrics.matthews_scale),
        unit="number",
        bounds=CORRELATION,
        shown="further",
    ),
    Metric(
        "hierarchical_f",
        "hierarchical F (micro)",
        "Twice the nodes of the class tree that truth and answer share, of the nodes on both "
        "paths, each summed over the images (Kiritchenko et al. 2006).",
        kinds.of_cells(
            lambda tree, _: 2 * tree.shared_nodes,
            lambda tree, _: tree.path_nodes,
            images=every_cell,
        ),
        shown="further",
        needs_depth=True,
    ),
    Metric(
        "mistake_severity",
        "mistake severity",
        "Mean height in the class tree of the node where truth and answer part, over the errors: "
        "1 is between siblings (Bertinetto et al. 2020).",
        kinds.of_cells(
            lambda tree, _: tree.mistake_heights,
            error_cells,
            images=error_cells,
            bounds=lambda tree: (1.0, float(tree.taxonomy.height)),
        ),
        unit="number",
        bounds=(1.0, math.inf),
        higher_is_better=False,
        shown="further",
        needs_depth=True,
    ),
    Metric(
        "sensitivity",
        "sensitivity",
        "Share of the images of a node that are called something under it.",
        kinds.of_option(0),
        level="node",
        shown="main",
    ),
    Metric(
        "specificity",
        "specificity",
        "Share of the images outside a node that are called something outside it.",
        kinds.of_option(1),
        level="node",
        shown="main",
    ),
    Metric(
        "decision_accuracy",
        "decision accuracy",
        "Share of a decision's images that are called something in the right option.",
        kinds.of_right(),
        level="decision",
        shown="main",
    ),
    Metric(
        "confusion_rate",
        "confusion rate",
        "Share of a decision's images that are called something in another option.",
        kinds.of_cells(lambda _, decision: decision.confused, lambda _, decision: decision.asked),
        higher_is_better=False,
        level="decision",
        shown="main",
    ),
    Metric(
        "confusions_of_all",
        "confusions among all images",
        "Confusions of a decision as a share of all images.",
        kinds.of_cells(lambda _, decision: decision.confused, every_cell),
        higher_is_better=False,
        level="decision",
    ),
    Metric(
        "confusions_of_errors",
        "confusions among all errors",
        "Confusions of a decision as a share of all errors.",
        kinds.of_cells(lambda _, decision: decision.confused, error_cells),
        higher_is_better=False,
        level="decision",
    ),
    Metric(
        "precision",
        "precision",
        "Share of the images called a class that are of it.",
        kinds.of_leaf(metrics.precision, kinds.predicted_images),
        level="leaf",
        shown="class",
    ),
    Metric(
        "recall",
        "recall",
        "Share of the images of a class that are called so.",
        kinds.of_leaf(metrics.recall, kinds.true_images),
        level="leaf",
        shown="class",
    ),
    Metric(
        "f1",
        "F1",
        "Harmonic mean of precision and recall.",
        kinds.of_leaf(metrics.f1, kinds.true_or_predicted, proportion=False),
        level="leaf",
        shown="class",
    ),
    Metric(
        "log_loss",
        "log loss",
        "Mean of minus the logarithm of the probability of the true class.",
        MeanOfImages(scores.log_losses),
        unit="number",
        bounds=(0.0, math.inf),
        scale=Scale.positive,
        higher_is_better=False,
        shown="further",
    ),
    Metric(
        "brier_score",
        "Brier score",
        "Squared distance of the probabilities from the truth, 0 to 2.",
        MeanOfImages(scores.brier_scores),
        unit="number",
        bounds=(0.0, 2.0),
        scale=Scale.positive,
        higher_is_better=False,
        shown="further",
    ),
    Metric(
        "calibration_slope",
        "calibration slope",
        "Slope of right or wrong on the logit of the confidence: 1 is calibrated, below 1 the "
        "confidences are too extreme (Van Calster et al. 2019). It has no interval where fewer "
        "than 10 source groups have an error.",
        OfConfidence(calibration_slope),
        unit="number",
        bounds=ANY_NUMBER,
        scale=Scale.linear,
        higher_is_better=None,
        shown="further",
    ),
    Metric(
        "calibration_intercept",
        "calibration intercept",
        "Calibration in the large, the intercept with the slope at 1: 0 is calibrated, below 0 "
        "the model is right less often than it says.",
        OfConfidence(calibration_intercept),
        unit="number",
        bounds=ANY_NUMBER,
        scale=Scale.linear,
        higher_is_better=None,
        shown="further",
    ),
    Metric(
        "calibration_error",
        "ECE, bias-corrected",
        "Expected calibration error of the most probable class, 15 bins of about equal numbers, "
        "less what noise adds; it has no interval, as none would cover.",
        OfConfidence(calibration_error),
        unit="number",
        scale=Scale.linear,
        higher_is_better=False,
        shown="further",
    ),
    Metric(
        "auroc",
        "AUROC",
        "Area under the ROC curve of a class against the rest: mean over trained models by pairs.",
        OfRanks(),
        level="leaf",
        shown="class",
    ),
    Metric(
        "average_precision",
        "average precision",
        "Average precision of a class against the rest: mean over trained models by its images.",
        OfRanks(),
        level="leaf",
        shown="class",
    ),
    Metric(
        "macro_auroc",
        "macro AUROC",
        "Mean over the classes of the area under the ROC curve, one-vs-rest within trained models.",
        OfRanks(),
        shown="main",
    ),
    Metric(
        "macro_average_precision",
        "macro average precision",
        "Mean over the classes of the one-vs-rest average precision within trained models.",
        OfRanks(),
        shown="further",
    ),
)
METRICS: dict[str, Metric] = {metric.key: metric for metric in (*_DECLARED, *TREE_METRICS)}
"""Every metric by its key, in the order of reports."""
