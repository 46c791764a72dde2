"""Suites on a file of embeddings: every kind of head runs, a changed file is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lcbench.datasets.dataset import Dataset
from lcbench.errors import ExitCode, UserError
from lcbench.rendering.terminal import show_plan
from lcbench.runs.describe import plan_as_json
from lcbench.runs.evaluate import evaluate
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.execute import execute
from lcbench.runs.plan import Plan
from lcbench.runs.records import RunConfig, RunState, read_record
from lcbench.runs.suite import load_suite

from .recipes import MAJORITY, MakePlan, counts, run_folder

FILE = {"feature": "embeddings", "file": "sub/uni.npz"}
KNN = {"name": "knn", "kind": "neighbours", "neighbours": 3, **FILE}
PROBE = {"name": "probe", "kind": "linear-probe", "penalties": [0.1], **FILE}
TREE = {"name": "tree", "kind": "network", "hierarchy": "cascade", "epochs": 1, **FILE}
ON_REFERENCE = {"name": "reference", "kind": "network", "epochs": 1, "hidden": 4}
WHOLE = {**ON_REFERENCE, "name": "whole", "tuning": "full"}
VIEWS = {"name": "views", "kind": "network", "epochs": 1, "views": ["geometric"], **FILE}
CPU = EvaluationOptions(offline=True, device="cpu", precision="32")


def write(path: Path, dataset: Dataset, shift: float = 0.0) -> Path:
    """Embeddings that tell the classes apart."""
    labels = dataset.manifest["label"].astype("category").cat.codes.to_numpy()
    noise = np.random.default_rng(0).normal(size=(len(labels), 6))
    path.parent.mkdir(exist_ok=True, parents=True)
    images = np.array(dataset.manifest["image"].tolist())
    np.savez(path, image=images, embedding=noise + 9 * np.eye(6)[labels] + shift)
    return path


@pytest.fixture
def file(tmp_path: Path, demo_dataset: Dataset) -> Path:
    """The file that recipes name, beside the suite's file."""
    return write(tmp_path / "sub" / "uni.npz", demo_dataset)


def accuracy(folder: Path) -> float:
    table = pd.read_parquet(folder / "predictions.parquet")
    return float((table["true"] == table["predicted"]).mean())


@pytest.mark.usefixtures("file")
def test_heads_probes_and_hierarchies_run_on_a_file(
    plan_of: MakePlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(MAJORITY, KNN, PROBE, TREE, VIEWS)
    show_plan(plan)
    assert "px" not in capsys.readouterr().err  # of which images they are, nobody knows
    assert "not known" in plan_as_json(plan, ())["preprocessing"]["knn"]
    (left_out,) = plan.left_out
    assert left_out.baseline == "views"
    assert "sub/uni.npz holds embeddings alone" in left_out.reason
    out = tmp_path / "runs"
    assert counts(execute(plan, out, jobs=1)) == (4, 0, 0)
    assert accuracy(run_folder(out, "knn")) > 0.9
    config = read_record(run_folder(out, "probe") / "config.json", RunConfig)
    assert config.backbone is not None
    assert (config.backbone.name, config.precision) == ("sub/uni.npz", "32")
    assert config.backbone.weights == "embeddings of sub/uni.npz"
    state = read_record(run_folder(out, "probe") / "state.json", RunState)
    assert state.images_per_second is None  # how fast they were computed, nobody knows
    assert state.chosen == "C = 0.1"


def test_a_changed_file_is_another_making(
    file: Path, demo_dataset: Dataset, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(MAJORITY, KNN), out, jobs=1)
    assert counts(execute(plan_of(MAJORITY, KNN), out, jobs=1)) == (0, 2, 0)
    write(file, demo_dataset, shift=0.1)
    with pytest.raises(UserError, match="other weights"):
        execute(plan_of(MAJORITY, KNN), out, jobs=1)
    assert counts(execute(plan_of(MAJORITY, KNN), out, jobs=1, fresh=True)) == (2, 0, 0)


def test_a_file_takes_the_place_of_the_reference_backbone(
    file: Path, plan_of: MakePlan, tmp_path: Path
) -> None:
    plan = plan_of(ON_REFERENCE, WHOLE, backbone=str(file), weights=None)
    assert [one.baseline for one in plan.left_out] == ["whole"]
    assert counts(execute(plan, tmp_path / "runs", jobs=1)) == (1, 0, 0)


def test_a_file_without_every_image_stops_the_plan(
    tmp_path: Path, demo_dataset: Dataset, plan_of: MakePlan
) -> None:
    fewer = replace(demo_dataset, manifest=demo_dataset.manifest.iloc[1:])
    write(tmp_path / "sub" / "uni.npz", fewer)
    with pytest.raises(UserError, match="no embedding of 1 of 72 images"):
        plan_of(MAJORITY, KNN)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"feature": "embeddings"}, "needs file ="),
        ({"feature": "embeddings", "file": "uni.csv"}, "needs file ="),
        ({**FILE, "backbone": "resnet50"}, "leave one out"),
    ],
)
def test_a_recipe_that_says_half_is_refused(
    recipe: dict[str, Any], said: str, write_suite: Callable[..., str]
) -> None:
    with pytest.raises(UserError, match=said):
        load_suite(write_suite(MAJORITY, {"name": "x", "kind": "neighbours", **recipe}))


@pytest.mark.usefixtures("file")
def test_other_images_need_their_own_file(
    plan_of: Callable[..., Plan],
    demo_dataset: Dataset,
    tmp_path: Path,
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(MAJORITY, KNN, PROBE), out, jobs=1)
    suite, images = out / "tiny", demo_dataset.root
    alone = evaluate(images, suite, CPU)
    assert {one.baseline for one in alone.record.left_out} == {"knn", "probe"}
    assert "--embeddings sub/uni.npz=FILE" in alone.record.left_out[0].reason
    other = write(tmp_path / "other.npz", demo_dataset)
    for given in (str(other), f"sub/uni.npz={other}"):
        found = evaluate(images, suite, replace(CPU, embeddings=(given,)))
        assert (found.runs, found.record.left_out) == (3, ())
    with pytest.raises(UserError, match="two files in the place of"):
        evaluate(images, suite, replace(CPU, embeddings=(str(other), str(other))))
    fewer = replace(demo_dataset, manifest=demo_dataset.manifest.iloc[1:])
    few = replace(CPU, embeddings=(str(write(tmp_path / "few.npz", fewer)),))
    with pytest.raises(UserError, match="no embedding of 1 of 72"):
        evaluate(images, suite, few)


def test_embeddings_for_runs_that_look_at_images_are_refused(
    plan_of: MakePlan, demo_dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(MAJORITY), out, jobs=1)
    with pytest.raises(UserError, match="no file of embeddings") as caught:
        evaluate(demo_dataset.root, out / "tiny", replace(CPU, embeddings=("a.npz",)))
    assert caught.value.code == ExitCode.WRONG_USAGE
