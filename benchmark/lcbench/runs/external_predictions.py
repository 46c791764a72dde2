"""The predictions on an external folder as those of one model, for whoever compares files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.predictions.messages import Finding, counted, listed
from lcbench.predictions.table import Predictions
from lcbench.predictions.validation import load_predictions
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.external_table import CALIBRATION, YES, read_images
from lcbench.runs.records import read_record
from lcbench.runs.store import EVALUATION, EXTERNAL, suite_folders
from lcbench.runs.stored import is_as_stored

_PARQUET = ".parquet"
_AGAIN = "Give lcbench evaluate the folder again."
_SHOWN = 12
_DEPTH = 3
"""Folders above a file of predictions, up to that of the evaluation."""


def find_external(paths: Sequence[Path], runs: Path) -> list[Path]:
    """Return paths with those that begin with `external/` looked up in the suites of a runs folder.

    What exists as it was typed stays as it is.

    Raises
    ------
    UserError
        If no suite has such predictions, or several have.
    """
    return [path if path.exists() or not _is_name(path) else _look_up(path, runs) for path in paths]


def all_external(paths: Sequence[Path]) -> bool:
    """Tell whether every path holds predictions on an external folder."""
    return all(_evaluation_of(path) is not None for path in paths)


def load_any(path: Path, reader: LabelReader) -> Predictions:
    """Read a prediction file, a folder of runs, or what one baseline predicted externally.

    Of an external folder, images that were set aside to calibrate on and those with tissue of the
    training images are left out, as in reports. Each of its trained models counts as a seed.

    Parameters
    ----------
    path
        `<suite>/external/<folder>/<protocol>/<baseline>`, a file in it, or anything else that
        `load_predictions` reads.
    reader
        Reads the class names.

    Raises
    ------
    UserError
        If it cannot be used, with what is wrong with it.
    """
    folder = _evaluation_of(path)
    if folder is None:
        return load_predictions(path, reader)
    record = read_record(folder / EVALUATION, ExternalRecord)
    files = _files_of_one_model(path, folder, record)
    parts = [load_predictions(file, reader) for file in files]
    whole = replace(
        parts[0],
        table=pd.concat([_as_seed(part.table, number) for number, part in enumerate(parts)],
                        ignore_index=True),
        probabilities=_together(parts),
        notes=_notes(parts),
    )  # fmt: skip
    return _scored(whole, folder, record)


def _is_name(path: Path) -> bool:
    return len(path.parts) > 1 and path.parts[0] == EXTERNAL


def _look_up(path: Path, runs: Path) -> Path:
    suites = suite_folders(runs)
    found = [suite / path for suite in suites if (suite / path).exists()]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{path}: several suites of {runs} have it",
            f"Name one of them: {listed(map(str, found), _SHOWN)}",
        )
    there = [
        f"{EXTERNAL}/{arm}"
        for suite in suites
        for folder in sorted((suite / EXTERNAL).glob(f"[!.]*/{EVALUATION}"))
        for arm in _arms(folder.parent)
    ]
    raise UserError(
        f"{path}: no such predictions in {runs}",
        f"There are: {listed(there, _SHOWN)}"
        if there
        else "Let the runs predict a folder first: lcbench evaluate DIR",
    )


def _arms(folder: Path) -> Iterator[str]:
    """Yield folder, protocol and baseline of every model that predicted an external folder."""
    for baseline in sorted(folder.glob("[!.]*/[!.]*/")):
        yield baseline.relative_to(folder.parent).as_posix()


def _evaluation_of(path: Path) -> Path | None:
    """Return the folder of the evaluation that a path lies in; None where it lies in none."""
    whole = path.resolve()
    for folder in (whole, *whole.parents[:_DEPTH]):
        if folder.parent.name == EXTERNAL and (folder / EVALUATION).is_file():
            return folder
    return None


def _files_of_one_model(path: Path, folder: Path, record: ExternalRecord) -> list[Path]:
    """Return the prediction files that a path names, held against their stored hashes."""
    whole = path.resolve()
    files = [whole] if whole.is_file() else sorted(whole.rglob(f"*{_PARQUET}"))
    names = {file: file.relative_to(folder).with_suffix("").as_posix() for file in files}
    models = {name.rpartition("/")[0] for name in names.values()}
    if len(models) != 1:
        there = [f"{folder.name}/{model}" for model in sorted(models)] or list(_arms(folder))
        raise UserError(
            f"{path}: predictions of {counted(len(models), 'model')} on the external folder "
            f"{folder.name}, not of one",
            f"Name one of: {listed((f'{EXTERNAL}/{one}' for one in there), _SHOWN)}",
        )
    kept = []
    for file, name in names.items():
        stored = record.predicted.get(name)
        if stored is None or not file.is_file() or not is_as_stored(file, stored.file):
            raise UserError(f"{file}: not the predictions that were stored", _AGAIN)
        kept.append(file)
    return kept


def _as_seed(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return the predictions of one trained model: every one has predicted every image."""
    return table.assign(seed=number, fold=0)


def _together(parts: Sequence[Predictions]) -> np.ndarray | None:
    chances = [part.probabilities for part in parts if part.probabilities is not None]
    return np.concatenate(chances) if len(chances) == len(parts) else None


def _notes(parts: Sequence[Predictions]) -> tuple[Finding, ...]:
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    if len(parts) > 1:
        what = f"each of its {len(parts)} trained models has predicted every image, as seeds have"
        return (*notes, Finding(what))
    return tuple(notes)


def _scored(model: Predictions, folder: Path, record: ExternalRecord) -> Predictions:
    """Return the predictions without images that reports do not score."""
    if record.table is None:
        return model
    try:
        images = read_images(folder, record.table).set_index("image")
    except UserError as error:
        raise UserError(f"{folder}: {error.message}", _AGAIN) from error
    of_rows = images.reindex(model.table["image"])
    aside = (of_rows["role"] == CALIBRATION).to_numpy()
    seen = (of_rows["contaminated"] == YES).to_numpy() & ~aside
    if not (aside | seen).any():
        return model
    if (aside | seen).all():
        raise UserError(
            f"{folder}: every image with a class was set aside to calibrate on or shows tissue of "
            "the training images: nothing is left to compare"
        )
    notes = [
        Finding(f"{counted(model.table['image'][rows].nunique(), 'image')} left out: {why}")
        for rows, why in (
            (aside, "set aside to calibrate on"),
            (seen, "tissue of the training images"),
        )
        if rows.any()
    ]
    kept = model.keep(~(aside | seen))
    return replace(kept, notes=(*kept.notes, *notes))
