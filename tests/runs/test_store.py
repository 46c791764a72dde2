"""Where runs lie: found by their plans, temporary ones passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.errors import UserError
from lcbench.runs.records import DatasetRecord, PlanRecord, TaxonomyRecord, write_record
from lcbench.runs.store import plan_taxonomy, read_plan, read_run, run_folders, suite_folders


def plan(**changes: object) -> PlanRecord:
    dataset = DatasetRecord(
        name="x", synthetic=False, images=1, images_by_class={}, source_groups=None,
        groups_source="", skipped=(), sha256="x",
    )  # fmt: skip
    tree = TaxonomyRecord(
        name="t", parents={"a": "root", "b": "root"}, negative="a", subtypes_of=None
    )
    base = PlanRecord(
        suite="s", command="", created="", protocols=("paper", "grouped"), seeds=1,
        baselines=("one",), left_out=(), reference="one", dataset=dataset, taxonomy=tree,
        aliases={"a": ("apple", "apfel *")}, machine="",
    )  # fmt: skip
    return base.model_copy(update=changes)


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


def test_temporary_folders_and_other_protocols_are_passed_over(tmp_path: Path) -> None:
    wanted = ["paper/one/seed0", "paper/two/seed1", "grouped/one/seed0-fold0"]
    for name in (
        *wanted, "paper/one/.seed0-abc", "paper/.hidden/seed0", "external/one/seed0",
        "splits/paper/seed0",
    ):  # fmt: skip
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "paper" / "one" / "seed9").touch()
    found = [path.relative_to(tmp_path).as_posix() for path in run_folders(tmp_path, plan())]
    assert found == wanted


def test_a_folder_without_records_is_no_run(tmp_path: Path) -> None:
    assert read_run(tmp_path) is None
    (tmp_path / "config.json").write_text("{}")
    assert read_run(tmp_path) is None


def test_a_plan_read_back_knows_the_folder_names_of_its_classes(tmp_path: Path) -> None:
    write_record(tmp_path / "plan.json", plan())
    taxonomy = plan_taxonomy(read_plan(tmp_path))
    assert taxonomy.leaves == ("a", "b")
    assert taxonomy.find("Apple") == "a"
    assert taxonomy.find("apfel boskop") == "a"
    assert taxonomy.find("pear") is None


def test_a_plan_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"suite": 3')
    with pytest.raises(UserError, match=r"plan\.json: not a readable PlanRecord"):
        read_plan(tmp_path)
