"""The reference of the command line, and what pages say of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from lcbench.cli import app
from lcbench.site.commands import commands_page

from ..rendering.golden import tables
from .published import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TYPED = re.compile(r"(?:^|`|\$ |\&\& )lcbench ([a-z][^`\n]*)", re.MULTILINE)


def known() -> dict[str, set[str]]:
    """Return the options of each command."""
    found = {}
    for heading, part in re.findall(
        r"^## `lcbench ([a-z ]+)`\n(.*?)(?=^## |\Z)",
        commands_page(typer.main.get_command(app)),
        re.MULTILINE | re.DOTALL,
    ):
        found[heading] = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", part))
    return found


def test_a_row_says_what_an_option_takes() -> None:
    page = commands_page(typer.main.get_command(app))
    rows = {row[0]: row[1:] for table in tables(page) for row in table}
    assert rows["--device"][:2] == ["auto, cpu, cuda, mps", "auto"]
    assert rows["--image-size"][:2] == ["number from 16 to 2048", "–"]
    assert rows["--tile"][0] == "SIZE"
    assert rows["--pictures, --no-pictures"][:2] == ["nothing", "yes"]
    assert rows["--data"][1] in ("required", "–")
    assert rows["FOLDERS..."][:2] == ["path", "required"]
    assert "see lcbench list taxonomies, or" in rows["--taxonomy"][2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_types_exists_with_its_options(page: Any) -> None:
    commands = known()
    for typed in TYPED.findall(page.read_text("utf-8").replace("\\\n", "")):
        words = re.split(r"\s+#|\s*[|;&]", typed)[0].split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
        assert name in (*commands, "cache"), typed
        options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert options <= commands.get(name, set()) | {"--help", "-h"}, typed
