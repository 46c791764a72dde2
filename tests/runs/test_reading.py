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
from lcbench.runs.finished import FinishedRun, Incomplete
from lcbench.runs.reading import read_suite
from lcbench.runs.records import RunState, write_record
from lcbench.runs.run_reader import RunReader
from lcbench.runs.store import suite_folders
from lcbench.runs.stored import VALIDATION
from lcbench.storage.locks import held

from ..damage import EVERY_DAMAGE, Damage, named
from ..storage.test_locks import HOLDS, start
from ..stored import FILES, as_older, reseal, rewrite


@pytest.fixture
def suite(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished suite that a test may harm."""
    return shutil.copytree(finished, tmp_path / "runs" / finished.name)


def edit(path: Path, **changes: object) -> None:
    rewrite(path, **changes)
    reseal(path.parent)


def edit_table(run: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = run / "predictions.parquet"
    change(pd.read_parquet(path)).to_parquet(path)
    reseal(run)


def fail(run: Path, reason: str = "out of memory") -> None:
    write_record(run / "state.json", RunState(status="failed", started="", error=reason))
    reseal(run)


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


def test_a_run_has_its_predictions_on_validation_images_where_they_were_stored(suite: Path) -> None:
    older = suite / "paper/knn/seed0"
    (older / VALIDATION).unlink()
    reseal(older)
    read = read_suite(suite)
    assert read.incomplete == ()
    for run in read.runs:
        if run.name == "paper/knn/seed0":
            assert run.validation is None
        else:
            assert run.validation is not None
            images = set(run.validation.table["image"])
            assert len(images) == run.config.split.validation
            assert not images & set(run.predictions.table["image"])


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


def test_without_validation_images_the_numbers_of_a_history_are_numbers_all_the_same(
    suite: Path,
) -> None:
    run = suite / "paper" / "reference" / "seed0"
    (run / "history.csv").write_text(
        "epoch,network,train_loss,validation_loss,validation_accuracy\n1,all,0.5,,\n"
    )
    reseal(run)
    (found,) = read_suite(suite).runs_of(protocol="paper", baseline="reference")
    assert found.history is not None
    assert found.history[["validation_loss", "validation_accuracy"]].isna().all(axis=None)
    assert (found.history.dtypes[["train_loss", "validation_accuracy"]] == "float64").all()


def other_answer(table: pd.DataFrame) -> pd.DataFrame:
    first, *others = table["predicted"]
    other = next(name for name in ("benign", "adenocarcinoma") if name != first)
    return table.assign(predicted=[other, *others])


def rename_class(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"p:benign": "p:liver"}).replace("benign", "liver")


@pytest.mark.parametrize(
    ("harm", "kind", "words"),
    [
        (lambda run: fail(run, "disk full"), "failed", "disk full"),
        (
            lambda run: as_older(run / "config.json"),
            "older",
            "stored by an older lcbench without hashes of its files: run the suite again",
        ),
        (
            lambda run: [
                (run / "history.csv").write_text("epoch,loss\n1,2\n"),
                reseal(run),
            ],
            "unusable",
            "history.csv lacks the columns network, train_loss, validation_loss, "
            "validation_accuracy",
        ),
        (
            lambda run: rewrite(run / "state.json", files={}),
            "unusable",
            "state.json names no hash of config.json",
        ),
        (
            lambda run: [
                shutil.copy(run.parents[1] / "knn/seed0/predictions.parquet", run),
                reseal(run),
            ],
            "unusable",
            "the predictions are of another run: baseline knn",
        ),
        (
            lambda run: edit_table(run, other_answer),
            "unusable",
            "predicted contradicts the probabilities of 1 images",
        ),
        (
            lambda run: [shutil.copy(run / "predictions.parquet", run / VALIDATION), reseal(run)],
            "unusable",
            "11 predictions for 12 validation images",
        ),
        (
            lambda run: [
                shutil.copy(run.parents[1] / "knn/seed0" / VALIDATION, run),
                reseal(run),
            ],
            "unusable",
            "the predictions are of another run: baseline knn",
        ),
        (
            lambda run: edit(run / "config.json", suite="other"),
            "unusable",
            "made for the suite other",
        ),
        (
            lambda run: edit(
                run / "config.json",
                dataset=json.loads((run / "config.json").read_text())["dataset"]
                | {"groups_sha256": "0"},
            ),
            "unusable",
            "made with other source groups than the plan's",
        ),
        (
            lambda run: [
                (run / "history.csv").write_text(
                    "epoch,network,train_loss,validation_loss,validation_accuracy\n1,all,0.5,x,1\n"
                ),
                reseal(run),
            ],
            "unusable",
            "history.csv: the column validation_loss holds no numbers",
        ),
        (
            lambda run: os.truncate(run / "history.csv", 10**12),
            "unusable",
            "history.csv: damaged: not the file that state.json names",
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
            "config.json: no RunConfig of this version of lcbench: baseline",
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


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
@pytest.mark.parametrize("file", FILES)
def test_whatever_happens_to_a_file_of_a_run_it_is_named_and_the_others_are_used(
    file: str, damage: Damage, suite: Path
) -> None:
    run, sibling = suite / "paper/reference/seed0", suite / "grouped/reference/seed0-fold2"
    damage(run / file, sibling / file)
    ((name, (kind, detail)),) = found(suite).items()
    assert name == "paper/reference/seed0"
    assert kind in ("interrupted", "unusable")
    assert file in detail or "names another run" in detail
    assert len(read_suite(suite).runs) == 17


def test_what_was_copied_is_listed_and_not_counted_and_what_is_being_written_is_passed_over(
    suite: Path,
) -> None:
    (suite / "paper" / "knn" / ".lcbench-new-abcd1234-seed1").mkdir()
    (suite / "grouped/knn/seed0-fold0/.lcbench-new-abcd1234-predictions.parquet").touch()
    (suite / "external" / "ct").mkdir(parents=True)
    shutil.copytree(suite / "paper/knn/seed0", suite / "paper/knn/seed0 (copy)")
    assert found(suite) == {
        "paper/knn/seed0 (copy)": ("duplicate", "paper/knn/seed0"),
        "external/ct": ("interrupted", "no evaluation.json"),
    }
    assert len(read_suite(suite).runs) == 18


def test_while_another_process_works_what_is_missing_is_in_progress(suite: Path) -> None:
    shutil.rmtree(suite / "paper" / "knn" / "seed0")
    (suite / "paper/majority/seed0/state.json").unlink()
    before = found(suite)
    assert [kind for kind, _ in before.values()] == ["interrupted", "never started"]
    holder = start(HOLDS, suite)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert {run: kind for run, (kind, _) in found(suite).items()} == dict.fromkeys(
            before, "in progress"
        )
    finally:
        holder.kill()
        holder.communicate()
    assert found(suite) == before
    with held(suite):  # by ourselves
        assert found(suite) == before


def test_a_run_that_begins_while_one_reads_is_in_progress(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(suite / "paper" / "knn" / "seed0")
    real, holders = RunReader.read_runs, []

    def read_runs(reader: RunReader) -> list[FinishedRun]:
        runs = real(reader)
        holders.append(start(HOLDS, suite))
        assert holders[0].stdout is not None
        assert holders[0].stdout.readline() == "held\n"
        return runs

    monkeypatch.setattr(RunReader, "read_runs", read_runs)
    try:
        assert found(suite) == {"paper/knn": ("in progress", "")}
    finally:
        holders[0].kill()
        holders[0].communicate()


@pytest.mark.parametrize("only", [False, True], ids=["one of several", "the only ones"])
def test_a_folder_that_is_swapped_while_one_reads_is_read_again(
    only: bool, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = suite.with_name("aside")
    swapped = [suite / "paper/knn/seed0"]
    if only:
        swapped = [path.parent for path in suite.glob("*/*/seed*/config.json")]
    real, reads = RunReader.read_runs, []

    def read_runs(reader: RunReader) -> list[FinishedRun]:
        """The first time, read between the two renames of a swap."""
        reads.append(reader)
        if len(reads) > 1:
            return real(reader)
        for path in swapped:
            shutil.copytree(path, aside / path.relative_to(suite))
            shutil.rmtree(path)
        runs = real(reader)
        for path in swapped:
            (aside / path.relative_to(suite)).rename(path)
        return runs

    monkeypatch.setattr(RunReader, "read_runs", read_runs)
    assert found(suite) == {}
    assert len(reads) == 2


def test_a_run_in_another_runs_place_is_named(suite: Path) -> None:
    (suite / "grouped/knn/seed0-fold3").rename(suite / "grouped/knn/seed0-fold4 (moved)")
    told = found(suite)
    assert told["grouped/knn/seed0-fold4 (moved)"] == (
        "unusable", "config.json names another run: grouped/knn/seed0-fold3",
    )  # fmt: skip
    assert told["grouped/knn"] == ("never started", "")


def test_what_the_suite_has_no_longer_is_named_and_left_out(suite: Path) -> None:
    (now,) = read_suite(suite).plan.invocations
    left = {"protocols": ("grouped",), "suite_protocols": ("grouped",)}
    gone = now.model_copy(update={**left, "suite_baselines": ("reference", "majority")})
    rewrite(suite / "plan.json", invocations=[now.model_dump(), gone.model_dump()])
    read = read_suite(suite)
    assert found(suite) == {
        "paper": ("retired", "the suite has no such protocol any more"),
        "grouped/knn": ("retired", "the suite has no such baseline any more"),
    }
    assert (read.baselines, read.protocols) == (("reference", "majority"), ("grouped",))
    asked = now.model_copy(update={"suite_protocols": ("grouped",)})
    rewrite(suite / "plan.json", invocations=[asked.model_dump(), gone.model_dump()])
    assert set(found(suite)) == {"grouped/knn", "paper/knn"}  # somebody asked for paper


def test_a_link_that_leads_out_of_the_suite_is_refused(suite: Path, tmp_path: Path) -> None:
    shutil.move(suite / "paper", tmp_path / "paper")
    (suite / "paper").symlink_to(tmp_path / "paper")
    with pytest.raises(UserError, match="leads out of"):
        read_suite(suite)


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
    with pytest.raises(UserError, match=r"no finished run .*failed: out of memory"):
        read_suite(suite)


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"schema_version": 2}', None], ids=["empty", "cut", "other", "gone"]
)
def test_a_plan_that_is_damaged_is_one_message_with_a_remedy(
    content: bytes | None, suite: Path
) -> None:
    (suite / "plan.json").unlink()
    if content is not None:
        (suite / "plan.json").write_bytes(content)
    for folder in suite_folders(suite.parent):
        with pytest.raises(UserError, match=r"plan\.json") as caught:
            read_suite(folder)
    assert "same command" in caught.value.remedy
