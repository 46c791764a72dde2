"""A suite's folder is the union of what was run in it; what does not belong there is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lcbench.errors import UserError
from lcbench.leakage import sources
from lcbench.provenance import typed
from lcbench.runs import plan as planning
from lcbench.runs.describe import describe_plan
from lcbench.runs.execute import execute
from lcbench.runs.finished import Incomplete
from lcbench.runs.plan import Plan
from lcbench.runs.plan_records import LeftOut
from lcbench.runs.reading import read_suite
from lcbench.runs.store import read_plan

from ..stored import rewrite
from .recipes import COLOUR, KNN, MAJORITY, REFERENCE, MakePlan, contents, counts

Run = Callable[..., tuple[int, int, int]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The runs folder."""
    return tmp_path / "runs"


@pytest.fixture
def run(plan_of: MakePlan, out: Path) -> Run:
    """Run the suite as `lcbench run` would: run(only=("knn",)); done, kept and failed."""

    def invoke(*recipes: dict[str, Any], fresh: bool = False, **asked: Any) -> Any:
        plan = plan_of(*(recipes or (REFERENCE, KNN, MAJORITY)), **asked)
        return counts(execute(plan, out, jobs=1, fresh=fresh))

    return invoke


def left_out(*names: str) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(baseline=name, reason="no weights here") for name in names)


def test_what_was_said_about_the_images_holds_until_it_is_said_anew(run: Run, out: Path) -> None:
    def about() -> str:
        return read_plan(out / "tiny").dataset.about

    run(KNN, MAJORITY, only=("maj*",))
    assert about() == ""
    run(KNN, MAJORITY, only=("maj*",), about=" histology ")
    assert about() == "histology"
    assert run(KNN, MAJORITY, only=("maj*",)) == (0, 1, 0)  # words make no other images
    assert about() == "histology"
    run(KNN, MAJORITY, only=("maj*",), about="smears")
    assert about() == "smears"


def test_another_protocol_in_the_same_folder_loses_nothing(plan_of: MakePlan, out: Path) -> None:
    with typed(["run", "--protocol", "grouped"]):
        execute(plan_of(KNN, MAJORITY, protocols=("grouped",)), out, jobs=1)
    first = read_plan(out / "tiny")
    with typed(["run", "--only", "majority"]):
        execute(plan_of(KNN, MAJORITY, protocols=("paper",), seeds=2, only=("maj*",)), out, jobs=1)
    plan = read_plan(out / "tiny")
    assert plan.protocols == ("paper", "grouped")  # as the suite orders them
    assert (plan.baselines, plan.seeds, plan.created) == (("knn", "majority"), 2, first.created)
    assert plan.commands == ("lcbench run --protocol grouped", "lcbench run --only majority")
    asked = [(one.protocols, one.seeds, one.baselines) for one in plan.invocations]
    assert asked == [
        (("grouped",), 1, ("knn", "majority")),
        (("paper",), 2, ("majority",)),
    ]
    suite = read_suite(out / "tiny")
    assert len(suite.runs) == 2 * 5 + 2
    assert suite.incomplete == ()
    assert [len(model.table) for model in suite.models("grouped")] == [72, 72]
    (majority,) = suite.models("paper")
    assert majority.table["seed"].is_monotonic_increasing
    assert set(majority.table["seed"]) == {0, 1}


@pytest.mark.parametrize("order", [("paper", "grouped"), ("grouped", "paper")])
def test_without_given_groups_every_protocol_finds_the_same_ones_and_only_the_first_searches(
    order: tuple[str, str], run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = order
    run(MAJORITY, groups=None, protocols=(one,))
    monkeypatch.setattr(sources, "_join", lambda *_: pytest.fail("searched again"))
    run(MAJORITY, groups=None, protocols=(other,))
    suite = read_suite(out / "tiny")
    assert suite.incomplete == ()
    assert len(suite.runs) == 1 + 5
    dataset = suite.plan.dataset
    assert dataset.groups_source.startswith("pixels (")
    assert all(run.config.dataset == dataset for run in suite.runs)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {"only": ("knn",)}, (0, 1, 0)),
        ({}, {"skip": ("knn",)}, (0, 2, 0)),
        ({"only": ("knn",)}, {}, (2, 1, 0)),
        ({}, {"seeds": 3}, (6, 3, 0)),
        ({"seeds": 3}, {"seeds": 1}, (0, 3, 0)),
        ({"protocols": ("grouped",)}, {"only": ("maj*",), "seeds": 2}, (2, 0, 0)),
    ],
    ids=str,
)
def test_what_is_asked_for_later_is_added_and_what_is_there_is_kept(
    first: dict[str, Any], second: dict[str, Any], expected: tuple[int, int, int], run: Run,
    out: Path,
) -> None:  # fmt: skip
    done, *_ = run(**first)
    before = contents(out / "tiny")
    assert run(**second) == expected
    after = contents(out / "tiny")
    assert all(after[name] == digest for name, digest in before.items() if name != "plan.json")
    suite = read_suite(out / "tiny")
    assert suite.incomplete == ()
    assert len(suite.runs) == done + expected[0]


