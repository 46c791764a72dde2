"""Do a report again in a folder of its own, and compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lcbench.analysis.agreement import Agreement, agreement_of
from lcbench.analysis.results import Results
from lcbench.compute import available_devices, supports_bf16
from lcbench.console import warn
from lcbench.datasets.labels import LEAVE_OUT, LabelReader
from lcbench.errors import UserError
from lcbench.rendering.agreement import write_agreement
from lcbench.rendering.report.writing import write_report
from lcbench.rerun.plan import RerunOptions, parts, plan_again
from lcbench.runs.evaluate import Evaluation, EvaluationOptions, evaluate
from lcbench.runs.execute import Outcome, execute
from lcbench.runs.plan import Plan
from lcbench.runs.records import ExternalRecord
from lcbench.statistics.bootstrap import Tick
from lcbench.storage import file_sha256, write_json
from lcbench.stored_results import read_results
from lcbench.taxonomy import normalise

MARKER = "rerun.json"
RUNS = "runs"
REPORT = "report"
TABLE = "agreement.csv"
_GENERATOR = "lcbench rerun"


@dataclass(frozen=True)
class Watcher:
    """Who is told what is being done; by default nobody."""

    planned: Callable[[Plan], None] = lambda _: None
    done: Callable[[Outcome], None] = lambda _: None
    evaluated: Callable[[Evaluation], None] = lambda _: None


def read_report(path: Path) -> Results:
    """Read the results of a report that can be done again.

    Raises
    ------
    UserError
        If it is an audit or a comparison, or cannot be read.
    """
    results = read_results(path)
    if isinstance(results, Results):
        return results
    made_by = results.generator
    raise UserError(
        f"{path}: written by {made_by}, and only what lcbench report wrote can be done again",
        f"An audit or a comparison is one command: type it again. It was: "
        f"{results.command or 'called from Python'}",
    )


def require_folder(out: Path, report: Path) -> None:
    """Refuse a folder that holds anything but what an earlier try to do this report again left.

    Raises
    ------
    UserError
        If something else stands there.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if _marker(out) != _fingerprint(report):
        raise UserError(
            f"--out {out}: stands there already, and was not made from this report",
            "Name a new folder with --out.",
        )


def do_again(report: Path, out: Path, options: RerunOptions, watcher: Watcher) -> Results:
    """Do every run of a report again, and its external folders; what is finished is kept.

    Parameters
    ----------
    report
        The results.json of `lcbench report`, or its folder.
    out
        New folder for the runs, their report and the table of agreement.
    options
        Where things lie now.
    watcher
        Who is told what is being done.

    Returns
    -------
    Results
        What the report says.

    Raises
    ------
    UserError
        If the report cannot be done again here, or `out` is taken.
    """
    results = read_report(report)
    require_folder(out, report)
    folders = list(_external_folders(results, options))
    plan = plan_again(results, options)
    watcher.planned(plan)
    write_json(out / MARKER, {"generator": _GENERATOR, "report": _fingerprint(report)})
    for part in parts(results, plan):
        watcher.done(execute(part, out / RUNS, jobs=options.jobs))
    for folder, record in folders:
        chosen = _evaluation_options(record, results, plan, options)
        suite = out / RUNS / plan.suite.name
        watcher.evaluated(evaluate(folder, suite, chosen, _reader_of(record, plan)))
    return results


def compare_again(
    results: Results, out: Path, advance: Callable[[str], Tick | None] = lambda _: None
) -> Agreement:
    """Write the report of the runs that were done again, and compare every number.

    Parameters
    ----------
    results
        What the report says.
    out
        The folder of `do_again`; it gets a report and the table of agreement.
    advance
        Called with the name of each step before it begins.
    """
    settings = results.settings
    written = write_report(
        out / RUNS / results.suite,
        out / REPORT,
        resamples=settings.resamples,
        adjustment=settings.adjustment,
        advance=advance,
    )
    advance("Comparing every number")
    agreement = agreement_of(results, written.suites[0])
    write_agreement(agreement, out / TABLE)
    return agreement


def _fingerprint(report: Path) -> str:
    return file_sha256(report / "results.json" if report.is_dir() else report)


def _marker(out: Path) -> str:
    """Return the fingerprint of the report that a folder was made from; empty for other folders."""
    try:
        content = json.loads((out / MARKER).read_bytes())
    except (OSError, ValueError):
        return ""
    ours = isinstance(content, dict) and content.get("generator") == _GENERATOR
    return str(content.get("report", "")) if ours else ""


def _external_folders(
    results: Results, options: RerunOptions
) -> Iterator[tuple[Path, ExternalRecord]]:
    """Yield the external folders that are here: given by their name, or where they lay."""
    given = {path.resolve().stem if path.is_file() else path.resolve().name: path
             for path in options.external}  # fmt: skip
    records = [one.record for one in results.external]
    unknown = sorted(given.keys() - {record.name for record in records})
    if unknown:
        known = ", ".join(record.name for record in records) or "none"
        raise UserError(
            f"--external {given[unknown[0]]}: the report has no external folder of that name",
            f"Its external folders: {known}.",
        )
    for record in records:
        folder = given.get(record.name) or (Path(record.source) if record.source else None)
        if folder is not None and folder.exists():
            yield folder, record
        else:
            warn(f"external folder {record.name} is not here: say where it lies with --external")


def _reader_of(record: ExternalRecord, plan: Plan) -> LabelReader:
    """Return a reader that reads every label as it was read then."""
    then = {
        normalise(label.label): LEAVE_OUT if label.left_out else label.node
        for label in record.labels
        if label.node or label.left_out
    }
    return LabelReader(plan.taxonomy, then)


def _evaluation_options(
    record: ExternalRecord, results: Results, plan: Plan, options: RerunOptions
) -> EvaluationOptions:
    compared = record.overlap is not None and not record.overlap.reason
    used = [(one.device, one.precision) for one in results.runs]
    device = record.device or used[0][0]
    precision = record.precision or ("bf16" if any(p == "bf16" for _, p in used) else "32")
    here = device in available_devices()
    bf16 = precision == "bf16" and here and supports_bf16(device)
    return EvaluationOptions(
        training=plan.dataset.root if compared else None,
        weights=options.weights,
        offline=options.offline,
        device=device if here else "auto",  # type: ignore[arg-type]
        precision=("bf16" if bf16 else "32") if here else "auto",
        about=record.about,
    )
