"""Pages in a real browser: Debian's Chromium, driven by Playwright; skipped where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lcbench.analysis.results import Results
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse
from lcbench.rendering.explorer.curves import curves_section
from lcbench.rendering.explorer.images import images_section, protocol_images
from lcbench.rendering.explorer.notes import notes_section
from lcbench.rendering.explorer.subsets import subsets_section
from lcbench.rendering.explorer.thumbnails import no_pictures
from lcbench.rendering.explorer.writing import write_explorer
from lcbench.rendering.report.findings import findings
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.reading import read_suite
from lcbench.runs.suite_images import read_suite_images

from ...analysis.runfolders import Shape, make_runs
from .. import suites

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("LCBENCH_CHROMIUM") or shutil.which("chromium") or ""
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""Beside those for root: what keeps a browser from asking hosts that no test means to ask."""
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the session."""
    if not CHROMIUM:
        pytest.skip("no chromium: apt-get install chromium, or LCBENCH_CHROMIUM=its path")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@dataclass
class Heard:
    """What pages said on the console, and what they asked for beside themselves."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def listen(self, page: Page, file: Path) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.errors.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        # Pictures of the page's own folder are no network.
        own = file.parent.as_uri() + "/"
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((own, "data:", "blob:"))
                else self.requests.append(asked.url)
            ),
        )


OpenPage = Callable[..., "Page"]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a page from its file: open_page(path, "#state", width=...).

    In the end no page may have said anything on the console, nor have asked for anything.
    """
    heard, contexts = Heard(), []

    def opened(file: Path, state: str = "", **context: Any) -> Page:
        contexts.append(browser.new_context(viewport=context.pop("viewport", WIDE), **context))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        heard.listen(page, file)
        page.goto(file.as_uri() + state)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield opened
    for one in contexts:
        one.close()
    assert heard == Heard()


Write = Callable[[Results], Path]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Write the page of results."""

    def write(results: Results) -> Path:
        found = results.model_copy(update={"findings": findings(results)})
        return write_explorer(found, tmp_path_factory.mktemp("explorer"))

    return write


@dataclass(frozen=True)
class Explored:
    """A suite whose single images a page shows, and its results."""

    folder: Path
    suite: FinishedSuite
    results: Results


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Explored:
    """Two seeds of both protocols, with errors that a formula made; no split file is there."""
    names = ("majority", "colour", "reference")
    shape = Shape(tiles=10, copies=4, baselines=names, varied=True)
    folder = make_runs(tmp_path_factory.mktemp("explored") / "runs", shape)
    suite = read_suite(folder)
    results = analyse(suite, AnalysisSettings(resamples=20), advance=lambda _: None)
    return Explored(folder, suite, results)


HOSTILE_NAME = "=1+1</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def whole_page(explored: Explored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every part that speaks of images, whose names would be code elsewhere."""
    images = read_suite_images(explored.folder, explored.suite)
    protocols = protocol_images(explored.suite, images)
    hostile = replace(
        images,
        table=images.table.assign(
            image=HOSTILE_NAME + images.table["image"], group=HOSTILE_NAME + images.table["group"]
        ),
    )
    found = explored.results.model_copy(update={"findings": findings(explored.results)})
    taxonomy = explored.suite.taxonomy
    curves = curves_section(found, taxonomy, protocols)
    assert curves is not None
    sections = (
        images_section(explored.suite, found, hostile, protocols, no_pictures(images)),
        curves,
        subsets_section(found, taxonomy, protocols),
        notes_section(found),
    )
    return write_explorer(found, tmp_path_factory.mktemp("whole"), sections)


WholePage = Callable[..., "Page"]


@pytest.fixture
def open_whole(open_page: OpenPage, whole_page: Path) -> WholePage:
    """Open that page when all of it is drawn."""

    def opened(state: str = "", **context: Any) -> Page:
        page = open_page(whole_page, state, **context)
        for name in ("images", "curves", "subsets"):
            page.wait_for_selector(f"#{name}[data-drawn]")
        page.wait_for_selector("#notes[data-ready]")
        return page

    return opened


@pytest.fixture(scope="session")
def lung(written: Write) -> Path:
    """The page of the suite with three classes, both protocols and an external folder."""
    return written(suites.lung())
