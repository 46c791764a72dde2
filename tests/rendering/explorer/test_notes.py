"""The reader's marks and notes: kept, found again, exported, taken over, and never run."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lcbench.rendering.explorer.notes import report_key

from .conftest import HOSTILE_NAME, PHONE, Explored, WholePage

if TYPE_CHECKING:
    from playwright.sync_api import Page

CARDS = "#images.protocol=1&images.baseline=2&images.cell=2-2"
REFUSED = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("refused", "SecurityError"); },
});"""


def mark_first(page: Page, mark: str, note: str) -> str:
    """Mark the first image that is listed, and return its name."""
    card = page.locator("#images article.image").first
    card.get_by_label("mark of").select_option(label=mark)
    card.locator("summary", has_text="Note").click()
    card.get_by_label("note on").fill(note)
    card.get_by_label("note on").blur()
    return card.locator("h3").inner_text()


def saved(page: Page) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as CSV").click()
    assert waiting.value.suggested_filename == "notes-core.csv"
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_notes_are_kept_exported_and_taken_over(open_whole: WholePage, explored: Explored) -> None:
    page = open_whole(CARDS)
    assert "No image has a mark" in page.locator("#notes .count").inner_text()
    assert page.get_by_role("button", name="Save as CSV").is_disabled()
    note = '@SUM("a")\n, the nuclei; "large"'
    name = mark_first(page, "label doubtful", note)
    assert page.locator("#notes .count").inner_text() == "1 image: 1 label doubtful, 1 with a note."
    assert page.evaluate("Object.keys(localStorage)") == [
        f"lcbench-notes-{report_key(explored.results)}"
    ]
    assert page.locator("#subsets tr[data-row=label] td").first.inner_text() == "1"
    page.reload()
    page.wait_for_selector("#notes[data-ready]")
    first = page.locator("#images article.image").first
    assert first.get_by_label("mark of").input_value() == "label"
    text = saved(page)
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["image"] == f"'{name}"  # a name that a spreadsheet would compute
    assert row["note"] == f"'{note}"
    assert (row["mark"], row["true class"]) == ("label doubtful", "squamous cell carcinoma")
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Delete all").click()
    assert page.evaluate("localStorage.length") == 0
    assert first.get_by_label("mark of").input_value() == ""

    def take(content: str) -> str:
        page.locator("#notes-file").set_input_files(
            {"name": "notes.csv", "mimeType": "text/csv", "buffer": content.encode()}
        )
        page.wait_for_function("() => document.querySelector('#notes-file').value === ''")
        return page.locator("#notes .said").inner_text()

    assert take(text) == "1 note taken over."
    assert first.get_by_label("note on").input_value() == note
    assert saved(page) == text
    assert take(text).startswith("0 notes taken over; 1 left as here")
    older = text.replace("label doubtful", "artefact").replace(row["when"], "2001-01-01T00:00:00Z")
    assert "1 left as here" in take(older)
    semicolons = f'\ufeffmark;image\r\nartefact;x{HOSTILE_NAME}\r\nodd;"{row["image"]}"\r\n'
    said = take(semicolons)
    assert f"1 line about images that this report has not, such as x{HOSTILE_NAME}" in said
    assert "a quotation mark is open" in take('image,mark\n"a,again\n')
    assert "it needs a first line with the columns image" in take("a,b\n1,2\n")
    assert page.locator("img[src=x]").count() == 0


def test_csv_comes_back_as_it_went(open_whole: WholePage) -> None:
    some = np.random.default_rng(1)
    nasty = list("\"',;\t\r\n=+-@ a1\u00e9")
    rows = [["".join(some.choice(nasty, some.integers(7))) for _ in range(3)] for _ in range(400)]
    header = ["image", "mark", "note"]
    text, found = open_whole().evaluate(
        """([header, rows]) => {
          const text = lcbench.csv(header, rows);
          return [text, lcbench.parseCsv(text)];
        }""",
        [header, rows],
    )
    assert found == [header, *rows]
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [one for one in cells if re.match(r"[=@\t\r\n]|[+-](?!\d+$)", one)]


def test_marks_filter_every_list(open_whole: WholePage) -> None:
    page = open_whole(CARDS)
    mark_first(page, "look again", "")
    cards = page.locator("#images article.image")
    assert cards.count() > 1
    page.locator("#images").get_by_label("Your marks").select_option("again")
    page.wait_for_function("() => document.querySelectorAll('#images article.image').length === 1")
    page.locator("#images").get_by_label("Your marks").select_option("artefact")
    page.get_by_text("No image is like that.").wait_for()
    page.get_by_role("button", name="Show these images").click()
    page.locator("#notes article.image").wait_for()
    # The same image in two parts: both say the same.
    page.locator("#notes").get_by_label("mark of").select_option("typical")
    assert page.locator("#subsets tr[data-row=typical] td").first.inner_text() == "1"


def test_without_storage_the_page_says_so(open_whole: WholePage) -> None:
    page = open_whole()
    assert not page.locator("#notes .warning").is_visible()
    page.add_init_script(REFUSED)
    page.goto(page.url.split("#")[0] + CARDS)
    page.reload()
    page.wait_for_selector("#notes[data-ready]")
    assert "does not let the page store anything" in page.locator("#notes .warning").inner_text()
    page.locator("#images article.image").first.wait_for()
    mark_first(page, "artefact", "as long as the page is open")
    assert "1 artefact" in page.locator("#notes .count").inner_text()
    assert "as long as the page is open" in saved(page)


def test_everybody_can_use_it(open_whole: WholePage) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    state = "#curves.at=risk-0.05&curves.show=silent&subsets.part=sometimes&subsets.protocol=1"
    page = open_whole(state, viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    for name in ("curves", "subsets"):
        page.locator(f"#{name} article.image").first.wait_for()
    for summary in page.locator("#notes summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    found = axe.Axe().run(page).response["violations"]
    bad = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [(one["id"], one["nodes"][0]["html"][:200]) for one in bad]
    page.emulate_media(media="print")
    assert not page.locator("#curves-threshold").is_visible()
    assert page.locator("#curves svg.plot").first.is_visible()
