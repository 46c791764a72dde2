"""`lcbench evaluate` as it is typed: what it says first, and how it ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lcbench.runs.external_records import RunLeftOut

from .commands import Lcbench, require_one_message

CPU = ("--device", "cpu", "--precision", "32")


@pytest.fixture
def clinic(run: Lcbench, small_demo: Path) -> Path:
    """A folder whose names are half known, in a place with a finished run."""
    assert run("--only", "majority").exit_code == 0
    folder = Path("clinic")
    for name in ("normal", "OSCC"):
        (folder / name).mkdir(parents=True)
    for number, path in enumerate(sorted(small_demo.rglob("*.bmp"))[:40:10]):
        shutil.copy(path, folder / ("normal", "OSCC")[number % 2] / f"P{number}_1.bmp")
    return folder


def test_training_tissue_and_unknown_labels_are_told_before_the_rest(
    lcbench: Lcbench, clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = lcbench("evaluate", clinic, *CPU, "--name", "mouth", "--group-pattern", r"(P\d)_")
    assert result.exit_code == 3
    said = [
        "4 of 4 images show tissue that is among the 72 training images",
        "4 images of 4 groups (groups in the images' paths)",
        "2 images of 4 carry a label that stands for no class of the tree: OSCC (2).",
        "Predicting mouth",
        "1 runs predicted 4 images: runs/quick/external/mouth",
    ]
    places = [result.stderr.replace("\n", " ").index(words) for words in said]
    assert places == sorted(places)
    assert "unknown: predicted as out of distribution, not scored" in result.stdout
    table = pd.read_csv("runs/quick/external/mouth/images.csv", dtype=str, keep_default_na=False)
    assert table["contaminated"].tolist() == ["yes"] * 4
    assert table["unit"].tolist() == ["P1", "P3", "P0", "P2"]
    Path("map.toml").write_text('[labels]\nOSCC = "out-of-distribution"\n')
    meant = lcbench("evaluate", clinic, *CPU, "--labels", "map.toml", "--only", "maj*")
    assert meant.exit_code == 0
    assert lcbench("report", "runs").exit_code == 0
    # Where no run can predict, what was stored before stays, and nothing else is left behind.
    left = RunLeftOut(run="paper/majority/seed0", reason="broken")
    monkeypatch.setattr("lcbench.runs.evaluate.predict_all", lambda *_: ({}, [left]))
    broken = lcbench("evaluate", clinic, *CPU, "--name", "again")
    assert broken.exit_code == 1
    assert "left out paper/majority/seed0: broken" in broken.stderr
    assert "No run could predict again: nothing was stored." in broken.stderr
    assert "Next:" not in broken.stderr
    stored = sorted(one.name for one in Path("runs/quick/external").iterdir())
    assert stored == ["clinic", "mouth"]


def test_what_finds_nothing_is_one_message(lcbench: Lcbench, clinic: Path) -> None:
    for words, said in (
        (("--group-pattern", "(q)"), "finds nothing"),
        (("--label-pattern", "("), "no regular expression"),
        (("--only", "nobody"), "unknown baseline"),
        (("--calibrate-on", "3"), "no share of the groups"),
        (("--unlabelled", "--label-pattern", "(x)"), "needs labels"),
    ):
        require_one_message(lcbench("evaluate", clinic, *CPU, *words), said, code=2)
