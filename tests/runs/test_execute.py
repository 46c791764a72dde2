"""Runs: what they leave, what is done again, and that they repeat to the byte."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from lcbench.errors import UserError
from lcbench.runs.execute import execute
from lcbench.runs.plan import make_plan
from lcbench.runs.reading import read_suite
from lcbench.runs.records import RunConfig, RunState, read_record
from lcbench.runs.store import read_plan
from lcbench.storage.hashes import content_hash

from ..damage import EVERY_DAMAGE, Damage, deleted, named
from ..storage.test_locks import HOLDS, start
from ..stored import FILES, as_older, rewrite
from .conftest import options_for
from .recipes import (
    CASCADE,
    COLOUR,
    KNN,
    MAJORITY,
    PARTLY,
    REFERENCE,
    TWO_HEAD,
    WHOLE,
    MakePlan,
    contents,
    counts,
    run_folder,
    suite_text,
)


def results(folder: Path) -> dict[str, str]:
    """The files that the same command must write with the same bytes."""
    wanted = (".parquet", ".safetensors", "history.csv")
    return {name: digest for name, digest in contents(folder).items() if name.endswith(wanted)}


@pytest.fixture(scope="module")
def trained(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of three baselines; copy it before changing it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(suite_text(REFERENCE, CASCADE, MAJORITY))
    plan = make_plan(options_for(small_demo)(str(folder / "tiny.toml")))
    execute(plan, folder / "runs", jobs=1)
    return folder / "runs"


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
        for file, side in (("predictions", "test"), ("validation", "validation")):
            predictions = pd.read_parquet(folder / f"{file}.parquet")
            assert sorted(predictions["image"]) == sorted(sides.index[sides == side])
            assert set(predictions["fold"]) == {split.fold}
            assert set(predictions["baseline"]) == {"reference"}
            manifest = plan.dataset.manifest.set_index("image").loc[predictions["image"]]
            for column, theirs in (("sha256", "sha256"), ("group", "group"), ("true", "label")):
                assert predictions[column].tolist() == manifest[theirs].tolist()
        tested += list(sides.index[sides == "test"])
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
        rewrite(path, started="long ago")
    return contents(out / "tiny" / "paper")


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
@pytest.mark.parametrize("file", FILES)
def test_a_run_that_is_damaged_is_named_and_done_again_and_no_other(
    file: str, damage: Damage, trained: Path, plan_of: MakePlan, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    same = results(out)
    before = mark(out)
    damage(run_folder(out, "reference") / file, run_folder(out, "cascade") / file)
    outcome = execute(plan_of(REFERENCE, CASCADE, MAJORITY), out, jobs=1)
    assert counts(outcome) == (1, 2, 0)
    (damaged,) = outcome.damaged
    assert (damaged.run, damaged.again) == ("paper/reference/seed0", True)
    assert damaged.reason in capsys.readouterr().err
    assert redone(out, before) == {"reference"}
    assert results(out) == same
    again = execute(plan_of(REFERENCE, CASCADE, MAJORITY), out, jobs=1)
    assert (counts(again), again.damaged) == ((0, 3, 0), ())


def test_a_run_whose_folder_is_gone_is_done_again_and_no_other(
    trained: Path, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    before = mark(out)
    shutil.rmtree(run_folder(out, "cascade"))
    outcome = execute(plan_of(REFERENCE, CASCADE, MAJORITY), out, jobs=1)
    assert (counts(outcome), outcome.damaged) == ((1, 2, 0), ())
    assert redone(out, before) == {"cascade"}


def test_damaged_runs_that_nobody_asked_for_are_named_and_left(
    trained: Path, plan_of: MakePlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    for name in ("reference", "cascade"):
        (run_folder(out, name) / "config.json").write_text("{")
    plan = plan_of(REFERENCE, CASCADE, MAJORITY, only=("maj*", "cascade"))
    outcome = execute(plan, out, jobs=1)
    assert counts(outcome) == (1, 1, 0)
    assert {one.run.split("/")[1]: one.again for one in outcome.damaged} == {
        "reference": False, "cascade": True,
    }  # fmt: skip
    said = capsys.readouterr().err
    assert "paper/cascade/seed0: config.json: damaged: cut short, or no JSON; done again" in said
    assert "paper/reference/seed0: config.json: damaged" in said
    assert "left as it is" in said


def test_runs_of_the_version_before_are_done_again(
    trained: Path, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    for path in out.rglob("*.json"):
        as_older(path)
    outcome = execute(plan_of(REFERENCE, CASCADE, MAJORITY), out, jobs=1)
    assert counts(outcome) == (3, 0, 0)
    assert {one.reason for one in outcome.damaged} == {
        "stored by an older lcbench without hashes of its files: run the suite again"
    }
    assert len(read_suite(out / "tiny").runs) == 3


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
def test_a_plan_that_is_damaged_is_written_anew_and_the_runs_are_kept(
    damage: Damage,
    trained: Path,
    plan_of: MakePlan,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    other = tmp_path / "other.json"
    shutil.copy(out / "tiny" / "plan.json", other)
    rewrite(other, suite="other")
    damage(out / "tiny" / "plan.json", other)
    outcome = execute(plan_of(REFERENCE, CASCADE, MAJORITY, only=("majority",)), out, jobs=1)
    assert (counts(outcome), outcome.damaged) == ((0, 1, 0), ())
    if damage is not deleted:
        assert "plan.json is damaged and is written anew" in capsys.readouterr().err
    suite = read_suite(out / "tiny")
    assert (len(suite.runs), suite.incomplete) == (3, ())


def test_without_a_plan_runs_of_other_data_are_not_mixed_in(
    trained: Path, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    (out / "tiny" / "plan.json").unlink()
    plan = plan_of(REFERENCE, CASCADE, MAJORITY)
    other = replace(plan, dataset=replace(plan.dataset, sha256="other"))
    with pytest.raises(UserError, match="made with other images"):
        execute(other, out, jobs=1)


def test_a_plan_of_a_newer_version_is_not_replaced(
    trained: Path, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    rewrite(out / "tiny" / "plan.json", schema_version=99)
    before = contents(out)
    with pytest.raises(UserError, match="newer lcbench"):
        execute(plan_of(REFERENCE, CASCADE, MAJORITY), out, jobs=1)
    assert contents(out) == before


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


def test_leftovers_of_a_killed_run_are_removed(
    trained: Path, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained, out)
    before = contents(out)
    word = ".lcbench-new-abcd1234"
    for folder in ("", "splits/paper", "paper/majority", "paper/majority/seed0", "external"):
        (out / "tiny" / folder / f"{word}-x").mkdir(parents=True)
        (out / "tiny" / folder / f"{word}-y.json").touch()
    (out / ".lcbench-lock-tiny").touch()
    moved = run_folder(out, "majority").with_name(".lcbench-old-abcd1234-seed0")
    run_folder(out, "majority").rename(moved)
    shutil.rmtree(moved / f"{word}-x")
    (moved / f"{word}-y.json").unlink()
    assert counts(execute(plan_of(REFERENCE, CASCADE, MAJORITY), out, jobs=1)) == (0, 3, 0)
    assert set(contents(out)) == set(before)
    assert not list(out.rglob(".lcbench-*"))


def test_a_second_process_waits_and_then_finds_everything_done(
    plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs"
    holder = start(HOLDS, out / "tiny")
    told: list[str] = []

    def tell(message: str) -> None:
        told.append(message)
        holder.communicate("\n")

    assert holder.stdout is not None
    holder.stdout.readline()
    monkeypatch.setattr("lcbench.runs.store.warn", tell)
    assert counts(execute(plan_of(MAJORITY), out, jobs=1)) == (1, 0, 0)
    assert told == [
        f"Waiting for another lcbench that works in {out / 'tiny'}; Ctrl-C ends the wait"
    ]


def test_a_failure_under_fresh_leaves_the_good_run_that_stood_there(
    own_kinds: str, plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs"
    own = {"name": "own", "kind": f"{own_kinds}:Own"}
    execute(plan_of(MAJORITY, own), out, jobs=1)
    before = contents(run_folder(out, "own"))

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(f"{own_kinds}.Own.fit", fail)
    outcome = execute(plan_of(MAJORITY, own), out, jobs=1, fresh=True)
    assert counts(outcome) == (1, 0, 1)
    (failure,) = outcome.failures
    assert (failure.kept, outcome.finished) == (True, 2)
    assert contents(run_folder(out, "own")) == before
    # Of another making, it would stand beside runs that it does not belong with.
    other = {**own, "answer": "adenocarcinoma"}
    outcome = execute(plan_of(MAJORITY, other), out, jobs=1, fresh=True)
    assert not outcome.failures[0].kept
    assert read_record(run_folder(out, "own") / "state.json", RunState).status == "failed"


def test_two_fresh_runs_give_equal_bytes_whatever_the_cache_and_the_number_of_jobs(
    plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heads, trees, neighbours, a whole network with flips, and one of which a part trains."""
    found = []
    shared = os.environ["LCBENCH_CACHE"]
    for number, jobs in enumerate((1, 2)):
        monkeypatch.setenv("LCBENCH_CACHE", shared)  # what pixels say of groups is no matter here
        plan = plan_of(REFERENCE, MAJORITY, COLOUR, KNN, CASCADE, TWO_HEAD, WHOLE, PARTLY,
                       force=True, precision="auto")  # fmt: skip
        monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / f"cache{number}"))
        out = tmp_path / f"runs{number}"
        assert counts(execute(plan, out, jobs=jobs)) == (8, 0, 0)
        found.append(results(out) | contents(out / "tiny" / "splits"))
    assert found[0] == found[1]
    assert len({digest for name, digest in found[0].items() if "predictions" in name}) == 8


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
