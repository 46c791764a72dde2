"""Confusions, the images behind them, and pairs of baselines, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from lcbench.rendering.explorer.images import images_section, leak_words, protocol_images
from lcbench.rendering.explorer.pairs import pairs_section
from lcbench.rendering.explorer.thumbnails import Explained, ImagePictures, thumbnail_file
from lcbench.rendering.explorer.writing import write_explorer
from lcbench.rendering.report.findings import findings
from lcbench.runs.suite_images import (
    ABSENT,
    TEST,
    TRAIN,
    Nearest,
    SplitImages,
    SuiteImages,
    read_suite_images,
)

from .conftest import PHONE, Explored, OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

HOSTILE = "</script><img src=x onerror=alert(1)>"
NOTE = "Failed its check on this model."


def recorded(explored: Explored) -> SuiteImages:
    """The images with whole splits, and nearest images as a run records them: always a copy."""
    images = read_suite_images(explored.folder, explored.suite)
    backbone = explored.suite.runs_of(baseline="reference")[0].config.backbone
    assert backbone is not None

    def whole(one: SplitImages) -> SplitImages:
        sides = np.where(one.sides == ABSENT, TRAIN, one.sides)
        test = np.flatnonzero(sides == TEST)
        train = np.flatnonzero(sides == TRAIN)
        near = train[np.abs(test[:, None] - train).argmin(axis=1)]
        nearest = Nearest(backbone, test, near, np.full(len(test), 0.75))
        return replace(one, sides=sides, whole=True, nearest=nearest)

    return replace(images, splits=tuple(map(whole, images.splits)))


@pytest.fixture(scope="module")
def page_file(explored: Explored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with hostile names of images and groups, two thumbnails and an explanation."""
    folder = tmp_path_factory.mktemp("page")
    images = recorded(explored)
    protocols = protocol_images(explored.suite, images)
    thumbnails = np.zeros(len(images.table), bool)
    (folder / "images").mkdir()
    for row in np.flatnonzero(images.table["label"] == "adenocarcinoma"):
        thumbnails[row] = True
        Image.new("RGB", (8, 8)).save(folder / thumbnail_file(row))
    table = images.table.assign(
        image=HOSTILE + images.table["image"], group=HOSTILE + images.table["group"]
    )
    why = Explained("images/0.jpg", HOSTILE, NOTE)
    pictures = ImagePictures(thumbnails, "", {name: [why] for name in table["image"]})
    hostile = replace(images, table=table)
    found = explored.results.model_copy(update={"findings": findings(explored.results)})
    sections = (
        images_section(explored.suite, found, hostile, protocols, pictures),
        pairs_section(found, explored.suite.protocols),
    )
    return write_explorer(found, folder, sections)


def count(cell: Locator, name: str = "answers") -> int:
    return int(cell.get_attribute(f"data-{name}") or "")


@pytest.fixture
def images_page(open_page: OpenPage, page_file: Path) -> Callable[..., Page]:
    def opened(state: str = "", **context: object) -> Page:
        page = open_page(page_file, state, **context)
        page.wait_for_selector("#images[data-drawn]")
        page.wait_for_selector("#pairs[data-drawn]")
        return page

    return opened


def test_every_cell_opens_as_many_images_as_the_matrix_counts(
    images_page: Callable[..., Page], explored: Explored
) -> None:
    page = images_page()
    section = page.locator("#images")
    for number, protocol in enumerate(explored.results.protocols):
        section.get_by_label("Protocol").select_option(str(number))
        for place, model in enumerate(protocol.comparison.models):
            section.get_by_label("Baseline").select_option(str(place))
            page.wait_for_function(
                "name => document.querySelector('#images caption').textContent.startsWith(name)",
                arg=model.model,
            )
            seeds = len(protocol.comparison.seeds)
            wanted = [round(n * seeds) for row in model.confusion for n in row]
            cells = section.locator("button.cell")
            assert [count(cell) for cell in cells.all()] == wanted
    cell = section.locator('[data-cell="1-2"]')
    answers, images = count(cell), count(cell, "images")
    assert answers >= images > 1
    cell.focus()
    cell.press("Enter")
    words = section.locator(".cell-words")
    words.wait_for()
    assert (count(words), count(words, "images")) == (answers, images)
    assert page.evaluate("document.activeElement.tagName") == "H3"
    section.get_by_label("fold copies").uncheck()
    page.wait_for_function("() => location.hash.includes('images.copies=apart')")
    shown, told = 0, 0
    while True:
        cards = section.locator(".cards > article.image")
        shown += cards.count()
        for text in cards.all_inner_texts():
            told += int(text.split("in this cell in ")[1].split()[0])
        following = section.get_by_role("button", name="Next")
        if not following.count() or following.is_disabled():
            break
        before = section.locator(".where").inner_text()
        following.click()
        page.wait_for_function(
            "before => document.querySelector('#images .where').textContent !== before", arg=before
        )
    assert (shown, told) == (images, answers)


