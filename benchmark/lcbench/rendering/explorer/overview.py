"""The first screen: the findings, the intervals, what was compared and where it comes from."""

from __future__ import annotations

from lcbench.analysis.results import Results
from lcbench.rendering import words
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.report.page import classes_words, groups_words


def overview_section(results: Results) -> Section:
    """Return the first part of the page."""
    html = render_html(
        "explorer-overview.html.j2",
        results=results,
        dataset=results.dataset,
        classes=classes_words(results),
        groups=groups_words(results),
        protocols=[words.protocol_title(one.protocol) for one in results.protocols],
    )
    return Section("overview", "Findings", html)
