"""`write_report`: run folders in, a folder with Markdown, pictures, JSON and CSV out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lcbench.analysis.reporting import analyse
from lcbench.analysis.results import Results
from lcbench.errors import UserError
from lcbench.rendering import markdown as md
from lcbench.rendering.comparison_section import comparison_section
from lcbench.rendering.external_section import external_section
from lcbench.rendering.plots.confusions import draw_confusions
from lcbench.rendering.plots.curves import draw_curves
from lcbench.rendering.plots.differences import draw_differences
from lcbench.rendering.plots.intervals import draw_intervals
from lcbench.rendering.provenance import provenance_section
from lcbench.rendering.sections import (
    baselines_section,
    claims_section,
    left_out_section,
    opening,
)
from lcbench.rendering.tables import (
    class_section,
    drop_section,
    efficiency_section,
    protocol_section,
)
from lcbench.rendering.tidy import write_tidy
from lcbench.runs.finished import read_suite
from lcbench.runs.finished_suite import Suite
from lcbench.runs.store import suite_folders
from lcbench.statistics.bootstrap import Tick
from lcbench.statistics.choices import Adjustment
from lcbench.storage import whole_folder, write_json, write_text

README = "README.md"
RESULTS_JSON = "results.json"
RESULTS_CSV = "results.csv"
FIGURES = "figures"
DIFFERENCES = "Subtype confusions minus the reference's, with 95 % intervals"
_GENERATOR = "lcbench report"
_SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class SuiteReport:
    """The report of one suite: its results, and where the files stand."""

    results: Results
    readme: Path
    results_json: Path
    results_csv: Path
    figures: tuple[Path, ...]


@dataclass(frozen=True)
class ReportPaths:
    """What `write_report` wrote.

    Parameters
    ----------
    folder
        The report's folder.
    readme
        The page to open first: the report, or the list of reports where there are several suites.
    suites
        The report of each suite.
    """

    folder: Path
    readme: Path
    suites: tuple[SuiteReport, ...]


def write_report(
    runs: Path,
    out: Path | None = None,
    *,
    command: str = "",
    resamples: int = 10_000,
    advance: Callable[[str], Tick | None] | None = None,
    adjustment: Adjustment = Adjustment.holm,
) -> ReportPaths:
    """Write the report of every suite in a runs folder.

    The folder appears whole or not at all, and the same runs give the same bytes.

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
        Bootstrap resamples of each interval.
    advance
        Called with the name of each step before it begins.
    adjustment
        How the p-values of a family are adjusted.

    Returns
    -------
    ReportPaths
        Where everything stands, with the results.

    Raises
    ------
    UserError
        If there are no runs, they cannot be read, or `out` holds files of someone else.
    """
    tell = advance or (lambda _: None)
    suites = suite_folders(runs)
    target = (out or _default_out(runs, suites)).resolve()
    _check_replaceable(target)
    with whole_folder(target) as folder:
        written = []
        for path in suites:
            tell(f"{path.name}: reading runs")
            suite = read_suite(path)
            results = analyse(
                suite, command=command, resamples=resamples, advance=tell, adjustment=adjustment
            )
            place = folder if len(suites) == 1 else folder / path.name
            tell(f"{path.name}: drawing and writing")
            written.append(_write_suite(suite, results, place))
        if len(suites) > 1:
            _write_index(folder, written)
    return ReportPaths(
        folder=target,
        readme=target / README,
        suites=tuple(_moved(report, folder, target) for report in written),
    )


def _default_out(runs: Path, suites: list[Path]) -> Path:
    runs_folder = runs.resolve()
    if suites == [runs]:
        runs_folder = runs_folder.parent
    return runs_folder.parent / "report"


def _check_replaceable(target: Path) -> None:
    """Refuse a folder with anything in it that `lcbench report` did not write."""
    remedy = "Choose another folder with --out, or move what is in it."
    if target.is_file():
        raise UserError(f"{target}: a file stands where the report's folder would be", remedy)
    if not target.is_dir():
        return
    if any(target.iterdir()) and not _is_ours(target / RESULTS_JSON):
        raise UserError(f"{target}: not empty, and not written by lcbench report", remedy)
    inside = [path for path in sorted(target.rglob("*")) if path.name not in _SYSTEM_FILES]
    foreign = [path for path in inside if path.is_symlink() or not _is_of_report(path, target)]
    if foreign:
        name = foreign[0].relative_to(target)
        raise UserError(f"{target}: holds {name}, which lcbench report did not write", remedy)


def _is_ours(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("generator") == _GENERATOR


def _is_of_report(path: Path, target: Path) -> bool:
    folder = path.parent
    if path.is_dir():
        return path.name == FIGURES or _is_ours(path / RESULTS_JSON)
    if folder.name == FIGURES and path.suffix == ".png":
        return folder.parent == target or _is_ours(folder.parent / RESULTS_JSON)
    return path.name in {README, RESULTS_JSON, RESULTS_CSV} and _is_ours(folder / RESULTS_JSON)


def _write_suite(suite: Suite, results: Results, folder: Path) -> SuiteReport:
    figures = _draw(suite, results, folder / FIGURES)
    write_text(folder / README, render(results, figures))
    write_text(folder / RESULTS_JSON, results.model_dump_json(indent=2) + "\n")
    write_tidy(results, folder / RESULTS_CSV)
    return SuiteReport(
        results=results,
        readme=folder / README,
        results_json=folder / RESULTS_JSON,
        results_csv=folder / RESULTS_CSV,
        figures=tuple(figures.values()),
    )


def _draw(suite: Suite, results: Results, folder: Path) -> dict[str, Path]:
    """Draw every picture; the keys are the texts for those who cannot see them."""
    figures = {
        "Accuracy of each baseline with 95 % intervals": draw_intervals(
            results, folder / "intervals.png"
        )
    }
    differences = draw_differences(results, folder / "differences.png")
    if differences is not None:
        figures[DIFFERENCES] = differences
    for result in results.protocols:
        name = result.protocol
        figures[f"Confusion matrices under the {name} protocol"] = draw_confusions(
            results, result, folder / f"confusion-{name}.png"
        )
        curves = draw_curves(suite, results, name, folder / f"learning-curves-{name}.png")
        if curves is not None:
            figures[f"Learning curves under the {name} protocol"] = curves
    return figures


def render(results: Results, figures: dict[str, Path]) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    results
        What it says.
    figures
        Pictures by the text that describes them; the interval plot comes first.
    """
    pictures = {text: md.picture(f"{FIGURES}/{path.name}", text) for text, path in figures.items()}
    first = pictures.pop(next(iter(pictures)))
    differences = pictures.pop(DIFFERENCES, "")
    return (
        md.paragraphs(
            opening(results),
            first,
            baselines_section(results),
            *(protocol_section(results, result) for result in results.protocols),
            drop_section(results),
            comparison_section(results, differences),
            "## Pictures",
            *pictures.values(),
            class_section(results),
            efficiency_section(results),
            claims_section(results),
            external_section(results),
            left_out_section(results),
            provenance_section(results),
        )
        + "\n"
    )


def _write_index(folder: Path, written: list[SuiteReport]) -> None:
    names = [report.readme.parent.name for report in written]
    entries = [_index_entry(name, report) for name, report in zip(names, written, strict=True)]
    write_text(folder / README, md.paragraphs("# Reports", md.bullets(entries)) + "\n")
    write_json(folder / RESULTS_JSON, {"generator": _GENERATOR, "suites": names})


def _index_entry(name: str, report: SuiteReport) -> str:
    finding = md.escape(report.results.findings[0])
    return f"{md.link(report.results.suite, f'{name}/{README}')}: {finding}"


def _moved(report: SuiteReport, old: Path, new: Path) -> SuiteReport:
    def move(path: Path) -> Path:
        return new / path.relative_to(old)

    return SuiteReport(
        results=report.results,
        readme=move(report.readme),
        results_json=move(report.results_json),
        results_csv=move(report.results_csv),
        figures=tuple(move(path) for path in report.figures),
    )