def test_a_card_tells_everything_of_its_image_and_names_inject_nothing(
    images_page: Callable[..., Page], explored: Explored
) -> None:
    page = images_page("#images.protocol=0&images.baseline=1&images.cell=1-1&images.sort=unsure")
    card = page.locator("#images .cards > article.image").first
    assert card.locator("h3").inner_text().startswith(HOSTILE)
    assert HOSTILE in card.inner_text()
    assert [one.inner_text() for one in card.locator("tbody th").all()] == [
        "majority", "colour", "reference"
    ]  # fmt: skip
    labels = [one.get_attribute("aria-label") for one in card.locator(".bar").all()]
    assert all("benign" in label and "adenocarcinoma" in label for label in labels if label)
    card.scroll_into_view_if_needed()  # pictures are loaded when they are seen
    page.wait_for_function(
        "() => document.querySelector('#images img.thumbnail').naturalWidth === 8"
    )
    around = card.locator("details.around")
    around.nth(0).locator("summary").first.click()
    card.locator(".nearest").first.wait_for()
    text = around.nth(0).inner_text()
    assert "in train" in text
    assert "cosine 0.750" in text
    assert "the same source group" in text
    around.nth(1).locator("summary").first.click()
    card.locator("figure.why").wait_for()
    assert NOTE in around.nth(1).inner_text()
    copies = card.locator("details.copies")
    if copies.count():
        copies.locator("summary").first.click()
        copies.locator("article.image").first.wait_for()
    assert page.locator("img[src=x]").count() == 0
    same, tested = 0, 0
    for run in explored.suite.runs_of(protocol="paper", baseline="colour"):
        tested += len(run.predictions.table)
        same += 1
    assert (
        f"of {tested:,} test images ({same} splits" in page.locator(".leaks li").first.inner_text()
    )


def test_sorting_changes_the_order_and_the_address_brings_it_back(
    images_page: Callable[..., Page],
) -> None:
    page = images_page("#images.protocol=1&images.baseline=2&images.cell=2-2")
    section = page.locator("#images")

    def order() -> list[str | None]:
        cards = section.locator(".cards > article.image").all()
        return [card.get_attribute("data-image") for card in cards]

    hardest = order()
    for sort in ("wrong", "disagreement", "confident", "unsure"):
        drawn = section.get_attribute("data-drawn")
        section.get_by_label("Sort").select_option(sort)
        page.wait_for_function(
            "before => document.querySelector('#images').dataset.drawn !== before", arg=drawn
        )
        assert len(order()) == len(hardest)
    assert order() != hardest
    again = images_page(page.evaluate("location.hash"))
    cards = again.locator("#images .cards > article.image").all()
    assert [card.get_attribute("data-image") for card in cards] == order()


def test_levels_seeds_and_folds_are_parts_of_the_whole(images_page: Callable[..., Page]) -> None:
    page = images_page("#images.protocol=1&images.baseline=1")
    section = page.locator("#images")

    def total(state: str) -> int:
        drawn = section.get_attribute("data-drawn")
        page.evaluate("state => { location.hash = state; }", state)
        page.wait_for_function(
            "before => document.querySelector('#images').dataset.drawn !== before", arg=drawn
        )
        return sum(count(cell) for cell in section.locator("button.cell").all())

    base = "images.protocol=1&images.baseline=1"
    every = total(f"{base}&images.level=0")
    assert section.locator("button.cell").count() == 4  # benign and malignant
    seeds = [total(f"{base}&images.of={seed}") for seed in (0, 1)]
    folds = [total(f"{base}&images.of=0.{fold}") for fold in range(5)]
    assert sum(seeds) == every
    assert sum(folds) == seeds[0] == 120


def test_pairs_count_what_the_paired_test_counted(
    images_page: Callable[..., Page], explored: Explored
) -> None:
    (majority, colour) = (
        pair.on("any_error") for pair in explored.results.protocols[1].comparison.pairs
    )
    for place, event in enumerate((majority, colour)):
        assert event is not None
        page = images_page(f"#pairs.protocol=1&pairs.a=2&pairs.b={place}", viewport=PHONE)
        section = page.locator("#pairs")
        cells = {name: count(section.locator(f'[data-cell="{name}"]')) for name in ("a", "b")}
        test = event.test()
        # The event is an error: where only the first is right, only the second errs.
        assert cells == {"a": test.only_b, "b": test.only_a}
        assert f"errs alone in {test.only_a} answers" in section.locator(".tested").inner_text()
    section.locator('[data-cell="b"]').click()
    section.locator("article.image").first.wait_for()
    assert count(section.locator(".cell-words")) == cells["b"]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


def test_an_address_with_what_is_not_there_shows_the_usual(
    images_page: Callable[..., Page],
) -> None:
    state = "#images.cell=9-9&images.protocol=99&images.level=x&images.of=7.7&images.sort=toString"
    page = images_page(f"{state}&pairs.cell=constructor&pairs.a=-1&pairs.page=1e9")
    assert (
        page.locator("#images .matrix caption").inner_text().startswith("reference, leakage-free")
    )
    assert page.locator("#pairs .tested").count() == 1
    assert page.locator(":is(#images, #pairs) :is(article, .warning)").count() == 0


def test_everybody_can_use_it(images_page: Callable[..., Page]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = images_page(
        "#images.cell=1-1&pairs.cell=b", color_scheme="dark", reduced_motion="reduce"
    )
    for details in page.locator("#images article.image").first.locator("details").all():
        details.locator("summary").first.click()
    page.locator("#images .nearest").first.wait_for()
    found = axe.Axe().run(page).response["violations"]
    bad = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [(one["id"], one["nodes"][0]["html"][:200]) for one in bad]


def test_the_leak_is_told_in_a_sentence(explored: Explored) -> None:
    images = recorded(explored)
    (paper, grouped) = protocol_images(explored.suite, images)
    groups = images.table["group"].to_numpy()
    of_paper = [one.nearest for one in images.of("paper") if one.nearest]
    same = sum(int((groups[one.test] == groups[one.nearest]).sum()) for one in of_paper)
    assert f"the same source group for {same} of 36 test images (2 splits" in leak_words(paper)
    assert "for 0 of 240 test images (10 splits" in leak_words(grouped)
    nothing = replace(images, table=images.table.assign(group=""))
    assert "source groups are unknown" in leak_words(replace(paper, images=nothing))
