"""`write_report`: run folders in, a folder with Markdown, pictures, JSON and CSV out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lcbench.analysis.explanation_results import explanation_results
from lcbench.analysis.given_models import GivenFile, read_given
from lcbench.analysis.results import Results
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse, check_given
from lcbench.errors import UserError
from lcbench.rendering.explorer.images import image_sections
from lcbench.rendering.explorer.writing import write_explorer, write_list
from lcbench.rendering.pages import render_page
from lcbench.rendering.places import (
    GENERATOR,
    README,
    RESULTS_CSV,
    RESULTS_JSON,
    check_report,
    default_report,
)
from lcbench.rendering.report.drawing import draw_pictures
from lcbench.rendering.report.findings import findings
from lcbench.rendering.report.page import report_page
from lcbench.rendering.report.tidy import write_tidy
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.reading import read_suite
from lcbench.runs.store import read_plan, sole_writer, suite_folders
from lcbench.statistics.bootstrap import RESAMPLES, Tick
from lcbench.statistics.choices import Adjustment
from lcbench.storage.whole import whole_folder, write_json, write_text


@dataclass(frozen=True)
class Report:
    """What `write_report` wrote.

    Parameters
    ----------
    readme
        The page to open first: the report, or the list of reports where there are several suites.
    suites
        The results of each suite.
    """

    readme: Path
    suites: tuple[Results, ...]


def write_report(
    runs: Path,
    out: Path | None = None,
    *,
    command: str = "",
    resamples: int = RESAMPLES,
    advance: Callable[[str], Tick | None] = lambda _: None,
    adjustment: Adjustment = "holm",
    pictures: bool = True,
    given: Sequence[Path] = (),
    labels: Path | None = None,
) -> Report:
    """Write the report of every suite in a runs folder.

    The folder appears whole or not at all, and the same runs give the same bytes. Nobody else
    writes there meanwhile.

    Parameters
    ----------
    runs
        The runs folder, or the folder of one suite.
    out
        Folder of the report, replaced if `lcbench report` wrote it; by default `report` beside the
        runs folder. With several suites, each gets a folder inside.
    command
        Command that was typed, for the section on provenance.
    resamples
        Stored with the results; the score intervals of a report draw none.
    advance
        Called with the name of each step before it begins.
    adjustment
        How the p-values of a family are adjusted.
    pictures
        Whether the page to explore gets small pictures of the images; no report that is published
        should hold those of somebody's patients.
    given
        Prediction files of other tools, or folders of runs; each is compared with the baselines of
        every suite.
    labels
        A label map for the class names in them.

    Raises
    ------
    UserError
        If there are no runs, they cannot be read, or `out` holds files of someone else; if a given
        file cannot be used, or shares nothing with a suite.
    """
    settings = AnalysisSettings(resamples=resamples, adjustment=adjustment)
    suites = suite_folders(runs)
    target = (out or default_report(runs, suites)).resolve()
    check_report(target)
    beside = {path: _read_given(given, path, labels) for path in suites}
    if len(suites) > 1:
        _check_places(beside)
    written = {}
    with sole_writer(target), whole_folder(target) as folder:
        for path in suites:
            advance(f"{path.name}: reading runs")
            suite = read_suite(path)
            numbers = analyse(
                suite, command=command, settings=settings, advance=advance, given=beside[path]
            )
            more = {"findings": findings(numbers), "explanations": explanation_results(path, suite)}
            results = numbers.model_copy(update=more)
            advance(f"{path.name}: drawing and writing")
            place = folder if len(suites) == 1 else folder / path.name
            _write_suite(suite, results, place)
            of_images = image_sections(suite, results, path, place, thumbnails=pictures)
            write_explorer(results, place, of_images)
            written[path.name] = results
        if len(suites) > 1:
            _write_index(written, folder)
    return Report(target / README, tuple(written.values()))


def _read_given(
    given: Sequence[Path], suite_folder: Path, labels: Path | None
) -> tuple[GivenFile, ...]:
    """Read the given files with the class tree of a suite: before hours go into another one."""
    if not given:
        return ()
    plan = read_plan(suite_folder)
    try:
        return read_given(given, plan, labels)
    except UserError as error:
        raise UserError(
            f"--with, suite {plan.suite}: {error.message}", error.remedy, error.code
        ) from error


def _check_places(beside: Mapping[Path, Sequence[GivenFile]]) -> None:
    """Refuse a file that fits under no protocol of a suite before any suite is analysed."""
    for path, given in beside.items():
        if given:
            check_given(given, read_suite(path))


def _write_suite(suite: FinishedSuite, results: Results, folder: Path) -> None:
    pictures = draw_pictures(suite, results, folder)
    write_text(folder / README, report_page(results, pictures))
    write_text(folder / RESULTS_JSON, results.model_dump_json() + "\n")
    write_tidy(results, folder / RESULTS_CSV)


def _write_index(written: dict[str, Results], folder: Path) -> None:
    """Write the lists of several reports."""
    reports = [
        (results.suite, f"{name}/{README}", results.findings[0])
        for name, results in written.items()
    ]
    write_text(folder / README, render_page("reports.md.j2", reports=reports))
    write_list(written, folder)
    write_json(folder / RESULTS_JSON, {"generator": GENERATOR, "suites": list(written)})
