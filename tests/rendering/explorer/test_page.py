"""The page as a whole, in a browser: its parts, its policy, its looks, names that would be code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lcbench.analysis.results import Results

from .. import suites
from .conftest import PHONE, OpenPage


@pytest.fixture(scope="module")
def lung(written: Callable[[Results], Path]) -> Path:
    return written(suites.lung())


def test_the_first_screen(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung)
    assert page.locator("h1").inner_text() == "Suite small on tiles"
    assert page.locator(".findings li").count() > 3


def test_a_phone_shows_the_page_without_scrolling_sideways(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
