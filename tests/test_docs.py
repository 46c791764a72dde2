"""The documentation's Python, run as it stands there."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pandas as pd
import pytest

from lcbench.datasets.labels import load_label_map
from lcbench.models.hierarchies import HierarchyName
from lcbench.models.losses import LossName
from lcbench.runs.claims import load_claims
from lcbench.runs.suite import load_suite
from lcbench.statistics.decision_rules import DecisionRule
from lcbench.taxonomy import load_taxonomy

DOCS = Path(__file__).resolve().parents[1] / "docs"
SNIPPETS = [
    (path.name, body)
    for path in sorted(DOCS.glob("*.md"))
    for body in re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
]


@pytest.mark.parametrize(("name", "body"), SNIPPETS, ids=[name for name, _ in SNIPPETS])
def test_a_snippet_runs(name: str, body: str, tmp_path: Path) -> None:
    script = tmp_path / f"{name}.py"
    script.write_text(body, encoding="utf-8")
    shown = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "nan" not in shown.stdout.lower().replace("error=nan", "")
    assert shown.stdout.strip()


@pytest.fixture
def study_tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS.parent / "tests" / "bench"))
    return importlib.import_module("study_tables")


def test_the_tables_of_the_study_are_its_cells(study_tables: ModuleType) -> None:
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    assert study_tables.tables(pd.read_csv(DOCS / "study.csv")) in page


def test_every_cell_that_does_not_hold_is_explained(study_tables: ModuleType) -> None:
    cells = pd.read_csv(DOCS / "study.csv")
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    explained = page.split("### Cells that do not hold")[1].split("\n## ")[0]
    bad = study_tables.failing(cells)
    assert len(cells[cells.table == "coverage"]) >= 480
    for row in bad.row.unique():
        assert f"**{row}**" in explained


def test_the_default_test_holds_its_level(study_tables: ModuleType) -> None:
    cells = pd.read_csv(DOCS / "study.csv")
    default = cells[(cells.table == "level") & (cells.measure == study_tables.DEFAULT_TEST.value)]
    assert len(default) == 96
    assert default.share.max() <= study_tables.LEVEL


def test_the_files_that_the_formats_page_shows_can_be_read(tmp_path: Path) -> None:
    page = (DOCS / "formats.md").read_text("utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)
    paths = [tmp_path / f"{number}.toml" for number in range(len(blocks))]
    for path, body in zip(paths, blocks, strict=True):
        path.write_text(body, encoding="utf-8")
    tree, labels, suite, recipe, claims = paths
    taxonomy = load_taxonomy(tree)
    assert taxonomy.height == 3
    assert load_label_map(labels, taxonomy).read("Class_0") == "benign"
    assert load_suite(str(suite)).roles.shortcut == ("colour",)
    suite.write_text(suite.read_text("utf-8") + recipe.read_text("utf-8"), encoding="utf-8")
    assert load_suite(str(suite)).baselines[-1].options["backbone"] == "uni.parquet"
    assert load_claims(str(claims)).claims[0].unit == "count"


@pytest.mark.parametrize("names", [HierarchyName, LossName, DecisionRule])
def test_the_formats_page_names_every_option_of_networks(names: object) -> None:
    page = (DOCS / "formats.md").read_text("utf-8")
    rows = re.findall(r'^\| `"([a-z-]+)"`', page, re.M)
    assert not set(get_args(names)) - set(rows)
