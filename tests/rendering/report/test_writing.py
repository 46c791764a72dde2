"""`write_report`: what stands in the folder, that it is whole, and that it is the same again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from lcbench.analysis.results import Results
from lcbench.errors import UserError
from lcbench.rendering.report import drawing, writing
from lcbench.rendering.report.findings import findings
from lcbench.rendering.report.writing import Report

from .. import suites

Write = Callable[..., Report]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the reports of suites whose results are hand-made, by the names of their folders."""

    def analysed(suite: str, **given: Any) -> Results:
        changes = {"settings": given["settings"], "report_command": given["command"]}
        return suites.lung(suite=suite).model_copy(update=changes)

    monkeypatch.setattr(writing, "read_suite", lambda path: path.name)
    monkeypatch.setattr(writing, "analyse", analysed)
    monkeypatch.setattr(drawing, "draw_curves", lambda *_: None)
    monkeypatch.setattr(writing, "explanation_results", lambda *_: None)
    monkeypatch.setattr(writing, "image_sections", lambda *_, **__: ())

    def run(
        out: Path | None = None,
        *,
        names: tuple[str, ...] = ("core",),
        draw: bool = False,
        **given: Any,
    ) -> Report:
        runs = tmp_path / "runs"
        for name in () if draw else ("intervals", "differences", "confusions", "reliability"):
            monkeypatch.setattr(
                drawing,
                f"draw_{name}",
                lambda *given: touched(next(one for one in given if isinstance(one, Path))),
            )
        monkeypatch.setattr(writing, "suite_folders", lambda _: [runs / name for name in names])
        return writing.write_report(runs, out, **given)

    return run


def touched(file: Path) -> Path:
    """Write an empty picture: drawing takes a second, and the pictures have tests of their own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return file


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("wanted", [True, False])
def test_images_are_shown_where_they_are_wanted(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    asked: list[bool] = []

    def sections(*_: object, thumbnails: bool) -> tuple[()]:
        asked.append(thumbnails)
        return ()

    monkeypatch.setattr(writing, "image_sections", sections)
    write(tmp_path / "out", pictures=wanted)
    assert asked == [wanted]


def test_what_stands_in_the_folder(write: Write, tmp_path: Path) -> None:
    steps: list[str] = []
    out = tmp_path / "out"
    written = write(out, draw=True, command="c", resamples=50, advance=steps.append)
    (results,) = written.suites
    assert written.readme == out / "README.md"
    assert results.findings == findings(results)
    assert (results.settings.resamples, results.report_command) == (50, "c")
    text = (out / "results.json").read_text("utf-8")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert Results.model_validate_json(text) == results
    assert (out / "results.csv").read_text("utf-8").count("\n") > 100
    page = written.readme.read_text("utf-8")
    for name in (
        "intervals", "differences", "confusion-paper", "confusion-grouped", "reliability",
    ):  # fmt: skip
        assert f"](figures/{name}.png)" in page
        with Image.open(out / "figures" / f"{name}.png") as picture:
            assert picture.format == "PNG"
    assert (steps[0], steps[-1]) == ("core: reading runs", "core: drawing and writing")


def test_a_report_is_replaced_and_stands_beside_the_runs(write: Write, tmp_path: Path) -> None:
    folder = write().readme.parent
    first = contents(folder)
    (folder / "figures" / "old.png").write_bytes(b"")
    assert write().readme.parent == folder == tmp_path / "report"
    assert contents(folder) == first


def test_a_folder_of_someone_else_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="not written by lcbench report"):
        write(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_nothing_is_half_written(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(writing, "write_tidy", explode)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_several_suites_get_a_folder_each(write: Write) -> None:
    written = write(names=("core", "extra"))
    first = contents(written.readme.parent)
    assert [one.suite for one in written.suites] == ["core", "extra"]
    assert b"[core](core/README.md): Leakage-free" in first["README.md"]
    assert {f"{name}/README.md" for name in ("core", "extra")} < set(first)
    assert contents(write(names=("core", "extra")).readme.parent) == first


def test_given_files_are_read_for_every_suite_before_any_is_analysed(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: object, plan: SimpleNamespace, __: object) -> list[str]:
        if plan.suite == "other":
            raise UserError("mine.csv: unknown class", "Name a map.")
        return ["mine"]

    def refuse(_: object, suite: str) -> None:
        if suite == "third":
            raise UserError("fits nowhere")

    steps: list[str] = []
    monkeypatch.setattr(writing, "read_plan", lambda path: SimpleNamespace(suite=path.name))
    monkeypatch.setattr(writing, "read_given", read)
    with pytest.raises(UserError, match=r"--with, suite other: mine\.csv") as caught:
        write(names=("core", "other"), given=[Path("mine.csv")], advance=steps.append)
    assert caught.value.remedy == "Name a map."
    monkeypatch.setattr(writing, "check_given", refuse)
    with pytest.raises(UserError, match="fits nowhere"):
        write(names=("core", "third"), given=[Path("mine.csv")], advance=steps.append)
    assert not steps


def test_a_link_as_target_is_followed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert write(tmp_path / "link").readme.parent == tmp_path / "real"
    assert (tmp_path / "link").is_symlink()
