"""What stands where on the site: documentation, reports, generated pages, and the way to them."""

from __future__ import annotations

import html
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from lcbench.errors import UserError
from lcbench.rendering.places import (
    AUDIT_JSON,
    FIGURES,
    MERGES,
    README,
    RESULTS_CSV,
    RESULTS_JSON,
)
from lcbench.site.links import placed_page
from lcbench.site.overview import REPORT_PAGE, place_of
from lcbench.site.published import EXPLORER, Found, Published
from lcbench.site.reference import SUBJECTS, reference_page
from lcbench.storage.whole import write_text

DOCS = "docs"
REPORTS = "reports"
HOME = "index.md"
COMMANDS = "reference/commands.md"
ASSETS = Path(__file__).parent / "assets"

_PACKAGE = Path(__file__).parents[1]
_DOCUMENTATION = (_PACKAGE / "_docs", _PACKAGE.parents[1] / DOCS)
"""Where it lies in an installed package, and in a checkout."""
_OF_A_REPORT = (RESULTS_JSON, RESULTS_CSV, AUDIT_JSON, MERGES, "joins.csv")
"""What is shown of a report beside its page and its plots: no image of a data set."""

Way: TypeAlias = "dict[str, str | list[Way]]"
"""A title with the page, or the pages, that it leads to."""

_PARTS = {
    "How to": (
        ("Your data", "your-data.md"),
        ("Your model", "own-model.md"),
        ("Your predictions", "your-predictions.md"),
        ("Other people's images", "external.md"),
        ("Your cluster", "your-cluster.md"),
        ("Do a report again", "repeating.md"),
        ("Publish reports", "publishing.md"),
        ("Extend it", "extending.md"),
    ),
    "Explanation": (
        ("Leakage", "leakage.md"),
        ("Why a model answers so", "explanations.md"),
        ("Statistics", "statistics.md"),
        ("Speed and memory", "performance.md"),
    ),
}
"""Documentation by its kind (https://diataxis.fr); decisions follow the explanations."""


@dataclass
class Contents:
    """The pages and files of a site, before they are built."""

    sources: dict[str, Path] = field(default_factory=dict)
    """Files that are shown, by their name: `docs/...` and `reports/...`."""
    placed: dict[str, str] = field(default_factory=dict)
    """Where each of them stands on the site."""
    known: set[str] = field(default_factory=set)
    """What lies beside them and is not shown."""
    generated: dict[str, str] = field(default_factory=dict)
    """Text of the pages that are made for the site."""
    ways: list[Way] = field(default_factory=list)
    """The navigation."""

    def show(self, source: str, file: Path, place: str | None = None) -> None:
        """Add a file."""
        self.sources[source] = file
        self.placed[source] = place or source

    def write(self, folder: Path) -> None:
        """Write everything into a folder, with links that hold there.

        Raises
        ------
        UserError
            If a page is no text.
        """
        shutil.copytree(ASSETS, folder / "assets")
        for source, file in self.sources.items():
            target = folder / self.placed[source]
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".md":
                page = _text(file)
                write_text(target, placed_page(page, source, self.placed, self.known))
            else:
                shutil.copyfile(file, target)
        for place, page in self.generated.items():
            write_text(folder / place, page)


def gather(reports: Path, found: Found, *, home: str, commands: str) -> Contents:
    """Return the contents of a site.

    Parameters
    ----------
    reports
        The folder of reports.
    found
        What of it is shown.
    home
        The first page.
    commands
        The reference of the command line.
    """
    contents = Contents()
    contents.generated[HOME] = home
    contents.generated[COMMANDS] = commands
    for subject in SUBJECTS:
        contents.generated[f"reference/{subject.page}.md"] = reference_page(subject)
    _add_documentation(contents)
    _add_reports(contents, reports, found)
    contents.ways = [
        {"Home": HOME},
        {"Reports": [*_about(contents), *(_way(one) for one in found.all)]},
        {"Tutorial": f"{DOCS}/tutorial.md"},
        {"How to": _documents("How to")},
        {"Reference": [*_references(), {"Files": f"{DOCS}/formats.md"}]},
        {
            "Explanation": [
                *_documents("Explanation"),
                *_by_heading(contents, _unplaced(contents)),
                {"Decisions": _by_heading(contents, _decisions(contents))},
            ]
        },
    ]
    return contents


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file}: no text in UTF-8 ({error.reason})", "Save it as UTF-8."
        ) from error


