"""Scores of run folders against computations that share no code with them."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import logit
from scipy.stats import foldnorm
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from .limits import Rate, training_limits
from .runfolders import RECIPES
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


CONSTANT = "no interval: the answer does not depend on the image"


def one_hot(labels):
    return (labels.to_numpy()[:, None] == np.array(LEAVES)).astype(float)


def in_bins(rows):
    """Return confidence, right or wrong and group of each row, by the bin of equal mass."""
    sure = probabilities(rows).max(axis=1)
    ascending = np.sort(sure.round(12))
    edges = [ascending[math.ceil(number * len(sure) / 15) - 1] for number in range(1, 15)]
    bins = (sure.round(12)[:, None] > np.asarray(edges)).sum(axis=1)
    table = pd.DataFrame({"sure": sure, "right": right(rows).to_numpy(), "group": rows["group"]})
    return [part for _, part in table.groupby(bins)]


def calibration_error(rows):
    """Return the mean gap of the bins, each the one whose mean under noise is what is seen."""
    total = 0.0
    for part in in_bins(rows):
        gap = part["sure"] - part["right"]
        of_groups = (gap - gap.mean()).groupby(part["group"]).sum()
        factor = len(of_groups) / max(1, len(of_groups) - 1)
        noise = math.sqrt(factor * (of_groups**2).sum()) / len(gap)
        total += len(gap) * unfolded(abs(gap.mean()), noise)
    return max(0.0, total / len(rows))


def unfolded(seen, noise):
    """Return a gap from a table of the means of folded normal distributions."""
    if noise < 1e-12:
        return seen
    gaps = np.linspace(0, 10, 100_001)
    means = foldnorm.mean(gaps)
    if seen / noise < means[0]:
        return seen - noise * means[0]
    return noise * np.interp(seen / noise, means, gaps) if seen < 10 * noise else seen


def regression_of_right(rows, *, slope):
    """Return the slope, or the intercept with the slope at 1; None where there is none."""
    hits, sure = right(rows).astype(float).to_numpy(), probabilities(rows).max(axis=1)
    logits = logit(np.clip(sure, 1e-6, 1 - 1e-6))
    if hits.all() or (slope and np.ptp(logits) < 1e-9):
        return None
    if slope:
        return sm.GLM(hits, sm.add_constant(logits), sm.families.Binomial()).fit().params[1]
    constant = np.ones(len(hits))
    return sm.GLM(hits, constant, sm.families.Binomial(), offset=logits).fit().params[0]


def ranked(rows, number):
    """Return AUROC and average precision of a leaf: means over trained models, weighted."""
    aurocs, precisions, pairs, positives = [], [], [], []
    for _, own in rows.groupby(["seed", "fold"]):
        is_true, chances = own["true"] == LEAVES[number], probabilities(own)[:, number]
        aurocs.append(sk.roc_auc_score(is_true, chances))
        precisions.append(sk.average_precision_score(is_true, chances))
        pairs.append(is_true.sum() * (~is_true).sum())
        positives.append(is_true.sum())
    return np.average(aurocs, weights=pairs), np.average(precisions, weights=positives)


def expected_scores(rows):
    """Return the value of each metric, and the rows that it speaks of."""
    true, predicted, chances = rows["true"], rows["predicted"], probabilities(rows)
    malignant = true.isin(SUBTYPES)
    called = predicted.isin(SUBTYPES)
    every = pd.Series(True, rows.index)
    by_leaf = [ranked(rows, number) for number in range(len(LEAVES))]
    macro_auroc, macro_precision = np.mean(by_leaf, axis=0)
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
        ("macro_auroc", ""): (macro_auroc, every),
        ("macro_average_precision", ""): (macro_precision, every),
        ("log_loss", ""): (sk.log_loss(one_hot(true), chances), every),
        ("brier_score", ""): (((chances - one_hot(true)) ** 2).sum(axis=1).mean(), every),
        ("calibration_error", ""): (calibration_error(rows), every),
        ("calibration_slope", ""): (regression_of_right(rows, slope=True), every),
        ("calibration_intercept", ""): (regression_of_right(rows, slope=False), every),
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
        found["auroc", leaf] = (by_leaf[number][0], every)
        found["average_precision", leaf] = (by_leaf[number][1], every)
    return found | expected_along_the_tree(rows)


def expected_along_the_tree(rows):
    """Return the same of the metrics of levels, gates and paths."""
    true, chances = rows["true"], probabilities(rows)
    malignant, every = true.isin(SUBTYPES), pd.Series(True, rows.index)
    both = np.stack([chances[:, 0], chances[:, 1] + chances[:, 2]], axis=1).round(12)
    called = pd.Series(both[:, 1] > both[:, 0], rows.index)
    leaf_called = rows["predicted"].isin(SUBTYPES)
    subtype = np.where(chances[:, 1] >= chances[:, 2], *SUBTYPES)
    behind = pd.Series(np.where(malignant, subtype, "benign"), rows.index)
    wrong = ~right(rows)
    missed, alarms = malignant & ~leaf_called, ~malignant & leaf_called
    # 1 between the two subtypes, 2 between benign and malignant.
    heights = wrong * 1.0 + missed + alarms
    return {
        ("level_accuracy", "level 1"): ((called == malignant).mean(), every),
        ("level_balanced_accuracy", "level 1"): (
            sk.balanced_accuracy_score(malignant, called),
            every,
        ),
        ("level_macro_f1", "level 1"): (sk.f1_score(malignant, called, average="macro"), every),
        ("level_log_loss", "level 1"): (
            -np.log(np.where(malignant, both[:, 1], both[:, 0])).mean(),
            every,
        ),
        ("gate_sensitivity", MALIGNANT): (called[malignant].mean(), malignant),
        ("gate_specificity", MALIGNANT): ((~called)[~malignant].mean(), ~malignant),
        ("true_gate_accuracy", MALIGNANT): ((subtype == true)[malignant].mean(), malignant),
        ("predicted_gate_accuracy", MALIGNANT): (
            (subtype == true)[malignant & called].mean() if (malignant & called).any() else None,
            malignant & called,
        ),
        ("perfect_gate_accuracy", MALIGNANT): ((behind == true).mean(), every),
        ("missed_of_all", MALIGNANT): (missed.mean(), every),
        ("missed_of_errors", MALIGNANT): (missed[wrong].mean(), wrong),
        ("false_alarms_of_all", MALIGNANT): (alarms.mean(), every),
        ("false_alarms_of_errors", MALIGNANT): (alarms[wrong].mean(), wrong),
        ("lca_height", ""): (heights.mean(), every),
        ("path_consistency", ""): ((called == leaf_called).mean(), every),
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_every_score_its_basis_and_its_interval(stored, core_predictions, protocol, baseline):
    rows = rows_of(core_predictions, protocol, baseline)
    found = scores(stored, protocol, baseline)
    known = expected_scores(rows)
    others = {metric for metric, _ in set(found) - set(known)}
    assert {metric for metric in others if not metric.startswith("hierarchical_")} == {
        "level_calibration_error", "mistake_severity", "confusions_of_all", "confusions_of_errors",
    }  # fmt: skip
    for key, (value, speaks_of) in known.items():
        one = found[key]
        if value is None or not speaks_of.any():
            assert (one["value"], one["low"], one["high"], one["n"]) == (None, None, None, 0), key
            continue
        assert one["value"] == pytest.approx(value, rel=1e-6, abs=1e-8), key
        basis = (int(speaks_of.sum()), rows["group"][speaks_of].nunique())
        assert (one["n"], one["groups"]) == basis, key
        if baseline == "majority":
            assert (one["low"], one["high"], one["method"]) == (None, None, CONSTANT), key
            continue
        if key[0] == "calibration_error":
            no_interval = (None, None, "no interval: none would cover")
            assert (one["low"], one["high"], one["method"]) == no_interval
            continue
        if one["groups"] == 1:
            no_interval = (None, None, "no interval from one group")
            assert (one["low"], one["high"], one["method"]) == no_interval, key
            continue
        if key[0] == "calibration_slope" and one["low"] is None:
            assert one["method"] == "no interval: none would cover"
            assert rows["group"][~right(rows)].nunique() < 10
            continue
        assert one["low"] <= one["value"] <= one["high"], key
        fixed = one["method"] == "fixed by the numbers of each class"
        assert one["low"] < one["high"] or fixed, key
        if one["count"] is not None:
            assert one["count"] == pytest.approx(value * one["n"]), key


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reliability_curves(stored, core_predictions, protocol):
    for name in BASELINES:
        rows = rows_of(core_predictions, protocol, name)
        curve = model_of(stored, protocol, name)["reliability"]
        for one, part in zip(curve, in_bins(rows), strict=True):
            share = one["right"]
            assert one["confidence"] == pytest.approx(part["sure"].mean())
            assert share["value"] == pytest.approx(part["right"].mean())
            assert (share["n"], share["groups"]) == (len(part), part["group"].nunique())
            assert share["count"] == part["right"].sum()
            assert 0 <= share["low"] <= share["value"] <= share["high"] <= 1
            assert share["low"] < share["high"]


def test_an_interval_is_wider_than_one_that_takes_images_for_independent(stored):
    for name in ("colour", "reference"):
        one = scores(stored, "grouped", name)["accuracy", ""]
        low, high = proportion_confint(one["count"], one["n"], method="wilson")
        assert one["low"] < low < high < one["high"]
        assert one["method"] == "score interval, variance over source groups"


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


def deviations(rows):
    """Return the influence of each prediction on the accuracy."""
    hits = right(rows).astype(float)
    return (hits - hits.mean()) / len(rows)


def accuracy_rate(predictions, protocol, name):
    """Return the accuracy as a rate that knows what the errors of the others but the floor show."""
    others = [other for other in RECIPES if other not in (name, "majority")]
    worth = []
    for other in others:
        rows = rows_of(predictions, protocol, other)
        worth += Rate(right(rows), rows).worth
    rows = rows_of(predictions, protocol, name)
    return Rate(right(rows), rows, tuple(worth))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", [name for name in RECIPES if name != "majority"])
def test_limits_of_the_accuracy(stored, core_predictions, protocol, name):
    rate = accuracy_rate(core_predictions, protocol, name)
    one = scores(stored, protocol, name)["accuracy", ""]
    assert (one["low"], one["high"]) == pytest.approx(rate.guarded_limits(0.025), abs=1e-9)
    assert one["few_groups"] == (rate.spread < 4)
    if rate.value < 1:
        assert one["error"] == pytest.approx(np.sqrt(rate.variance), rel=1e-6)
    else:
        assert one["error"] is None


def test_the_same_answer_to_every_image_has_no_interval(stored):
    for protocol in PROTOCOLS:
        one = scores(stored, protocol, "majority")["accuracy", ""]
        assert (one["low"], one["high"], one["training"]) == (None, None, None)
        assert one["method"] == CONSTANT
        assert model_of(stored, protocol, "majority")["effective"] is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_effective_sample_size_is_that_of_one_seed(stored, core_predictions, protocol):
    for name in ("colour", "knn", "reference"):
        rows = rows_of(core_predictions, protocol, name)
        effects = []
        for _, own in rows.groupby("seed"):
            rate = Rate(right(own), own)
            if rate.variance > 0:
                effects.append(rate.variance / (rate.value * (1 - rate.value) / len(own)))
        worth = model_of(stored, protocol, name)["effective"]
        if not effects:
            assert worth is None
            continue
        # Under "paper" a seed tests some of the groups only, which changes G / (G - 1) a little.
        close = 1e-6 if protocol == "grouped" else 0.05
        assert worth["design_effect"] == pytest.approx(np.mean(effects), rel=close)
        assert worth["n"] == pytest.approx(len(rows) / 2 / worth["design_effect"])
        accuracy = scores(stored, protocol, name)["accuracy", ""]
        assert accuracy["design_effect"] == pytest.approx(worth["design_effect"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_accuracy_of_each_seed(stored, core_predictions, protocol):
    for name in ("colour", "knn", "reference"):
        by_seed = right(rows_of(core_predictions, protocol, name)).groupby("seed").mean()
        found = model_of(stored, protocol, name)["seeds"]
        assert found == pytest.approx({"0": by_seed[0], "1": by_seed[1]})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_limits_for_the_way_of_training(stored, core_predictions, protocol):
    for name in [name for name in RECIPES if name != "majority"]:
        rows = rows_of(core_predictions, protocol, name)
        one = scores(stored, protocol, name)["accuracy", ""]
        training = one["training"]
        low, high = training_limits((one["low"], one["high"]), deviations(rows), rows, one["value"])
        expected = max(low, 0), min(high, 1)
        assert (training["low"], training["high"]) == pytest.approx(expected, abs=1e-7), name
        assert training["seeds"] == 2


def test_limits_for_the_way_of_training_contain_those_of_the_networks(stored):
    wider = 0
    for protocol in PROTOCOLS:
        for model in comparison_of(stored, protocol)["models"]:
            for key, one in scores_of(model["scores"]).items():
                training = one["training"]
                if one["low"] is None:
                    assert training is None, key
                    continue
                low, value, high = (float(one[part]) for part in ("low", "value", "high"))
                least, most = float(training["low"]), float(training["high"])
                assert least - 1e-12 <= low <= value <= high <= most + 1e-12, key
                assert training["error"] >= (one["error"] or 0) - 1e-12, key
                wider += least < low - 1e-9
    assert wider > 50


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
                assert one["count"] is None
                if one["low"] is None:
                    assert one["high"] is None
                    assert one["groups"] == 1 or "calibration_" in key[0], key
                    continue
                assert one["low"] <= one["value"] <= one["high"], key


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
