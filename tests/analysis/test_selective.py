"""Selective prediction of run folders, against the same done with pandas alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lcbench.analysis.results import Results
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.selective_scores import SelectiveLevel, SelectiveResult
from lcbench.analysis.suite import analyse
from lcbench.runs.reading import read_suite
from lcbench.runs.records import TaxonomyRecord
from lcbench.statistics.interval_model import CONSTANT, DECIDED

from ..stored import reseal
from .runfolders import Shape, make_runs

LEAVES = ["benign", "adenocarcinoma", "squamous_cell_carcinoma"]
TARGETS = (0.01, 0.05)
Analysed = Callable[..., Results]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = Shape(
        tiles=30, copies=4, varied=True, baselines=("majority", "knn", "reference"), external="ct"
    )
    return make_runs(tmp_path_factory.mktemp("selective"), shape)


@pytest.fixture(scope="module")
def results(folder: Path, analysed: Analysed) -> Results:
    return analysed(folder)


def found(results: Results, protocol: str) -> SelectiveResult:
    result = results.protocol(protocol)
    assert result is not None
    assert result.selective is not None
    return result.selective


def level(results: Results, protocol: str, number: int) -> SelectiveLevel:
    return next(one for one in found(results, protocol).levels if one.level == number)


def table(file: Path, number: int) -> pd.DataFrame:
    """Return confidence and error of each image at a level, with pandas alone."""
    rows = pd.read_parquet(file)
    rows = rows[rows["true"].isin(LEAVES)] if number == 2 else rows
    chances = rows[[f"p:{leaf}" for leaf in LEAVES]].to_numpy()
    if number == 1:
        chances = np.stack([chances[:, 0], chances[:, 1:].sum(axis=1)], axis=1)
        true = (rows["true"] != "benign").to_numpy().astype(int)
    else:
        true = rows["true"].map(LEAVES.index).to_numpy()
    sure = chances.max(axis=1).round(12)
    return pd.DataFrame({"sure": sure, "wrong": chances.argmax(axis=1) != true})


def least(rows: pd.DataFrame, target: float) -> float:
    """Return the smallest threshold within a target, by trying them all."""
    within = [
        limit
        for limit in [0.0, *rows["sure"]]
        if rows["wrong"][rows["sure"] >= limit].mean() <= target + 1e-12
    ]
    return min(within, default=np.inf)


def answered(
    runs: list[Path], number: int, target: float, source: Callable[[Path], Path]
) -> pd.DataFrame:
    """Return the test images of runs, and whether each is answered by the thresholds of others."""
    parts = []
    for run in runs:
        limit = least(table(source(run) / "validation.parquet", number), target)
        part = table(run / "predictions.parquet", number)
        parts.append(part.assign(answered=part["sure"] >= limit))
    return pd.concat(parts, ignore_index=True)


def own(run: Path) -> Path:
    return run


def of_paper(run: Path) -> Path:
    return run.parents[2] / "paper" / run.parent.name / run.name.split("-")[0]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("protocol", ["paper", "grouped"])
def test_coverage_and_risk_are_those_at_each_runs_own_thresholds(
    folder: Path, results: Results, protocol: str, number: int
) -> None:
    for model in level(results, protocol, number).models:
        runs = sorted((folder / protocol / model.model).iterdir())
        assert [point.target for point in model.points] == list(TARGETS)
        for point in model.points:
            rows = answered(runs, number, point.target, own)
            assert point.coverage.value == pytest.approx(rows["answered"].mean())
            assert point.coverage.n == len(rows)
            given = rows["wrong"][rows["answered"]]
            assert (point.risk.count or 0) == given.sum()
            assert point.risk.n == len(given)
            assert len(point.thresholds) == len(runs)


@pytest.mark.parametrize("number", [1, 2])
def test_thresholds_of_the_flattering_protocol_are_tried_on_the_other(
    folder: Path, results: Results, number: int
) -> None:
    for model in level(results, "grouped", number).models:
        runs = sorted((folder / "grouped" / model.model).iterdir())
        for point in model.points:
            rows = answered(runs, number, point.target, of_paper)
            assert point.carried_over is not None
            assert point.carried_over.coverage.value == pytest.approx(rows["answered"].mean())
            given = rows["wrong"][rows["answered"]]
            assert (point.carried_over.risk.count or 0) == given.sum()
    for model in level(results, "paper", number).models:
        assert {point.carried_over for point in model.points} == {None}


@pytest.mark.parametrize("protocol", ["paper", "grouped"])
def test_area_and_curve_are_those_of_each_trained_model(
    folder: Path, results: Results, protocol: str
) -> None:
    coverages = found(results, protocol).coverages
    for number in (1, 2):
        for model in level(results, protocol, number).models:
            total, images, errors = 0.0, 0, 0
            for run in (folder / protocol / model.model).iterdir():
                rows = table(run / "predictions.parquet", number)
                risks = [rows["wrong"][rows["sure"] >= sure].mean() for sure in rows["sure"]]
                total, images = total + sum(risks), images + len(rows)
                errors += int(rows["wrong"].sum())
            assert model.area.value == pytest.approx(total / images)
            assert len(model.curve) == len(coverages)
            assert model.curve[-1] == pytest.approx(errors / images)


def test_hierarchical_answers_are_as_deep_as_a_model_is_sure_enough(
    folder: Path, results: Results
) -> None:
    runs = sorted((folder / "grouped" / "reference").iterdir())
    for target in TARGETS:
        first, second = (answered(runs, number, target, own) for number in (1, 2))
        point = found(results, "grouped").hierarchical("reference", target)
        assert point is not None
        coarse, leaf = point.levels
        only_coarse = first["answered"] & ~second["answered"]
        assert (coarse.level, leaf.level) == (1, 2)
        assert coarse.share.value == pytest.approx(only_coarse.mean())
        assert leaf.share.value == pytest.approx(second["answered"].mean())
        assert point.answered.value == pytest.approx((only_coarse | second["answered"]).mean())
        wrong = (first["wrong"] & only_coarse) | (second["wrong"] & second["answered"])
        assert point.risk.count == wrong.sum()
        alone = level(results, "grouped", 2).scores("reference")
        assert alone is not None
        assert (alone.at(target) or alone.points[0]).risk.value == leaf.risk.value


def test_differences_are_those_from_the_reference_on_the_same_images(results: Results) -> None:
    for number in (1, 2):
        of = level(results, "grouped", number)
        reference = of.scores("reference")
        assert reference is not None
        assert reference.area_difference is None
        for model in of.models:
            for point, theirs in zip(model.points, reference.points, strict=True):
                if model is reference:
                    assert point.coverage_difference is None
                    continue
                assert model.area_difference is not None
                assert point.coverage_difference is not None
                assert point.coverage.value is not None
                assert theirs.coverage.value is not None
                gain = point.coverage.value - theirs.coverage.value
                assert point.coverage_difference.value == pytest.approx(gain)
                assert model.area_difference.value == pytest.approx(
                    (model.area.value or 0.0) - (reference.area.value or 0.0)
                )


def test_what_does_not_depend_on_the_image_has_no_interval(results: Results) -> None:
    floor = level(results, "grouped", 2).scores("majority")
    assert floor is not None
    assert (floor.area.method, floor.area.low) == (CONSTANT, None)
    for point in floor.points:
        assert set(point.thresholds) == {None}
        assert (point.coverage.value, point.coverage.low) == (0.0, None)
        assert point.coverage.method == DECIDED
        assert point.risk.value is None


def test_external_folders_use_the_thresholds_of_each_runs_own_validation_images(
    folder: Path, results: Results
) -> None:
    (external,) = results.external
    for number, at in enumerate(external.levels, start=1):
        for score in at.scores:
            place = folder / score.protocol / score.baseline
            other = folder / "external" / "ct" / score.protocol / score.baseline
            for point in score.points:
                given = []
                for file in sorted(other.iterdir()):
                    validation = table(place / file.stem / "validation.parquet", number)
                    rows = table(file, number)
                    given.append(rows[rows["sure"] >= least(validation, point.target)]["wrong"])
                assert point.coverage.n == sum(len(table(f, number)) for f in other.iterdir())
                assert (point.coverage.count or 0) == sum(map(len, given))
                assert (point.risk.count or 0) == sum(one.sum() for one in given)


def test_runs_without_validation_predictions_have_areas_and_no_thresholds(
    tmp_path: Path, analysed: Analysed
) -> None:
    shape = Shape(tiles=10, copies=4, seeds=1, varied=True, baselines=("knn", "reference"))
    folder = make_runs(tmp_path, replace(shape, protocols=("grouped",)))
    lost = folder / "grouped" / "knn" / "seed0-fold3"
    (lost / "validation.parquet").unlink()
    reseal(lost)
    result = found(analysed(folder), "grouped")
    assert result.without_validation == ("knn",)
    assert [one.model for one in result.answers] == ["reference"]
    for one in result.levels:
        knn, reference = one.scores("knn"), one.scores("reference")
        assert knn is not None
        assert reference is not None
        assert knn.points == ()
        assert knn.area.value is not None
        assert knn.area_difference is not None
        assert [point.target for point in reference.points] == list(TARGETS)
        assert {point.carried_over for point in reference.points} == {None}


def test_older_runs_have_curves_alone(tmp_path: Path, analysed: Analysed) -> None:
    shape = Shape(tiles=10, copies=4, seeds=1, baselines=("knn", "reference"), validation=False)
    results = analysed(make_runs(tmp_path, shape))
    for protocol in ("paper", "grouped"):
        result = found(results, protocol)
        assert result.without_validation == ("knn", "reference")
        assert (result.validation_images, result.validation_groups) == (None, None)
        assert result.answers == ()


def test_labels_that_are_inner_nodes_count_where_they_decide(
    tmp_path: Path, analysed: Analysed
) -> None:
    shape = Shape(tiles=10, copies=4, seeds=1, varied=True, baselines=("reference",))
    folder = make_runs(tmp_path, replace(shape, protocols=("paper",)))
    run = folder / "paper" / "reference" / "seed0"
    for name in ("predictions", "validation"):
        path = run / f"{name}.parquet"
        rows = pd.read_parquet(path)
        coarse = rows["true"] == "squamous_cell_carcinoma"
        rows.loc[coarse, "true"] = "malignant"
        rows.to_parquet(path)
    reseal(run)
    results = analysed(folder)
    sizes = [len(table(run / "predictions.parquet", number)) for number in (1, 2)]
    assert sizes[0] > sizes[1]
    for number, size in zip((1, 2), sizes, strict=True):
        (model,) = level(results, "paper", number).models
        assert model.area.n == size
        for point in model.points:
            rows = answered([run], number, point.target, own)
            assert point.coverage.value == pytest.approx(rows["answered"].mean())


def test_a_tree_of_three_levels_has_three_curves(tmp_path: Path, analysed: Analysed) -> None:
    parents = {
        "normal": "root", "cancer": "root", "small": "cancer", "large": "cancer",
        "adeno": "large", "squamous": "large",
    }  # fmt: skip
    shape = Shape(
        tiles=10, copies=4, seeds=1, varied=True, baselines=("knn", "reference"),
        leaves=("normal", "small", "adeno", "squamous"),
        taxonomy=TaxonomyRecord(name="deep", parents=parents, negative=None, subtypes_of=None),
    )  # fmt: skip
    results = analysed(make_runs(tmp_path, shape))
    result = found(results, "grouped")
    assert [one.classes for one in result.levels] == [
        ("normal", "cancer"), ("normal", "small", "large"), shape.leaves,
    ]  # fmt: skip
    for one in result.levels:
        for model in one.models:
            assert len(model.points) == len(TARGETS)
            assert model.area.value is not None
    for target in TARGETS:
        point = result.hierarchical("reference", target)
        assert point is not None
        counts = [one.share.count or 0 for one in point.levels]
        assert len(counts) == 3
        assert sum(counts) == point.answered.count


def test_groups_that_are_unknown_are_not_counted(tmp_path: Path, analysed: Analysed) -> None:
    shape = Shape(
        tiles=10, copies=4, seeds=1, baselines=("reference",), protocols=("paper",),
        groups_known=False,
    )  # fmt: skip
    result = found(analysed(make_runs(tmp_path, shape)), "paper")
    assert result.validation_images == 21
    assert result.validation_groups is None


def test_a_glance_leaves_it_out(folder: Path) -> None:
    settings: dict[str, Any] = {"resamples": 20}
    results = analyse(
        read_suite(folder), AnalysisSettings(**settings), advance=lambda _: None, brief=True
    )
    assert {one.selective for one in results.protocols} == {None}
