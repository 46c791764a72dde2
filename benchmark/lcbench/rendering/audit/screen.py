"""An audit in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from lcbench.audit.results import KINDS, AuditResults
from lcbench.console import escape, out
from lcbench.rendering.audit.sentences import division, statements
from lcbench.rendering.formats import integer, share


def show_audit(results: AuditResults) -> None:
    """Print what was found: sentences, then a table of groups and of sides."""
    for sentence in statements(results):
        out.print(f"- {escape(' '.join(sentence.splitlines()))}", soft_wrap=True)
    out.print(_groups(results))
    if results.crossings:
        out.print(_crossings(results))


def _groups(results: AuditResults) -> Table:
    table = Table("label", title="Source groups", title_justify="left")
    for header in ("images", "source groups", "of one image", "largest"):
        table.add_column(header, justify="right")
    rows = [(label.label, label.images, label.facts) for label in results.labels]
    if len(rows) > 1:
        rows.append(("all", results.images, results.groups))
    for name, images, facts in rows:
        numbers = (images, facts.groups, facts.single, facts.largest)
        table.add_row(Text(name or "(no folder)"), *map(integer, numbers))
    counts = ", ".join(
        f"{kind} {integer(results.pairs[kind])}" for kind in KINDS if kind in results.pairs
    )
    table.caption = f"pairs: {counts}"
    table.caption_justify = "left"
    return table


def _crossings(results: AuditResults) -> Table:
    title = Text(f"Across {division(results)}")
    table = Table("images of", "sibling in", title=title, title_justify="left")
    for header in ("images", "with a sibling", "share", "source groups", "shared", "exact copies"):
        table.add_column(header, justify="right")
    for one in results.crossings:
        table.add_row(
            Text(one.side),
            Text(one.other),
            integer(one.images),
            integer(one.with_sibling),
            share(one.with_sibling / one.images),
            *map(integer, (one.groups, one.groups_shared, one.exact)),
        )
    return table
