"""Links of pages that move, and what becomes of those that lead to nothing on the site."""

from __future__ import annotations

import pytest

from lcbench.site.links import NOT_SHOWN, placed_page

PLACED = {
    "docs/a.md": "docs/a.md",
    "docs/b c.md": "docs/b c.md",
    "reports/x/README.md": "reports/x/report.md",
    "reports/x/results.csv": "reports/x/results.csv",
}
KNOWN = {"reports/x/pairs/1.png", "reports/settings"}


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("docs/a.md", "[r](../reports/x/README.md#top)", "[r](../reports/x/report.md#top)"),
        ("docs/a.md", "[b](./b%20c.md)", "[b](b%20c.md)"),
        ("docs/a.md", "[code](../benchmark/x.py)", "code"),
        ("docs/a.md", "[out](../../x.py)", "out"),
        ("docs/a.md", "[gone](gone.md)", "[gone](gone.md)"),
        ("docs/a.md", "[n](https://x.example/README.md)", "[n](https://x.example/README.md)"),
        ("docs/a.md", "[s](#here)", "[s](#here)"),
        ("docs/a.md", "`[r](../reports/x/README.md)`", "`[r](../reports/x/README.md)`"),
        ("docs/a.md", "a ` [b](./b%20c.md)\n\n` [r](../reports/x/README.md)",
         "a ` [b](b%20c.md)\n\n` [r](../reports/x/report.md)"),
        ("docs/a.md", "```\n[b](./b%20c.md)\n```\n", "```\n[b](./b%20c.md)\n```\n"),
        ("reports/x/README.md", "![p](pairs/1.png)", NOT_SHOWN),
        ("reports/x/README.md", "[settings](../settings)", "settings"),
        ("reports/x/README.md", "[`a` \\] *b*](results.csv)", "[`a` \\] *b*](results.csv)"),
        ("reports/x/README.md", "<details>\n", '<details markdown="1">\n'),
    ],
)  # fmt: skip
def test_where_a_link_leads(source: str, text: str, expected: str) -> None:
    assert placed_page(text, source, PLACED, KNOWN) == expected