CHANGED = {**REFERENCE, "epochs": 3}


@pytest.mark.parametrize(
    ("recipes", "asked", "said"),
    [
        ((), {"backbone": "test_convnext"}, "another recipe, other code or other weights"),
        (
            (),
            {"backbone": "test_convnext", "seeds": 3},
            "another recipe, other code or other weights",
        ),
        (
            (),
            {"backbone": "test_convnext", "seeds": 1},
            "another recipe, other code or other weights",
        ),
        (
            (),
            {"backbone": "test_convnext", "only": ("knn",)},
            "another recipe, other code or other weights",
        ),
        ((CHANGED, KNN, MAJORITY), {}, "another recipe, other code or other weights"),
        ((CHANGED, KNN, MAJORITY), {"seeds": 1}, "another recipe, other code or other weights"),
        ((REFERENCE, {**MAJORITY, "name": "knn"}, MAJORITY), {}, "another recipe"),
        ((), {"groups": None, "only": ("majority",)}, "other source groups"),
        ((), {"groups": None, "seeds": 1}, "other source groups"),
        ((), {"groups": None, "protocols": ("grouped",)}, "other source groups"),
    ],
    ids=str,
)
def test_runs_that_were_made_in_another_way_are_neither_replaced_nor_mixed(
    recipes: tuple[dict[str, Any], ...], asked: dict[str, Any], said: str, run: Run, out: Path
) -> None:
    """The report would pool them, and call them all by the weights and recipe of the new ones."""
    run(seeds=2)
    before = contents(out)
    with pytest.raises(UserError, match=said) as caught:
        run(*recipes, **{"seeds": 2, **asked})
    assert "--out" in caught.value.remedy
    assert "--fresh" in caught.value.remedy
    assert contents(out) == before


def test_a_new_baseline_must_take_the_reference_backbone_of_those_that_are_there(
    run: Run, out: Path
) -> None:
    """Arms that the report compares share it."""
    run(only=("reference",))
    before = contents(out)
    with pytest.raises(UserError, match="another reference backbone"):
        run(only=("knn",), backbone="test_convnext")
    assert contents(out) == before
    assert run(only=("majority",), backbone="test_convnext") == (1, 0, 0)  # it has none


def test_fresh_replaces_what_it_does_again_and_nothing_else(run: Run) -> None:
    run(seeds=2)
    recipes = (CHANGED, KNN, MAJORITY)
    with pytest.raises(UserError, match="another recipe"):
        run(*recipes, seeds=1, fresh=True)  # seed 1 would stay behind
    assert run(*recipes, seeds=2, only=("reference",), fresh=True) == (2, 0, 0)
    with pytest.raises(UserError, match="another reference backbone"):
        run(*recipes, seeds=2, only=("knn",), backbone="test_convnext", fresh=True)
    assert run(*recipes, seeds=2, backbone="test_convnext", fresh=True) == (6, 0, 0)


