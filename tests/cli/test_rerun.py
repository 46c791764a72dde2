"""A report, done again: what agrees, what does not and why, and what cannot be done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from PIL import Image

from lcbench.rerun.repetition import MARKER, TABLE

from .commands import Lcbench, quick_run, require_one_message, typed_in

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def again(lcbench: Lcbench) -> Lcbench:
    """Type `lcbench rerun` with one fit at a time."""

    def invoke(*words: object) -> Result:
        return lcbench("rerun", *words, "--offline", "--jobs", 1)

    return invoke


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory, small_demo: Path) -> Path:
    """A folder with runs of the quick suite and their report."""
    folder = tmp_path_factory.mktemp("reported")
    with pytest.MonkeyPatch.context() as patch:
        lcbench = typed_in(folder, patch)
        assert lcbench(*quick_run(small_demo), "--seeds", 2, "--about", "drawn").exit_code == 0
        assert lcbench("report", "runs").exit_code == 0
    return folder


@pytest.fixture
def report(lcbench: Lcbench, reported: Path) -> Path:  # noqa: ARG001 - goes to the folder
    """The report of the quick suite, in the folder where commands are typed."""
    shutil.copytree(reported, Path(), dirs_exist_ok=True)
    return Path("report") / "results.json"


@pytest.fixture
def changed(report: Path) -> Callable[[Change], Path]:
    """Write a copy of the report in which something else stands."""

    def write(change: Change) -> Path:
        results = json.loads(report.read_text())
        change(results)
        path = Path("changed.json")
        path.write_text(json.dumps(results))
        return path

    return write


def answer(result: Result, code: int) -> dict[str, Any]:
    assert result.exit_code == code, (result.stderr, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def reasons(found: dict[str, Any]) -> set[str]:
    return {one["name"] for one in found["reasons"]} - {"other code of lcbench"}


def apart(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found["numbers"] if not one["agrees"]]


def test_a_report_comes_out_again_to_the_last_digit(again: Lcbench, report: Path) -> None:
    result = again(report)
    assert result.exit_code == 0, (result.stderr, result.exception)
    table = pd.read_csv(Path("rerun-quick") / TABLE)
    assert f"{len(table):,} of {len(table):,} numbers agree" in result.stdout
    assert "same kind of processor" in result.stdout
    assert set(table["outcome"]) == {"the same"}
    assert table["place"].is_unique
    assert len(table) > 300
    runs = Path("rerun-quick") / "runs" / "quick"
    first, second = (
        path.read_bytes()
        for path in (
            Path("runs/quick/paper/reference/seed1/predictions.parquet"),
            runs / "paper/reference/seed1/predictions.parquet",
        )
    )
    assert first == second
    plan = json.loads((runs / "plan.json").read_text())
    assert plan["dataset"]["about"] == "drawn"
    assert plan["command"].startswith("lcbench rerun")


def test_what_was_finished_is_kept(again: Lcbench, report: Path) -> None:
    assert again(report).exit_code == 0
    shutil.rmtree("rerun-quick/runs/quick/paper/knn/seed1")
    result = again(report)
    assert result.exit_code == 0
    assert "1 runs done, 5 kept from before" in result.stderr


def test_another_folder_is_never_written_over(again: Lcbench, report: Path) -> None:
    folder = Path("mine")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    require_one_message(again(report, "--out", folder), "--out mine", "Name a new folder", code=1)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_the_repetition_of_another_report_is_not_gone_on_with(
    again: Lcbench, report: Path, changed: Callable[[Change], Path]
) -> None:
    assert again(report, "--out", "again").exit_code == 0
    other = changed(lambda results: results.update(created="2000-01-01T00:00:00Z"))
    require_one_message(again(other, "--out", "again"), "was not made from this report", code=1)


def test_one_changed_image_is_the_reason(
    again: Lcbench, report: Path, small_demo: Path, tmp_path: Path
) -> None:
    data = tmp_path / "elsewhere"
    shutil.copytree(small_demo, data)
    first = sorted((data / "lung_n").iterdir())[0]
    Image.fromarray(np.zeros((224, 224, 3), dtype=np.uint8)).save(first)
    result = again(report, "--data", data, "--groups", data / "groups.csv", "--json")
    found = answer(result, 3)
    assert reasons(found) == {"other images"}
    assert "not the images of the report" in result.stderr
    assert all(one["reasons"][0] == "other images" for one in apart(found))
    assert any(one["place"].endswith("accuracy/value") for one in found["numbers"])


def test_fewer_seeds_in_the_provenance_are_the_reason(
    again: Lcbench, changed: Callable[[Change], Path]
) -> None:
    def change(results: dict[str, Any]) -> None:
        results["runs"] = [one for one in results["runs"] if not one["run"].endswith("seed1")]

    path = changed(change)
    result = again(path, "--json")
    assert result.exit_code in (1, 3)
    found = json.loads(result.stdout)
    assert reasons(found) == {"other seeds"}
    (reason,) = (one for one in found["reasons"] if one["name"] == "other seeds")
    assert "seeds 0, 1" in reason["words"]
    assert "seeds 0 (1 runs of a baseline) here" in reason["words"]
    assert any(one["place"] == "scores/paper/knn/seeds/1" for one in apart(found))


def test_another_recorded_version_is_named_where_numbers_differ(
    again: Lcbench, changed: Callable[[Change], Path]
) -> None:
    def change(results: dict[str, Any]) -> None:
        for one in results["runs"]:
            one["versions"]["numpy"] = "1.0.0"
        score = results["protocols"][0]["comparison"]["models"][0]["scores"][0]
        score["estimate"]["value"] = 0.5

    found = answer(again(changed(change), "--json"), 3)
    (one,) = apart(found)
    assert one["place"] == "scores/paper/majority/accuracy/value"
    assert one["reasons"] == ["other versions"] or set(one["reasons"]) == {
        "other versions", "other code of lcbench",
    }  # fmt: skip
    (reason,) = (one for one in found["reasons"] if one["name"] == "other versions")
    assert reason["words"].startswith("numpy 1.0.0 in the report, ")


def test_half_the_baselines_leave_the_others_on_one_side(
    again: Lcbench, changed: Callable[[Change], Path]
) -> None:
    def change(results: dict[str, Any]) -> None:
        results["runs"] = [one for one in results["runs"] if "/knn/" not in one["run"]]

    result = again(changed(change), "--json")
    assert result.exit_code in (1, 3)
    found = json.loads(result.stdout)
    assert reasons(found) == {"missing baseline"}
    place = {one["place"]: one for one in found["numbers"]}
    assert place["scores/paper/reference/accuracy/value"]["agrees"]
    assert place["scores/paper/knn/accuracy/value"]["outcome"] == "only in the report"


def test_other_recorded_weights_are_the_reason(
    again: Lcbench, changed: Callable[[Change], Path]
) -> None:
    def change(results: dict[str, Any]) -> None:
        for one in results["baselines"]:
            if one["backbone"]:
                one["backbone"]["weights_sha256"] = "0" * 16

    found = answer(again(changed(change), "--json"), 0)
    assert reasons(found) == {"other weights"}


def test_without_a_known_processor_numbers_may_move_within_their_intervals(
    again: Lcbench, changed: Callable[[Change], Path]
) -> None:
    def change(results: dict[str, Any]) -> None:
        for one in results["runs"]:
            one["processor"] = ""
        interval = results["protocols"][0]["comparison"]["models"][1]["scores"][0]["estimate"]
        interval["value"] += 0.2 * (interval["high"] - interval["low"]) / 2

    result = again(changed(change))
    assert result.exit_code == 0, result.stdout
    assert "a quarter of the half-width" in result.stdout


def test_a_report_with_a_label_map_and_an_external_folder(
    lcbench: Lcbench, again: Lcbench, small_demo: Path, tmp_path: Path
) -> None:
    data, clinic = tmp_path / "data", tmp_path / "clinic"
    shutil.copytree(small_demo, data)
    (data / "lung_n").rename(data / "kind 0")
    for name, source in {"fine": "lung_n", "LUAD": "lung_aca", "odd": "lung_scc"}.items():
        (clinic / name).mkdir(parents=True)
        for path in sorted((small_demo / source).iterdir())[:6]:
            shutil.copy(path, clinic / name)
    Path("map.toml").write_text(
        '[labels]\n"kind 0" = "benign"\nfine = "benign"\nodd = "out-of-distribution"\n'
    )
    words = ("--weights", "random", "--offline", "--device", "cpu", "--precision", "32")
    ran = lcbench(
        "run", "--suite", "quick.toml", "--data", "data", "--labels", "map.toml", "--jobs", 1,
        "--only", "reference", *words,
    )  # fmt: skip
    assert ran.exit_code == 0, (ran.stderr, ran.exception)
    evaluated = lcbench(
        "evaluate", "clinic", "--labels", "map.toml", "--offline", "--device", "cpu",
        "--precision", "32",
    )  # fmt: skip
    assert evaluated.exit_code == 0, (evaluated.stderr, evaluated.exception)
    assert lcbench("report", "runs").exit_code == 0
    Path("map.toml").unlink()
    found = answer(again("report", "--out", "here", "--json"), 0)
    external = next(one for one in found["sections"] if one["section"] == "external")
    assert external["numbers"] == external["same"] > 20
    clinic.rename(tmp_path / "gone")
    result = again("report", "--out", "there", "--json")
    assert "clinic is not here" in result.stderr
    assert reasons(answer(result, 3)) == {"other external images"}


def test_without_its_images_a_report_is_refused_at_once(
    again: Lcbench, changed: Callable[[Change], Path]
) -> None:
    path = changed(lambda results: results["invocations"][0].update(data="gone/away"))
    require_one_message(again(path), "gone/away is not here", "--data", code=1)
    assert not Path("rerun-quick").exists()


def test_without_its_groups_file_a_report_is_refused_at_once(
    again: Lcbench, changed: Callable[[Change], Path]
) -> None:
    path = changed(lambda results: results["invocations"][0].update(groups="gone.csv"))
    require_one_message(again(path), "gone.csv", "--groups", code=1)


def test_an_older_report_of_a_suite_that_nobody_ships_is_refused(
    again: Lcbench, changed: Callable[[Change], Path], small_demo: Path
) -> None:
    def change(results: dict[str, Any]) -> None:
        for one in results["baselines"]:
            del one["recipe"]

    path = changed(change)
    require_one_message(again(path, "--data", small_demo), "does not hold its recipes", code=1)


@pytest.mark.parametrize("name", ["../away", "/away"])
def test_a_suite_cannot_be_named_out_of_the_folder(
    again: Lcbench, changed: Callable[[Change], Path], name: str
) -> None:
    path = changed(lambda results: results.update(suite=name))
    require_one_message(again(path, "--out", "here"), "does not fit this version", code=1)
    assert not Path("here").exists()


def test_an_audit_or_a_comparison_is_refused_with_its_command(
    lcbench: Lcbench, again: Lcbench, small_demo: Path
) -> None:
    assert lcbench("audit", small_demo, "--no-pictures").exit_code == 0
    require_one_message(again("audit"), "only what lcbench report wrote", "lcbench audit", code=1)


def test_an_external_folder_that_the_report_does_not_have_is_refused(
    again: Lcbench, report: Path, small_demo: Path
) -> None:
    result = again(report, "--external", small_demo)
    require_one_message(result, "no external folder of that name", code=1)
    assert not (Path("rerun-quick") / MARKER).exists()
