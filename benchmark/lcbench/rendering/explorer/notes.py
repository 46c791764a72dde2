"""The reader's own marks and notes on images: a section of the page. The browser keeps them."""

from __future__ import annotations

import hashlib
import json

from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.section import Section

SECTION = "notes"


def notes_section(results: Results) -> Section:
    """Return the section; the images are those of the section `images`."""
    html = render_html("explorer-notes.html.j2")
    data: JsonValue = {"key": report_key(results), "suite": results.suite}
    return Section(SECTION, "Your notes", html, data)


def report_key(results: Results) -> str:
    """Return the hash under which a browser keeps the notes.

    Of the suite, when it was begun and its images: the same report written again, by a later
    version perhaps, finds the notes, and no other report does.
    """
    parts = [results.suite, results.created, results.dataset.name, results.dataset.sha256]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
