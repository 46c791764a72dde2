"""The whole of `core`, through the command line, checked against pandas and scikit-learn."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from sklearn import metrics
from typer.testing import CliRunner

from lcbench.cli import app
from lcbench.models.backbones import Backbone
from lcbench.runs.suite import load_suite

BENIGN = "benign"
SUBTYPES = ("adenocarcinoma", "squamous_cell_carcinoma")
LEAVES = (BENIGN, *SUBTYPES)
ROUNDED = 0.051  # the report writes one decimal of a per cent
Tables = dict[tuple[str, str], pd.DataFrame]


def lcbench(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, (result.stderr, result.exception)
    return result.stderr


def read_tables(suite: Path, pattern: str, place: int) -> Tables:
    """Prediction files by protocol and baseline, seeds and folds one below the other."""
    found: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for path in sorted(suite.glob(pattern)):
        key = path.parts[place - 1], path.parts[place]
        found.setdefault(key, []).append(pd.read_parquet(path))
    return {key: pd.concat(tables, ignore_index=True) for key, tables in found.items()}


def confused(table: pd.DataFrame) -> pd.Series:
    both = table["true"].isin(SUBTYPES) & table["predicted"].isin(SUBTYPES)
    return both & (table["true"] != table["predicted"])


def expected_metrics(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    true, predicted = table["true"], table["predicted"]
    return {
        ("accuracy", ""): metrics.accuracy_score(true, predicted),
        ("macro_f1", ""): metrics.f1_score(true, predicted, average="macro", zero_division=0),
        ("sensitivity", "malignant"): (predicted != BENIGN)[true != BENIGN].mean(),
        ("confusion_rate", "malignant"): confused(table)[true.isin(SUBTYPES)].mean(),
    }


def markdown_rows(section: str) -> dict[str, list[str]]:
    """The rows of a section's first table by their first cell."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].replace("*", ""): row[1:] for row in rows}


def first_number(cell: str) -> float:
    return float(cell.split()[0].replace("−", "-").replace("+", "").replace(",", ""))


def sections(markdown: str) -> dict[str, str]:
    parts = re.split(r"^## (.*)$", markdown, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def by_key(scores: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["metric"], one["of"]): one["estimate"] for one in scores}


