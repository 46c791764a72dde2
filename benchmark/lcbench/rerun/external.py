"""The external folders of a report: where they lie now, and how they were evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lcbench.analysis.results import Results
from lcbench.console import warn
from lcbench.datasets.labels import LEAVE_OUT, LabelReader
from lcbench.errors import UserError
from lcbench.rerun.plan import RerunOptions, compute_here
from lcbench.runs.evaluate import Evaluation, evaluate
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.external import folder_name
from lcbench.runs.external_records import ExternalRecord, LabelCount
from lcbench.runs.plan import Plan
from lcbench.taxonomy import ROOT, normalise


def external_folders(
    results: Results, options: RerunOptions
) -> Iterator[tuple[Path, ExternalRecord]]:
    """Yield the external folders that are here: given by their name, or where they lay.

    Raises
    ------
    UserError
        If one was given that the report does not have.
    """
    given = {folder_name(path): path for path in options.external}
    records = [one.record for one in results.external]
    unknown = sorted(given.keys() - {name for record in records for name in _names(record)})
    if unknown:
        known = ", ".join(record.name for record in records) or "none"
        raise UserError(
            f"--external {given[unknown[0]]}: the report has no external folder of that name",
            f"Its external folders: {known}.",
        )
    for record in records:
        found = (given[name] for name in _names(record) if name in given)
        folder = next(found, Path(record.source) if record.source else None)
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
        name=record.options.name,
        only=record.options.only,
        label_pattern=record.options.label_pattern,
        groups=_groups(record),
        group_pattern=record.options.group_pattern,
        unlabelled=record.options.unlabelled,
        calibrate_on=record.options.calibrate_on,
        embeddings=record.options.embeddings,
        tile=record.options.tile,
    )
    then = {normalise(label.label): node for label in record.labels if (node := _meaning(label))}
    return evaluate(folder, suite, chosen, LabelReader(plan.taxonomy, then))


def _meaning(label: LabelCount) -> str:
    """Return what a label was read as; empty where it was not known."""
    if label.left_out:
        return LEAVE_OUT
    return ROOT if label.fate == "out of distribution" else label.node


def _groups(record: ExternalRecord) -> Path | None:
    """Return the file of patients or slides; None where there was none, or where it is gone."""
    file = record.options.groups
    if file and not Path(file).is_file():
        warn(f"external folder {record.name}: {file} is not here: groups are found from pixels")
        return None
    return Path(file) if file else None


def _names(record: ExternalRecord) -> tuple[str, ...]:
    """Return what an external folder goes by: its name in the report, and its own."""
    source = Path(record.source)
    own = source.stem if source.suffix.lower() == ".csv" else source.name
    return record.name, *([own] if own else [])
