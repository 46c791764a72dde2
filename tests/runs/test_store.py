"""Where runs lie: found by their plans, temporary ones passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lcbench.errors import UserError
from lcbench.runs.plan_records import PlanRecord, RolesRecord
from lcbench.runs.records import TaxonomyRecord, write_record
from lcbench.runs.store import (
    find_taxonomy,
    plan_taxonomy,
    read_plan,
    run_folders,
    suite_folders,
)
from lcbench.runs.stored import UnusableRunError, read_run
from lcbench.runs.suite import load_suite
from lcbench.taxonomy import Taxonomy

from .recipes import plan_record

CONFIG = {
    **dict.fromkeys(("protocol", "baseline", "purpose", "kind"), "x"),
    **dict.fromkeys(("device", "precision", "commit"), ""),
    "recipe": {}, "seed": 0, "fold": 0, "backbone": None, "versions": {},
    "split": {
        "sha256": "", "train": 1, "validation": 1, "test": 1, "test_with_siblings": None,
        "test_groups": None, "test_groups_in_train": None,
    },
}  # fmt: skip


def plan(**changes: object) -> PlanRecord:
    return plan_record(**{"aliases": {"a": ("apple", "apfel *")}, **changes})


def test_suites_are_found_in_a_runs_folder_or_as_the_folder_itself(tmp_path: Path) -> None:
    for name in ("core", "another"):
        write_record(tmp_path / name / "plan.json", plan(suite=name))
    (tmp_path / "no suite").mkdir()
    assert suite_folders(tmp_path) == [tmp_path / "another", tmp_path / "core"]
    assert suite_folders(tmp_path / "core") == [tmp_path / "core"]


@pytest.mark.parametrize("name", ["empty", "missing", "file"])
def test_where_no_runs_are_the_error_says_how_to_make_some(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="no runs found") as caught:
        suite_folders(tmp_path / name)
    assert "lcbench run" in caught.value.remedy


def test_temporary_folders_and_what_holds_no_runs_are_passed_over(tmp_path: Path) -> None:
    wanted = [
        "paper/one/seed0", "paper/two/seed1", "grouped/one/seed0-fold0", "forgotten/one/seed0",
    ]  # fmt: skip
    for name in (
        *wanted, "paper/one/.seed0-abc", "paper/.hidden/seed0", "external/one/seed0",
        "splits/paper/seed0",
    ):  # fmt: skip
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "paper" / "one" / "seed9").touch()
    found = [
        path.relative_to(tmp_path).as_posix() for path in run_folders(tmp_path, plan().protocols)
    ]
    assert found == wanted


def test_a_folder_without_records_is_no_run(tmp_path: Path) -> None:
    for missing in ("config.json", "state.json"):
        with pytest.raises(UnusableRunError, match=f"no {missing}") as caught:
            read_run(tmp_path)
        assert caught.value.kind == "interrupted"
        (tmp_path / "config.json").write_text("{}")


def test_a_plan_read_back_knows_the_folder_names_of_its_classes(tmp_path: Path) -> None:
    write_record(tmp_path / "plan.json", plan())
    taxonomy = plan_taxonomy(read_plan(tmp_path))
    assert taxonomy.leaves == ("a", "b")
    assert taxonomy.find("Apple") == "a"
    assert taxonomy.find("apfel boskop") == "a"
    assert taxonomy.find("pear") is None


def test_an_older_plan_has_the_roles_of_the_shipped_suite_of_its_name(tmp_path: Path) -> None:
    write_record(tmp_path / "plan.json", plan(suite="core"))
    roles = read_plan(tmp_path).roles
    assert roles == load_suite("core").roles
    assert roles == RolesRecord(
        flattering="paper", leakage_free="grouped", claims=("akinyemi2025",), floor=("majority",),
        shortcut=("colour",), margin=1.0,
    )  # fmt: skip
    own = RolesRecord(flattering="grouped")
    write_record(tmp_path / "plan.json", plan(suite="core", roles=own))
    assert read_plan(tmp_path).roles == own


# The class tree that runs were made for

FRUIT = TaxonomyRecord(
    name="fruit", parents={"apple": "root", "pear": "root"}, negative=None, subtypes_of=None
)


def tree_of(lung: Taxonomy) -> TaxonomyRecord:
    return TaxonomyRecord(
        name="ours", parents=lung.parents, negative=lung.negative, subtypes_of=lung.subtypes_of
    )


@pytest.fixture
def fruit(tmp_path: Path) -> Path:
    """A suite for another class tree, with one run and one evaluation."""
    folder = tmp_path / "runs" / "fruit"
    write_record(
        folder / "plan.json", plan(taxonomy=FRUIT, aliases={"apple": ("apfel",), "pear": ()})
    )
    for file in ("paper/one/seed0/predictions.parquet", "external/x/paper/one/seed0.parquet"):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).touch()
    return folder


@pytest.mark.parametrize(
    "place",
    [
        ".", "paper", "paper/one", "paper/one/seed0", "paper/one/seed0/predictions.parquet",
        "external/x/paper/one/seed0.parquet",
    ],
)  # fmt: skip
def test_predictions_in_a_suite_are_read_with_its_class_tree(fruit: Path, place: str) -> None:
    tree = find_taxonomy(None, [Path("elsewhere.csv"), fruit / place])
    assert tree.leaves == ("apple", "pear")
    assert tree.find("Apfel") == "apple"


def test_a_run_folder_that_was_copied_out_of_its_suite_knows_its_tree(
    tmp_path: Path, lung: Taxonomy
) -> None:
    for name, tree in (("fruit", FRUIT), ("ours", tree_of(lung))):
        (tmp_path / name / "seed0").mkdir(parents=True)
        (tmp_path / name / "seed0" / "predictions.parquet").touch()
        content = {"suite": "x", "dataset": plan().dataset.model_dump(), **CONFIG}
        (tmp_path / name / "seed0" / "config.json").write_text(
            json.dumps({**content, "taxonomy": tree.model_dump()})
        )
    assert find_taxonomy(None, [tmp_path / "fruit"]).leaves == ("apple", "pear")
    # The default tree, with the folder names that a run does not store
    assert find_taxonomy(None, [tmp_path / "ours"]).find("LUAD") == "adenocarcinoma"


def test_another_tree_is_used_where_it_is_given_and_the_default_where_none_is_stored(
    fruit: Path, tmp_path: Path, lung: Taxonomy
) -> None:
    (tmp_path / "tree.toml").write_text(
        'name = "t"\n[nodes.a]\nparent = "root"\n[nodes.b]\nparent = "root"\n'
    )
    assert find_taxonomy(tmp_path / "tree.toml", [fruit]).leaves == ("a", "b")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"taxonomy": "of another program"}')
    for path in ("model", "model/predictions.csv", "absent"):
        assert find_taxonomy(None, [tmp_path / path]).leaves == lung.leaves


def test_runs_for_different_class_trees_cannot_be_compared(
    fruit: Path, tmp_path: Path, lung: Taxonomy
) -> None:
    other = tmp_path / "runs" / "ours"
    write_record(other / "plan.json", plan(taxonomy=tree_of(lung)))
    with pytest.raises(UserError, match="different class trees") as caught:
        find_taxonomy(None, [other, fruit / "paper" / "one"])
    assert "fruit" in caught.value.message
    assert "--taxonomy" in caught.value.remedy
