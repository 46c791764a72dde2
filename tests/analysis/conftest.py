"""Run folders made by a formula, and what is computed from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lcbench.analysis.results import Results
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse
from lcbench.runs.reading import read_suite
from lcbench.runs.records import RunConfig, read_record, write_record

from .runfolders import RECIPES, Shape, fail_run, make_runs


@pytest.fixture(scope="session")
def shape() -> Shape:
    """A small suite of three baselines and one seed; `dataclasses.replace` changes it."""
    return Shape(tiles=10, copies=4, seeds=1, baselines=("majority", "colour", "reference"))


@pytest.fixture(scope="session")
def core_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both protocols, two seeds, seven baselines, an external folder, one failed run."""
    runs = tmp_path_factory.mktemp("session") / "runs"
    planned = (*RECIPES, "reference-finetuned")
    folder = make_runs(runs, replace(Shape(), external="chest-ct", planned=planned))
    broken = folder / "grouped" / "reference-finetuned" / "seed0-fold0"
    source = folder / "grouped" / "reference" / "seed0-fold0"
    broken.mkdir(parents=True)
    config = read_record(source / "config.json", RunConfig)
    named = config.model_copy(update={"baseline": "reference-finetuned"})
    write_record(broken / "config.json", named)
    fail_run(broken)
    return folder


@pytest.fixture(scope="session")
def analysed() -> Callable[..., Results]:
    """Analyse a suite folder with few resamples."""

    def run(folder: Path, **settings: Any) -> Results:
        chosen = AnalysisSettings(**{"resamples": 20, **settings})
        return analyse(read_suite(folder), chosen, advance=lambda _: None)

    return run


@pytest.fixture(scope="session")
def core_results(core_runs: Path, analysed: Callable[..., Results]) -> Results:
    """The results of `core_runs`."""
    return analysed(core_runs, resamples=400)


@pytest.fixture(scope="session")
def stored(core_results: Results) -> dict[str, Any]:
    """The JSON of `core_results`, read without its schema."""
    parsed: dict[str, Any] = json.loads(core_results.model_dump_json())
    return parsed


@pytest.fixture(scope="session")
def core_predictions(core_runs: Path) -> pd.DataFrame:
    """Every prediction of every finished run, read with pandas alone."""
    files = core_runs.glob("[gp]*/*/*/predictions.parquet")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
