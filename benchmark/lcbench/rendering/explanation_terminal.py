"""What came of explaining, on the terminal: a line a method, with its checks."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from lcbench.console import err, escape, out, warn
from lcbench.explanations.explain import Explained
from lcbench.rendering.explanation_words import verdict_line


def show_explained(explained: Explained, gallery: Path | None, *, quiet: bool) -> None:
    """Print the table; with `quiet`, only what was left out and where the gallery is.

    Parameters
    ----------
    explained
        What came of it.
    gallery
        Its page; None where nothing could be explained.
    quiet
        Whether standard output belongs to a machine.
    """
    if not quiet and explained.stored:
        columns = ("baseline", "decision", "method", "explained", "checked on", "its checks")
        table = Table(*columns, title=f"Explained: {escape(explained.suite_folder.name)}")
        for one in explained.stored:
            record = one.record
            again = " (as before)" if one.name in explained.reused else ""
            table.add_row(
                escape(record.baseline),
                escape(" or ".join(record.children)),
                record.title + again,
                f"{record.explained:,} of {record.cases:,} images",
                f"{record.checked:,}",
                escape(verdict_line(record.checks)),
            )
        out.print(table)
    for name, reason in explained.left_out.items():
        warn(f"{name}: not explained: {reason}")
    if gallery is not None:
        err.print(f"Gallery (it shows your images): {escape(str(gallery))}")
