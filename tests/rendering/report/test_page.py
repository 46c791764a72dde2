"""The page of a report: golden pages to read, and what every page must keep."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lcbench.analysis.results import Results
from lcbench.rendering.pages import render_page
from lcbench.rendering.report.findings import findings
from lcbench.rendering.report.page import Picture, Pictures, report_page
from lcbench.rendering.report.tables import scores_table
from lcbench.rendering.words import ONE_GROUP
from lcbench.runs.plan_records import RolesRecord
from lcbench.statistics.registry import METRICS

from .. import suites
from ..golden import PARSER, require_golden, tables

PICTURES = Pictures(
    Picture("figures/intervals.png", "Accuracy of each baseline"),
    Picture("figures/differences.png", "Differences from the reference"),
    (Picture("figures/matrices.png", "Matrices"),),
)
SUITES: dict[str, Callable[..., Results]] = {
    "lung": suites.lung,
    "deep": suites.deep,
    "flat": suites.flat,
}
DRAWN = ("intervals", "differences", "matrices")
HOSTILE = "a|b<script>**x** ![y](http://evil.example/z.png)"


def page_of(results: Results, pictures: Pictures = PICTURES) -> str:
    found = results.model_copy(update={"findings": findings(results)})
    return report_page(found, pictures)


def test_the_registry_decides_which_metrics_the_scores_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "macro F1, %" in scores_table(suites.lung()).headers
    hidden = replace(METRICS["macro_f1"], shown="file")  # type: ignore[type-var]
    monkeypatch.setitem(METRICS, "macro_f1", hidden)
    assert "macro F1, %" not in scores_table(suites.lung()).headers


def table_with(page: str, *headers: str) -> list[list[str]]:
    (found,) = [one for one in tables(page) if one[0][: len(headers)] == list(headers)]
    return found


def column(rows: list[list[str]], header: str) -> list[str]:
    return [row[rows[0].index(header)] for row in rows[1:]]


@pytest.mark.parametrize("name", SUITES)
def test_pages_to_read(name: str) -> None:
    require_golden(page_of(SUITES[name]()), f"report-{name}.md")


@pytest.mark.parametrize("name", SUITES)
def test_decimals_agree_within_a_column(name: str) -> None:
    accuracies = {"reference": 0.9988, "knn": 0.94, "majority": 0.004, "tree-cascade": 0.999}
    found = dict.fromkeys(("paper", "grouped"), accuracies)
    results = SUITES[name]()
    finer = suites.suite(results.taxonomy, found, external=(suites.external(),))
    columns = 0
    for page in (page_of(results), page_of(finer)):
        for table in tables(page):
            for header in table[0]:
                if header.endswith(("%", "points")):
                    cells = " ".join(column(table, header))
                    decimals = {len(one) for one in re.findall(r"\d(?:\.(\d+))?(?![\d.])", cells)}
                    assert len(decimals) <= 1, f"{header}: {cells}"
                    columns += bool(decimals)
    assert columns > 20


def test_one_source_group_has_values_alone_and_a_note() -> None:
    results = suites.flat()
    (protocol,) = results.protocols
    models = tuple(
        model.model_copy(
            update={
                "scores": tuple(
                    one.model_copy(
                        update={"estimate": one.estimate.model_copy(update={"groups": 1})}
                    )
                    for one in model.scores
                )
            }
        )
        for model in protocol.comparison.models
    )
    comparison = protocol.comparison.model_copy(update={"models": models, "groups": 1})
    one = protocol.model_copy(update={"comparison": comparison})
    page = page_of(results.model_copy(update={"protocols": (one,)}))
    main = table_with(page, "baseline", "accuracy, leakage-free (by source group), %")
    assert column(main, main[0][1]) == ["33.0", "80.0"]
    assert page.count(ONE_GROUP) == 2
    assert page_of(results).count(ONE_GROUP) == 1


def test_no_page_says_that_colour_sees_no_tissue() -> None:
    root = Path(__file__).resolve().parents[3]
    places = [root / "README.md", *root.glob("baselines/*.toml"), *root.glob("docs/**/*.md"),
              *root.glob("benchmark/**/*.j2"), *root.glob("benchmark/lcbench/**/*.py"),
              *root.glob("reports/*/README.md")]  # fmt: skip
    assert len(places) > 100
    words = re.compile(r"(sees?|needs?) no tissue|no tissue at all", re.IGNORECASE)
    assert not [path for path in places if words.search(path.read_text(encoding="utf-8"))]


def hostile() -> Results:
    """Names from outside that would like to be mark-up."""
    accuracies = {HOSTILE: 0.8, "reference": 0.9}
    results = suites.suite(
        suites.LUNG,
        {"paper": accuracies, "grouped": accuracies},
        suite=HOSTILE,
        machine=HOSTILE,
        external=(suites.external(HOSTILE.replace("/", "")),),
        roles=RolesRecord(
            flattering="paper", leakage_free="grouped", claims=(), floor=(HOSTILE,),
            shortcut=(HOSTILE,),
        ),
    )  # fmt: skip
    dataset = results.dataset.model_copy(update={"name": "x\n# heading", "skipped": (HOSTILE,)})
    return results.model_copy(update={"dataset": dataset})


@pytest.mark.parametrize("make", [*SUITES.values(), hostile])
def test_every_page_is_whole(make: Callable[[], Results]) -> None:
    results = make()
    page = page_of(results)
    html = PARSER.render(page)
    raw = {token.content for token in PARSER.parse(page) if token.type == "html_block"}
    assert all(re.match(r"</?(details|summary)>", block) for block in raw)
    assert "<script>" not in html
    assert html.count("<h1>") == 1
    folded = len(results.protocols) + len(results.external)
    assert html.count("<details>") == html.count("</details>") == folded
    sources = set(re.findall(r'<img src="([^"]+)"', html))
    assert PICTURES.intervals.file in sources <= {f"figures/{name}.png" for name in DRAWN}
    assert set(re.findall(r'<a href="([^"]+)"', html)) == {"results.csv", "results.json"}
    assert len(tables(page)) == len(re.findall(r"^\| :---", page, flags=re.MULTILINE)) > 5
    for table in tables(page):
        assert len(table) > 1
        assert all(cell for row in table for cell in row)
    text = " ".join(cell for table in tables(page) for row in table for cell in row)
    assert not re.search(r"\b(nan|inf|None|True|False)\b", text)
    assert not re.search(r"[ |\[]-\d", page), "a hyphen where a minus sign belongs"
    assert "\n\n\n" not in page


def test_the_first_page_holds_what_most_read() -> None:
    first = page_of(suites.lung()).split("\n## ")[0]
    assert first.index("**Findings**") < first.index("figures/intervals.png")
    main = table_with(first, "baseline", "accuracy, random split (the paper's), %")
    assert main[0] == [
        "baseline", "accuracy, random split (the paper's), %",
        "accuracy, leakage-free (by source group), %", "drop, points", "macro AUROC, %",
        "confusion rate, adenocarcinoma / squamous cell carcinoma, %", "images/s",
    ]  # fmt: skip
    assert column(main, "images/s") == ["–", "63", "63", "63"]
    assert column(table_with(first, "folder"), "accuracy, %") == ["85.0 [83.0, 87.0]"]
    assert len(tables(first)) == 2


def test_words_follow_the_tree_and_the_roles() -> None:
    page = page_of(suites.flat()).replace("random split (the paper's)", "")
    assert not re.search(r"(?i)malignant|benign|colour|subtype|confused|confusion rate|paper", page)
    deep = table_with(page_of(suites.deep()), "what goes wrong")
    assert list(dict.fromkeys(column(deep, deep[0][0]))) == [
        "any error", "small cell / nsclc confusions", "normal / cancer confusions",
        "adeno / squamous confusions",
    ]  # fmt: skip
    assert "sensitivity, cancer, %" in page_of(suites.deep())


def test_claims_are_said_only_of_the_data_that_they_are_about() -> None:
    assert "## Claims of arXiv 2510.16310" in page_of(suites.lung())
    assert not re.search("laims|arXiv", page_of(suites.lung(claims=(), claims_unreadable=())))


def test_unknown_groups_are_said_where_the_intervals_are() -> None:
    first = page_of(suites.deep()).split("\n## ")[0]
    assert "score interval over images with all their predictions, of these networks" in first
    assert "(**source groups unknown" in first


def test_random_weights_are_flagged_in_every_table() -> None:
    for table in tables(page_of(suites.deep())):
        for row in table[1:]:
            for header, cell in zip(table[0], row, strict=True):
                if header == "baseline":
                    assert cell.endswith("(random weights)")


def test_without_pictures_and_comparisons() -> None:
    page = page_of(suites.flat(), Pictures(PICTURES.intervals))
    assert "## Pictures" not in page
    assert "The reference has no finished run, so no baseline is compared with it." in page
    only = suites.suite(suites.LUNG, {"paper": {"reference": 0.9}})
    assert "No other baseline has test images in common with the reference." in page_of(only)


def test_the_list_of_reports_links_to_each() -> None:
    page = render_page("reports.md.j2", reports=[(HOSTILE, "a b/README.md", "**best**")])
    html = PARSER.render(page)
    assert re.findall(r'<a href="([^"]+)"', html) == ["a%20b/README.md"]
    assert html.count("<li>") == 1
    assert "<strong>" not in html
