"""`write_report`: whole or not at all, into a folder that is its own, the same bytes each time."""

import io
import json
import re
from dataclasses import replace

import pytest
from pydantic import BaseModel
from rich.console import Console

from lcbench.analysis import measures, results
from lcbench.analysis.results import Results
from lcbench.errors import UserError
from lcbench.rendering import report
from lcbench.rendering.report import write_report
from lcbench.rendering.summary import summary_table


@pytest.fixture(scope="module")
def small_runs(tmp_path_factory, make, shape):
    runs = tmp_path_factory.mktemp("small") / "runs"
    make(runs, replace(shape, protocols=("paper",)))
    return runs


@pytest.fixture
def quick(monkeypatch):
    """Leave the pictures out: they have tests of their own."""
    monkeypatch.setattr(
        report, "_draw", lambda _suite, _results, folder: {"Intervals": folder / "intervals.png"}
    )


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_written(core_report, core_runs):
    folder = core_runs.parent / "report"
    assert core_report.readme == folder / "README.md"
    assert set(files_of(folder)) == {
        "README.md", "results.json", "results.csv", "figures/intervals.png",
        "figures/differences.png",
        "figures/confusion-paper.png", "figures/confusion-grouped.png",
        "figures/learning-curves-paper.png", "figures/learning-curves-grouped.png",
    }  # fmt: skip
    assert all(path.is_file() for path in core_report.figures)
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_the_same_runs_give_the_same_bytes(small_runs, tmp_path):
    first = write_report(small_runs, tmp_path / "a", command="c", resamples=50)
    second = write_report(small_runs, tmp_path / "b", command="c", resamples=50)
    assert files_of(first.folder) == files_of(second.folder)


def test_results_read_back_as_they_were(core_report):
    text = core_report.results_json.read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert Results.model_validate_json(text) == core_report.results


def test_every_key_of_the_results_is_documented():
    models = [
        kind
        for module in (measures, results)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, BaseModel)
        and kind.__module__ == module.__name__
    ]
    assert len(models) > 15
    for model in models:
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


@pytest.mark.usefixtures("quick")
def test_steps_are_told(small_runs, tmp_path):
    steps = []
    write_report(small_runs, tmp_path / "out", resamples=20, advance=steps.append)
    assert steps[0] == "core: reading runs"
    assert steps[-1] == "core: drawing and writing"


@pytest.mark.usefixtures("quick")
def test_the_default_folder_stands_beside_the_runs_folder(tmp_path, make, shape):
    folder = make(tmp_path / "runs", replace(shape, protocols=("paper",)))
    assert write_report(folder.parent, resamples=20).folder == tmp_path / "report"
    assert write_report(folder, resamples=20).folder == tmp_path / "report"


@pytest.mark.usefixtures("quick")
def test_a_report_is_replaced(small_runs, tmp_path):
    out = tmp_path / "out"
    write_report(small_runs, out, resamples=20)
    (out / "figures").mkdir(exist_ok=True)
    (out / "figures" / "old.png").write_bytes(b"")
    (out / ".DS_Store").write_bytes(b"")
    write_report(small_runs, out, resamples=20)
    assert set(files_of(out)) == {"README.md", "results.json", "results.csv"}


@pytest.mark.parametrize(
    "content", ["notes.txt", "results.json", "README.md", "figures/x.png", "sub/a.txt"]
)
@pytest.mark.usefixtures("quick")
def test_a_folder_of_someone_else_is_never_replaced(small_runs, tmp_path, content):
    out = tmp_path / "out"
    (out / content).parent.mkdir(parents=True)
    (out / content).write_text('{"mine": 1}')
    with pytest.raises(UserError, match="not written by lcbench report"):
        write_report(small_runs, out, resamples=20)
    assert (out / content).read_text() == '{"mine": 1}'


@pytest.mark.parametrize("content", ["notes.txt", "figures/notes.txt", "figures/a/b.png", ".git/x"])
@pytest.mark.usefixtures("quick")
def test_a_report_with_files_of_someone_else_is_not_replaced(small_runs, tmp_path, content):
    out = tmp_path / "out"
    write_report(small_runs, out, resamples=20)
    (out / content).parent.mkdir(parents=True, exist_ok=True)
    (out / content).write_text("mine")
    with pytest.raises(UserError, match="which lcbench report did not write"):
        write_report(small_runs, out, resamples=20)
    assert (out / content).read_text() == "mine"


@pytest.mark.usefixtures("quick")
def test_the_runs_folder_is_not_replaced(small_runs):
    with pytest.raises(UserError, match="not written by lcbench report"):
        write_report(small_runs, small_runs, resamples=20)
    assert (small_runs / "core" / "plan.json").is_file()


def test_a_file_in_the_way(small_runs, tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(UserError, match="a file stands where"):
        write_report(small_runs, tmp_path / "out", resamples=20)


def test_nothing_is_half_written(small_runs, tmp_path, monkeypatch):
    def explode(*_):
        raise OSError("disk full")

    monkeypatch.setattr(report, "write_tidy", explode)
    with pytest.raises(OSError, match="disk full"):
        write_report(small_runs, tmp_path / "out", resamples=20)
    assert list(tmp_path.iterdir()) == []


def test_no_runs(tmp_path):
    with pytest.raises(UserError) as caught:
        write_report(tmp_path / "runs", tmp_path / "out")
    assert "lcbench run" in caught.value.remedy
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("quick")
def test_several_suites_get_a_folder_each(tmp_path, make, shape):
    small = replace(shape, protocols=("paper",))
    make(tmp_path / "runs", small)
    make(tmp_path / "runs", replace(small, suite="extra"))
    written = write_report(tmp_path / "runs", resamples=20)
    assert [one.results.suite for one in written.suites] == ["core", "extra"]
    index = written.readme.read_text()
    assert "[core](core/README.md): On the random split" in index
    assert all(one.readme.is_file() and one.results_json.is_file() for one in written.suites)
    again = write_report(tmp_path / "runs", resamples=20)
    assert files_of(again.folder) == files_of(written.folder)


@pytest.mark.usefixtures("quick")
def test_a_link_as_target_is_followed(small_runs, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    written = write_report(small_runs, tmp_path / "link", resamples=20)
    assert (tmp_path / "link").is_symlink()
    assert written.folder == tmp_path / "real"
    assert (tmp_path / "real" / "README.md").is_file()


def test_summary_table(core_results):
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(summary_table(core_results))
    text = console.export_text()
    lines = [line for line in text.splitlines() if "reference" in line]
    assert len(lines) == 1
    assert re.search(r"reference +│ +\S+ \[\S+, \S+\] │ +94\.9 \[", lines[0])
    assert "synthetic demonstration data" in text
    assert "drop, points" in text


@pytest.mark.usefixtures("quick")
def test_summary_table_of_little(tmp_path, make, shape, recipe):
    name = "[red]x"
    little = replace(
        shape,
        protocols=("paper",),
        baselines=(name,),
        recipes={name: recipe(0.1, 0.1)},
        random_weights=True,
        groups_known=False,
    )
    make(tmp_path / "runs", little)
    written = write_report(tmp_path / "runs", resamples=20)
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(summary_table(written.suites[0].results))
    text = " ".join(console.export_text().split())
    assert "[red]x (random weights)" in text
    assert "source groups unknown: too narrow" in text
