"""Suites that lack something, or have another class tree; external folders."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from lcbench.analysis.external_levels import simultaneous_confidence
from lcbench.analysis.suite import _is_hierarchical
from lcbench.errors import UserError
from lcbench.runs.records import RunConfig, TaxonomyRecord
from lcbench.runs.stored import stored_file

from ..stored import reseal, rewrite
from .runfolders import fail_run, make_runs
from .truth import right


def test_one_protocol_and_one_seed(tmp_path, shape, analysed):
    results = analysed(make_runs(tmp_path, replace(shape, protocols=("paper",))))
    assert results.drops == ()
    assert results.leakage_free is None
    assert results.strictest is results.flattering
    comparison = results.protocols[0].comparison
    for model in comparison.models:
        assert model.seeds == {0: model.accuracy.value}
        assert {one.estimate.training for one in model.scores} == {None}
    assert {one.training for pair in comparison.pairs for one in pair.events} == {None}


def test_a_part_of_the_backbone_that_each_of_two_networks_trained_is_there_twice(
    tmp_path, shape, analysed
):
    name = "hierarchical-cascade"
    baselines = (*shape.baselines, name)
    folder = make_runs(tmp_path, replace(shape, protocols=("paper",), baselines=baselines))
    state = folder / "paper" / name / "seed0" / "state.json"
    rewrite(state, of_backbone=2_000_000, parameters=2_000_005)
    costs = {one.baseline: one for one in analysed(folder).efficiency}
    assert costs[name].learned == 2_000_005
    assert costs[name].parameters == 3_400_000 - 1_000_000 + 2_000_005


def test_missing_folds_are_counted(tmp_path, shape, analysed):
    folder = make_runs(tmp_path, replace(shape, protocols=("grouped",)))
    for baseline in shape.baselines:
        fail_run(folder / "grouped" / baseline / "seed0-fold2")
    (result,) = analysed(folder).protocols
    assert (result.tested, result.planned) == (96, 120)
    assert result.missing == ()


def test_a_fold_that_one_baseline_lacks_is_left_out_for_all(tmp_path, shape, analysed):
    folder = make_runs(tmp_path, replace(shape, protocols=("grouped",)))
    fail_run(folder / "grouped" / "colour" / "seed0-fold1")
    (result,) = analysed(folder).protocols
    (missing,) = result.missing
    assert (missing.seed, missing.fold, missing.models) == (0, 1, ("colour",))
    assert result.comparison.images == result.tested < result.planned
    assert result.comparison.unmatched == ()


def test_a_baseline_without_a_run_in_common_is_left_out(tmp_path, shape, analysed):
    folder = make_runs(tmp_path, replace(shape, protocols=("grouped",)))
    for fold in range(1, 5):
        fail_run(folder / "grouped" / "colour" / f"seed0-fold{fold}")
    for baseline in ("majority", "reference"):
        fail_run(folder / "grouped" / baseline / "seed0-fold0")
    (result,) = analysed(folder).protocols
    assert result.not_compared == ("colour",)
    assert [one.model for one in result.comparison.models] == ["majority", "reference"]


def test_predictions_that_contradict_each_other_are_refused(tmp_path, shape, analysed):
    folder = make_runs(tmp_path, replace(shape, protocols=("paper",)))
    path = folder / "paper" / "colour" / "seed0" / "predictions.parquet"
    table = pd.read_parquet(path)
    table.loc[0, "group"] = "another"
    table.to_parquet(path)
    reseal(path.parent)
    with pytest.raises(UserError, match="more than one label, source group or hash"):
        analysed(folder)


def test_unknown_groups_resample_images(tmp_path, shape, analysed):
    results = analysed(make_runs(tmp_path, replace(shape, groups_known=False)))
    for result in results.protocols:
        comparison = result.comparison
        assert not comparison.groups_known
        assert comparison.groups == comparison.images == comparison.images_without_group


def test_zero_errors_have_an_interval_and_p_is_one(tmp_path, shape, analysed):
    from .runfolders import Recipe

    perfect = {name: Recipe(0.0, 0.0) for name in ("knn", "reference")}
    chosen = replace(shape, baselines=("knn", "reference"), recipes=perfect)
    for result in analysed(make_runs(tmp_path, chosen)).protocols:
        for model in result.comparison.models:
            assert model.accuracy.value == 1
            assert 0 < model.accuracy.low < 1
            assert model.get("confusion_rate", "malignant").high > 0
            assert model.get("matthews_correlation").low < 1
            assert model.get("mistake_severity").value is None
            assert model.effective is None
        (pair,) = result.comparison.pairs
        assert len(pair.events) == 3
        for one in pair.events:
            assert {(test.p, test.p_adjusted) for test in one.tests} == {(1, 1)}
            assert one.difference.low < 0 < one.difference.high
            assert one.relative_reduction.value is one.odds_ratio.value is None
            assert 0 < one.detectable < 1


def test_a_flat_tree_has_errors_only(tmp_path, shape, analysed):
    leaves = ("liver", "spleen", "kidney")
    parents = dict.fromkeys(leaves, "root")
    tree = TaxonomyRecord(name="organs", parents=parents, negative=None, subtypes_of=None)
    results = analysed(make_runs(tmp_path, replace(shape, taxonomy=tree, leaves=leaves)))
    for result in results.protocols:
        assert result.comparison.events == (("any_error", ""),)
        for model in result.comparison.models:
            spoken_of = {one.metric for one in model.scores}
            assert not {"sensitivity", "confusion_rate", "hierarchical_f"} & spoken_of


def test_in_a_deep_tree_every_decision_counts_its_own_confusions(tmp_path, shape, analysed):
    """Non-small against small cell is not adenocarcinoma against squamous cell carcinoma."""
    parents = {
        "benign": "root", "malignant": "root", "nsclc": "malignant", "small_cell": "malignant",
        "adenocarcinoma": "nsclc", "squamous_cell_carcinoma": "nsclc",
    }  # fmt: skip
    tree = TaxonomyRecord(name="who", parents=parents, negative="benign", subtypes_of="malignant")
    leaves = ("benign", "small_cell", "adenocarcinoma", "squamous_cell_carcinoma")
    folder = make_runs(tmp_path, replace(shape, taxonomy=tree, leaves=leaves, tiles=12))
    results = analysed(folder)
    comparison = results.strictest.comparison
    assert comparison.events == (
        ("any_error", ""), ("confusion", "malignant"), ("confusion", "root"),
        ("confusion", "nsclc"),
    )  # fmt: skip
    counts = np.array(comparison.scores("colour").confusion)
    nsclc, small = counts[2:, 2:], counts[1, 2:].sum() + counts[2:, 1].sum()
    rate = comparison.scores("colour").get("confusion_rate", "malignant")
    assert rate.count == small > 0
    rate = comparison.scores("colour").get("confusion_rate", "nsclc")
    assert rate.count == nsclc.sum() - np.trace(nsclc)


def test_images_with_a_coarse_label_count_where_their_label_says_enough(tmp_path, shape, analysed):
    folder = make_runs(tmp_path, replace(shape, protocols=("paper",)))
    for path in folder.glob("paper/*/*/predictions.parquet"):
        table = pd.read_parquet(path)
        cancer = table.index[table["true"] != "benign"][:3]
        table.loc[cancer, "true"] = "malignant"
        table.to_parquet(path)
        reseal(path.parent)
    comparison = analysed(folder).protocols[0].comparison
    assert comparison.coarse == {"malignant": 3}
    for model in comparison.models:
        assert model.get("confusion_rate", "root").n == model.accuracy.n + 3
    for pair in comparison.pairs:
        assert pair.on("confusion", "root").test().n == pair.on("any_error").test().n + 3


def test_external_limits_hold_for_all_models_of_a_level_at_once(stored):
    for level in stored["external"][0]["levels"]:
        scores = level["scores"]
        assert len(scores) == 14
        for one in scores:
            own, together = one["difference"], one["simultaneous"]
            assert together["value"] == own["value"]
            if own["low"] is None:  # fixed by the numbers of each class
                assert together["low"] is None
                continue
            assert together["low"] <= own["low"]
            assert together["high"] >= own["high"]
            if own["error"] and one["baseline"] != "majority":
                factor = norm.ppf(1 - 0.025 / 14) / norm.ppf(0.975)
                wide, narrow = (each["high"] - each["low"] for each in (together, own))
                assert wide / narrow == pytest.approx(factor, rel=0.1)


def test_simultaneous_confidence_is_bonferronis():
    assert simultaneous_confidence(1) == pytest.approx(0.95)
    assert simultaneous_confidence(10) == pytest.approx(0.995)


def test_more_trained_models_are_no_more_evidence(tmp_path, shape, analysed):
    """The same predictions of one network, ten times over, give the same interval."""
    folder = make_runs(tmp_path, replace(shape, external="ct", protocols=("paper",), seeds=10))
    record = folder / "external" / "ct" / "evaluation.json"
    place = record.parent / "paper" / "colour"
    first = pd.read_parquet(place / "seed0.parquet")
    predicted = json.loads(record.read_text())["predicted"]

    def found(seeds):
        kept = {name: one for name, one in predicted.items() if "/colour/" not in name}
        for seed in range(seeds):
            path = place / f"seed{seed}.parquet"
            first.assign(seed=seed).to_parquet(path)
            name = f"paper/colour/seed{seed}"
            kept[name] = predicted[name] | {"file": stored_file(path).model_dump()}
        rewrite(record, predicted=kept)
        (result,) = analysed(folder).external
        return next(one for one in result.levels[0].scores if one.baseline == "colour")

    alone, many = found(1), found(10)
    assert (alone.runs, many.runs) == (1, 10)
    assert many.accuracy.groups == alone.accuracy.groups
    for kind in ("difference", "simultaneous"):
        one, other = getattr(alone, kind), getattr(many, kind)
        assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=1e-9)


def test_external_accuracy_at_each_level(stored, core_runs):
    (folder,) = stored["external"]
    files = list(core_runs.glob("external/chest-ct/grouped/colour/*.parquet"))
    rows = pd.concat([pd.read_parquet(file) for file in files])
    assert len(files) == 10
    top, leaves = folder["levels"]
    at_top, at_leaves = (
        next(
            one
            for one in level["scores"]
            if (one["protocol"], one["baseline"]) == ("grouped", "colour")
        )
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


@pytest.mark.parametrize(
    ("recipe", "hierarchical"),
    [
        ({}, False),
        ({"hierarchy": "flat", "loss": "focal", "gamma": 2.0}, False),
        ({"hierarchy": "per-node"}, True),
        ({"hierarchy": "flat", "loss": "soft-labels"}, True),
        ({"neighbours": 3, "decision": "least-cost"}, True),
    ],
)
def test_networks_losses_and_decision_rules_can_make_a_baseline_hierarchical(recipe, hierarchical):
    assert _is_hierarchical(RunConfig.model_construct(recipe=recipe)) == hierarchical
