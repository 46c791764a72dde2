"""`lcbench compare` with predictions on an external folder: by path, by name, and what is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lcbench.cli import app

from ..analysis.runfolders import Shape, make_runs

ARM = "external/chest-ct/grouped/{}"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite whose runs predicted an external folder."""
    shape = Shape(tiles=10, copies=4, seeds=1, baselines=("majority", "colour", "reference"))
    runs = tmp_path_factory.mktemp("compared") / "runs"
    return make_runs(runs, replace(shape, external="chest-ct"))


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Type `lcbench compare` with these words."""

    def typed(*words: object) -> Any:
        line = ["compare", *map(str, words)]
        monkeypatch.setattr(sys, "argv", ["lcbench", *line])
        return CliRunner().invoke(app, line)

    return typed


def test_two_baselines_are_compared_on_an_external_folder(
    suite: Path, compare: Callable[..., Any]
) -> None:
    paths = [suite / ARM.format(name) for name in ("reference", "colour")]
    by_path = compare(*paths, "--json")
    assert by_path.exit_code == 0, by_path.stderr
    found = json.loads(by_path.stdout)
    names = [model["model"] for model in found["comparison"]["models"]]
    assert names == ["reference", "colour"]
    assert found["comparison"]["images"] == 92 + 51 + 29 + 62
    assert len(found["comparison"]["seeds"]) == 5  # each of the models of five folds answers all
    assert found["repeats"] == "trained model"
    typed = [ARM.format(name) for name in ("reference", "colour")]
    by_name = compare(*typed, "--runs", suite.parent, "--json")
    assert json.loads(by_name.stdout)["comparison"] == found["comparison"]


def test_the_file_of_one_trained_model_is_a_model(suite: Path, compare: Callable[..., Any]) -> None:
    files = [suite / ARM.format(name) / "seed0-fold2.parquet" for name in ("reference", "colour")]
    found = json.loads(compare(*files, "--json").stdout)["comparison"]
    assert found["seeds"] == [0]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("external/chest-ct", "Name one of"),
        ("external/chest-ct/grouped", "external/chest-ct/grouped/colour"),
        ("external/elsewhere/grouped/colour", "external/chest-ct/grouped/reference"),
    ],
)
def test_what_is_no_single_model_names_those_there_are(
    suite: Path, compare: Callable[..., Any], path: str, said: str
) -> None:
    result = compare(path, ARM.format("colour"), "--runs", suite.parent)
    assert result.exit_code != 0
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_predictions_that_were_changed_are_refused(
    tmp_path: Path, compare: Callable[..., Any]
) -> None:
    shape = Shape(tiles=10, copies=4, seeds=1, baselines=("majority", "colour", "reference"))
    suite = make_runs(tmp_path / "runs", replace(shape, external="chest-ct"))
    file = suite / "external/chest-ct/paper/colour/seed0.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    result = compare(file, suite / "external/chest-ct/paper/reference")
    assert result.exit_code != 0
    assert "not the predictions that were stored" in " ".join(result.stderr.split())


def test_folders_of_runs_are_read_as_before(suite: Path, compare: Callable[..., Any]) -> None:
    found = compare(suite / "paper/colour", suite / "paper/reference", "--json")
    assert json.loads(found.stdout)["repeats"] == "seed"
    models = json.loads(found.stdout)["comparison"]["models"]
    assert np.unique([model["model"] for model in models]).size == 2
