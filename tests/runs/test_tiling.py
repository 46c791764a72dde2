"""Runs and evaluations on tiles: groups are whole images, answers are one an image."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.demo.create import create_demo
from lcbench.errors import UserError
from lcbench.runs.evaluate import evaluate
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.execute import execute
from lcbench.runs.records import RunConfig, read_record
from lcbench.runs.store import read_plan

from .recipes import COLOUR, MAJORITY, MakePlan, counts

CPU = EvaluationOptions(offline=True, device="cpu", precision="32", tile=112)


def test_a_run_on_tiles_keeps_images_on_one_side(
    plan_of: MakePlan, demo_dataset: Dataset, tmp_path: Path
) -> None:
    plan = plan_of(MAJORITY, COLOUR, tile=112, protocols=("grouped",))
    tiles = plan.dataset.manifest
    assert len(tiles) > len(demo_dataset.manifest)
    assert set(tiles["group"]) == set(demo_dataset.manifest["group"])
    assert plan.pixel_check is not None
    assert len(plan.pixel_check.by_pixels.manifest) == len(tiles)
    for planned in plan.splits:
        sides = pd.Series(planned.split.sides).groupby(tiles["group"].to_numpy()).nunique()
        assert (sides == 1).all()
    out = tmp_path / "runs"
    assert counts(execute(plan, out, jobs=1)) == (10, 0, 0)
    folder = out / "tiny" / "grouped" / "colour" / "seed0-fold0"
    config = read_record(folder / "config.json", RunConfig)
    assert config.dataset.tiling.startswith("tiles of 112 px without overlap")
    assert read_plan(out / "tiny").invocations[-1].tile == 112
    with pytest.raises(UserError, match="on other images"):
        execute(plan_of(MAJORITY, COLOUR, protocols=("grouped",)), out, jobs=1)


def test_an_evaluation_answers_each_image_by_the_mean_of_its_tiles(
    plan_of: MakePlan, demo_dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(MAJORITY, COLOUR), out, jobs=1)
    whole = evaluate(demo_dataset.root, out / "tiny", replace(CPU, tile=None))
    before = pd.read_parquet(whole.folder / "paper" / "colour" / "seed0.parquet")
    tiled = evaluate(demo_dataset.root, out / "tiny", CPU)
    after = pd.read_parquet(tiled.folder / "paper" / "colour" / "seed0.parquet")
    assert list(after["image"]) == list(before["image"])
    assert list(after["sha256"]) == list(before["sha256"])
    classes = [name for name in after if name.startswith("p:")]
    np.testing.assert_allclose(after[classes].sum(axis=1), 1)
    assert not np.allclose(after[classes], before[classes])
    assert tiled.record.tiling.startswith("tiles of 112 px")
    assert (tiled.record.options.tile, whole.record.tiling) == (112, "")


def test_all_tiles_of_clean_images_and_no_others_are_held_against_the_training_images(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    out, folder = tmp_path / "runs", tmp_path / "other"
    plan = plan_of(MAJORITY, COLOUR)
    execute(plan, out, jobs=1)
    create_demo(folder, tiles_per_class=2, copies=1, seed=77)
    (folder / "groups.csv").unlink()
    known = plan.dataset.path(plan.dataset.manifest["image"][0])
    shutil.copy(known, folder / "lung_aca" / f"a{known.suffix}")
    shift = evaluate(folder, out / "tiny", CPU).record.shift
    assert shift is not None
    assert shift.images > 4 * shift.spaces[0].groups[1] - 4  # but for tiles of background
    assert 0 < shift.contaminated <= 4
    assert shift.spaces[0].groups[1] == 6


def test_tiles_have_no_embeddings_of_whole_images(plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    execute(plan_of(MAJORITY), out, jobs=1)
    with pytest.raises(UserError, match="--embeddings are of whole images"):
        evaluate(tmp_path, out / "tiny", replace(CPU, embeddings=("e.npz",)))
