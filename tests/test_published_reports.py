"""The published reports hold together, and the README quotes them as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from lcbench import read_results
from lcbench.analysis.results import Results
from lcbench.analysis.scores import find_score
from lcbench.audit.results import AuditResults

ROOT = Path(__file__).resolve().parents[1]
REPORTS = sorted(path.parent for path in (ROOT / "reports").glob("*/results.json"))

AUDITS = sorted(path.parent for path in (ROOT / "reports").glob("*/audit.json"))


def tables(markdown: str) -> list[list[dict[str, str]]]:
    """Return the rows of each table, by column title."""
    found = []
    for block in re.findall(r"(?:^\| .*\n)+", markdown, flags=re.MULTILINE):
        titles, _, *rows = (
            [cell.strip() for cell in row.split("|")[1:-1]] for row in block.splitlines()
        )
        found.append([dict(zip(titles, row, strict=True)) for row in rows])
    return found


@pytest.mark.parametrize("folder", AUDITS, ids=lambda folder: folder.name)
def test_no_list_of_a_dataset_s_images_is_published(folder: Path) -> None:
    assert not {"groups.csv", "pairs.csv", "pairs"} & {path.name for path in folder.iterdir()}


def published() -> Results:
    results = read_results(ROOT / "reports" / "lc25000-lung")
    assert isinstance(results, Results)
    return results


@pytest.mark.parametrize("folder", REPORTS, ids=lambda folder: folder.name)
def test_the_results_follow_the_schema(folder: Path) -> None:
    schema = json.loads((ROOT / "docs" / "results.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads((folder / "results.json").read_text("utf-8")), schema)
    results = read_results(folder)
    assert isinstance(results, Results)
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
    assert kinds <= {".md", ".html", ".json", ".csv", ".png"}
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
    (quoted,) = tables(readme.split("## Measured")[1].split("\n## ")[0])
    main = tables(report)[0]
    assert len(quoted) == len(main) == 7
    for row, original in zip(quoted, main, strict=True):
        assert row == {title: original[title] for title in row}


def test_the_reference_is_above_98_percent_under_the_paper_protocol() -> None:
    results = published()
    (paper,) = (result for result in results.protocols if result.protocol == "paper")
    (reference,) = (one for one in paper.comparison.models if one.model == results.reference)
    accuracy = find_score(reference.scores, "accuracy")
    assert accuracy is not None
    assert accuracy.value is not None
    assert accuracy.value > 0.98


QUOTED = re.compile(r"[+−]?\d[\d.,]*(?: %| points)?(?: fewer| more)? \[[^]]+\]")


def answers() -> dict[str, str]:
    """Return the text below each heading of the page of answers."""
    _, *parts = (ROOT / "reports" / "questions.md").read_text("utf-8").split("\n## ")
    return {part.split("\n", 1)[0]: " ".join(part.split("\n", 1)[1].split()) for part in parts}


@pytest.mark.parametrize("question", answers())
def test_the_page_of_answers_quotes_the_reports_that_it_links(question: str) -> None:
    answer = answers()[question]
    linked = {Path(link).parent.name for link in re.findall(r"\]\(([^)#]+)", answer)}
    assert linked
    reports = {
        name: " ".join((ROOT / "reports" / name / "README.md").read_text("utf-8").split())
        for name in linked
    }
    quoted = QUOTED.findall(answer)
    assert quoted
    for words in quoted:
        assert any(words in report for report in reports.values()), words


QUOTED_OF_LEAKAGE = (
    "666 of 666 source groups", "777 files", "13,456", "62 pairs", "0.73", "stay below 0.12",
    "705 source groups", "103,857 of 103,857", "25 pairs", "72 % fewer [60, 80]", "11 [1, 20] %",
    "75.3 [62.1, 85.0]", "45.5 [39.7, 51.5]", "44.9 %",
)  # fmt: skip


def test_the_page_on_leakage_quotes_the_reports_that_it_links() -> None:
    page = (ROOT / "docs" / "leakage.md").read_text("utf-8")
    linked = set(re.findall(r"\]\(\.\./(reports/[^)#]+)", page))
    assert {"reports/lc25000-lung/README.md", "reports/questions.md"} <= linked
    text = " ".join(" ".join((ROOT / name).read_text("utf-8").split()) for name in linked)
    (quoted,) = (table for table in tables(page) if "drop, points" in table[0])
    for row in quoted:
        assert " | ".join(row.values()) in text
    for words in QUOTED_OF_LEAKAGE:
        assert words in text, words
        assert words.split(" [")[0].split(" of ")[-1] in page, words
