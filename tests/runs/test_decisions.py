"""Decision rules of recipes: the same probabilities and other answers, for every reader."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from lcbench.analysis.comparing import compare_predictions
from lcbench.analysis.scores import AnalysisSettings
from lcbench.datasets.labels import LabelReader
from lcbench.predictions.models import load_models
from lcbench.predictions.validation import inspect_predictions
from lcbench.runs.evaluate import evaluate
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.execute import execute
from lcbench.runs.making import same
from lcbench.runs.plan import make_plan
from lcbench.runs.reading import read_suite
from lcbench.runs.records import RunConfig, read_record
from lcbench.statistics.decision_rules import RULES, decide
from lcbench.taxonomy import Taxonomy, load_taxonomy, shipped_taxonomies

from ..stored import reseal, rewrite
from .conftest import options_for
from .recipes import KNN, suite_text

KNN_OF_MANY = {**KNN, "neighbours": 20}
ARMS = [{**KNN_OF_MANY, "name": f"knn-{rule}", "decision": rule} for rule in RULES]
COSTS = "\n[costs.malignant]\nbenign = 30.0\n"


@pytest.fixture(scope="module")
def decided(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with finished runs of every rule, for a class tree with costs."""
    folder = tmp_path_factory.mktemp("decided")
    tree = folder / "tree.toml"
    tree.write_text(shipped_taxonomies()["lung"].read_text("utf-8") + COSTS, encoding="utf-8")
    (folder / "tiny.toml").write_text(suite_text(*ARMS, reference="knn-likeliest"))
    asked = options_for(small_demo)(str(folder / "tiny.toml"), taxonomy=tree)
    outcome = execute(make_plan(asked), folder / "runs", jobs=1)
    assert (outcome.done, outcome.failures) == (3, ())
    return folder


@pytest.fixture
def suite(decided: Path, tmp_path: Path) -> Path:
    """A copy of the suite's folder that a test may write to."""
    return shutil.copytree(decided / "runs" / "tiny", tmp_path / "runs" / "tiny")


@pytest.fixture
def tree(decided: Path) -> Taxonomy:
    return load_taxonomy(decided / "tree.toml")


def tables(
    folder: Path, pattern: str = "paper/knn-{}/seed0/predictions.parquet"
) -> dict[str, pd.DataFrame]:
    return {rule: pd.read_parquet(folder / pattern.format(rule)) for rule in RULES}


def require_answers(found: dict[str, pd.DataFrame], tree: Taxonomy) -> None:
    chances = {
        rule: table[[f"p:{leaf}" for leaf in tree.leaves]].to_numpy()
        for rule, table in found.items()
    }
    for rule in RULES:
        np.testing.assert_array_equal(chances[rule], chances["likeliest"])
        answers = decide(rule, chances[rule], tree)
        assert found[rule]["predicted"].tolist() == [tree.leaves[code] for code in answers]


def test_a_rule_changes_the_answers_and_nothing_else(suite: Path, tree: Taxonomy) -> None:
    found = tables(suite)
    require_answers(found, tree)
    require_answers(tables(suite, "paper/knn-{}/seed0/validation.parquet"), tree)
    answers = {rule: tuple(table["predicted"]) for rule, table in found.items()}
    assert answers["least-cost"] != answers["likeliest"]  # else nothing here is told apart
    others = [table.drop(columns=["predicted", "baseline"]) for table in found.values()]
    assert all(table.equals(others[0]) for table in others)


def test_runs_of_every_rule_are_read_without_complaint(suite: Path, tree: Taxonomy) -> None:
    read = read_suite(suite)
    assert read.incomplete == ()
    assert [run.config.decision for run in read.runs] == sorted(RULES)
    for rule in RULES:
        for path in (f"paper/knn-{rule}", f"paper/knn-{rule}/seed0/predictions.parquet"):
            inspection = inspect_predictions(suite / path, LabelReader(tree))
            assert inspection.valid
            assert not [note for note in inspection.notes if note.column == "predicted"]
            assert inspection.predictions is not None
            assert inspection.predictions.decision == rule


def test_runs_of_different_rules_are_compared_without_complaint(
    suite: Path, tree: Taxonomy
) -> None:
    paths = [suite / f"paper/knn-{rule}" for rule in RULES]
    models = load_models(paths, LabelReader(tree))
    results = compare_predictions(models, tree, AnalysisSettings(resamples=50))
    assert not [note for note in results.notes if "predicted" in note]


def test_answers_that_the_rule_does_not_give_are_refused(suite: Path) -> None:
    run = suite / "paper/knn-least-cost/seed0"
    other = suite / "paper/knn-likeliest/seed0/predictions.parquet"
    stated = pq.read_schema(run / "predictions.parquet").metadata
    table = pq.read_table(other)
    names = table.column("baseline").to_pylist()
    table = table.set_column(
        table.column_names.index("baseline"), "baseline", [["knn-least-cost"] * len(names)]
    )
    pq.write_table(table.replace_schema_metadata(stated), run / "predictions.parquet")
    reseal(run)
    (found,) = read_suite(suite).incomplete
    assert found.run == "paper/knn-least-cost/seed0"
    assert "contradicts the probabilities of" in found.detail
    assert found.detail.endswith("by the rule least-cost")


def test_a_run_cannot_call_its_answers_by_another_rule(suite: Path) -> None:
    config = suite / "paper/knn-least-cost/seed0/config.json"
    recipe = {"neighbours": 20, "backbone": "test_resnet"}
    rewrite(config, recipe=recipe)
    reseal(config.parent)
    (found,) = read_suite(suite).incomplete
    assert "predicted contradicts the probabilities of" in found.detail


def test_answers_of_a_stated_rule_that_another_tree_would_not_give_are_noted(suite: Path) -> None:
    """Without costs, missing a cancer costs no more than any error across the root."""
    reader = LabelReader(load_taxonomy())
    inspection = inspect_predictions(suite / "paper/knn-least-cost", reader)
    (note,) = (note for note in inspection.notes if note.column == "predicted")
    assert "not what the stated decision rule (least-cost) gives" in note.what
    assert inspection.valid


def test_external_folders_are_answered_by_the_rule_of_each_run(
    suite: Path, small_demo: Path, tree: Taxonomy
) -> None:
    options = EvaluationOptions(offline=True, device="cpu", precision="32")
    evaluation = evaluate(small_demo, suite, options)
    require_answers(tables(evaluation.folder, "paper/knn-{}/seed0.parquet"), tree)
    read = read_suite(suite)
    assert read.incomplete == ()
    assert len(read.external[0].runs) == len(RULES)


def test_a_file_without_another_rule_states_none(suite: Path) -> None:
    """So that its bytes are those of before there were rules, as is what its run stores."""
    stated = {
        rule: pq.read_schema(suite / f"paper/knn-{rule}/seed0/predictions.parquet").metadata
        for rule in RULES
    }
    assert list(stated["likeliest"]) == [b"lcbench_predictions_schema"]
    assert stated["top-down"][b"lcbench_decision"] == b"top-down"
    usual, other = (
        read_record(suite / f"paper/knn-{rule}/seed0/config.json", RunConfig)
        for rule in ("likeliest", "top-down")
    )
    assert "decision" not in usual.recipe
    assert other.recipe["decision"] == "top-down"
    assert not same(usual, other)
