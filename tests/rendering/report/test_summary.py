"""The table in the terminal has the numbers of the page, with the same limits."""

from __future__ import annotations

import io
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from lcbench.analysis.results import Results
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse
from lcbench.cli import run
from lcbench.rendering.report.summary import summary_table
from lcbench.rendering.report.tables import main_table
from lcbench.rendering.report.writing import write_report
from lcbench.runs.reading import read_suite
from lcbench.statistics.bootstrap import RESAMPLES

from ...analysis.runfolders import Shape, make_runs
from .. import suites


def printed(table: Table) -> str:
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


@pytest.mark.parametrize("make", [suites.lung, suites.deep, suites.flat])
def test_the_same_numbers_as_on_the_page(make: Callable[[], Results]) -> None:
    results = make()
    page = main_table(results)
    kept = [
        number for number, header in enumerate(page.headers)
        if header.startswith(("accuracy", "drop", "confusion"))
    ]  # fmt: skip
    lines = [line for line in printed(summary_table(results)).splitlines() if line[0] == "│"]
    for row, line in zip(page.rows, lines, strict=True):
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        assert cells[1:] == [row[number] for number in kept]


def test_warnings_and_names_that_look_like_mark_up() -> None:
    text = " ".join(printed(summary_table(suites.deep())).split())
    assert "reference (random weights)" in text
    assert "synthetic demonstration data" in text
    assert "score interval over images (source groups unknown: too narrow)" in text
    odd = suites.suite(suites.LUNG, {"paper": {"[red]x": 0.9}})
    assert "[red]x" in printed(summary_table(odd))


def test_a_run_ends_with_the_table_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = Shape(tiles=10, copies=4, seeds=2, baselines=("majority", "colour", "reference"))
    runs = make_runs(tmp_path / "runs", shape)
    assert signature(write_report).parameters["resamples"].default == RESAMPLES
    monkeypatch.setattr("lcbench.statistics.bootstrap.RESAMPLES", 50)
    settings = AnalysisSettings(resamples=50)
    full = analyse(read_suite(runs), settings, advance=lambda _: None)
    assert printed(run._summary(runs)) == printed(summary_table(full))
    brief = analyse(read_suite(runs), settings, advance=lambda _: None, brief=True)
    for few, everything in zip(brief.protocols, full.protocols, strict=True):
        assert not few.comparison.pairs
        for one, same in zip(few.comparison.models, everything.comparison.models, strict=True):
            assert set(one.scores) < set(same.scores)
