"""What is on disk is read or listed with a reason, never silently ignored."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from lcbench.analysis.pools import pools
from lcbench.errors import UserError
from lcbench.runs.finished import read_suite
from lcbench.runs.store import suite_folders


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, make, shape):
    return make(tmp_path_factory.mktemp("pristine"), shape)


@pytest.fixture
def suite(tmp_path, pristine):
    return shutil.copytree(pristine, tmp_path / "runs" / pristine.name)


def edit(path, **changes):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))


def reasons(folder):
    return {one.run: one.reason for one in read_suite(folder).incomplete}


def test_a_complete_suite_has_nothing_to_report(suite):
    found = read_suite(suite)
    assert found.incomplete == ()
    assert found.protocols == ("paper", "grouped")
    assert found.baselines == ("majority", "colour", "reference")
    assert len(found.runs) == 3 * (1 + 5)
    assert [run.history is not None for run in found.runs_of(protocol="paper")] == [
        False, False, True,
    ]  # fmt: skip


def test_the_runs_folder_and_the_suite_folder_are_both_found(suite):
    assert suite_folders(suite) == [suite]
    assert suite_folders(suite.parent) == [suite]


@pytest.mark.parametrize("name", ["nothing", "here"])
def test_no_runs(tmp_path, name):
    (tmp_path / "here").mkdir()
    with pytest.raises(UserError) as caught:
        suite_folders(tmp_path / name)
    assert "lcbench run" in caught.value.remedy


def test_a_failed_run_says_why(suite, fail):
    fail(suite / "grouped" / "colour" / "seed0-fold1", "disk full")
    assert reasons(suite) == {"grouped/colour/seed0-fold1": "failed: disk full"}


def break_predictions(run):
    (run / "predictions.parquet").unlink()


def break_parquet(run):
    (run / "predictions.parquet").write_bytes(b"PAR1 nonsense")


def break_config(run):
    (run / "config.json").unlink()


def break_state(run):
    (run / "state.json").write_text("{")


def break_history(run):
    (run / "history.csv").write_text("epoch,loss\n1,2\n")


def break_length(run):
    table = pd.read_parquet(run / "predictions.parquet")
    table.iloc[:-1].to_parquet(run / "predictions.parquet")


def break_images(run):
    table = pd.read_parquet(run / "predictions.parquet")
    table.loc[0, "image"] = table["image"][1]
    table.to_parquet(run / "predictions.parquet")


def break_unknown_label(run):
    table = pd.read_parquet(run / "predictions.parquet")
    table.loc[0, "true"] = "liver"
    table.to_parquet(run / "predictions.parquet")


def break_leaves(run):
    table = pd.read_parquet(run / "predictions.parquet")
    table.rename(columns={"p:benign": "p:liver"}).replace("benign", "liver").to_parquet(
        run / "predictions.parquet"
    )


def break_dataset(run):
    config = json.loads((run / "config.json").read_text())
    edit(run / "config.json", dataset=config["dataset"] | {"sha256": "other"})


def break_name(run):
    edit(run / "config.json", baseline="../../elsewhere")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (break_predictions, "no predictions.parquet"),
        (break_parquet, "not a readable Parquet file"),
        (break_config, "no config.json or state.json: the run was interrupted"),
        (break_state, "not a readable RunState"),
        (break_history, "history.csv lacks the columns network, train_loss, validation_loss"),
        (break_length, "predictions for"),
        (break_images, "an image is predicted more than once"),
        (break_unknown_label, "labels that the class tree does not have: liver"),
        (break_leaves, "predicts other classes"),
        (break_dataset, "made from other images than the plan's"),
        (break_name, "config.json names another run"),
    ],
)
def test_a_run_that_cannot_be_used_is_listed(suite, harm, words):
    harm(suite / "paper" / "reference" / "seed0")
    found = reasons(suite)
    assert list(found) == ["paper/reference/seed0"]
    assert words in found["paper/reference/seed0"]
    assert str(suite) not in found["paper/reference/seed0"]


def test_images_labelled_with_an_inner_node_are_not_in_the_leaf_tables(suite):
    run = suite / "paper" / "reference" / "seed0"
    table = pd.read_parquet(run / "predictions.parquet")
    table.loc[[0, 3], "true"] = "malignant"
    table.to_parquet(run / "predictions.parquet")
    read = next(one for one in read_suite(suite).runs if one.name == "paper/reference/seed0")
    assert len(read.predictions.table) == len(table) - 2
    assert "malignant" not in set(read.predictions.table["true"])


def test_leftovers_are_listed(suite):
    (suite / "paper" / "colour" / ".seed1-abc").mkdir()
    (suite / "grouped" / "colour" / "seed0-fold0" / ".predictions-x.parquet").write_bytes(b"")
    (suite / "external" / "ct").mkdir(parents=True)
    assert reasons(suite) == {
        "paper/colour/.seed1-abc": "left behind by a run that was interrupted",
        "grouped/colour/seed0-fold0/.predictions-x.parquet": (
            "left behind by a run that was interrupted"
        ),
        "external/ct": "no evaluation.json: the evaluation was interrupted",
    }


def test_a_copied_run_folder_is_not_counted_twice(suite):
    run = suite / "paper" / "colour" / "seed0"
    copy = run.with_name("seed0 (copy)")
    copy.mkdir()
    for file in run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert reasons(suite)["paper/colour/seed0 (copy)"] == "the same run as paper/colour/seed0"


def test_planned_runs_that_never_started_are_listed(tmp_path, make, shape):
    planned = (*shape.baselines, "knn", "convnext_tiny")
    folder = make(tmp_path, replace(shape, planned=planned, protocols=("grouped",)))
    edit(folder / "plan.json", protocols=["paper", "grouped"])
    edit_run = folder / "grouped" / "colour" / "seed0-fold3"
    for file in edit_run.iterdir():
        file.unlink()
    edit_run.rmdir()
    assert reasons(folder) == {
        "paper": "planned, but never started",
        "grouped/colour": "1 run planned, but never started: seed0-fold3",
        "grouped/knn": "5 runs planned, but never started",
    }


def test_seeds_that_were_never_begun_are_listed(suite):
    edit(suite / "plan.json", seeds=3)
    assert reasons(suite) == {
        "paper": "3 seeds planned, 1 begun",
        "grouped": "3 seeds planned, 1 begun",
    }


def test_a_suite_without_a_finished_run_is_an_error(suite, fail):
    for run in suite.glob("*/*/seed*"):
        fail(run)
    with pytest.raises(UserError, match=r"no finished run .*out of memory"):
        read_suite(suite)


def test_external_trouble_is_listed(tmp_path, make, shape):
    folder = make(tmp_path, replace(shape, external="ct", protocols=("paper",)))
    (folder / "external" / "ct" / "paper" / "colour" / "seed0.parquet").write_bytes(b"no")
    (folder / "external" / "bad").mkdir()
    (folder / "external" / "bad" / "evaluation.json").write_text("{}")
    found = reasons(folder)
    assert "not a readable Parquet" in found["external/ct/paper/colour/seed0.parquet"]
    assert "not a readable ExternalRecord" in found["external/bad"]
    (external,) = read_suite(folder).external
    assert {run.baseline for run in external.runs} == {"majority", "reference"}


def test_baselines_are_compared_on_the_runs_that_all_of_them_have(suite, fail):
    fail(suite / "grouped" / "colour" / "seed0-fold1")
    paper, grouped = pools(read_suite(suite))
    assert paper.notes == ()
    assert "seed 0 fold 1 left out, because colour did not finish there" in grouped.notes[0]
    assert {len(guess) for guess in grouped.predicted.values()} == {len(grouped.rows)}
    assert len(grouped.rows) == 120 * 4 / 5


def test_a_baseline_without_any_common_run_is_left_out(tmp_path, make, shape, fail):
    folder = make(tmp_path, replace(shape, seeds=2, protocols=("paper",)))
    fail(folder / "paper" / "colour" / "seed0")
    fail(folder / "paper" / "reference" / "seed1")
    (pool,) = pools(read_suite(folder))
    assert list(pool.predicted) == ["majority", "colour"] or "reference" in pool.predicted
    assert any("no seed and fold in common" in note for note in pool.notes)


def test_images_that_one_baseline_lacks_are_left_out_for_all(suite):
    run = suite / "paper" / "colour" / "seed0"
    table = pd.read_parquet(run / "predictions.parquet")
    table.iloc[:-2].to_parquet(run / "predictions.parquet")
    config = json.loads((run / "config.json").read_text())
    edit(run / "config.json", split=config["split"] | {"test": len(table) - 2})
    paper, _ = pools(read_suite(suite))
    assert len(paper.rows) == len(table) - 2
    assert paper.notes == (
        "4 predictions of some baselines are left out because others lack the image.",
    )


@pytest.mark.parametrize("column", ["true", "group", "sha256"])
def test_contradictions_between_baselines_are_an_error(suite, column):
    path = suite / "paper" / "colour" / "seed0" / "predictions.parquet"
    table = pd.read_parquet(path)
    other = {"true": "adenocarcinoma", "group": "elsewhere", "sha256": "0"}[column]
    table.loc[table["true"] == "benign", column] = other
    table.to_parquet(path)
    with pytest.raises(UserError, match="other labels, groups or hashes than"):
        pools(read_suite(suite))


def test_the_order_of_rows_does_not_matter(suite):
    before = pools(read_suite(suite))[0]
    path = suite / "paper" / "colour" / "seed0" / "predictions.parquet"
    table = pd.read_parquet(path)
    table.sample(frac=1, random_state=1).to_parquet(path)
    after = pools(read_suite(suite))[0]
    assert (before.predicted["colour"] == after.predicted["colour"]).all()
    assert before.rows.equals(after.rows)
