"""What commands answer, to people and to machines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lcbench import provenance
from lcbench.runs.store import read_plan

from .commands import SUITE, Lcbench, written

COMMANDS = ("run", "report", "evaluate", "compare", "validate", "list", "doctor")


def strict_json(result: Result) -> Any:
    """Standard output as JSON, which knows no NaN and no Infinity."""

    def refuse_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(result.stdout, parse_constant=refuse_constant)


def test_a_run_with_its_report_and_an_evaluation(
    run: Lcbench, lcbench: Lcbench, small_demo: Path
) -> None:
    first = run("--json")
    assert first.exit_code == 0
    answer = strict_json(first)
    assert (answer["done"], answer["already_done"], answer["failed"]) == (3, 0, [])
    assert Path(answer["folder"]) == Path("runs/quick")
    again = strict_json(run("--json", "--seeds", 2, "--only", "maj*,knn"))
    assert (again["done"], again["already_done"]) == (2, 2)
    fresh = strict_json(run("--json", "--fresh", "--only", "majority"))
    assert (fresh["done"], fresh["already_done"]) == (1, 0)
    evaluation = lcbench("evaluate", small_demo, "--json", "--device", "cpu", "--precision", "32")
    assert evaluation.exit_code == 0
    (record,) = strict_json(evaluation)
    assert record["scored"] == 72
    report = lcbench("report", "runs", "--json", "--out", "elsewhere")
    assert report.exit_code == 0
    (results,) = strict_json(report)
    assert results["suite"] == "quick"
    assert json.loads(Path("elsewhere/results.json").read_text()) == results


def test_words_for_people_go_beside_the_results(run: Lcbench) -> None:
    result = run("--only", "majority,reference")
    assert result.exit_code == 0
    assert "reference" in result.stdout
    assert "2 runs done" in result.stderr
    assert "Next: lcbench report runs" in result.stderr
    assert "random weights" in result.stderr
    assert "random weights" in result.stdout  # flagged in every table


def test_a_dry_run_shows_the_plan_and_writes_nothing_but_what_pixels_say_to_the_cache(
    run: Lcbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    result = run("--dry-run", "--json", "--seeds", 2)
    assert result.exit_code == 0
    plan = strict_json(result)
    assert plan["runs"] == 6
    assert plan["baselines"] == ["majority", "knn", "reference"]
    assert plan["weights"] == {"knn": "random weights", "reference": "random weights"}
    assert [split["name"] for split in plan["splits"]] == ["seed0", "seed1"]
    (line,) = [line for line in result.stderr.splitlines() if "also in train" in line]
    assert line.startswith("random split (the paper's): ")
    assert "2 seeds" in line
    told = run("--dry-run", "--verbose", "--seeds", 2).stderr
    assert re.findall(r"^  (seed\d): .* have a source sibling in training", told, re.MULTILINE) == [
        "seed0", "seed1",
    ]  # fmt: skip
    assert written() == ["cache"]
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["keypoints", "sources"]


def test_what_is_left_out_is_said_in_the_plan_and_at_the_end(run: Lcbench) -> None:
    result = run("--suite", "core", "--backbone", "test_resnet", "--only", "majority,densenet121")
    assert result.exit_code == 0
    assert result.stderr.count("left out densenet121: no weights of densenet121") == 2


def test_what_was_typed_is_stored_word_for_word(run: Lcbench) -> None:
    assert run("--only", "majority", "--out", "my runs").exit_code == 0
    (command,) = read_plan(Path("my runs/quick")).commands
    assert command.startswith("lcbench run --suite quick.toml --data ")
    assert command.endswith("--only majority --out 'my runs'")
    assert provenance.command() == ""  # the command has ended


def test_the_class_tree_of_runs_need_not_be_named_again(
    lcbench: Lcbench, write_images: Callable[..., None]
) -> None:
    Path("tree.toml").write_text(
        'name = "fruit"\n[nodes.apple]\nparent = "root"\n[nodes.pear]\nparent = "root"\n'
    )
    write_images(Path("fruit"), {"apple": 20, "pear": 20})
    tree = ("--taxonomy", "tree.toml")
    checks = strict_json(lcbench("doctor", "--data", "fruit", *tree, "--json"))
    assert [one["verdict"] for one in checks if one["subject"] == "data"] == ["good"]
    done = lcbench(
        "run", "--suite", "quick.toml", "--data", "fruit", "--weights", "random", "--offline",
        "--device", "cpu", "--jobs", 1, "--only", "majority,knn", *tree,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    folders = [f"runs/quick/paper/{name}" for name in ("majority", "knn")]
    assert lcbench("validate", folders[0]).exit_code == 0
    compared = lcbench("compare", *folders, "--resamples", 200, "--json")
    assert compared.exit_code == 0, compared.stderr
    assert "apple" in compared.stdout


@pytest.mark.parametrize("what", ["suites", "baselines", "backbones", "protocols"])
def test_listings_are_tables_or_json(what: str, lcbench: Lcbench) -> None:
    rows = strict_json(lcbench("list", what, "--json"))
    table = lcbench("list", what)
    assert table.exit_code == 0
    for row in rows:
        assert next(iter(row.values())) in table.stdout


def test_the_doctor_answers_machines_too(lcbench: Lcbench) -> None:
    result = lcbench("doctor", "--json")
    checks = strict_json(result)
    bad = [check for check in checks if check["verdict"] == "bad"]
    assert result.exit_code == (1 if bad else 0)
    assert all(check["remedy"] for check in bad)


OWN_KIND = '''
from lcbench.models.shortcuts import Majority


class Broken(Majority):
    """Fails, with a name that would be markup."""

    def fit(self, train, validation):
        raise RuntimeError("[/bold] the tissue was [red]")
'''


@pytest.mark.parametrize(("skip", "code"), [("", 3), ("majority,knn,reference", 1)])
def test_a_failing_baseline_is_shown_and_told_by_the_exit_code(
    skip: str, code: int, run: Lcbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("lcbench_cli_test_kind.py").write_text(OWN_KIND)
    monkeypatch.syspath_prepend(tmp_path)
    Path("quick.toml").write_text(
        SUITE + '[[baselines]]\nname = "bad"\nkind = "lcbench_cli_test_kind:Broken"\n'
        'purpose = "To fail"\n'
    )
    result = run("--json", *(("--skip", skip) if skip else ()))
    assert result.exit_code == code
    answer = strict_json(result)
    assert answer["done"] == (0 if skip else 3)
    (failure,) = answer["failed"]
    assert failure["baseline"] == "bad"
    assert "RuntimeError: [/bold] the tissue was [red]" in failure["reason"]
    assert "failed paper/seed0 bad" in result.stderr
    assert "[/bold] the tissue was [red]" in result.stderr


def test_an_interrupted_run_says_that_it_can_be_continued(
    run: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lcbench.runs.pool.run_job", interrupt)
    result = run("--only", "majority")
    assert result.exit_code == 1
    assert "the same command goes on from there" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_its_options(command: str, lcbench: Lcbench) -> None:
    result = lcbench(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert lcbench(command, "-h").stdout == result.stdout


def test_help_names_every_command_and_the_version_is_the_packages(lcbench: Lcbench) -> None:
    import lcbench as package

    shown = lcbench("--help").stdout
    assert all(re.search(rf"\b{command}\b", shown) for command in COMMANDS)
    assert "Research use only" in shown
    assert lcbench("--version").stdout.strip() == f"lcbench {package.__version__}"
