"""Backbones at their own size of image or another: recorded, never mixed, restored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lcbench.errors import UserError
from lcbench.runs.evaluate import EvaluationOptions, evaluate
from lcbench.runs.execute import execute, rehearse
from lcbench.runs.making import same
from lcbench.runs.records import CheckpointRecord, RunConfig, read_record

from .recipes import KNN, MAJORITY, PARTLY, MakePlan, counts, run_folder

CPU = EvaluationOptions(offline=True, device="cpu", precision="32")


def config(out: Path, baseline: str) -> RunConfig:
    return read_record(run_folder(out, baseline) / "config.json", RunConfig)


def test_another_size_gives_other_embeddings_that_the_cache_keeps_apart(plan_of: MakePlan) -> None:
    own, other = plan_of(KNN), plan_of(KNN, image_size=96)
    first = own.features.embeddings("test_resnet").values.copy()
    second = other.features.embeddings("test_resnet").values
    assert first.shape == second.shape
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(own.features.embeddings("test_resnet").values, first)
    assert other.features.pixels("test_resnet").values.shape[2:] == (96, 96)
    assert own.features.pixels("test_resnet").values.shape[2:] == (160, 160)


def test_the_size_is_recorded_and_evaluation_restores_it(
    plan_of: MakePlan, tmp_path: Path, small_demo: Path
) -> None:
    out = tmp_path / "runs"
    plan = plan_of(KNN, {**PARTLY, "epochs": 1}, image_size=96, force=True)
    assert counts(execute(plan, out, jobs=1)) == (2, 0, 0)
    for name in ("knn", "partly"):
        backbone = config(out, name).backbone
        assert backbone is not None
        assert backbone.image_size == 96
        assert backbone.preprocessing.startswith("96 px, bilinear, center crop 0.95")
    evaluation = evaluate(small_demo, out / "tiny", CPU)
    assert evaluation.runs == 2
    assert not evaluation.record.left_out


def test_runs_of_another_size_are_not_mixed_and_the_option_is_named(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(KNN, image_size=96), out, jobs=1)
    for refuse in (lambda: rehearse(plan_of(KNN), out), lambda: execute(plan_of(KNN), out, jobs=1)):
        with pytest.raises(UserError, match="another size or preparation of images") as caught:
            refuse()
        assert "96 px" in caught.value.message
        assert "--image-size" in caught.value.message
    assert counts(execute(plan_of(KNN, image_size=96), out, jobs=1)) == (0, 1, 0)


def test_a_size_by_backbone_goes_before_the_one_for_all(plan_of: MakePlan) -> None:
    plan = plan_of(KNN, image_size=96, image_sizes={"test_resnet": 64})
    assert [b.backbone.preprocessing.size for b in plan.baselines if b.backbone] == [64]


def test_a_record_of_an_older_version_is_of_224_pixels_and_the_same_run(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(KNN, image_size=224), out, jobs=1)
    stored = config(out, "knn")
    content = stored.model_dump(mode="json")
    for key in ("image_size", "outputs", "checkpoint"):
        del content["backbone"][key]
    older = RunConfig.model_validate(content)
    assert older == stored
    backbone = stored.backbone
    assert backbone is not None
    told = backbone.model_copy(update={"checkpoint": CheckpointRecord(left_out=("fc.bias",))})
    assert same(older, stored.model_copy(update={"backbone": told}))
    assert not same(older, stored.model_copy(update={"backbone": replace_size(backbone, 96)}))


def replace_size(backbone: object, size: int) -> object:
    return backbone.model_copy(update={"image_size": size})  # type: ignore[attr-defined]


def test_a_size_that_the_network_cannot_take_is_refused_before_anything_is_written(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    plan = plan_of(MAJORITY, KNN, backbone="test_vit", weights="random", image_size=100)
    plan = replace(plan, suite=plan.suite.model_copy(update={"reference": "knn"}))
    for refuse in (rehearse, execute):
        with pytest.raises(UserError, match="test_vit does not take images of 100 px"):
            refuse(plan, tmp_path / "runs")
    assert not (tmp_path / "runs" / "tiny" / "plan.json").exists()
