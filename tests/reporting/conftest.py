"""Run folders, and the report of one suite, for every test of reporting."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lcbench.analysis.reporting import analyse
from lcbench.analysis.results import Results
from lcbench.rendering.report import SuiteReport, render, write_report
from lcbench.runs.finished import read_suite

from .runfolders import RECIPES, Recipe, Shape, fail_run, make_runs


@pytest.fixture(scope="session")
def shape() -> Shape:
    """A small suite of three baselines and one seed; `dataclasses.replace` changes it."""
    return Shape(
        tiles=10, copies=4, seeds=1, baselines=("majority", "colour", "reference"), external=""
    )


@pytest.fixture(scope="session")
def make() -> Callable[[Path, Shape], Path]:
    """Write the folder of a suite."""
    return make_runs


@pytest.fixture(scope="session")
def recipe() -> type[Recipe]:
    return Recipe


@pytest.fixture(scope="session")
def fail() -> Callable[..., None]:
    return fail_run


@pytest.fixture(scope="session")
def core_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both protocols, two seeds, seven baselines, an external folder, one failed run."""
    runs = tmp_path_factory.mktemp("session") / "runs"
    planned = (*RECIPES, "reference-finetuned")
    folder = make_runs(runs, replace(Shape(), external="chest-ct", planned=planned))
    broken = folder / "grouped" / "reference-finetuned" / "seed0-fold0"
    source = folder / "grouped" / "reference" / "seed0-fold0"
    broken.mkdir(parents=True)
    for name in ("predictions.parquet", "state.json"):
        (broken / name).write_bytes((source / name).read_bytes())
    config = (
        (source / "config.json")
        .read_text()
        .replace('"baseline": "reference"', '"baseline": "reference-finetuned"')
    )
    (broken / "config.json").write_text(config)
    fail_run(broken)
    return runs


@pytest.fixture(scope="session")
def core_report(core_runs: Path) -> SuiteReport:
    """The report of `core_runs`."""
    written = write_report(core_runs, command="lcbench report runs", resamples=400)
    return written.suites[0]


@pytest.fixture(scope="session")
def core_results(core_report: SuiteReport) -> Results:
    return core_report.results


@pytest.fixture(scope="session")
def page(core_report: SuiteReport) -> str:
    """The Markdown of `core_report`."""
    return core_report.readme.read_text()


@pytest.fixture
def rendered(tmp_path: Path) -> Callable[..., tuple[Results, str]]:
    """Return a function from a shape to its results and its page, without pictures."""

    def run(shape: Shape, resamples: int = 50) -> tuple[Results, str]:
        suite = read_suite(make_runs(tmp_path, shape))
        results = analyse(suite, command="", resamples=resamples, advance=lambda _: None)
        return results, render(results, {"Intervals": Path("figures/intervals.png")})

    return run


@pytest.fixture(scope="session")
def core_predictions(core_runs: Path) -> pd.DataFrame:
    """Every prediction of every finished run, read with pandas alone."""
    files = core_runs.glob("core/[gp]*/*/*/predictions.parquet")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


@pytest.fixture(scope="session")
def stored(core_report: SuiteReport) -> dict[str, Any]:
    """results.json of `core_report`, read without its schema."""
    return json.loads(core_report.results_json.read_text())