def _add_documentation(contents: Contents) -> None:
    folder = next(path for path in _DOCUMENTATION if path.is_dir())
    for file in _files(folder):
        contents.show(f"{DOCS}/{file.relative_to(folder).as_posix()}", file)


def _add_reports(contents: Contents, folder: Path, found: Found) -> None:
    single = any(one.folder == folder for one in found.all)
    if not single:
        for file in sorted(folder.glob("*.md")):
            contents.show(f"{REPORTS}/{file.name}", file)
        beside = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        contents.known.update(f"{REPORTS}/{path}" for path in beside)
    for one in found.all:
        _add_report(contents, one)


def _add_report(contents: Contents, one: Published) -> None:
    place = place_of(one)
    contents.show(f"{place}/{README}", one.folder / README, f"{place}/{REPORT_PAGE}")
    plots = sorted((one.folder / FIGURES).glob("*.png"))
    names = [*_OF_A_REPORT, EXPLORER] if one.explorable else _OF_A_REPORT
    for file in [*(one.folder / name for name in names), *plots]:
        if file.is_file() and not file.is_symlink():
            contents.show(f"{place}/{file.relative_to(one.folder).as_posix()}", file)
    beside = (path.relative_to(one.folder).as_posix() for path in one.folder.rglob("*"))
    contents.known.update(f"{place}/{path}" for path in beside)


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.is_file() and not hidden:
            yield file


def _about(contents: Contents) -> list[Way]:
    """Return the ways to the pages that lie in the folder of reports itself."""
    names = [path for path in contents.sources if path.count("/") == 1]
    pages = sorted(path for path in names if path.startswith(f"{REPORTS}/"))
    return [{_title(Path(path).stem): contents.placed[path]} for path in pages]


def _title(stem: str) -> str:
    words = "About the reports" if stem == Path(README).stem else stem.replace("-", " ")
    return html.escape(words[:1].upper() + words[1:])


def _way(one: Published) -> Way:
    # The theme writes titles as they stand.
    return {html.escape(one.name): f"{place_of(one)}/{REPORT_PAGE}"}


def _documents(part: str) -> list[Way]:
    return [{title: f"{DOCS}/{name}"} for title, name in _PARTS[part]]


def _references() -> list[Way]:
    python: list[Way] = [{subject.title: f"reference/{subject.page}.md"} for subject in SUBJECTS]
    return [{"Command line": COMMANDS}, {"Python": python}]


def _decisions(contents: Contents) -> list[str]:
    return [path for path in contents.sources if path.startswith(f"{DOCS}/decisions/")]


def _unplaced(contents: Contents) -> list[str]:
    """Return the pages of the documentation that nobody has given a place."""
    placed = {f"{DOCS}/{name}" for part in _PARTS.values() for _, name in part}
    placed |= {f"{DOCS}/tutorial.md", f"{DOCS}/formats.md", *_decisions(contents)}
    pages = (path for path in contents.sources if path.startswith(f"{DOCS}/"))
    return [path for path in pages if path.endswith(".md") and path not in placed]


def _by_heading(contents: Contents, pages: Iterable[str]) -> list[Way]:
    found: list[Way] = []
    for page in pages:
        title = _text(contents.sources[page]).split("\n", 1)[0].lstrip("# ")
        found.append({html.escape(title): page})
    return found
