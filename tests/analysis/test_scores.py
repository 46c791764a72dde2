"""Scores of run folders against computations that share no code with them."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from .truth import (
    LEAVES,
    PROTOCOLS,
    SUBTYPES,
    comparison_of,
    confused,
    model_of,
    probabilities,
    right,
    rows_of,
    scores,
    scores_of,
)

BASELINES = ["majority", "colour", "reference", "hierarchical-cascade"]
MALIGNANT = "malignant"


def one_hot(labels):
    return (labels.to_numpy()[:, None] == np.array(LEAVES)).astype(float)


def calibration_error(rows, edges):
    """Return the mean gap between confidence and accuracy; an edge belongs to the bin below."""
    sure = probabilities(rows).max(axis=1)
    bins = (sure.round(12)[:, None] > np.asarray(edges)).sum(axis=1)
    gaps = pd.Series(sure - right(rows).to_numpy()).groupby(bins).sum()
    return gaps.abs().sum() / len(rows)


def edges_of_equal_mass(rows):
    """Return the confidences below which lie 1/15, 2/15, ... of all."""
    sure = np.sort(probabilities(rows).max(axis=1).round(12))
    return [sure[math.ceil(number * len(sure) / 15) - 1] for number in range(1, 15)]


def expected_scores(rows):
    """Return the value of each metric, and the rows that it speaks of."""
    true, predicted, chances = rows["true"], rows["predicted"], probabilities(rows)
    malignant = true.isin(SUBTYPES)
    called = predicted.isin(SUBTYPES)
    every = pd.Series(True, rows.index)
    ranking = {"y_true": one_hot(true), "y_score": chances, "average": "macro"}
    constant = predicted.nunique() == 1
    found = {
        ("accuracy", ""): (sk.accuracy_score(true, predicted), every),
        ("balanced_accuracy", ""): (sk.balanced_accuracy_score(true, predicted), every),
        ("macro_f1", ""): (sk.f1_score(true, predicted, average="macro"), every),
        ("cohen_kappa", ""): (sk.cohen_kappa_score(true, predicted), every),
        ("matthews_correlation", ""): (
            None if constant else sk.matthews_corrcoef(true, predicted),
            every,
        ),
        ("macro_auroc", ""): (sk.roc_auc_score(**ranking), every),
        ("macro_average_precision", ""): (sk.average_precision_score(**ranking), every),
        ("log_loss", ""): (sk.log_loss(one_hot(true), chances), every),
        ("brier_score", ""): (((chances - one_hot(true)) ** 2).sum(axis=1).mean(), every),
        ("calibration_error", ""): (calibration_error(rows, np.arange(1, 15) / 15), every),
        ("calibration_error_equal_mass", ""): (
            calibration_error(rows, edges_of_equal_mass(rows)),
            every,
        ),
        ("sensitivity", MALIGNANT): (called[malignant].mean(), malignant),
        ("specificity", MALIGNANT): ((~called)[~malignant].mean(), ~malignant),
        ("decision_accuracy", MALIGNANT): (right(rows)[malignant].mean(), malignant),
        ("confusion_rate", MALIGNANT): (confused(rows)[malignant].mean(), malignant),
        ("decision_accuracy", "root"): ((called == malignant).mean(), every),
        ("confusion_rate", "root"): ((called != malignant).mean(), every),
        ("confusions_of_all", MALIGNANT): (confused(rows).mean(), every),
        ("confusions_of_errors", MALIGNANT): (confused(rows)[~right(rows)].mean(), ~right(rows)),
    }
    expected = sk.precision_recall_fscore_support(true, predicted, labels=LEAVES, zero_division=0)
    for number, leaf in enumerate(LEAVES):
        is_true, is_called = true == leaf, predicted == leaf
        found["precision", leaf] = (expected[0][number] if is_called.any() else None, is_called)
        found["recall", leaf] = (expected[1][number], is_true)
        found["f1", leaf] = (expected[2][number], is_true | is_called)
        found["auroc", leaf] = (sk.roc_auc_score(is_true, chances[:, number]), every)
        precision = sk.average_precision_score(is_true, chances[:, number])
        found["average_precision", leaf] = (precision, every)
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_every_score_its_basis_and_its_interval(stored, core_predictions, protocol, baseline):
    rows = rows_of(core_predictions, protocol, baseline)
    found = scores(stored, protocol, baseline)
    known = expected_scores(rows)
    assert {metric for metric, _ in set(found) - set(known)} == {
        "hierarchical_f", "mistake_severity", "confusions_of_all", "confusions_of_errors",
    }  # fmt: skip
    for key, (value, speaks_of) in known.items():
        one = found[key]
        if value is None or not speaks_of.any():
            assert (one["value"], one["low"], one["high"], one["n"]) == (None, None, None, 0), key
            continue
        assert one["value"] == pytest.approx(value, abs=1e-12), key
        basis = (int(speaks_of.sum()), rows["group"][speaks_of].nunique())
        assert (one["n"], one["groups"]) == basis, key
        assert one["low"] <= one["value"] <= one["high"], key
        assert one["low"] < one["high"] or one["method"] == "all resamples alike", key
        if one["count"] is not None:
            assert one["count"] == pytest.approx(value * one["n"]), key


def test_an_interval_is_wider_than_one_that_takes_images_for_independent(stored):
    for name in ("colour", "reference"):
        one = scores(stored, "grouped", name)["accuracy", ""]
        low, high = proportion_confint(one["count"], one["n"], method="wilson")
        assert one["low"] < low < high < one["high"]
        assert one["method"] == "score interval, cluster bootstrap standard error"


def test_a_share_without_errors_gets_wilson_on_groups(stored):
    one = scores(stored, "grouped", "reference")["sensitivity", MALIGNANT]
    assert (one["count"], one["n"], one["groups"]) == (480, 480, 40)
    assert (one["low"], one["high"]) == pytest.approx(proportion_confint(40, 40, method="wilson"))
    assert one["method"] == "Wilson on groups"


def test_confusion_matrices_are_means_of_a_seed(stored, core_predictions):
    rows = rows_of(core_predictions, "grouped", "colour")
    counts = sk.confusion_matrix(rows["true"], rows["predicted"], labels=LEAVES)
    np.testing.assert_allclose(model_of(stored, "grouped", "colour")["confusion"], counts / 2)


def test_what_is_counted(stored, core_predictions):
    for protocol in PROTOCOLS:
        rows = rows_of(core_predictions, protocol, "reference").reset_index()
        result = comparison_of(stored, protocol)
        assert result["images"] == rows["image"].nunique()
        assert result["predictions"] == len(rows)
        assert result["groups"] == rows["group"].nunique()
        assert result["groups_known"]
        assert result["seeds"] == [0, 1]


def group_error(rows):
    """Return the standard error of the accuracy over source groups, by linearisation."""
    hits = right(rows).astype(float)
    totals = (hits - hits.mean()).groupby(rows["group"]).sum()
    return np.sqrt((totals**2).sum() * len(totals) / (len(totals) - 1)) / len(rows)


def test_effective_sample_size_is_that_of_the_standard_error_over_groups(stored, core_predictions):
    for name in ("colour", "knn", "reference"):
        rows = rows_of(core_predictions, "grouped", name)
        share = right(rows).mean()
        expected = share * (1 - share) / group_error(rows) ** 2
        worth = model_of(stored, "grouped", name)["effective"]
        # 400 resamples: the standard error is off by 4 % or so, its square by twice that.
        assert worth["n"] == pytest.approx(expected, rel=0.2)
        assert worth["n"] * worth["design_effect"] == pytest.approx(len(rows))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_accuracy_of_each_seed(stored, core_predictions, protocol):
    for name in ("colour", "knn", "reference"):
        by_seed = right(rows_of(core_predictions, protocol, name)).groupby("seed").mean()
        found = model_of(stored, protocol, name)["seeds"]
        assert found["accuracies"] == pytest.approx({"0": by_seed[0], "1": by_seed[1]})
        accuracy = scores(stored, protocol, name)["accuracy", ""]
        for key in ("value", "n", "groups", "count"):
            assert found["two_way"][key] == pytest.approx(accuracy[key]), key


def test_the_two_way_interval_is_wider_where_seeds_differ_and_the_same_where_not(stored):
    for name, differ in (("colour", True), ("tf_efficientnet_lite1", True), ("majority", False)):
        spread = model_of(stored, "grouped", name)["seeds"]
        one_way, two_way = scores(stored, "grouped", name)["accuracy", ""], spread["two_way"]
        assert (len(set(spread["accuracies"].values())) > 1) == differ
        if differ:
            assert two_way["low"] < one_way["low"] < one_way["high"] < two_way["high"]
        else:
            assert two_way["low"] == pytest.approx(one_way["low"], abs=1e-9)
            assert two_way["high"] == pytest.approx(one_way["high"], abs=1e-9)


def test_differences_from_the_reference(stored):
    for protocol in PROTOCOLS:
        base = scores(stored, protocol, "reference")
        for pair in comparison_of(stored, protocol)["pairs"]:
            assert pair["a"] == "reference"
            own, found = scores(stored, protocol, pair["b"]), scores_of(pair["differences"])
            assert set(found) == set(own)
            for key, one in found.items():
                if own[key]["value"] is None or base[key]["value"] is None:
                    assert (one["value"], one["n"]) == (None, 0), key
                    continue
                assert one["value"] == pytest.approx(own[key]["value"] - base[key]["value"]), key
                assert one["low"] <= one["value"] <= one["high"], key
                assert one["count"] is None


def test_a_difference_is_paired(stored, core_predictions):
    """Both sides on the same groups: closer than two independent standard errors allow."""
    ours, theirs = (rows_of(core_predictions, "grouped", k) for k in ("colour", "reference"))
    gap = (right(ours).astype(float) - right(theirs)).groupby(ours["group"]).sum() / len(ours)
    gap -= gap.mean()
    paired = np.sqrt((gap**2).sum() * len(gap) / (len(gap) - 1))
    pairs = comparison_of(stored, "grouped")["pairs"]
    (pair,) = [one for one in pairs if one["b"] == "colour"]
    found = scores_of(pair["differences"])["accuracy", ""]
    # Student's t with Satterthwaite's degrees of freedom lies between these quantiles.
    assert 1.9 < (found["high"] - found["low"]) / 2 / paired < 2.6


def test_drops_against_a_plain_bootstrap(stored, core_predictions):
    assert len(stored["drops"]) == 7
    for drop in stored["drops"]:
        difference = drop["flattering"]["value"] - drop["leakage_free"]["value"]
        assert drop["drop"]["value"] == pytest.approx(difference)
        assert drop["drop"]["groups"] == 60
        assert drop["drop"]["n"] == drop["flattering"]["n"] + drop["leakage_free"]["n"]
    rows = core_predictions[core_predictions["baseline"] == "colour"]
    table = pd.DataFrame(
        {"group": rows["group"], "protocol": rows["protocol"], "right": right(rows).astype(float)}
    )
    sums = table.pivot_table(
        index="group", columns="protocol", values="right", aggfunc=["sum", "count"], fill_value=0
    )
    cells = sums.to_numpy().reshape(len(sums), 2, 2)  # group, sum and count, grouped and paper
    drawn = np.random.default_rng(3).integers(0, len(cells), (1500, len(cells)))
    totals = cells[drawn].sum(axis=1)
    shares = totals[:, 0] / totals[:, 1]
    low, high = np.quantile(shares[:, 1] - shares[:, 0], [0.025, 0.975])
    (found,) = [one["drop"] for one in stored["drops"] if one["baseline"] == "colour"]
    assert found["low"] == pytest.approx(low, abs=0.012)
    assert found["high"] == pytest.approx(high, abs=0.012)
