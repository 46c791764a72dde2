"""The report's scores against computations that share no code with it."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from .truth import LEAVES, PROTOCOLS, SUBTYPES, confused, probabilities, right, rows_of, scores

BASELINES = ["majority", "colour", "reference", "hierarchical-cascade"]
PROPORTIONS = {
    "accuracy", "sensitivity", "specificity", "subtype_accuracy", "subtype_confusion_rate",
}  # fmt: skip
ON_ALL_IMAGES = {
    "accuracy", "balanced_accuracy", "macro_f1", "cohen_kappa", "matthews_correlation",
    "macro_auroc", "macro_average_precision", "log_loss", "brier_score", "calibration_error",
    "calibration_error_equal_mass",
}  # fmt: skip


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
    true, predicted, chances = rows["true"], rows["predicted"], probabilities(rows)
    malignant = true.isin(SUBTYPES)
    ranking = {"y_true": one_hot(true), "y_score": chances, "average": "macro"}
    return {
        "accuracy": sk.accuracy_score(true, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(true, predicted),
        "macro_f1": sk.f1_score(true, predicted, average="macro"),
        "sensitivity": (predicted[~malignant] == "benign").mean(),
        "specificity": (predicted[malignant] != "benign").mean(),
        "subtype_accuracy": right(rows)[malignant].mean(),
        "subtype_confusion_rate": confused(rows)[malignant].mean(),
        "subtype_confusions": confused(rows).groupby("seed").sum().mean(),
        "cohen_kappa": sk.cohen_kappa_score(true, predicted),
        "matthews_correlation": sk.matthews_corrcoef(true, predicted)
        if predicted.nunique() > 1
        else None,
        "macro_auroc": sk.roc_auc_score(**ranking),
        "macro_average_precision": sk.average_precision_score(**ranking),
        "log_loss": sk.log_loss(one_hot(true), chances),
        "brier_score": ((chances - one_hot(true)) ** 2).sum(axis=1).mean(),
        "calibration_error": calibration_error(rows, np.arange(1, 15) / 15),
        "calibration_error_equal_mass": calibration_error(rows, edges_of_equal_mass(rows)),
    }


def entering(rows, name):
    """Return the predictions that a score speaks of."""
    if name in ON_ALL_IMAGES:
        return rows
    return rows[rows["true"].isin(["benign"] if name == "sensitivity" else SUBTYPES)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_scores(stored, core_predictions, protocol, baseline):
    rows = rows_of(core_predictions, protocol, baseline)
    found = scores(stored, protocol, baseline)["metrics"]
    expected = expected_scores(rows)
    assert set(expected) == set(found)
    for name, value in expected.items():
        one, speaks_of = found[name], entering(rows, name)
        if value is None:
            continue
        assert one["value"] == pytest.approx(value, abs=1e-12), name
        assert (one["n"], one["groups"]) == (len(speaks_of), speaks_of["group"].nunique()), name
        assert one["low"] <= one["value"] <= one["high"], name
        assert (one["count"] is not None) == (name in PROPORTIONS), name


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_counts_are_the_numerators(stored, core_predictions, protocol, baseline):
    rows = rows_of(core_predictions, protocol, baseline)
    found = scores(stored, protocol, baseline)["metrics"]
    malignant = rows["true"].isin(SUBTYPES)
    called_benign = rows["predicted"] == "benign"
    counts = {
        "accuracy": right(rows),
        "sensitivity": called_benign & ~malignant,
        "specificity": ~called_benign & malignant,
        "subtype_accuracy": right(rows) & malignant,
        "subtype_confusion_rate": confused(rows),
    }
    assert {name: found[name]["count"] for name in counts} == {
        name: int(happens.sum()) for name, happens in counts.items()
    }


@pytest.mark.parametrize("baseline", BASELINES)
def test_every_interval_has_width_but_for_a_loss_that_never_varies(stored, baseline):
    for protocol in PROTOCOLS:
        for name, one in scores(stored, protocol, baseline)["metrics"].items():
            if one["value"] is not None and one["method"] != "all resamples alike":
                assert one["high"] > one["low"], (protocol, name)


def test_an_interval_is_wider_than_one_that_takes_images_for_independent(stored):
    for name in ("colour", "reference"):
        one = scores(stored, "grouped", name)["metrics"]["accuracy"]
        low, high = proportion_confint(one["count"], one["n"], method="wilson")
        assert one["low"] < low < high < one["high"]
        assert one["method"] == "score interval, cluster bootstrap standard error"


def test_a_share_without_errors_gets_wilson_on_groups(stored):
    one = scores(stored, "grouped", "reference")["metrics"]["specificity"]
    assert (one["count"], one["n"], one["groups"]) == (480, 480, 40)
    expected = proportion_confint(40, 40, method="wilson")
    assert (one["low"], one["high"]) == pytest.approx(expected)
    assert one["method"] == "Wilson on groups"


def test_an_undefined_correlation_is_null(stored):
    one = scores(stored, "grouped", "majority")["metrics"]["matthews_correlation"]
    assert one == {
        "value": None, "low": None, "high": None, "n": 0, "groups": 0, "count": None,
        "method": "not defined on these images",
    }  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("baseline", ["majority", "colour", "reference"])
def test_classes(stored, core_predictions, protocol, baseline):
    rows = rows_of(core_predictions, protocol, baseline)
    chances = probabilities(rows)
    found = scores(stored, protocol, baseline)
    expected = sk.precision_recall_fscore_support(
        rows["true"], rows["predicted"], labels=LEAVES, zero_division=0
    )
    for number, (leaf, one) in enumerate(zip(LEAVES, found["classes"], strict=True)):
        true, called = rows["true"] == leaf, rows["predicted"] == leaf
        hits = int((true & called).sum())
        assert (one["leaf"], one["images"]) == (leaf, int(true.sum()))
        for key, values, speaks_of, count in (
            ("precision", expected[0], called, hits),
            ("recall", expected[1], true, hits),
            ("f1", expected[2], true | called, None),
        ):
            if not speaks_of.any():
                assert (one[key]["value"], one[key]["n"], one[key]["count"]) == (None, 0, None)
                continue
            assert one[key]["value"] == pytest.approx(values[number])
            assert one[key]["count"] == count
            assert one[key]["n"] == int(speaks_of.sum())
            assert one[key]["groups"] == rows["group"][speaks_of].nunique()
        auroc = sk.roc_auc_score(true, chances[:, number])
        precision = sk.average_precision_score(true, chances[:, number])
        assert one["auroc"]["value"] == pytest.approx(auroc)
        assert one["average_precision"]["value"] == pytest.approx(precision)
        assert one["auroc"]["n"] == one["average_precision"]["n"] == len(rows)
    counts = sk.confusion_matrix(rows["true"], rows["predicted"], labels=LEAVES)
    np.testing.assert_allclose(found["confusion"], counts / 2)


def test_what_is_counted(stored, core_predictions):
    for result in stored["protocols"]:
        rows = rows_of(core_predictions, result["protocol"], "reference").reset_index()
        assert result["images"] == rows["image"].nunique()
        assert result["predictions"] == len(rows)
        assert result["groups"] == rows["group"].nunique()
        assert result["groups_known"]
        assert result["seeds"] == [0, 1]


def test_external_accuracy_at_each_level(stored, core_runs):
    (folder,) = stored["external"]
    files = list(core_runs.glob("core/external/chest-ct/grouped/colour/*.parquet"))
    rows = pd.concat([pd.read_parquet(file) for file in files])
    assert len(files) == 10
    top, leaves = folder["levels"]
    wanted = {"protocol": "grouped", "baseline": "colour"}
    at_top, at_leaves = (
        next(one for one in level["scores"] if wanted.items() <= one.items())
        for level in (top, leaves)
    )

    malignant = rows["p:adenocarcinoma"] + rows["p:squamous_cell_carcinoma"]
    hits = (malignant > rows["p:benign"]) == (rows["true"] != "benign")
    assert at_top["accuracy"]["value"] == pytest.approx(hits.mean())
    assert (at_top["accuracy"]["count"], at_top["accuracy"]["n"]) == (hits.sum(), len(rows))
    assert top["majority_rate"] == pytest.approx((rows["true"] != "benign").mean())
    assert top["images"] == 234

    known = rows[rows["true"] != "malignant"]
    assert leaves["images"] == 183
    assert at_leaves["accuracy"]["value"] == pytest.approx(right(known).mean())
    assert leaves["majority_class"] == "adenocarcinoma"
    difference = right(known).mean() - (known["true"] == "adenocarcinoma").mean()
    assert at_leaves["difference"]["value"] == pytest.approx(difference)
    assert at_leaves["accuracy"]["groups"] == known["sha256"].nunique() == 182


def test_claims_speak_of_the_reference(stored, core_predictions):
    rows = rows_of(core_predictions, "grouped", "reference")
    claims = [one for one in stored["claims"] if one["protocol"] == "grouped"]
    assert len(claims) == 5
    accuracy, sensitivity, specificity, count, of_errors = (one["measured"] for one in claims)
    found = scores(stored, "grouped", "reference")["metrics"]
    assert accuracy == found["accuracy"]
    assert sensitivity == found["sensitivity"]
    assert specificity == found["specificity"]
    assert count["value"] == pytest.approx(2250 * confused(rows).mean())
    assert count["count"] is None
    wrong = ~right(rows)
    assert of_errors["value"] == pytest.approx(confused(rows)[wrong].mean())
    assert (of_errors["count"], of_errors["n"]) == (confused(rows).sum(), wrong.sum())
