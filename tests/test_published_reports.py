"""The published reports hold together, and the README quotes them as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from lcbench.analysis.results import Results
from lcbench.audit.results import AuditResults

ROOT = Path(__file__).resolve().parents[1]
REPORTS = sorted(path.parent for path in (ROOT / "reports").glob("*/results.json"))

AUDITS = sorted(path.parent for path in (ROOT / "reports").glob("*/audit.json"))


def table_rows(markdown: str) -> list[str]:
    return [line for line in markdown.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("folder", REPORTS, ids=lambda folder: folder.name)
def test_the_results_follow_the_schema(folder: Path) -> None:
    results = Results.model_validate(json.loads((folder / "results.json").read_text("utf-8")))
    assert results.protocols
    assert not results.incomplete


@pytest.mark.parametrize("folder", [*REPORTS, *AUDITS], ids=lambda folder: folder.name)
def test_every_picture_of_the_report_is_there_and_drawn(folder: Path) -> None:
    named = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (folder / "README.md").read_text("utf-8"))
    assert named
    for name in named:
        with Image.open(folder / name) as picture:
            colours = picture.convert("RGB").getcolors(maxcolors=1 << 24)
            assert colours is not None
            assert len(colours) > 10


@pytest.mark.parametrize("folder", [*REPORTS, *AUDITS], ids=lambda folder: folder.name)
def test_reports_hold_text_tables_and_plots_alone(folder: Path) -> None:
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds <= {".md", ".json", ".csv", ".png"}
    assert {path.parent.name for path in folder.rglob("*.png")} == {"figures"}


def test_the_audit_of_lc25000_agrees_with_the_published_groups() -> None:
    stored = (ROOT / "reports" / "lc25000-audit" / "audit.json").read_text("utf-8")
    published = AuditResults.model_validate_json(stored).published
    assert published is not None
    assert published.images == 10_000
    assert published.recall >= 0.999
    assert published.ari_after_merges >= 0.99
    assert published.merges
    assert min(merge.pair.correlation for merge in published.merges) > 0.9


def test_the_readme_quotes_the_report_to_the_letter() -> None:
    report = (ROOT / "reports" / "lc25000-lung" / "README.md").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    measured = readme.split("## Measured")[1].split("\n## ")[0]
    quoted = table_rows(measured)
    assert len(quoted) >= 7
    missing = [row for row in quoted if row not in table_rows(report)]
    assert not missing


def test_the_reference_is_above_98_percent_under_the_paper_protocol() -> None:
    stored = (ROOT / "reports" / "lc25000-lung" / "results.json").read_text("utf-8")
    results = Results.model_validate(json.loads(stored))
    paper = next(result for result in results.protocols if result.protocol == "paper")
    reference = next(one for one in paper.baselines if one.baseline == results.reference)
    assert reference.metrics.accuracy.value is not None
    assert reference.metrics.accuracy.value > 0.98
