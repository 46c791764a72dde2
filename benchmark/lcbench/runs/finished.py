"""What one suite folder holds, read and checked: finished runs, and what did not finish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.predictions.table import Predictions
from lcbench.predictions.validation import load_predictions
from lcbench.runs.records import (
    ExternalRecord,
    PlanRecord,
    RolesRecord,
    RunConfig,
    RunState,
    read_record,
)
from lcbench.runs.store import (
    CONFIG,
    EVALUATION,
    EXTERNAL,
    HISTORY,
    PREDICTIONS,
    STATE,
    never_started,
    plan_taxonomy,
    read_plan,
    read_run,
    run_folders,
)
from lcbench.runs.suite import in_order
from lcbench.tables import read_text_table
from lcbench.taxonomy import Taxonomy

IncompleteKind = Literal[
    "failed", "interrupted", "unusable", "duplicate", "left behind", "never started"
]
_TEMPORARY = ".*-*"
_HISTORY_NUMBERS = ("epoch", "train_loss", "validation_loss")
_HISTORY_COLUMNS = ("epoch", "network", "train_loss", "validation_loss")


@dataclass(frozen=True)
class FinishedRun:
    """One finished run.

    `name`: its folder below the suite's, with forward slashes. `predictions`: of its test side;
    labels may be inner nodes of the class tree. `history`: one row an epoch, None without epochs.
    """

    name: str
    config: RunConfig
    state: RunState
    predictions: Predictions
    history: pd.DataFrame | None


@dataclass(frozen=True)
class ExternalRun:
    """The predictions of one finished run on an external folder."""

    protocol: str
    baseline: str
    predictions: Predictions


@dataclass(frozen=True)
class ExternalFolder:
    """An external folder: what it holds, and the predictions on it."""

    record: ExternalRecord
    runs: tuple[ExternalRun, ...]


@dataclass(frozen=True)
class Incomplete:
    """Something that was planned or begun, and that gave no predictions that can be used.

    `run`: its folder below the suite's; a protocol or baseline where more is missing. `detail`: the
    stored reason, the message of the reader, or the run that it repeats. `missing`: the planned
    runs below `run` that were never started.
    """

    run: str
    kind: IncompleteKind
    detail: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class FinishedSuite:
    """All that one suite folder holds."""

    plan: PlanRecord
    taxonomy: Taxonomy
    runs: tuple[FinishedRun, ...]
    external: tuple[ExternalFolder, ...]
    incomplete: tuple[Incomplete, ...]

    @property
    def roles(self) -> RolesRecord:
        """What its protocols and baselines are for."""
        return self.plan.roles or RolesRecord()

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols with a finished run, in the order of the plan."""
        return in_order({run.config.protocol for run in self.runs}, self.plan.protocols)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Baselines with a finished run, in the order of the plan."""
        return in_order({run.config.baseline for run in self.runs}, self.plan.baselines)

    def runs_of(
        self, *, protocol: str | None = None, baseline: str | None = None
    ) -> list[FinishedRun]:
        """Return the runs of a protocol, of a baseline, or of both, by seed and fold."""
        return [
            run
            for run in self.runs
            if protocol in (None, run.config.protocol) and baseline in (None, run.config.baseline)
        ]

    def models(self, protocol: str) -> tuple[Predictions, ...]:
        """Return a table a baseline, its runs one below the other, in the order of the plan."""
        return tuple(
            _together(name, [run.predictions for run in runs])
            for name in self.baselines
            if (runs := self.runs_of(protocol=protocol, baseline=name))
        )


def read_suite(folder: Path) -> FinishedSuite:
    """Read a suite folder; what cannot be used is listed, not lost.

    Raises
    ------
    UserError
        If the plan cannot be read, or no run has finished.
    """
    plan = read_plan(folder)
    reader = _Reader(folder, plan, plan_taxonomy(plan))
    runs = reader.read_runs()
    if not runs:
        reasons = "; ".join(f"{one.run}: {one.kind} {one.detail}" for one in reader.incomplete)
        raise UserError(
            f"{folder}: no finished run ({reasons or 'no run folders'})",
            "Run the suite again, or name the folder of one suite: lcbench report RUNS/SUITE.",
        )
    external = tuple(reader.read_external_folders())
    for path in sorted(folder.rglob(_TEMPORARY)):
        reader.cannot_use(path, "left behind")
    seen = [*(run.name for run in runs), *(one.run for one in reader.incomplete)]
    never = [
        Incomplete(place, "never started", missing=names)
        for place, names in never_started(plan, seen)
    ]
    incomplete = (*reader.incomplete, *never)
    return FinishedSuite(plan, reader.taxonomy, tuple(runs), external, incomplete)


class _EndedError(UserError):
    """A run that did not end well."""

    def __init__(self, kind: IncompleteKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass
class _Reader:
    """Reads a suite folder and collects what cannot be used."""

    folder: Path
    plan: PlanRecord
    taxonomy: Taxonomy
    incomplete: list[Incomplete] = field(default_factory=list)

    def cannot_use(self, path: Path, kind: IncompleteKind, detail: str = "") -> None:
        """Note a path that cannot be used; its own name is cut from the detail."""
        name = path.relative_to(self.folder).as_posix()
        short = detail.replace(f"{path}/", "").replace(f"{path}: ", "")
        self.incomplete.append(Incomplete(name, kind, short))

    @contextmanager
    def noted(self, path: Path) -> Iterator[None]:
        """Note what goes wrong with a path instead of raising it."""
        try:
            yield
        except _EndedError as error:
            self.cannot_use(path, error.kind, error.message)
        except UserError as error:
            self.cannot_use(path, "unusable", error.message)

    def read_runs(self) -> list[FinishedRun]:
        """Return the finished runs by protocol, baseline, seed and fold."""
        runs: dict[tuple[str, str, int, int], FinishedRun] = {}
        together: dict[Path, Predictions | None] = {}
        for path in run_folders(self.folder, self.plan):
            if path.parent not in together:
                together[path.parent] = _read_together(path.parent, self.taxonomy)
            with self.noted(path):
                run = self._read_run(path, together[path.parent])
                config = run.config
                cell = (config.protocol, config.baseline, config.seed, config.fold)
                if runs.setdefault(cell, run) is not run:
                    raise _EndedError("duplicate", runs[cell].name)
        return [runs[cell] for cell in sorted(runs)]

    def read_external_folders(self) -> Iterator[ExternalFolder]:
        """Yield the external folders whose evaluation was stored."""
        for path in sorted(self.folder.glob(f"{EXTERNAL}/[!.]*/")):
            with self.noted(path):
                if not (path / EVALUATION).is_file():
                    raise _EndedError("interrupted", f"no {EVALUATION}")
                record = read_record(path / EVALUATION, ExternalRecord)
                yield ExternalFolder(record, tuple(self._read_external_runs(path)))

    def _read_run(self, path: Path, together: Predictions | None) -> FinishedRun:
        name = path.relative_to(self.folder).as_posix()
        stored = read_run(path)
        if stored is None:
            raise _EndedError("interrupted", f"no {CONFIG} or {STATE}")
        config, state = stored.config, stored.state
        own_name = f"{config.protocol}/{config.baseline}"
        if name.rsplit("/", 1)[0] != own_name:
            raise UserError(f"{CONFIG} names another run: {own_name}")
        if state.status == "failed":
            raise _EndedError("failed", state.error)
        if config.dataset.sha256 != self.plan.dataset.sha256:
            raise UserError("made from other images than the plan's")
        if together is None or not (path / PREDICTIONS).is_file():
            predictions = _read_predictions(path / PREDICTIONS, self.taxonomy)
        else:
            table = together.table
            own = (table["seed"] == config.seed) & (table["fold"] == config.fold)
            predictions = together.keep(own.to_numpy())
        found, expected = len(predictions.table), config.split.test
        if found != expected:
            raise UserError(f"{found} predictions for {expected} test images")
        return FinishedRun(name, config, state, predictions, _read_history(path / HISTORY))

    def _read_external_runs(self, path: Path) -> Iterator[ExternalRun]:
        for file in sorted(path.glob("[!.]*/[!.]*/[!.]*.parquet")):
            with self.noted(file):
                predictions = _read_predictions(file, self.taxonomy)
                yield ExternalRun(file.parts[-3], file.parts[-2], predictions)


def _read_predictions(path: Path, taxonomy: Taxonomy) -> Predictions:
    if not path.exists():
        raise UserError(f"no {path.name}")
    predictions = load_predictions(path, LabelReader(taxonomy))
    if predictions.probabilities is None:
        raise UserError(f"{path.name} has no probabilities")
    return predictions


def _read_together(place: Path, taxonomy: Taxonomy) -> Predictions | None:
    """Read the runs of a baseline at once, which is faster; None where any of them is wrong."""
    try:
        return _read_predictions(place, taxonomy)
    except UserError:
        return None


def _together(name: str, parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of one model, its runs one below the other."""
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return replace(
        parts[0],
        name=name,
        table=pd.concat([part.table for part in parts], ignore_index=True),
        probabilities=np.concatenate(probabilities),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _read_history(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    history = read_text_table(path)
    missing = [column for column in _HISTORY_COLUMNS if column not in history]
    if missing:
        raise UserError(f"{path.name} lacks the columns {', '.join(missing)}")
    for column in _HISTORY_NUMBERS:
        try:
            history[column] = pd.to_numeric(history[column])
        except ValueError as error:
            raise UserError(f"{path.name}: the column {column} holds no numbers") from error
    return history if len(history) else None
