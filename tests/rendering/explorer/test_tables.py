"""Tables in a browser: sorting, filtering, links to rows, and copies that say the same."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.rendering import words
from lcbench.rendering.report.tables import scores_table

from .. import suites
from ..golden import tables
from .conftest import OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def column(page: Page, part: str, title: str) -> list[str]:
    """The texts of a column by the title in its heading."""
    heads = [one.split("\n")[0].strip() for one in texts(page.locator(f"#{part} thead th"))]
    (place,) = (number for number, one in enumerate(heads) if one.startswith(title))
    return texts(page.locator(f"#{part} tbody tr > :nth-child({place + 1})"))


def texts(found: Locator) -> list[str]:
    return [one.strip() for one in found.all_inner_texts()]


def said(page: Page, text: str) -> None:
    """Wait until a screen reader was told."""
    page.locator("#live", has_text=text).wait_for(state="attached")


def copied(page: Page, part: str, name: str) -> str:
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { copied = text; }; }")
    page.locator(f"#{part}").get_by_role("button", name=name, exact=True).click()
    said(page, f"as {name} copied")
    found = page.evaluate("copied")
    assert isinstance(found, str)
    return found


def test_the_table_says_what_the_report_says(lung: Path, open_page: OpenPage) -> None:
    results = suites.lung()
    report = scores_table(results)
    page = open_page(lung)
    for place, header in enumerate(report.headers[2:], start=2):
        page.get_by_label("Metric").select_option(label=header)
        found = zip(
            column(page, "scores", "baseline"), column(page, "scores", "protocol"),
            column(page, "scores", header), strict=True,
        )  # fmt: skip
        told = {(row[0].strip("*"), row[1], row[place]) for row in report.rows}
        assert set(found) == told


def test_sorting(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung)
    page.get_by_label("Metric").select_option(label="log loss")
    head = page.locator("#scores thead th", has_text="log loss")
    button = head.get_by_role("button")
    first = column(page, "scores", "log loss")
    assert head.get_attribute("aria-sort") == "none"
    seen = {}
    for _ in range(3):
        button.click()
        seen[head.get_attribute("aria-sort")] = column(page, "scores", "log loss")
    assert list(seen) == ["descending", "ascending", "none"]
    assert seen["none"] == first
    known = [float(one.split(" [")[0]) for one in seen["ascending"] if one != "–"]
    assert known == sorted(known)
    assert seen["ascending"][-2:] == seen["descending"][-2:] == ["–", "–"]  # no number comes last
    said(page, "In the first order again")
    button.click()
    page.reload()
    assert head.get_attribute("aria-sort") == "descending"


def test_filters(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung)
    part = page.locator("#scores")
    assert set(column(page, "scores", "protocol")) == {"leakage-free", "random split"}
    part.get_by_label("Protocol").select_option(label=words.protocol_title("grouped"))
    assert set(column(page, "scores", "protocol")) == {"leakage-free"}
    part.get_by_label("Baseline").fill("TREE")
    assert column(page, "scores", "baseline") == ["tree-cascade"]
    said(page, "1 row shown")
    part.get_by_label("Baseline").fill("nobody")
    assert part.get_by_text("Nothing matches").is_visible()
    part.get_by_label("Baseline").fill("")
    part.get_by_label("Images").select_option(label="ct: benign / malignant")
    assert column(page, "scores", "accuracy") == ["85.0 [83.0, 87.0]", "80.0 [78.0, 82.0]"]
    page.locator("#comparisons").get_by_label("What is compared").select_option(label="any error")
    heads = page.locator("#comparisons thead th").all_inner_texts()
    assert any("Holm" in one for one in heads)
    place = next(k for k, one in enumerate(heads) if one.startswith("difference"))
    assert [one.split()[0] for one in heads[place + 1 : place + 3]] == ["predictions", "source"]
    page.locator("#comparisons").get_by_label("What is compared").select_option(
        label="accuracy, points"
    )
    assert "Holm" not in page.locator("#comparisons thead").inner_text()
    assert "−1.0 [−3.0, +1.0]" in column(page, "comparisons", "accuracy")


def test_a_link_leads_to_its_row(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung)
    page.get_by_label("Metric").select_option(label="macro F1, %")
    row = page.locator("#scores tbody tr", has_text="stain").first
    row.locator(".link a").click()
    assert row.get_attribute("aria-current") == "true"
    there = open_page(lung, page.evaluate("location.hash"))
    chosen = there.locator("#scores tr.chosen")
    assert chosen.inner_text() == row.inner_text()
    assert there.evaluate("document.activeElement.className") == "chosen"
    there.evaluate("location.hash = 'scores.show=accuracy'")
    there.wait_for_selector("#scores tr.chosen", state="detached")
    assert there.get_by_label("Metric").input_value() == "accuracy"


def test_copies(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung)
    page.locator("#scores").get_by_label("Baseline").fill("e-")
    (markdown,) = tables(copied(page, "scores", "Markdown"))
    assert markdown[0] == ["baseline", "protocol", "accuracy, %", "predictions", "source groups",
                           "way of training"]  # fmt: skip
    assert markdown[1][:3] == ["tree-cascade", "leakage-free", "93.0 [91.0, 95.0]"]
    rows = list(csv.DictReader(io.StringIO(copied(page, "scores", "CSV"))))
    assert [(row["baseline"], float(row["value"]), float(row["low"])) for row in rows] == [
        ("tree-cascade", 0.93, 0.91), ("tree-cascade", 0.96, 0.94),
    ]  # fmt: skip
    latex = copied(page, "scores", "LaTeX")
    assert r"tree-cascade & leakage-free & 93.0 {[}91.0, 95.0{]}" in latex
    assert r"accuracy, \%" in latex
    assert {row["what"] for row in rows} == {"accuracy"}  # shares, and not per cent
    page.locator("#comparisons").get_by_label("What is compared").select_option(label="any error")
    compared = next(csv.DictReader(io.StringIO(copied(page, "comparisons", "CSV"))))
    assert compared["against"] == "reference"
    assert {"fewer", "smallest difference"} <= compared.keys()
    with page.expect_download() as saved:
        page.locator("#scores").get_by_role("button", name="Save CSV").click()
    assert saved.value.suggested_filename == "scores.csv"
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }"
    )
    page.locator("#scores").get_by_role("button", name="LaTeX").click()
    assert page.get_by_role("dialog").get_by_role("textbox").input_value() == latex
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_no_cell_is_a_formula(lung: Path, open_page: OpenPage) -> None:
    texts = ["=1+1", "-0.5", 'a,"b"', "\uff0bx", "'@x"]
    found = open_page(lung).evaluate("(texts) => lcbench.csv(['h'], texts.map((t) => [t]))", texts)
    assert found == 'h\n\'=1+1\n-0.5\n"a,""b"""\n\'\uff0bx\n\'\'@x\n'
