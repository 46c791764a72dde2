"""What an interrupted fit left: taken up by the same run alone, and removed where none will."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.runs.describe import describe_runs
from lcbench.runs.execute import execute
from lcbench.runs.unfinished import unfinished_of

from .recipes import KNN, MAJORITY, MakePlan, run_folder


@pytest.fixture
def no_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands end where their fits would begin."""
    monkeypatch.setattr("lcbench.runs.execute.run_all", lambda *_: iter(()))


def left(out: Path) -> set[str]:
    return {path.name for path in out.rglob(".lcbench-unfinished-*")}


def test_what_decides_the_result_decides_what_is_taken_up(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    ((_, _, config),) = describe_runs(plan_of(KNN))
    place = unfinished_of(tmp_path / "seed0", config)
    for free in ({"commit": "another"}, {"purpose": "said better"}):
        assert unfinished_of(tmp_path / "seed0", config.model_copy(update=free)) == place
    data = config.dataset.model_copy(update={"name": "moved"})
    assert unfinished_of(tmp_path / "seed0", config.model_copy(update={"dataset": data})) == place
    for decides in ({"recipe": {}}, {"versions": {}}, {"seed": 1}, {"code_sha256": "x"}):
        other = unfinished_of(tmp_path / "seed0", config.model_copy(update=decides))
        assert other.folder != place.folder
        assert other.key != place.key


@pytest.mark.usefixtures("no_fits")
@pytest.mark.parametrize("fresh", [False, True])
def test_only_what_a_run_of_the_suite_will_go_on_from_is_kept(
    fresh: bool, plan_of: MakePlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(KNN, MAJORITY, only=("knn",))
    ((_, _, config),) = describe_runs(plan)
    knn = run_folder(tmp_path, "knn")
    own = unfinished_of(knn, config).folder
    others = run_folder(tmp_path, "majority").with_name(".lcbench-unfinished-abcd-seed0")
    outdated = knn.with_name(".lcbench-unfinished-abcd-seed0")
    retired = run_folder(tmp_path, "gone").with_name(".lcbench-unfinished-abcd-seed0")
    for folder in (own, others, outdated, retired):
        (folder / "deep").mkdir(parents=True)
    execute(plan, tmp_path, jobs=1, fresh=fresh)
    assert others.exists()  # of a run that another command does
    assert own.exists() is not fresh
    assert not outdated.exists()
    assert not retired.exists()
    said = capsys.readouterr().err
    assert ("paper/knn/seed0: what was interrupted there was made with" in said) is not fresh


def test_of_a_run_that_is_stored_nothing_is_kept(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of(KNN)
    execute(plan, tmp_path, jobs=1)
    ((_, _, config),) = describe_runs(plan)
    unfinished_of(run_folder(tmp_path, "knn"), config).folder.mkdir()
    execute(plan, tmp_path, jobs=1)
    assert not left(tmp_path)
