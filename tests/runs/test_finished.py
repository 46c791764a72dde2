"""What is on disk is read, or listed with what became of it; never silently ignored."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.errors import UserError
from lcbench.runs.finished import Incomplete, read_suite
from lcbench.runs.records import ExternalRecord, RunState, write_record


@pytest.fixture
def suite(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished suite that a test may harm."""
    return shutil.copytree(finished, tmp_path / "runs" / finished.name)


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_table(run: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = run / "predictions.parquet"
    change(pd.read_parquet(path)).to_parquet(path)


def fail(run: Path, reason: str = "out of memory") -> None:
    write_record(run / "state.json", RunState(status="failed", started="", error=reason))


def found(folder: Path) -> dict[str, tuple[str, str]]:
    return {one.run: (one.kind, one.detail) for one in read_suite(folder).incomplete}


def test_a_complete_suite_has_every_run_and_nothing_to_tell(finished: Path) -> None:
    suite = read_suite(finished)
    assert suite.incomplete == suite.external == ()
    assert suite.protocols == ("paper", "grouped")
    assert suite.baselines == ("reference", "knn", "majority")
    assert len(suite.runs) == 3 * (1 + 5)
    with_history = {run.config.baseline for run in suite.runs if run.history is not None}
    assert with_history == {"reference"}
    assert suite.plan.roles is not None
    assert suite.plan.roles.flattering == "paper"


def test_a_model_is_its_runs_one_below_the_other_by_seed_and_fold(finished: Path) -> None:
    suite = read_suite(finished)
    models = suite.models("grouped")
    assert [model.name for model in models] == ["reference", "knn", "majority"]
    for model in models:
        assert model.leaves == suite.taxonomy.leaves
        assert list(dict.fromkeys(model.table["fold"])) == [0, 1, 2, 3, 4]
        runs = suite.runs_of(protocol="grouped", baseline=model.name)
        tables = [run.predictions for run in runs]
        assert model.table["image"].tolist() == [i for one in tables for i in one.table["image"]]
        assert model.probabilities is not None
        np.testing.assert_array_equal(
            model.probabilities, np.concatenate([one.probabilities for one in tables])
        )


def test_labels_that_are_inner_nodes_are_kept(suite: Path) -> None:
    run = suite / "paper" / "knn" / "seed0"
    edit_table(run, lambda table: table.assign(true=["malignant", *table["true"][1:]]))
    knn = next(one for one in read_suite(suite).models("paper") if one.name == "knn")
    assert knn.table["true"].tolist().count("malignant") == 1


def rename_class(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"p:benign": "p:liver"}).replace("benign", "liver")


@pytest.mark.parametrize(
    ("harm", "kind", "words"),
    [
        (lambda run: fail(run, "disk full"), "failed", "disk full"),
        (lambda run: (run / "config.json").unlink(), "interrupted", "no config.json or state.json"),
        (lambda run: (run / "predictions.parquet").unlink(), "unusable", "no predictions.parquet"),
        (
            lambda run: (run / "predictions.parquet").write_bytes(b"PAR1 nonsense"),
            "unusable",
            "Parquet file",
        ),
        (lambda run: (run / "state.json").write_text("{"), "unusable", "not a readable RunState"),
        (
            lambda run: (run / "history.csv").write_text("epoch,loss\n1,2\n"),
            "unusable",
            "history.csv lacks the columns network, train_loss, validation_loss",
        ),
        (
            lambda run: (run / "history.csv").write_text(
                "epoch,network,train_loss,validation_loss\n1,all,0.5,x\n"
            ),
            "unusable",
            "history.csv: the column validation_loss holds no numbers",
        ),
        (
            lambda run: os.truncate(run / "history.csv", 10**12),
            "unusable",
            "1,000,000 MB, but at most 250 MB are read",
        ),
        (
            lambda run: edit_table(run, lambda table: table[:-1]),
            "unusable",
            "10 predictions for 11 test images",
        ),
        (
            lambda run: edit_table(
                run, lambda table: table.assign(image=[table["image"][1], *table["image"][1:]])
            ),
            "unusable",
            "more than once",
        ),
        (
            lambda run: edit_table(run, lambda table: table.assign(true="kidney")),
            "unusable",
            "kidney",
        ),
        (lambda run: edit_table(run, rename_class), "unusable", "liver"),
        (
            lambda run: edit(
                run / "config.json",
                dataset=json.loads((run / "config.json").read_text())["dataset"] | {"sha256": "0"},
            ),
            "unusable",
            "made from other images than the plan's",
        ),
        (
            lambda run: edit(run / "config.json", baseline="../../elsewhere"),
            "unusable",
            "config.json names another run",
        ),
    ],
)
def test_a_run_that_cannot_be_used_is_listed(
    suite: Path, harm: Callable[[Path], None], kind: str, words: str
) -> None:
    harm(suite / "paper" / "reference" / "seed0")
    assert list(found(suite)) == ["paper/reference/seed0"]
    told, detail = found(suite)["paper/reference/seed0"]
    assert told == kind
    assert words in detail
    assert str(suite) not in detail