def check_scores(results: dict[str, Any], tidy: pd.DataFrame, tables: Tables) -> None:
    """Every score of results.json and results.csv from the prediction files alone."""
    seen = set()
    tidy = tidy[tidy["section"] == "scores"].fillna({"of": ""})
    for protocol in results["protocols"]:
        for model in protocol["comparison"]["models"]:
            key = protocol["protocol"], model["model"]
            seen.add(key)
            expected = expected_metrics(tables[key])
            scores = by_key(model["scores"])
            found = {name: scores[name]["value"] for name in expected}
            assert found == pytest.approx(expected, abs=1e-9), key
            rows = tidy[(tidy["protocol"] == key[0]) & (tidy["baseline"] == key[1])]
            stored = dict(
                zip(zip(rows["metric"], rows["of"], strict=True), rows["value"], strict=True)
            )
            assert {name: stored[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert seen == set(tables)


def check_pairs(results: dict[str, Any], tables: Tables, baselines: set[str]) -> None:
    for protocol in results["protocols"]:
        pairs = protocol["comparison"]["pairs"]
        assert {(pair["a"], pair["b"]) for pair in pairs} == {
            ("reference", name) for name in baselines - {"reference"}
        }
    drops = {drop["baseline"]: drop["drop"]["value"] for drop in results["drops"]}
    assert drops == pytest.approx({name: drop_of(tables, name) for name in baselines})


def drop_of(tables: Tables, name: str) -> float:
    paper, grouped = (expected_metrics(tables[p, name]) for p in ("paper", "grouped"))
    return paper["accuracy", ""] - grouped["accuracy", ""]


def check_markdown(markdown: str, tables: Tables, left_out: dict[str, str]) -> None:
    """The numbers of the first page, to the decimal that is written."""
    rows = markdown_rows(markdown.split("## ")[0])
    for name in {baseline for _, baseline in tables}:
        paper, grouped = (expected_metrics(tables[p, name]) for p in ("paper", "grouped"))
        found = [first_number(cell) for cell in rows[name][:5] if cell != "\N{EN DASH}"]
        expected = [100 * paper["accuracy", ""], 100 * grouped["accuracy", ""]]
        assert found[:3] == pytest.approx([*expected, 100 * drop_of(tables, name)], abs=ROUNDED)
        confusion = 100 * grouped["confusion_rate", "malignant"]
        assert first_number(rows[name][4]) == pytest.approx(confusion, abs=ROUNDED)
    gone = sections(markdown)["What was left out or is missing"].replace("\\", "")
    for name, reason in left_out.items():
        assert f"{name}: {reason}" in gone


def check_pictures(folder: Path, markdown: str) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", markdown)
    assert len(pictures) >= 5
    assert len(pictures) == len(list((folder / "figures").iterdir()))
    for name in pictures:
        with Image.open(folder / name) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 200
            assert len(picture.convert("RGB").resize((64, 64)).getcolors(5000) or []) > 5


def clinic(folder: Path, small_demo: Path) -> Path:
    """Another small folder: leaves, a coarse class and one that nobody knows."""
    images = sorted(small_demo.rglob("*.bmp"))
    sources = {"normal": "lung_n", "LUAD": "lung_aca", "malignant": "lung_scc", "mystery": "lung_n"}
    for name, source in sources.items():
        (folder / name).mkdir(parents=True)
        for number, path in enumerate([path for path in images if path.parent.name == source][::4]):
            shutil.copy(path, folder / name / f"{number}.png")
    return folder


def check_external(results: dict[str, Any], tables: Tables, markdown: str) -> None:
    (external,) = results["external"]
    assert {label["label"]: label["node"] for label in external["record"]["labels"]} == {
        "normal": BENIGN, "LUAD": "adenocarcinoma", "malignant": "malignant", "mystery": "",
    }  # fmt: skip
    assert external["levels"] == []  # the models were trained on these very images
    assert external["counts"]["contaminated"] > external["counts"]["scored"] == 0
    coarse, fine = external["contaminated"]
    tables = {key: table[table["true"] != "root"] for key, table in tables.items()}
    for score in coarse["scores"]:
        table = tables[score["protocol"], score["baseline"]]
        malignant = table[[f"p:{leaf}" for leaf in SUBTYPES]].sum(axis=1)
        guess = table[f"p:{BENIGN}"] >= malignant - 1e-9  # of equals, the first in the tree
        right = (guess == (table["true"] == BENIGN)).mean()
        assert score["accuracy"]["value"] == pytest.approx(right)
        rate = max((table["true"] == BENIGN).mean(), (table["true"] != BENIGN).mean())
        assert coarse["majority_rate"] == pytest.approx(rate)
        assert score["difference"]["value"] == pytest.approx(right - rate)
    for score in fine["scores"]:
        table = tables[score["protocol"], score["baseline"]]
        table = table[table["true"] != "malignant"]
        right = metrics.accuracy_score(table["true"], table["predicted"])
        assert score["accuracy"]["value"] == pytest.approx(right)
    assert "clinic" in sections(markdown)["External folders"]
    assert "mystery" in markdown


def test_core_on_a_small_demo_set_from_the_command_to_the_numbers_of_the_report(
    small_demo: Path, lite0: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no hub"))
    said = lcbench(
        "run", "--suite", "core", "--data", small_demo, "--groups", small_demo / "groups.csv",
        "--offline", "--backbone", lite0.name, "--seeds", 2, "--device", "cpu", "--jobs", 1,
    )  # fmt: skip
    suite = tmp_path / "runs" / "core"
    plan = json.loads((suite / "plan.json").read_text())
    left_out = {entry["baseline"]: entry["reason"] for entry in plan["left_out"]}
    planned = {recipe.name for recipe in load_suite("core").baselines}
    assert {"reference-finetuned", "densenet121", "efficientnet-b0", "convnext-tiny"} <= set(
        left_out
    )
    assert all(said.count(f"left out {name}: ") == 2 for name in left_out)
    assert set(plan["baselines"]) == planned - set(left_out)

    tables = read_tables(suite, "*/*/seed*/predictions.parquet", -3)
    assert set(tables) == {(p, b) for p in ("paper", "grouped") for b in plan["baselines"]}
    for (protocol, _), table in tables.items():
        tested = table.groupby("seed")["image"].agg(["size", "nunique"])
        assert (tested == (11 if protocol == "paper" else 72)).all(axis=None)

    other = clinic(tmp_path / "clinic", small_demo)
    lcbench("evaluate", other, "--offline", "--device", "cpu", code=3)  # a label stands for nothing
    lcbench("report", "runs")
    report = tmp_path / "report"
    results = json.loads((report / "results.json").read_text())
    markdown = (report / "README.md").read_text()
    assert "synthetic demonstration data" not in markdown  # a folder may hold anything
    check_scores(results, pd.read_csv(report / "results.csv"), tables)
    check_pairs(results, tables, set(plan["baselines"]))
    check_markdown(markdown, tables, left_out)
    check_pictures(report, markdown)
    external = read_tables(suite, "external/clinic/*/*/*.parquet", -2)
    check_external(results, external, markdown)
