"""A report replaces what a report wrote, and never anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lcbench.errors import UserError
from lcbench.rendering.places import check_comparison, check_report, default_report


def write(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        is_ours = file.name == "results.json"
        file.write_text(json.dumps({"generator": "lcbench report"}) if is_ours else "x")
    return folder


REPORT = ("README.md", "index.html", "results.json", "results.csv", "figures/a.png", ".DS_Store")


def test_a_report_or_nothing_may_be_replaced(tmp_path: Path) -> None:
    check_report(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_report(tmp_path / "empty")
    check_report(write(tmp_path / "one", *REPORT))
    several = (f"core/{name}" for name in REPORT)
    check_report(write(tmp_path / "several", "README.md", "results.json", *several))


@pytest.mark.parametrize(
    "content", ["notes.txt", "README.md", "figures/x.png", "sub/a.txt", "results.csv"]
)
def test_a_folder_of_someone_else_is_not_replaced(tmp_path: Path, content: str) -> None:
    with pytest.raises(UserError, match="not written by lcbench report"):
        check_report(write(tmp_path / "out", content))


def test_results_of_someone_else_are_no_report(tmp_path: Path) -> None:
    out = write(tmp_path / "out", "README.md")
    for text in ('{"mine": 1}', "[]", "\xff", '{"generator": "lcbench compare"}'):
        (out / "results.json").write_text(text, encoding="latin-1")
        with pytest.raises(UserError, match="not written by lcbench report"):
            check_report(out)


@pytest.mark.parametrize(
    "content", ["notes.txt", "figures/notes.txt", "figures/a/b.png", ".git/x", "other/README.md"]
)
def test_a_report_with_files_of_someone_else_is_not_replaced(tmp_path: Path, content: str) -> None:
    out = write(tmp_path / "out", *REPORT, content)
    with pytest.raises(UserError, match="which lcbench report did not write"):
        check_report(out)


def test_a_link_inside_and_a_file_in_the_way(tmp_path: Path) -> None:
    out = write(tmp_path / "out", *REPORT)
    (out / "figures" / "link.png").symlink_to(out / "README.md")
    with pytest.raises(UserError, match="which lcbench report did not write"):
        check_report(out)
    with pytest.raises(UserError, match="a file stands where"):
        check_report(out / "README.md")


def test_the_default_folder_stands_beside_the_runs_folder(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert default_report(runs, [runs / "core"]) == tmp_path / "report"
    assert default_report(runs / "core", [runs / "core"]) == tmp_path / "report"


@pytest.mark.parametrize(
    ("out", "said"),
    [(".", "a folder"), ("m.csv", "one of the prediction files"), ("m.csv/x.md", "not a folder")],
)
def test_a_bad_place_for_a_comparison_is_refused(out: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.touch()
    with pytest.raises(UserError, match=said):
        check_comparison(tmp_path / out, [file])
