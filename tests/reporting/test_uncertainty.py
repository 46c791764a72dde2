"""Effective sample size, seeds, differences from the reference, and paper beside grouped."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lcbench.analysis.reporting import analyse
from lcbench.runs.finished import read_suite

from .truth import PROTOCOLS, right, rows_of, scores


def each(stored):
    """Return every protocol's name with every baseline's scores."""
    return [
        (result["protocol"], one) for result in stored["protocols"] for one in result["baselines"]
    ]


def group_errors(rows):
    """Return the standard error of the accuracy over source groups, by linearisation."""
    hits = right(rows).astype(float)
    totals = (hits - hits.mean()).groupby(rows["group"]).sum()
    return np.sqrt((totals**2).sum() * len(totals) / (len(totals) - 1)) / len(rows)


def test_effective_sample_size_is_that_of_the_standard_error_over_groups(stored, core_predictions):
    for name in ("colour", "knn", "reference"):
        rows = rows_of(core_predictions, "grouped", name)
        share = right(rows).mean()
        expected = share * (1 - share) / group_errors(rows) ** 2
        # 400 resamples: the standard error is off by 4 % or so, its square by twice that.
        assert scores(stored, "grouped", name)["effective"]["n"] == pytest.approx(expected, rel=0.2)


def test_the_design_effect_is_predictions_over_the_effective_sample_size(stored):
    seen = 0
    for _, one in each(stored):
        worth, accuracy = one["effective"], one["metrics"]["accuracy"]
        assert (worth is None) == (accuracy["value"] == 1)
        if worth is not None:
            seen += 1
            assert worth["n"] * worth["design_effect"] == pytest.approx(accuracy["n"])
    assert seen > 10


def test_repeated_tiles_are_worth_less_than_as_many_independent_ones(stored):
    assert scores(stored, "grouped", "reference")["effective"]["design_effect"] > 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_accuracy_of_each_seed(stored, core_predictions, protocol):
    for name in ("colour", "knn", "reference"):
        rows = rows_of(core_predictions, protocol, name)
        by_seed = right(rows).groupby("seed").mean()
        found = scores(stored, protocol, name)["seeds"]
        assert found["accuracies"] == pytest.approx({"0": by_seed[0], "1": by_seed[1]})
        accuracy = scores(stored, protocol, name)["metrics"]["accuracy"]
        for key in ("value", "n", "groups", "count"):
            assert found["two_way"][key] == pytest.approx(accuracy[key]), key


def test_the_two_way_interval_is_wider_where_seeds_differ(stored):
    for name in ("colour", "hierarchical-cascade", "tf_efficientnet_lite1"):
        found = scores(stored, "grouped", name)
        first, second = found["seeds"]["accuracies"].values()
        one_way, two_way = found["metrics"]["accuracy"], found["seeds"]["two_way"]
        assert abs(first - second) > 0.01
        assert two_way["low"] < one_way["low"] < one_way["high"] < two_way["high"]


def test_the_two_way_interval_is_that_of_the_groups_where_seeds_agree(stored):
    found = scores(stored, "grouped", "majority")
    one_way, two_way = found["metrics"]["accuracy"], found["seeds"]["two_way"]
    assert len(set(found["seeds"]["accuracies"].values())) == 1
    for key in ("low", "high"):
        assert two_way[key] == pytest.approx(one_way[key], abs=1e-9)


def test_one_seed_has_no_spread(tmp_path, make, shape):
    folder = make(tmp_path, replace(shape, protocols=("grouped",)))
    results = analyse(read_suite(folder), command="", resamples=20, advance=lambda _: None)
    assert {one.seeds for one in results.protocols[0].baselines} == {None}


def own_values(one):
    """Return every score of a baseline by the names that differences have."""
    own = dict(one["metrics"])
    del own["subtype_confusions"]  # the rate in another unit
    for found in one["classes"]:
        for name in ("precision", "recall", "f1", "auroc", "average_precision"):
            own[f"{name}:{found['leaf']}"] = found[name]
    return own


def test_differences_from_the_reference(stored):
    for protocol, one in each(stored):
        differences = one["against_reference"]
        if one["baseline"] == "reference":
            assert differences == {}
            continue
        own, base = own_values(one), own_values(scores(stored, protocol, "reference"))
        assert set(differences) == set(own)
        for name, found in differences.items():
            if own[name]["value"] is None or base[name]["value"] is None:
                assert (found["value"], found["n"]) == (None, 0), name
                continue
            assert found["value"] == pytest.approx(own[name]["value"] - base[name]["value"]), name
            assert found["low"] <= found["value"] <= found["high"], name
            assert found["count"] is None


def test_a_difference_is_paired(stored, core_predictions):
    """Both sides on the same groups: closer than two independent standard errors allow."""
    ours, theirs = (rows_of(core_predictions, "grouped", k) for k in ("colour", "reference"))
    gap = (right(ours).astype(float) - right(theirs)).groupby(ours["group"]).sum() / len(ours)
    gap -= gap.mean()
    paired = np.sqrt((gap**2).sum() * len(gap) / (len(gap) - 1))
    found = scores(stored, "grouped", "colour")["against_reference"]["accuracy"]
    half = (found["high"] - found["low"]) / 2
    # Student's t with Satterthwaite's degrees of freedom lies between these quantiles.
    assert 1.9 < half / paired < 2.6


def test_drop_is_the_difference_and_its_interval_covers_it(stored):
    assert len(stored["drops"]) == 7
    for drop in stored["drops"]:
        difference = drop["paper"]["value"] - drop["grouped"]["value"]
        assert drop["drop"]["value"] == pytest.approx(difference)
        assert drop["drop"]["low"] <= difference <= drop["drop"]["high"]
        assert drop["drop"]["groups"] == 60
        assert drop["drop"]["n"] == drop["paper"]["n"] + drop["grouped"]["n"]


def test_drop_interval_against_a_plain_bootstrap(stored, core_predictions):
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
    (drop,) = [one["drop"] for one in stored["drops"] if one["baseline"] == "colour"]
    assert drop["low"] == pytest.approx(low, abs=0.012)
    assert drop["high"] == pytest.approx(high, abs=0.012)
