"""The predictions on external folders, held against the runs that they came from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from lcbench.errors import UserError
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.external_table import read_images
from lcbench.runs.finished import ExternalFolder, ExternalRun
from lcbench.runs.records import read_record
from lcbench.runs.run_reader import RunReader, read_predictions, require_own
from lcbench.runs.store import EVALUATION, EXTERNAL
from lcbench.runs.stored import UnusableRunError, is_as_stored
from lcbench.storage.paths import inside

_SHOWN = 3
_AGAIN = "give lcbench evaluate the folder again"


def read_external_folders(reader: RunReader) -> Iterator[ExternalFolder]:
    """Yield the external folders whose evaluation was stored; note what cannot be used.

    Parameters
    ----------
    reader
        Has read the runs of the suite.
    """
    for path in sorted(reader.folder.glob(f"{EXTERNAL}/[!.]*/")):
        with reader.noted(path):
            record = _read_record(path)
            images = _read_table(path, record)
            runs = tuple(_read_external_runs(reader, path, record))
            # Only this reader needs to know the files.
            yield ExternalFolder(record.model_copy(update={"predicted": {}}), runs, images)


def _read_record(path: Path) -> ExternalRecord:
    if not (path / EVALUATION).is_file():
        raise UnusableRunError("interrupted", f"no {EVALUATION}")
    try:
        record = read_record(path / EVALUATION, ExternalRecord)
    except UserError as error:
        raise UserError(f"{error.message}: {_AGAIN}") from error
    if record.schema_version == 1:
        raise UnusableRunError(
            "older", f"stored by an older lcbench without hashes of its files: {_AGAIN}"
        )
    if record.name != path.name:
        raise UserError(
            f"{EVALUATION} is of another folder: call this one {record.name} again, or {_AGAIN}"
        )
    return record


def _read_table(path: Path, record: ExternalRecord) -> pd.DataFrame | None:
    """Return the table of the images; None where an older version stored none."""
    if record.table is None:
        return None
    try:
        return read_images(path, record.table)
    except UserError as error:
        raise UserError(f"{error.message}: {_AGAIN}") from error


def _read_external_runs(
    reader: RunReader, path: Path, record: ExternalRecord
) -> Iterator[ExternalRun]:
    """Yield the predictions of runs that are still there as they were."""
    outdated: list[str] = []
    for name, predicted in record.predicted.items():
        run = reader.stored.get(name)
        if run is None or run.identity != predicted.run:
            protocol, baseline, *_ = name.split("/")
            if reader.plan.has_protocol(protocol) and reader.plan.has_baseline(baseline):
                outdated.append(name)
            continue
        file = inside(path, f"{name}.parquet")
        with reader.noted(file):
            if not file.is_file():
                raise UserError(f"gone: {_AGAIN}")
            if not is_as_stored(file, predicted.file):
                raise UserError(f"damaged: not the file that was stored: {_AGAIN}")
            predictions = read_predictions(file, reader.taxonomy, unscored=True)
            require_own(predictions, run.config)
            yield ExternalRun(run.config.protocol, run.config.baseline, predictions)
    if outdated:
        more = f" and {len(outdated) - _SHOWN} more" if len(outdated) > _SHOWN else ""
        which = f"{', '.join(outdated[:_SHOWN])}{more}"
        detail = f"of runs that were done again since, or that cannot be used ({which}): {_AGAIN}"
        reader.cannot_use(path, "outdated", detail)
