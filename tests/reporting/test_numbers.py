"""The report's numbers against computations that share no code with it."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

LEAVES = ["benign", "adenocarcinoma", "squamous_cell_carcinoma"]
SUBTYPES = LEAVES[1:]
PROTOCOLS = ["paper", "grouped"]


@pytest.fixture(scope="module")
def stored(core_report):
    return json.loads(core_report.results_json.read_text())


def scores(stored, protocol, baseline):
    (result,) = [one for one in stored["protocols"] if one["protocol"] == protocol]
    (found,) = [one for one in result["baselines"] if one["baseline"] == baseline]
    return found


def rows_of(predictions, protocol, baseline):
    return predictions[
        (predictions["protocol"] == protocol) & (predictions["baseline"] == baseline)
    ]


def confused(rows):
    both = rows["true"].isin(SUBTYPES) & rows["predicted"].isin(SUBTYPES)
    return both & (rows["true"] != rows["predicted"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("baseline", ["majority", "colour", "reference", "hierarchical-cascade"])
def test_scores(stored, core_predictions, protocol, baseline):
    rows = rows_of(core_predictions, protocol, baseline)
    found = scores(stored, protocol, baseline)["metrics"]
    malignant = rows["true"].isin(SUBTYPES)
    right = rows["true"] == rows["predicted"]
    by_seed = rows[confused(rows)].groupby("seed").size().reindex([0, 1], fill_value=0)
    expected = {
        "accuracy": right.mean(),
        "balanced_accuracy": right.groupby(rows["true"]).mean().mean(),
        "macro_f1": f1_score(rows["true"], rows["predicted"], average="macro"),
        "sensitivity": (rows["predicted"][~malignant] == "benign").mean(),
        "specificity": (rows["predicted"][malignant] != "benign").mean(),
        "subtype_accuracy": right[malignant].mean(),
        "subtype_confusion_rate": confused(rows)[malignant].mean(),
        "subtype_confusions": by_seed.mean(),
    }
    assert set(expected) == set(found)
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value), name
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
        assert found[name]["high"] > found[name]["low"], f"{name}: no width"
    assert found["accuracy"]["n"] == len(rows)
    assert found["accuracy"]["groups"] == rows["group"].nunique()
    assert found["sensitivity"]["n"] == int((~malignant).sum())
    assert found["sensitivity"]["groups"] == rows["group"][~malignant].nunique()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_classes_and_matrices(stored, core_predictions, protocol):
    rows = rows_of(core_predictions, protocol, "reference")
    found = scores(stored, protocol, "reference")
    expected = precision_recall_fscore_support(rows["true"], rows["predicted"], labels=LEAVES)
    for number, one in enumerate(found["classes"]):
        assert one["leaf"] == LEAVES[number]
        assert one["images"] == expected[3][number]
        for key, values in zip(("precision", "recall", "f1"), expected, strict=False):
            assert one[key]["value"] == pytest.approx(values[number])
    counts = confusion_matrix(rows["true"], rows["predicted"], labels=LEAVES)
    np.testing.assert_allclose(found["confusion"], counts / 2)


def test_grouped_accuracy_is_the_mean_over_seeds(stored, core_predictions):
    rows = rows_of(core_predictions, "grouped", "colour")
    by_seed = (rows["true"] == rows["predicted"]).groupby(rows["seed"]).mean()
    found = scores(stored, "grouped", "colour")["metrics"]["accuracy"]["value"]
    assert found == pytest.approx(by_seed.mean())


def test_what_is_counted(stored, core_predictions):
    for result in stored["protocols"]:
        rows = rows_of(core_predictions, result["protocol"], "reference")
        assert result["images"] == rows["image"].nunique()
        assert result["predictions"] == len(rows)
        assert result["groups"] == rows["group"].nunique()
        assert result["groups_known"]
        assert result["seeds"] == [0, 1]


def test_drop_is_the_difference_and_its_interval_covers_it(stored):
    for drop in stored["drops"]:
        difference = drop["paper"]["value"] - drop["grouped"]["value"]
        assert drop["drop"]["value"] == pytest.approx(difference)
        assert drop["drop"]["low"] <= difference <= drop["drop"]["high"]
        assert drop["drop"]["groups"] == 60


def test_drop_interval_against_a_plain_bootstrap(stored, core_predictions):
    rows = core_predictions[core_predictions["baseline"] == "colour"]
    right = (rows["true"] == rows["predicted"]).astype(float)
    table = pd.DataFrame({"group": rows["group"], "protocol": rows["protocol"], "right": right})
    sums = table.pivot_table(
        index="group", columns="protocol", values="right", aggfunc=["sum", "count"], fill_value=0
    )
    generator = np.random.default_rng(3)
    differences = []
    for _ in range(1500):
        drawn = sums.iloc[generator.integers(0, len(sums), len(sums))].sum()
        shares = drawn["sum"] / drawn["count"]
        differences.append(shares["paper"] - shares["grouped"])
    low, high = np.quantile(differences, [0.025, 0.975])
    (drop,) = [one["drop"] for one in stored["drops"] if one["baseline"] == "colour"]
    assert drop["low"] == pytest.approx(low, abs=0.012)
    assert drop["high"] == pytest.approx(high, abs=0.012)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_comparisons(stored, core_predictions, protocol):
    (result,) = [one for one in stored["protocols"] if one["protocol"] == protocol]
    reference = rows_of(core_predictions, protocol, "reference").set_index(["seed", "image"])
    assert [one["baseline"] for one in result["comparisons"]] == [
        one["baseline"] for one in result["baselines"] if one["baseline"] != "reference"
    ]
    for one in result["comparisons"]:
        rows = rows_of(core_predictions, protocol, one["baseline"]).set_index(["seed", "image"])
        ours, theirs = confused(rows.loc[reference.index]), confused(reference)
        malignant = reference["true"].isin(SUBTYPES)
        difference = ours[malignant].mean() - theirs[malignant].mean()
        assert one["difference"]["value"] == pytest.approx(difference)
        assert one["difference"]["n"] == int(malignant.sum())
        first = one["first_seed"]
        assert first["b"] == int((theirs & ~ours).loc[0].sum())
        assert first["c"] == int((ours & ~theirs).loc[0].sum())
        assert first["n"] == int(malignant.loc[0].sum())
        assert one["p"] <= one["p_holm"] <= 1
        width = one["difference"]["high"] - one["difference"]["low"]
        assert one["smallest_visible"] == pytest.approx(width / 2)


def test_holm_is_over_the_baselines_of_one_protocol(stored):
    for result in stored["protocols"]:
        ps = sorted(one["p"] for one in result["comparisons"])
        smallest = min(result["comparisons"], key=lambda one: one["p"])
        assert smallest["p_holm"] == pytest.approx(min(1, ps[0] * len(ps)))


def test_external_accuracy_at_each_level(stored, core_runs):
    (folder,) = stored["external"]
    files = list(core_runs.glob("core/external/chest-ct/grouped/colour/*.parquet"))
    rows = pd.concat([pd.read_parquet(file) for file in files])
    assert len(files) == 10
    top, leaves = folder["levels"]
    wanted = {"protocol": "grouped", "baseline": "colour"}
    scores_of = [
        next(s for s in level["scores"] if wanted.items() <= s.items()) for level in (top, leaves)
    ]

    malignant = rows["p:adenocarcinoma"] + rows["p:squamous_cell_carcinoma"]
    right = (malignant > rows["p:benign"]) == (rows["true"] != "benign")
    assert scores_of[0]["accuracy"]["value"] == pytest.approx(right.mean())
    assert top["majority_rate"] == pytest.approx((rows["true"] != "benign").mean())
    assert top["images"] == 234

    known = rows[rows["true"] != "malignant"]
    right = known["true"] == known["predicted"]
    assert leaves["images"] == 183
    assert scores_of[1]["accuracy"]["value"] == pytest.approx(right.mean())
    assert leaves["majority_class"] == "adenocarcinoma"
    difference = right.mean() - (known["true"] == "adenocarcinoma").mean()
    assert scores_of[1]["difference"]["value"] == pytest.approx(difference)
    assert scores_of[1]["accuracy"]["groups"] == known["sha256"].nunique() == 182


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
    wrong = rows["true"] != rows["predicted"]
    assert of_errors["value"] == pytest.approx(confused(rows)[wrong].mean())


def test_the_csv_holds_the_same_numbers(stored, core_report):
    table = pd.read_csv(core_report.results_csv)
    assert list(table.columns) == [
        "section", "protocol", "baseline", "metric", "value", "low", "high", "n", "groups",
        "method", "extra",
    ]  # fmt: skip
    picked = table.query("section == 'scores' and metric == 'macro_f1'")
    assert len(picked) == 14
    for row in picked.itertuples():
        expected = scores(stored, row.protocol, row.baseline)["metrics"]["macro_f1"]
        assert (row.value, row.low, row.high) == pytest.approx(
            (expected["value"], expected["low"], expected["high"])
        )
    assert set(table["section"]) == {
        "scores", "classes", "comparison", "drop", "efficiency", "claims", "external:chest-ct",
    }  # fmt: skip
