"""Reading pages: those that a reviewer has read, their tables, and names that would be mark-up.

LCBENCH_GOLDEN=write in the environment writes the golden pages anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from markdown_it import MarkdownIt

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
"""Reads a page as GitHub does."""
FOLDER = Path(__file__).with_name("golden")
HOSTILE = (
    "a|b<script>alert(1)</script>", "`rm -rf`", "``", "[x](http://evil.example)",
    "![x](http://evil.example/a.png)", "**bold** _under_ __both__ *it*", "~~gone~~", "$x^2$",
    "<details>", "</summary>", "&lt;b&gt; &amp;", "back\\slash\\|pipe", "# heading", "- item",
    "1. first", "12) second", "+ plus", "===", "---", "> quote", "https://x|y`z`",
    "www.evil.example", "trailing\\", "[97.1, 99.2](x)", "[ ] task", "snake_case_name", "_private",
    "{{ name }}", "{% raw %}",
)  # fmt: skip


def require_golden(page: str, name: str) -> None:
    """Compare a page with the one that is kept."""
    file = FOLDER / name
    if os.environ.get("LCBENCH_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(page, encoding="utf-8")
    assert page == file.read_text(encoding="utf-8"), f"{name} differs: read it, then write it anew"


def tables(page: str) -> list[list[list[str]]]:
    """Return each table as rows of cell texts; the first row is the headers."""
    found: list[list[list[str]]] = []
    tokens = PARSER.parse(page.replace("\N{NO-BREAK SPACE}", " "))
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            children = tokens[place + 1].children or []
            found[-1][-1].append("".join(child.content for child in children))
    # A row with too few or too many cells is filled up or cut by the parser.
    lines = re.findall(r"^\|(.*)\|$", page, flags=re.MULTILINE)
    widths = [len(re.split(r"(?<!\\)\|", line)) for line in lines]
    rows = [len(found_one[0]) for found_one in found for _ in range(len(found_one) + 1)]
    assert widths == rows, "a row of another length"
    return found
