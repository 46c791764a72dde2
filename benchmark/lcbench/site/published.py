"""The reports and audits that lie below a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lcbench.analysis.results import ComparisonResults, Results
from lcbench.audit.results import AuditResults
from lcbench.documents import read_json
from lcbench.errors import UserError
from lcbench.rendering.places import AUDIT_JSON, README, RESULTS_JSON
from lcbench.statistics.interval_model import Interval
from lcbench.stored_results import read_results

EXPLORER = "index.html"
"""The page to explore that a report may have beside its README."""
_IMAGES = "images"
"""The folder of thumbnails that such a page shows, unless it was written without."""
_SHOWS_IMAGES = "it shows images of the data set; write the report again with --no-images"


@dataclass(frozen=True)
class Published:
    """A folder with a page, and with numbers that can be read."""

    name: str
    """Its path below the folder of reports, with forward slashes; the folder's own name where that
    is the report."""
    folder: Path
    """Where it lies."""

    @property
    def explorable(self) -> bool:
        """Whether it has a page to explore that shows no image of the data set."""
        return self.has_explorer and not (self.folder / _IMAGES).exists()

    @property
    def has_explorer(self) -> bool:
        """Whether it has a page to explore, whatever that shows."""
        return (self.folder / EXPLORER).is_file()


@dataclass(frozen=True)
class PublishedReport(Published):
    """What `lcbench report` wrote about one suite."""

    results: Results
    """Its numbers."""

    def accuracy(self, protocol: str | None) -> Interval | None:
        """Return the accuracy of its reference under a protocol, or None where it was not run."""
        result = self.results.protocol(protocol)
        models = result.comparison.models if result else ()
        return next((one.accuracy for one in models if one.model == self.results.reference), None)

    @property
    def flattering(self) -> Interval | None:
        """The reference's accuracy under the protocol that flatters."""
        return self.accuracy(self.results.roles.flattering)

    @property
    def leakage_free(self) -> Interval | None:
        """The reference's accuracy under the leakage-free protocol."""
        return self.accuracy(self.results.roles.leakage_free)

    @property
    def backbone(self) -> str:
        """The network below the reference's head; empty where it has none."""
        baseline = self.results.baseline(self.results.reference)
        return baseline.backbone.name if baseline and baseline.backbone else ""


@dataclass(frozen=True)
class PublishedAudit(Published):
    """What `lcbench audit` wrote."""

    results: AuditResults
    """What it found."""


@dataclass(frozen=True)
class Skipped:
    """Something that looks like a report, and cannot be shown."""

    name: str
    """Its path below the folder of reports."""
    reason: str
    """What is wrong with it."""


@dataclass(frozen=True)
class Found:
    """Everything below a folder of reports."""

    reports: list[PublishedReport] = field(default_factory=list)
    """Reports of suites, by name."""
    audits: list[PublishedAudit] = field(default_factory=list)
    """Audits, by name."""
    skipped: list[Skipped] = field(default_factory=list)
    """What cannot be shown."""

    @property
    def all(self) -> list[PublishedReport | PublishedAudit]:
        """Reports, then audits."""
        return [*self.reports, *self.audits]


def find_published(folder: Path) -> Found:
    """Return the reports and audits at any depth below a folder.

    Raises
    ------
    UserError
        If the folder is not there, or holds none that can be shown; what is wrong with those that
        cannot is part of the message.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no folder", "Name the folder that holds your reports.")
    found = Found()
    for file in _result_files(folder):
        _add(found, file, folder)
    if not found.all:
        wrong = "".join(f"\n{one.name}: {one.reason}" for one in found.skipped)
        raise UserError(
            f"{folder}: holds no report{wrong}",
            "Write one first: lcbench report RUNS --out REPORTS/NAME, or lcbench audit IMAGES "
            "--out REPORTS/NAME.",
        )
    return found


def _result_files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*.json")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.name in (RESULTS_JSON, AUDIT_JSON) and not hidden and file.is_file():
            yield file


def _add(found: Found, file: Path, folder: Path) -> None:
    if _lists_several(file):
        return
    place = file.parent.relative_to(folder).as_posix()
    name = folder.resolve().name if place == "." else place
    try:
        results = read_results(file)
        readme = file.parent / README
        if not readme.is_file() or readme.is_symlink():
            raise UserError(f"{README} is missing beside {file.name}")
        if isinstance(results, ComparisonResults):
            raise UserError(f"{file.name} is of a comparison, which has no page")
    except UserError as error:
        found.skipped.append(Skipped(name, error.message))
        return
    one: PublishedReport | PublishedAudit
    if isinstance(results, Results):
        one = PublishedReport(name, file.parent, results)
        found.reports.append(one)
    else:
        one = PublishedAudit(name, file.parent, results)
        found.audits.append(one)
    if one.has_explorer and not one.explorable:
        found.skipped.append(Skipped(f"{name}/{EXPLORER}", _SHOWS_IMAGES))


def _lists_several(file: Path) -> bool:
    """Tell whether a file lists the reports of several suites, which lie below it."""
    try:
        values = read_json(file)
    except UserError:
        return False
    return isinstance(values, dict) and "suites" in values and "schema_version" not in values
