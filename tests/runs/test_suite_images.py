"""What a suite folder tells of its images, and what it tells where files are old or not its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.datasets.dataset import Dataset
from lcbench.runs.execute import execute
from lcbench.runs.plan import Plan, make_plan
from lcbench.runs.reading import read_suite
from lcbench.runs.suite_images import ABSENT, TEST, TRAIN, SuiteImages, read_suite_images

from ..stored import rewrite
from .conftest import options_for
from .recipes import KNN, MAJORITY, contents, suite_text


@pytest.fixture(scope="module")
def plan(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    suite = tmp_path_factory.mktemp("suite") / "tiny.toml"
    suite.write_text(suite_text(MAJORITY, KNN, protocols=["paper", "grouped"]))
    return make_plan(options_for(small_demo)(str(suite)))


@pytest.fixture(scope="module")
def folder(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a suite with frozen embeddings; copy it before changing it."""
    runs = tmp_path_factory.mktemp("looked-at")
    execute(plan, runs, jobs=1)
    return runs / "tiny"


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "tiny"))


def seen(folder: Path) -> SuiteImages:
    return read_suite_images(folder, read_suite(folder))


def test_images_sides_and_nearest_ones(folder: Path, plan: Plan, demo_dataset: Dataset) -> None:
    images = seen(folder)
    wanted = demo_dataset.manifest[["image", "label", "group", "sha256"]]
    assert images.table.to_dict("list") == wanted.to_dict("list")
    assert len(images.splits) == len(plan.splits) == 6
    groups = images.table["group"].to_numpy()
    for planned, found in zip(plan.splits, images.splits, strict=True):
        assert found.whole
        assert (found.sides == TRAIN).tolist() == (planned.split.sides == "train").tolist()
        assert found.nearest is not None
        assert found.nearest.test.tolist() == planned.split.rows("test").tolist()
        assert set(found.sides[found.nearest.nearest]) == {TRAIN}
        same = groups[found.nearest.test] == groups[found.nearest.nearest]
        assert same.any() == (planned.split.protocol == "paper")


def test_what_stands_is_not_computed_again(copied: Path, plan: Plan) -> None:
    record = copied / "splits" / "paper" / "seed0.nearest.json"
    before = contents(copied / "splits")
    rewrite(record, split_sha256="0" * 16)  # of another split
    assert [one.nearest is None for one in seen(copied).splits] == [True] + 5 * [False]
    execute(plan, copied.parent, jobs=1)
    assert contents(copied / "splits") == before


def test_folders_of_older_versions_tell_what_predictions_say(folder: Path, copied: Path) -> None:
    (copied / "images.csv").unlink()
    for path in copied.rglob("*.nearest.json"):
        path.unlink()
    (copied / "splits" / "paper" / "seed0.csv").write_text("image,side\nbad,train\n")
    new, old = seen(folder), seen(copied)
    assert old.table.to_dict("list") == new.table.to_dict("list")
    assert all(one.nearest is None for one in old.splits)
    paper, *grouped = zip(old.splits, new.splits, strict=True)
    assert not paper[0].whole
    assert np.where(paper[1].sides == TRAIN, ABSENT, paper[1].sides).tolist() == (
        paper[0].sides.tolist()
    )
    assert all((one.sides == other.sides).all() for one, other in grouped)


def test_a_table_that_is_not_what_was_written_is_not_believed(copied: Path) -> None:
    table = pd.read_csv(copied / "images.csv")
    known = seen(copied).table
    table.assign(group="one").to_csv(copied / "images.csv", index=False)
    assert seen(copied).table.to_dict("list") == known.to_dict("list")
    (copied / "images.csv").write_bytes(b"\xff\x00")
    assert seen(copied).table.to_dict("list") == known.to_dict("list")


def test_records_with_rows_that_are_not_there_are_not_believed(copied: Path) -> None:
    tested = int((seen(copied).splits[0].sides == TEST).sum())
    record = copied / "splits" / "paper" / "seed0.nearest.json"
    for nearest in (tested * [1_000_000], tested * [-1], [0]):
        rewrite(record, nearest=nearest, similarity=len(nearest) * [1.0])
        assert seen(copied).splits[0].nearest is None
