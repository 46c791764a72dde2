"""Models from prediction files on the page, in its findings, its rows and on the screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lcbench.analysis.given_results import GivenComparison, GivenLeftOut, GivenModel
from lcbench.analysis.results import Results
from lcbench.analysis.scores import Unmatched
from lcbench.cli import app
from lcbench.rendering.report import writing
from lcbench.rendering.report.findings import findings
from lcbench.rendering.report.tidy import tidy_rows

from .. import suites
from ..golden import tables
from .test_page import page_of

HOSTILE = "a|b<script>"


def given(name: str = "mine", *, strangers: int = 0) -> GivenModel:
    """A model beside two baselines of the leakage-free protocol; the paper's shares no image."""
    tree = suites.LUNG.tree()
    unmatched = [Unmatched(model="reference", images=3, predictions=3, examples=("x.png",))]
    if strangers:
        alone = {"images": strangers, "predictions": strangers, "examples": ("new.png",)}
        unmatched.append(Unmatched(model=name, **alone))
    part = suites.comparison(
        [suites.model(one, 0.9, tree) for one in ("reference", "stain", name)],
        [suites.pair(one, name, gain, tree) for one, gain in (("stain", 0.0), ("reference", 0.1))],
        tree,
        unmatched=tuple(unmatched),
    )
    return GivenModel(
        model=name, file="other/mine.csv", sha256="f" * 64, protocol="", images=123,
        predictions=123, seeds=(0,), notes=("no column sha256: images are matched by name",),
        comparisons=(GivenComparison(protocol="grouped", matched_by="image", comparison=part),),
        left_out=(GivenLeftOut(protocol="paper", reason="the models have no image in common"),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    return suites.lung(given=(given(),))


def test_the_page_says_where_it_comes_from_and_what_was_left_out(results: Results) -> None:
    page = page_of(results)
    (section,) = page.split("## Models from prediction files")[1:]
    told = section.split("\n## ")[0]
    for words in (
        "other/mine.csv, sha256 " + "f" * 64, "123 images", "No column sha256",
        "Not compared, random split: the models have no image in common",
        "3 images of reference without a partner, left out", "a difference from the reference is",
        "What such a model was trained on is not known here",
    ):  # fmt: skip
        assert words in told
    errors = next(rows for rows in tables(told) if rows[0][:2] == ["first", "second"])
    assert [row[:2] for row in errors[1:]] == [["stain", "mine"], ["reference", "mine"]]
    assert "way of training" in errors[0][-2]
    assert "mine: not compared, random split" in page.split("## What was left out")[1]
    assert "| model from a prediction file | mine: other/mine.csv" in page


def test_it_is_a_finding_and_has_rows(results: Results) -> None:
    (finding,) = (one for one in findings(results) if one.startswith("mine,"))
    assert "90.0 % [88.0, 92.0] of the 120 images that it shares with the baselines" in finding
    rows = [row for row in tidy_rows(results) if str(row["section"]).startswith("given:mine")]
    assert {row["protocol"] for row in rows} == {"grouped"}
    assert {row["baseline"] for row in rows} == {"", "reference", "stain", "mine"}
    assert {row["section"] for row in rows} >= {"given:mine:scores", "given:mine:comparison"}


def test_a_name_brings_no_mark_up() -> None:
    page = page_of(suites.lung(given=(given(HOSTILE),)))
    assert "<script>" not in page
    assert "a\\|b&lt;script&gt;" in page


@pytest.mark.parametrize("strangers", [0, 4])
def test_the_command_ends_with_3_where_images_of_the_file_found_no_partner(
    strangers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}

    def written(*_: object, **options: object) -> writing.Report:
        asked.update(options)
        return writing.Report(
            tmp_path, (suites.lung(given=(given(strangers=strangers),), incomplete=()),)
        )

    monkeypatch.setattr(writing, "write_report", written)
    typed = ["report", "runs", "--with", "a.csv", "--with", "b.parquet", "--labels", "map.toml"]
    found = CliRunner().invoke(app, typed)
    assert found.exit_code == (3 if strangers else 0), found.stderr
    said = " ".join(found.stderr.split())
    assert "mine, from a prediction file, is right on 90.0 %" in said
    assert ("at least 4 images that no baseline has predicted" in said) == bool(strangers)
    assert asked["given"] == [Path("a.csv"), Path("b.parquet")]
    assert asked["labels"] == Path("map.toml")


def test_labels_without_a_file_are_a_mistake() -> None:
    found = CliRunner().invoke(app, ["report", "runs", "--labels", "map.toml"])
    assert found.exit_code == 2
    assert "--with" in found.stderr
