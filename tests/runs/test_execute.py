"""Runs: what they leave, what is done again, and that they repeat to the byte."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from lcbench.runs.execute import execute
from lcbench.runs.records import RunConfig, RunState, read_record
from lcbench.runs.store import read_plan
from lcbench.storage import content_hash

from .recipes import (
    CASCADE,
    COLOUR,
    KNN,
    MAJORITY,
    REFERENCE,
    TWO_HEAD,
    WHOLE,
    MakePlan,
    contents,
    counts,
    run_folder,
)


def results(folder: Path) -> dict[str, str]:
    """The files that the same command must write with the same bytes."""
    wanted = (".parquet", ".safetensors", "history.csv")
    return {name: digest for name, digest in contents(folder).items() if name.endswith(wanted)}


def test_a_run_folder_tells_everything_about_its_run(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of(REFERENCE, MAJORITY, protocols=("grouped",))
    outcome = execute(plan, tmp_path / "runs", jobs=1)
    assert outcome.folder == tmp_path / "runs" / "tiny"
    assert counts(outcome) == (10, 0, 0)
    tested: list[str] = []
    for planned in plan.splits:
        split = planned.split
        folder = outcome.folder / "grouped" / "reference" / split.name
        config = read_record(folder / "config.json", RunConfig)
        assert (config.protocol, config.seed, config.fold) == ("grouped", 0, split.fold)
        stored = outcome.folder / "splits" / "grouped" / f"{split.name}.csv"
        assert config.split.sha256 == content_hash(stored.read_text())
        sides = pd.read_csv(stored).set_index("image")["side"]
        counted = (config.split.train, config.split.validation, config.split.test)
        assert counted == tuple((sides == side).sum() for side in ("train", "validation", "test"))
        predictions = pd.read_parquet(folder / "predictions.parquet")
        assert set(predictions["image"]) == set(sides.index[sides == "test"])
        assert set(predictions["fold"]) == {split.fold}
        assert set(predictions["baseline"]) == {"reference"}
        manifest = plan.dataset.manifest.set_index("image").loc[predictions["image"]]
        for column, theirs in (("sha256", "sha256"), ("group", "group"), ("true", "label")):
            assert predictions[column].tolist() == manifest[theirs].tolist()
        tested += predictions["image"].tolist()
        assert len(pd.read_csv(folder / "history.csv")) == 2
    assert sorted(tested) == sorted(plan.dataset.manifest["image"])  # every image once


def test_the_record_of_a_run_says_what_it_was_made_with(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of(REFERENCE, MAJORITY)
    out = tmp_path / "runs"
    execute(plan, out, jobs=1)
    config = read_record(run_folder(out, "reference") / "config.json", RunConfig)
    assert config.backbone is not None
    assert (config.backbone.name, config.backbone.random) == ("test_resnet", True)
    assert config.backbone.weights_sha256 == plan.baselines[0].backbone.facts.weights_sha256  # type: ignore[union-attr]
    assert (config.device, config.precision) == ("cpu", "32")
    assert {"epochs": 2, "hidden": 8, "backbone": "test_resnet"}.items() <= config.recipe.items()
    assert config.dataset.sha256 == plan.dataset.sha256
    assert config.versions["torch"] == torch.__version__.split("+")[0]
    state = read_record(run_folder(out, "reference") / "state.json", RunState)
    assert state.status == "done"
    assert state.epochs == 2
    assert state.images_per_second is not None
    assert state.images_per_second > 0
    assert state.peak_memory_mb > 50
    majority = read_record(run_folder(out, "majority") / "config.json", RunConfig)
    assert majority.backbone is None
    assert not (run_folder(out, "majority") / "history.csv").exists()
    assert (
        read_record(run_folder(out, "majority") / "state.json", RunState).images_per_second is None
    )
    assert read_plan(out / "tiny").baselines == ("reference", "majority")


def redone(out: Path, before: dict[str, str]) -> set[str]:
    """Baselines with a state.json that is not the one of before."""
    after = contents(out / "tiny" / "paper")
    return {
        name.split("/")[0]
        for name, digest in after.items()
        if name.endswith("state.json") and before.get(name) != digest
    }


def mark(out: Path) -> dict[str, str]:
    """Make every stored state differ from what a new run would store."""
    for path in (out / "tiny").rglob("state.json"):
        state = json.loads(path.read_text())
        path.write_text(json.dumps({**state, "started": "long ago"}))
    return contents(out / "tiny" / "paper")


def remove(path: str) -> Callable[[Path], None]:
    return lambda out: (run_folder(out, "knn") / path).unlink()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda out: shutil.rmtree(run_folder(out, "knn")), id="the folder"),
        pytest.param(remove("predictions.parquet"), id="its predictions"),
        pytest.param(remove("state.json"), id="its state"),
        pytest.param(remove("config.json"), id="its configuration"),
    ],
)
def test_a_run_that_is_gone_is_done_again_and_no_other(
    damage: Callable[[Path], None], plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, KNN, MAJORITY), out, jobs=1)
    same = results(out)
    before = mark(out)
    damage(out)
    assert counts(execute(plan_of(REFERENCE, KNN, MAJORITY), out, jobs=1)) == (1, 2, 0)
    assert redone(out, before) == {"knn"}
    assert results(out) == same


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"precision": "bf16"}, {"reference", "knn"}),
        ({}, set()),
    ],
)
def test_runs_are_done_again_when_what_decides_their_result_has_changed(
    change: dict[str, Any], expected: set[str], plan_of: MakePlan, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("lcbench.compute.supports_bf16", lambda _: True)
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, KNN, MAJORITY), out, jobs=1)
    before = mark(out)
    reference = {**REFERENCE, "purpose": "In other words"}
    execute(plan_of(reference, KNN, MAJORITY, **change), out, jobs=1)
    assert redone(out, before) == expected


def test_leftovers_of_a_killed_run_are_removed(plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    leftover = run_folder(out, "majority").with_name(".seed0-x1y2")
    leftover.mkdir(parents=True)
    (leftover / "predictions.parquet").write_bytes(b"half")
    execute(plan_of(MAJORITY), out, jobs=1)
    assert [path.name for path in run_folder(out, "majority").parent.iterdir()] == ["seed0"]


def test_two_fresh_runs_give_equal_bytes_whatever_the_cache_and_the_number_of_jobs(
    plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heads, trees, neighbours and a whole network with flips: all that is random has a seed."""
    found = []
    shared = os.environ["LCBENCH_CACHE"]
    for number, jobs in enumerate((1, 2)):
        monkeypatch.setenv("LCBENCH_CACHE", shared)  # what pixels say of groups is no matter here
        plan = plan_of(REFERENCE, MAJORITY, COLOUR, KNN, CASCADE, TWO_HEAD, WHOLE,
                       force=True, precision="auto")  # fmt: skip
        monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / f"cache{number}"))
        out = tmp_path / f"runs{number}"
        assert counts(execute(plan, out, jobs=jobs)) == (7, 0, 0)
        found.append(results(out) | contents(out / "tiny" / "splits"))
    assert found[0] == found[1]
    assert len({digest for name, digest in found[0].items() if "predictions" in name}) == 7


def test_seeds_and_arms_differ_in_what_they_should_and_share_what_they_should(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, KNN, seeds=2), out, jobs=1)
    tables = {
        (name, seed): pd.read_parquet(run_folder(out, name, seed=seed) / "predictions.parquet")
        for name in ("reference", "knn")
        for seed in (0, 1)
    }
    for seed in (0, 1):
        assert tables["reference", seed]["image"].equals(tables["knn", seed]["image"])
    assert not tables["reference", 0]["image"].equals(tables["reference", 1]["image"])
