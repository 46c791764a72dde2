"""The external folders of a report: where they lie now, and how they were evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lcbench.analysis.results import Results
from lcbench.console import warn
from lcbench.datasets.labels import LEAVE_OUT, LabelReader
from lcbench.errors import UserError
from lcbench.rerun.plan import RerunOptions, compute_here
from lcbench.runs.evaluate import Evaluation, EvaluationOptions, evaluate
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.plan import Plan
from lcbench.taxonomy import normalise


def external_folders(
    results: Results, options: RerunOptions
) -> Iterator[tuple[Path, ExternalRecord]]:
    """Yield the external folders that are here: given by their name, or where they lay.

    Raises
    ------
    UserError
        If one was given that the report does not have.
    """
    given = {_name(path): path for path in options.external}
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


def evaluate_again(
    folder: Path, record: ExternalRecord, suite: Path, plan: Plan, options: RerunOptions
) -> Evaluation:
    """Let the runs of a suite's folder predict an external folder as its record says."""
    compared = record.overlap is not None and not record.overlap.reason
    compute = plan.compute
    device, precision = compute_here(
        record.device or compute.device, record.precision or compute.precision
    )
    chosen = EvaluationOptions(
        training=plan.dataset.root if compared else None,
        weights=options.weights,
        offline=options.offline,
        device=device,
        precision=precision,
        about=record.about,
    )
    then = {
        normalise(label.label): LEAVE_OUT if label.left_out else label.node
        for label in record.labels
        if label.node or label.left_out
    }
    return evaluate(folder, suite, chosen, LabelReader(plan.taxonomy, then))


def _name(path: Path) -> str:
    """Return what an evaluation of a folder or CSV is called."""
    whole = path.resolve()
    return whole.stem if whole.is_file() else whole.name
