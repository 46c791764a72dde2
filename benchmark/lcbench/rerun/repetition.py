"""A report, done again in a folder of its own, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lcbench.analysis.agreement import Agreement, agreement_of
from lcbench.analysis.results import Results
from lcbench.documents import read_json
from lcbench.errors import UserError
from lcbench.rendering.agreement import write_agreement
from lcbench.rendering.places import check_runs
from lcbench.rendering.report.writing import write_report
from lcbench.rerun.external import evaluate_again, external_folders
from lcbench.rerun.plan import RerunOptions, parts, plan_again
from lcbench.runs.evaluate import Evaluation
from lcbench.runs.execute import Outcome, execute
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.plan import Plan
from lcbench.statistics.bootstrap import Tick
from lcbench.storage.hashes import file_sha256
from lcbench.storage.whole import write_json
from lcbench.stored_results import read_results

MARKER = "rerun.json"
TABLE = "agreement.csv"
_RUNS = "runs"
_REPORT = "report"
_GENERATOR = "lcbench rerun"


@dataclass(frozen=True)
class Repetition:
    """Everything that doing a report again needs; what was finished before is kept.

    Parameters
    ----------
    results
        What the report says.
    plan
        Every run that it rests on.
    folder
        For the runs, their report and the table of agreement.
    external
        The external folders that are here, with what the report says of them.
    options
        Where things lie now.
    """

    results: Results
    plan: Plan
    folder: Path
    external: tuple[tuple[Path, ExternalRecord], ...]
    options: RerunOptions

    @property
    def table(self) -> Path:
        """Where every number is written, of the report and of its repetition."""
        return self.folder / TABLE

    def run(self) -> Iterator[Outcome]:
        """Do every run."""
        for part in parts(self.results, self.plan):
            yield execute(part, self.folder / _RUNS, jobs=self.options.jobs)

    def evaluate(self) -> Iterator[Evaluation]:
        """Let the runs predict the external folders."""
        for folder, record in self.external:
            yield evaluate_again(folder, record, self._suite, self.plan, self.options)

    def compare(self, advance: Callable[[str], Tick | None] = lambda _: None) -> Agreement:
        """Write the report of the runs, and compare every number of the two.

        Parameters
        ----------
        advance
            Called with the name of each step before it begins.
        """
        settings = self.results.settings
        written = write_report(
            self._suite,
            self.folder / _REPORT,
            resamples=settings.resamples,
            adjustment=settings.adjustment,
            advance=advance,
        )
        advance("Comparing every number")
        agreement = agreement_of(self.results, written.suites[0])
        write_agreement(agreement, self.table)
        return agreement

    @property
    def _suite(self) -> Path:
        return self.folder / _RUNS / self.plan.suite.name


def prepare(report: Path, folder: Path | None, options: RerunOptions) -> Repetition:
    """Read a report, plan what it rests on, and make the folder for it.

    Parameters
    ----------
    report
        The results.json of `lcbench report`, or its folder.
    folder
        A new folder, or that of an earlier try; None for `rerun-<suite>`.
    options
        Where things lie now.

    Raises
    ------
    UserError
        If the report cannot be read or done again here, or the folder holds anything else.
    """
    results = _read_report(report)
    made_from = file_sha256(report / "results.json" if report.is_dir() else report)
    folder = folder or Path(f"rerun-{results.suite}")
    _require_own(folder, made_from)
    external = tuple(external_folders(results, options))
    plan = plan_again(results, options)
    write_json(folder / MARKER, {"generator": _GENERATOR, "report": made_from})
    return Repetition(results, plan, folder, external, options)


def _read_report(path: Path) -> Results:
    results = read_results(path)
    if isinstance(results, Results):
        return results
    raise UserError(
        f"{path}: written by {results.generator}, and only what lcbench report wrote can be done "
        "again",
        "An audit or a comparison is one command: type it again. It was: "
        f"{results.command or 'called from Python'}",
    )


def _require_own(folder: Path, made_from: str) -> None:
    """Refuse a folder that holds anything but what an earlier try to do this report again left."""
    check_runs(folder)
    if folder.is_dir() and any(folder.iterdir()) and _made_from(folder) != made_from:
        raise UserError(
            f"--out {folder}: stands there already, and was not made from this report",
            "Name a new folder with --out.",
        )


def _made_from(folder: Path) -> str:
    """Return the hash of the report that a folder was made from; empty for other folders."""
    try:
        content = read_json(folder / MARKER)
    except UserError:
        return ""
    if isinstance(content, dict) and content.get("generator") == _GENERATOR:
        return str(content.get("report", ""))
    return ""