def test_what_was_left_behind_or_copied_is_listed_and_not_counted(suite: Path) -> None:
    (suite / "paper" / "knn" / ".seed1-abc").mkdir()
    (suite / "grouped" / "knn" / "seed0-fold0" / ".predictions-x.parquet").touch()
    (suite / "external" / "ct").mkdir(parents=True)
    shutil.copytree(suite / "paper/knn/seed0", suite / "paper/knn/seed0 (copy)")
    assert found(suite) == {
        "paper/knn/seed0 (copy)": ("duplicate", "paper/knn/seed0"),
        "external/ct": ("interrupted", "no evaluation.json"),
        "paper/knn/.seed1-abc": ("left behind", ""),
        "grouped/knn/seed0-fold0/.predictions-x.parquet": ("left behind", ""),
    }
    assert len(read_suite(suite).runs) == 18


def test_planned_runs_that_never_started_are_listed(suite: Path) -> None:
    shutil.rmtree(suite / "paper")
    shutil.rmtree(suite / "grouped" / "majority")
    shutil.rmtree(suite / "grouped" / "knn" / "seed0-fold3")
    paper, knn, majority = read_suite(suite).incomplete
    runs = ("knn/seed0", "majority/seed0", "reference/seed0")
    assert paper == Incomplete("paper", "never started", missing=runs)
    assert knn == Incomplete("grouped/knn", "never started", missing=("seed0-fold3",))
    assert (majority.run, len(majority.missing)) == ("grouped/majority", 5)


def test_a_suite_without_a_finished_run_is_an_error(suite: Path) -> None:
    for state in suite.rglob("state.json"):
        fail(state.parent)
    with pytest.raises(UserError, match=r"no finished run .*failed out of memory"):
        read_suite(suite)


def test_external_folders_are_read_and_their_trouble_is_listed(suite: Path) -> None:
    record = ExternalRecord(
        name="ct", command="", created="", labels=(), images=11, scored=11, copies=0,
        contradictions=(), unreadable=(), left_out=(),
    )  # fmt: skip
    write_record(suite / "external" / "ct" / "evaluation.json", record)
    for baseline in ("knn", "majority"):
        place = suite / "external" / "ct" / "paper" / baseline
        place.mkdir(parents=True)
        shutil.copy(
            suite / "paper" / baseline / "seed0/predictions.parquet", place / "seed0.parquet"
        )
    (suite / "external/ct/paper/knn/seed1.parquet").write_bytes(b"no")
    (suite / "external" / "bad").mkdir()
    (suite / "external" / "bad" / "evaluation.json").write_text("{}")
    (external,) = read_suite(suite).external
    assert external.record == record
    assert [(run.protocol, run.baseline) for run in external.runs] == [
        ("paper", "knn"), ("paper", "majority"),
    ]  # fmt: skip
    trouble = found(suite)
    assert set(trouble) == {"external/ct/paper/knn/seed1.parquet", "external/bad"}
    assert "not a readable ExternalRecord" in trouble["external/bad"][1]
