"""Every shipped class tree but the default through all commands, with labels at inner nodes."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lcbench.cli import app
from lcbench.datasets.demo import create_demo
from lcbench.taxonomy import load_taxonomy

TILES, COPIES = 8, 3


@dataclass(frozen=True)
class Case:
    """A tree, the drawn classes, and what a reader should find on the pages.

    `coarse`: folder name of an inner node, the class whose images it holds, and the node.
    """

    tree: str
    classes: tuple[str, ...]
    coarse: tuple[str, str, str]
    screening: str
    headline: str
    decisions: tuple[str, ...]


CASES = [
    Case(
        "lung-who",
        ("lung_aca", "lung_n", "lung_scc", "lung_lcc", "lung_sclc"),
        ("nsclc", "lung_lcc", "NSCLC"),
        "sensitivity, malignant, %",
        "adenocarcinoma / squamous cell carcinoma / large cell carcinoma",
        ("benign / malignant", "NSCLC / small cell carcinoma"),
    ),
    Case(
        "lung-colon",
        ("lung_aca", "lung_n", "lung_scc", "colon_aca", "colon_n"),
        ("lung cancer", "lung_scc", "lung_cancer"),
        "sensitivity, neither benign lung nor benign colon, %",
        "lung adenocarcinoma / lung squamous cell carcinoma",
        ("lung / colon", "benign lung / lung cancer", "benign colon / colon adenocarcinoma"),
    ),
]


def lcbench(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, (result.stderr, result.exception)
    return result.stdout + result.stderr


def coarser(data: Path, folder: Path, case: Case) -> Path:
    """Copy a set; in the copy the last tile of one class is known as an inner node only."""
    shutil.copytree(data, folder)
    name, source, _ = case.coarse
    (folder / name).mkdir()
    for path in sorted((folder / source).glob(f"*-tile{TILES - 1:02d}-*")):
        shutil.move(path, folder / name / path.name)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tree)
def test_a_tree_from_the_folder_to_the_page(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, tree = tmp_path / "data", ("--taxonomy", case.tree)
    create_demo(data, classes=case.classes, tiles_per_class=TILES, copies=COPIES)
    clinic = coarser(data, tmp_path / "clinic", case)
    lcbench(
        "run", "--data", data, "--groups", data / "groups.csv", *tree, "--offline",
        "--backbone", "test_resnet", "--weights", "random", "--seeds", 1, "--device", "cpu",
        "--only", "colour,reference,hierarchical-*", "--jobs", 1,
    )  # fmt: skip
    name, _, node = case.coarse
    said = lcbench("evaluate", clinic, "--offline", "--device", "cpu")
    assert re.search(rf"{name} +│ {node} ", said)
    lcbench("report", "runs")
    check_page(Path("report/README.md").read_text(), case)
    check_results(json.loads(Path("report/results.json").read_text()), case)
    runs = [f"runs/core/grouped/{baseline}" for baseline in ("colour", "reference")]
    lcbench("compare", *runs, "--out", "pair.md")
    lcbench("compare", *runs, *tree, "--out", "same.md")
    page = Path("pair.md").read_text()
    assert case.screening.removesuffix(", %") in page
    for words in (case.headline, *case.decisions):
        assert words in page
    assert "valid" in lcbench("validate", runs[1], *tree)


def check_page(page: str, case: Case) -> None:
    assert case.screening in page
    assert f"confusion rate, {case.headline}, %" in page
    for words in (case.headline, *case.decisions):
        assert f"{words} confusions" in page
    for leaf in load_taxonomy(case.tree).leaves:
        assert leaf.replace("_", " ") in page
    # Words that speak of the default tree.
    text = page.split("## Provenance")[0]
    assert "subtype" not in text
    assert "malignant" not in text or case.tree == "lung-who"


def check_results(results: dict, case: Case) -> None:
    tree = load_taxonomy(case.tree)
    stored = results["taxonomy"]
    assert stored["parents"] == tree.parents
    negative = stored["negative"]
    assert (negative if isinstance(negative, str) else tuple(negative)) == (
        tree.negative if len(tree.negative) > 1 else tree.negative[0]
    )
    (external,) = results["external"]
    assert {one["node"] for one in external["record"]["labels"]} == {*tree.leaves, case.coarse[2]}
    assert external["levels"] == []  # the models were trained on these very images
    assert len(external["contaminated"]) == tree.height
