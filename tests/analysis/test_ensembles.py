"""Ensembles: averages by hand, no leakage across seeds, gains by hand, and what leaves one out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.analysis.ensembles import derive_ensembles
from lcbench.analysis.numbers import numbers_of
from lcbench.analysis.results import Results
from lcbench.analysis.thresholds import TARGETS, Thresholds
from lcbench.predictions.table import Predictions
from lcbench.rerun.suite import suite_of
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.plan_records import EnsembleRecord, PlanRecord
from lcbench.runs.reading import read_suite
from lcbench.runs.records import read_record, write_record
from lcbench.statistics.selective import levels_of
from lcbench.statistics.tree import ClassTree

from .runfolders import LEAVES, Shape, make_runs

ENSEMBLES = (
    EnsembleRecord(
        name="two", purpose="two at once", over="baselines", members=("reference", "knn")
    ),
    EnsembleRecord(name="seeds", purpose="all seeds", over="seeds", members=("reference",)),
    EnsembleRecord(name="all", purpose="everything", over="both", members=("reference", "knn")),
    EnsembleRecord(
        name="gone", purpose="no weights", over="baselines", members=("reference", "convnext_tiny")
    ),
)
SHAPE = Shape(tiles=10, copies=4, baselines=("majority", "reference", "knn"), external="chest-ct")


def with_ensembles(folder: Path, ensembles: tuple[EnsembleRecord, ...] = ENSEMBLES) -> Path:
    plan = read_record(folder / "plan.json", PlanRecord)
    write_record(folder / "plan.json", plan.model_copy(update={"ensembles": ensembles}))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_ensembles(make_runs(tmp_path_factory.mktemp("ensembles"), SHAPE))


@pytest.fixture(scope="module")
def suite(folder: Path) -> FinishedSuite:
    return read_suite(folder)


@pytest.fixture(scope="module")
def results(folder: Path, analysed: Callable[..., Results]) -> Results:
    return analysed(folder)


def derived(suite: FinishedSuite, protocol: str) -> dict[str, Predictions]:
    found = derive_ensembles(suite, protocol, suite.models(protocol))
    return {model.name: model for model in found.models}


def by_hand(suite: FinishedSuite, protocol: str, names: list[str], by: list[str]) -> pd.DataFrame:
    parts = [
        model.table[["image", "seed", "fold"]].join(
            pd.DataFrame(model.probabilities, columns=list(LEAVES))
        )
        for model in suite.models(protocol)
        if model.name in names
    ]
    return pd.concat(parts).groupby(by)[list(LEAVES)].mean()


@pytest.mark.parametrize(
    ("ensemble", "members", "by"),
    [
        ("two", ["reference", "knn"], ["image", "seed", "fold"]),
        ("seeds", ["reference"], ["image"]),
        ("all", ["reference", "knn"], ["image"]),
    ],
)
def test_probabilities_are_the_means_and_the_answer_is_the_largest(
    ensemble: str, members: list[str], by: list[str], suite: FinishedSuite
) -> None:
    found = derived(suite, "grouped")[ensemble]
    wanted = by_hand(suite, "grouped", members, by)
    assert found.probabilities is not None
    for row, chances in zip(found.table.to_dict("records"), found.probabilities, strict=True):
        key = tuple(row[name] for name in by)
        np.testing.assert_allclose(chances, wanted.loc[key if len(key) > 1 else key[0]], atol=1e-12)
        assert row["predicted"] == LEAVES[chances.argmax()]
    own = next(one for one in suite.models("grouped") if one.name == "reference").table
    columns = ["image", "seed", "fold", "true", "group", "sha256"]
    assert found.table[columns].equals(own[columns])
    assert set(found.table["baseline"]) == {ensemble}


def test_where_seeds_test_different_images_an_average_over_seeds_would_leak_and_there_is_none(
    suite: FinishedSuite,
) -> None:
    found = derive_ensembles(suite, "paper", suite.models("paper"))
    assert [model.name for model in found.models] == ["two"]
    reasons = {one.ensemble: one.reason for one in found.left_out}
    assert set(reasons) == {"seeds", "all", "gone"}
    assert "may have trained on the rest" in reasons["seeds"]
    assert reasons["gone"] == ("its member convnext_tiny was left out: no weights on this machine")


def test_thresholds_of_an_average_over_baselines_come_from_the_average_on_validation_images(
    suite: FinishedSuite,
) -> None:
    thresholds = Thresholds.of(suite)
    tree = ClassTree.of(suite.taxonomy)
    for protocol in ("paper", "grouped"):
        cells = thresholds.sides[protocol, "two"]
        assert set(cells) == set(thresholds.sides[protocol, "reference"])
        for (seed, fold), side in cells.items():
            members = [
                run.validation
                for run in suite.runs_of(protocol=protocol)
                if (run.config.seed, run.config.fold) == (seed, fold)
                and run.config.baseline in ("reference", "knn")
            ]
            first, second = (
                pd.DataFrame(one.probabilities, index=one.table["image"]) for one in members if one
            )
            true = tree.codes(list(members[0].table["true"]))  # type: ignore[union-attr]
            means = ((first + second.loc[first.index]) / 2).to_numpy()
            assert side.images == len(first)
            for level in levels_of(tree):
                wanted = level.answers(means, true)
                for target in TARGETS:
                    found = side.thresholds[level.level, target]
                    assert found == pytest.approx(wanted.threshold(target))


def test_averages_over_seeds_and_those_with_a_member_missing_have_no_thresholds(
    suite: FinishedSuite, results: Results
) -> None:
    thresholds = Thresholds.of(suite)
    names = {name for _, name in thresholds.sides}
    assert names == {"majority", "reference", "knn", "two"}
    grouped = results.protocol("grouped")
    assert grouped is not None
    assert grouped.selective is not None
    assert grouped.selective.without_validation == ("seeds", "all")
    for level in grouped.selective.levels:
        both = level.scores("two")
        assert both is not None
        assert both.points
        assert all(point.carried_over is not None for point in both.points)


def test_gains_are_the_differences_of_accuracy_and_the_best_member_is_told(
    results: Results,
) -> None:
    result = results.protocol("grouped")
    assert result is not None
    gains = {one.ensemble: one for one in result.ensembles}
    assert set(gains) == {"two", "seeds", "all"}
    for name, one in gains.items():
        scores = result.comparison.scores(name)
        assert scores is not None
        own = scores.accuracy.value
        assert own is not None
        reached = [member.accuracy for member in one.members]
        assert one.over_mean.value == pytest.approx(own - np.mean(reached))
        assert one.over_best.value == pytest.approx(own - max(reached))
        best = next(each for each in one.members if each.member == one.best_member)
        assert best.accuracy == max(reached)
    assert [each.member for each in gains["seeds"].members] == [
        "reference, seed 0",
        "reference, seed 1",
    ]
    assert len(gains["all"].members) == 4


def test_an_ensemble_over_seeds_has_no_limits_for_the_way_of_training(results: Results) -> None:
    result = results.protocol("grouped")
    assert result is not None
    known = {one.model: one.accuracy.training is not None for one in result.comparison.models}
    assert known["two"]
    assert known["reference"]
    assert not known["seeds"]
    assert not known["all"]
    for pair in result.comparison.pairs:
        event = pair.on("any_error")
        assert event is not None
        assert (event.training is None) == (pair.b in ("seeds", "all"))
    assert result.selective is not None
    for level in result.selective.levels:
        for one in level.models:
            if one.model not in ("majority", "reference"):
                assert one.area_difference is not None
                trained = [one.area.training is not None, one.area_difference.training is not None]
                assert trained == [one.model not in ("seeds", "all")] * 2


def test_an_ensemble_over_seeds_costs_the_seeds_that_are_in_it(
    tmp_path: Path, analysed: Callable[..., Results]
) -> None:
    shape = replace(SHAPE, external="", protocols=("grouped",), seeds=3)
    folder = with_ensembles(make_runs(tmp_path, shape))
    for fold in range(5):
        shutil.rmtree(folder / "grouped" / "knn" / f"seed2-fold{fold}")
    results = analysed(folder)
    costs = {one.baseline: one.learned for one in results.efficiency}
    assert costs["seeds"] == 2 * costs["reference"]
    assert costs["all"] == 2 * (costs["reference"] + costs["knn"])


def test_ensembles_stand_beside_the_baselines_and_cost_the_sum_of_their_members(
    results: Results,
) -> None:
    assert [one.baseline for one in results.baselines if one.is_ensemble] == ["two", "seeds", "all"]
    costs = {one.baseline: one for one in results.efficiency}
    members = costs["reference"], costs["knn"]
    assert costs["two"].train_seconds == sum(one.train_seconds for one in members)
    assert costs["two"].gmacs == sum(one.gmacs or 0.0 for one in members)
    assert costs["seeds"].gmacs == 2 * (costs["reference"].gmacs or 0.0)
    speeds = [one.images_per_second for one in members]
    assert costs["two"].images_per_second == pytest.approx(1 / sum(1 / (s or 1) for s in speeds))


def test_on_an_external_folder_all_models_of_the_members_answer_together(results: Results) -> None:
    (folder,) = results.external
    runs = {(one.protocol, one.baseline): one.runs for one in folder.levels[-1].scores}
    assert runs["grouped", "reference"] == 10
    assert runs["grouped", "two"] == 10  # for each seed and fold
    assert runs["grouped", "seeds"] == runs["grouped", "all"] == 1
    assert runs["paper", "seeds"] == 1  # no seed has seen an external image
    assert ("grouped", "gone") not in runs


def test_one_seed_is_no_ensemble_over_seeds_on_an_external_folder_either(
    tmp_path: Path, analysed: Callable[..., Results]
) -> None:
    folder = with_ensembles(make_runs(tmp_path, replace(SHAPE, protocols=("grouped",), seeds=1)))
    results = analysed(folder)
    (external,) = results.external
    known = {one.baseline for one in results.baselines}
    assert known == {"majority", "reference", "knn", "two"}
    assert {one.baseline for one in external.levels[-1].scores} == known


def test_what_is_missing_leaves_out_the_ensemble_and_nothing_else(
    tmp_path: Path, analysed: Callable[..., Results]
) -> None:
    shape = replace(SHAPE, external="", protocols=("grouped",), seeds=1)
    folder = with_ensembles(
        make_runs(tmp_path, replace(shape, baselines=("majority", "reference")))
    )
    (result,) = analysed(folder).protocols
    reasons = {one.ensemble: one.reason for one in result.ensembles_left_out}
    assert reasons["two"] == reasons["all"] == "its member knn has no finished run"
    assert reasons["seeds"].startswith("only one seed is here")
    assert not result.ensembles
    assert {one.model for one in result.comparison.models} == {"majority", "reference"}


def test_a_plan_of_an_older_version_has_none(tmp_path: Path, shape: Shape) -> None:
    folder = make_runs(tmp_path, shape)
    content = json.loads((folder / "plan.json").read_text())
    del content["ensembles"], content["checksum"]
    content["schema_version"] = 1
    (folder / "plan.json").write_text(json.dumps(content))
    assert read_suite(folder).plan.ensembles == ()


def test_a_report_can_be_held_against_itself_and_its_suite_has_the_ensembles(
    results: Results,
) -> None:
    places = list(numbers_of(results))
    assert any("two" in place and "over_mean" in place for place in places)
    assert suite_of(results).ensembles == ENSEMBLES[:3]
