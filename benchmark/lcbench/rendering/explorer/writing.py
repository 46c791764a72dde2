"""`write_explorer`: the page to explore a suite's results, beside its Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lcbench.analysis.results import Results
from lcbench.rendering.explorer.comparisons import comparisons_section
from lcbench.rendering.explorer.document import document, render_html
from lcbench.rendering.explorer.overview import overview_section
from lcbench.rendering.explorer.scores import scores_section
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.places import INDEX, README, RESULTS_CSV, RESULTS_JSON
from lcbench.storage.whole import write_text


def write_explorer(results: Results, folder: Path, of_images: Sequence[Section] = ()) -> Path:
    """Write `index.html` into the folder of a report; the same results give the same bytes.

    Parameters
    ----------
    results
        What was computed.
    folder
        Of the report.
    of_images
        Parts that speak of single images, see `image_sections`.
    """
    title = f"Suite {results.suite} on {results.dataset.name}"
    files = (README, RESULTS_CSV, RESULTS_JSON)
    return _write(folder, document(title, list(_sections(results, of_images)), files))


def write_list(written: Mapping[str, Results], folder: Path) -> Path:
    """Write `index.html` of a folder with several reports, by the names of their folders."""
    reports = [
        (results.suite, f"{name}/{INDEX}", f"{name}/{README}", results.findings[0])
        for name, results in written.items()
    ]
    html = render_html("explorer-reports.html.j2", reports=reports)
    return _write(folder, document("Reports", [Section("reports", "Suites", html)], (README,)))


def _sections(results: Results, of_images: Sequence[Section]) -> Iterator[Section]:
    """Yield the parts of the page in their order."""
    yield overview_section(results)
    yield scores_section(results)
    compared = comparisons_section(results)
    if compared is not None:
        yield compared
    yield from of_images


def _write(folder: Path, page: str) -> Path:
    path = folder / INDEX
    write_text(path, page)
    return path