def test_runs_of_older_versions_that_knew_no_groups_are_done_again_or_refused(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(planning, "know_sources", lambda dataset: (dataset, None))
        run(MAJORITY, groups=None)
    before = contents(out)
    with pytest.raises(UserError, match="other source groups") as caught:
        run(MAJORITY, groups=None, protocols=("grouped",))
    assert "--out" in caught.value.remedy
    assert contents(out) == before
    with pytest.raises(UserError, match="other source groups"):
        run(MAJORITY, groups=None)
    assert contents(out) == before
    assert run(MAJORITY, groups=None, fresh=True) == (1, 0, 0)
    assert run(MAJORITY, groups=None, protocols=("grouped",)) == (5, 0, 0)


def test_results_on_other_images_or_for_another_tree_are_not_mixed_in(
    plan_of: MakePlan, out: Path
) -> None:
    plan = plan_of(MAJORITY)
    execute(plan, out, jobs=1)
    before = contents(out)
    parents = {**plan.taxonomy.parents, "other": "malignant"}
    others: dict[str, Plan] = {
        "other images": replace(plan, dataset=replace(plan.dataset, sha256="other")),
        "another class tree": replace(plan, taxonomy=replace(plan.taxonomy, parents=parents)),
    }
    for said, other in others.items():
        with pytest.raises(UserError, match=said) as caught:
            execute(other, out, jobs=1)
        assert "--out" in caught.value.remedy
    assert contents(out) == before


def test_the_same_images_in_a_renamed_folder_are_the_same_and_other_groups_are_not(
    plan_of: MakePlan, out: Path
) -> None:
    plan = plan_of(MAJORITY)
    execute(plan, out, jobs=1)
    before = contents(out)
    renamed = replace(plan.dataset, name="renamed", groups_source="renamed/groups.csv")
    assert execute(replace(plan, dataset=renamed), out, jobs=1).done == 0
    other = plan.dataset.manifest.assign(group=list(plan.dataset.manifest["image"]))
    joined = replace(plan, dataset=replace(plan.dataset, manifest=other))
    with pytest.raises(UserError, match="other source groups") as caught:
        execute(joined, out, jobs=1)
    assert "--fresh" in caught.value.remedy
    kept = contents(out)
    assert all(str(name).endswith("plan.json") for name in before if before[name] != kept[name])
    assert execute(joined, out, jobs=1, fresh=True).done == 1


def swapped(groups: Path, folder: Path) -> Path:
    """A groups file in which two images of a class have exchanged their groups."""
    table = pd.read_csv(groups, dtype=str)
    first = table["group"].iloc[0]
    kind = table["image"].str.split("/").str[0]
    second = table.index[(table["group"] != first) & (kind == kind.iloc[0])][0]
    table.loc[[0, second], "group"] = table.loc[[second, 0], "group"].to_numpy()
    folder.mkdir()
    table.to_csv(folder / groups.name, index=False)
    return folder / groups.name


def test_groups_that_were_swapped_under_the_same_name_are_other_groups(
    run: Run, out: Path, small_demo: Path, tmp_path: Path
) -> None:
    """As many groups, of the same names, from a file of the same name."""
    assert run(KNN, MAJORITY) == (2, 0, 0)
    other = swapped(small_demo / "groups.csv", tmp_path / "elsewhere")
    with pytest.raises(UserError, match="other source groups"):
        run(KNN, MAJORITY, groups=other)
    assert run(KNN, MAJORITY, groups=other, fresh=True) == (2, 0, 0)
    suite = read_suite(out / "tiny")
    groups = pd.read_csv(other, dtype=str).set_index("image")["group"]
    for model in suite.models("paper"):
        table = model.table
        assert table["group"].tolist() == groups.loc[table["image"]].tolist()


def test_classes_in_another_order_are_another_class_tree(plan_of: MakePlan, out: Path) -> None:
    """Models would answer with the other class."""
    plan = plan_of(KNN, MAJORITY)
    execute(plan, out, jobs=1)
    parents = dict(reversed(plan.taxonomy.parents.items()))
    other = replace(plan, taxonomy=replace(plan.taxonomy, parents=parents))
    with pytest.raises(UserError, match="another class tree"):
        execute(other, out, jobs=1)


def test_a_kind_of_ones_own_whose_source_has_changed_is_another_kind(
    own_kinds: str, run: Run, tmp_path: Path
) -> None:
    own = {"name": "own", "kind": f"{own_kinds}:Own"}
    assert run(MAJORITY, own) == (2, 0, 0)
    assert run(MAJORITY, own) == (0, 2, 0)
    file = tmp_path / "own" / f"{own_kinds}.py"
    file.write_text(file.read_text() + "# changed\n")
    with pytest.raises(UserError, match="other code"):
        run(MAJORITY, own)
    assert run(MAJORITY, own, only=("own",), fresh=True) == (1, 0, 0)
    assert run(MAJORITY, own) == (0, 2, 0)


def test_runs_on_another_division_of_the_images_are_not_mixed(plan_of: MakePlan, out: Path) -> None:
    """As a library divides them otherwise after an update."""
    execute(plan_of(KNN, MAJORITY), out, jobs=1)
    plan = plan_of(KNN, MAJORITY, only=("majority",))
    (planned,) = plan.splits
    sides = planned.split.sides.copy()
    first, last = planned.split.rows("train")[0], planned.split.rows("validation")[0]
    sides[[first, last]] = sides[[last, first]]
    other = replace(planned, split=replace(planned.split, sides=sides))
    with pytest.raises(UserError, match="another division of the images"):
        execute(replace(plan, splits=(other,)), out, jobs=1, fresh=True)


def test_what_the_suite_has_no_longer_stays_on_disk_and_is_left_out(run: Run, out: Path) -> None:
    run(REFERENCE, KNN, MAJORITY)
    run(REFERENCE, KNN, MAJORITY, only=("reference",))
    assert read_suite(out / "tiny").baselines == ("reference", "knn", "majority")
    run(REFERENCE, MAJORITY)
    suite = read_suite(out / "tiny")
    assert suite.baselines == suite.plan.baselines == ("reference", "majority")
    (gone,) = suite.incomplete
    assert (gone.run, gone.kind) == ("paper/knn", "retired")
    assert (out / "tiny/paper/knn/seed0/predictions.parquet").is_file()
    assert run(REFERENCE, KNN, MAJORITY) == (0, 3, 0)  # and it is there when the suite has it again
    assert read_suite(out / "tiny").incomplete == ()


def test_a_retired_baseline_of_another_making_stands_in_nobodys_way(run: Run) -> None:
    run(KNN, MAJORITY, groups=None)
    with pytest.raises(UserError, match="other source groups"):
        run(KNN, MAJORITY, only=("majority",), fresh=True)
    assert run(MAJORITY, fresh=True) == (1, 0, 0)


def test_what_an_earlier_command_planned_and_is_missing_is_still_told(
    plan_of: MakePlan, out: Path
) -> None:
    execute(plan_of(KNN, MAJORITY, protocols=("grouped",)), out, jobs=1)
    shutil.rmtree(out / "tiny" / "grouped" / "knn" / "seed0-fold3")
    execute(plan_of(KNN, MAJORITY, only=("majority",)), out, jobs=1)
    (missing,) = read_suite(out / "tiny").incomplete
    assert missing == Incomplete("grouped/knn", "never started", missing=("seed0-fold3",))
    shutil.rmtree(out / "tiny" / "grouped")
    (missing,) = read_suite(out / "tiny").incomplete
    assert (missing.run, missing.kind, len(missing.missing)) == ("grouped", "never started", 10)


def test_a_baseline_that_was_left_out_and_is_run_now_is_no_longer_left_out(
    plan_of: MakePlan,
) -> None:
    recipes = (KNN, MAJORITY, {**COLOUR, "name": "other"})
    plan = plan_of(*recipes, skip=("other",))
    first = describe_plan(plan_of(*recipes, only=("majority",)), left_out("knn", "other"))
    assert [entry.baseline for entry in first.left_out] == ["knn", "other"]
    both = describe_plan(plan, left_out("other"), first)
    assert both.left_out == left_out("other")
    assert both.baselines == ("knn", "majority")
    # The other way round: its runs of before stand, and the invocation says what happened later.
    later = describe_plan(plan_of(*recipes, only=("majority",)), left_out("knn"), both)
    assert later.left_out == left_out("other")
    assert later.invocations[-1].left_out == left_out("knn")


def test_runs_of_a_protocol_that_an_older_plan_forgot_are_found(
    plan_of: MakePlan, out: Path
) -> None:
    execute(plan_of(MAJORITY, protocols=("paper", "grouped")), out, jobs=1)
    file = out / "tiny" / "plan.json"
    rewrite(file, "invocations", "roles", protocols=["grouped"])
    plan = read_plan(out / "tiny")
    assert [(one.protocols, one.baselines) for one in plan.invocations] == [
        (("grouped",), ("majority",))
    ]
    assert plan.roles is None  # no shipped suite is called so
    suite = read_suite(out / "tiny")
    assert suite.protocols == ("grouped", "paper")
    assert suite.incomplete == ()


def test_with_nothing_to_do_git_is_asked_once_and_each_split_hashed_once(
    plan_of: MakePlan, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lcbench.protocols import Split
    from lcbench.runs import describe

    more = {"protocols": ("paper", "grouped"), "seeds": 2}
    execute(plan_of(KNN, MAJORITY, **more), out, jobs=1)
    asked: list[object] = []
    genuine, to_csv, dataset = subprocess.run, Split.to_csv, describe.describe_dataset

    def count(name: str, call: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            asked.append(name)
            return call(*args, **kwargs)

        return counted

    monkeypatch.setattr(subprocess, "run", count("git", genuine))
    monkeypatch.setattr(Split, "to_csv", count("split", to_csv))
    monkeypatch.setattr(describe, "describe_dataset", count("dataset", dataset))
    assert counts(execute(plan_of(KNN, MAJORITY, **more), out, jobs=1)) == (0, 24, 0)
    assert asked.count("git") <= 3
    assert asked.count("dataset") == 2
    assert asked.count("split") == 12
