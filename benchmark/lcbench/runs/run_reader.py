"""The runs of a suite folder, read and checked; what cannot be used is noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.predictions.table import Predictions
from lcbench.predictions.validation import load_predictions
from lcbench.runs.finished import FinishedRun, Incomplete
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import RunConfig
from lcbench.runs.store import run_folders
from lcbench.runs.stored import (
    HISTORY,
    PREDICTIONS,
    VALIDATION,
    IncompleteKind,
    StoredRun,
    UnusableRunError,
    name_of,
    read_run,
)
from lcbench.statistics.decision_rules import LIKELIEST, contradicts
from lcbench.tables import read_text_table
from lcbench.taxonomy import Taxonomy

_HISTORY_NUMBERS = ("epoch", "train_loss", "validation_loss", "validation_accuracy")
_HISTORY_COLUMNS = ("network", *_HISTORY_NUMBERS)


@dataclass
class RunReader:
    """Reads the runs of a suite folder and collects what cannot be used.

    `stored`: the run folders that hold what was stored, and that are of the suite, by name.
    """

    folder: Path
    plan: PlanRecord
    taxonomy: Taxonomy
    incomplete: list[Incomplete] = field(default_factory=list)
    stored: dict[str, StoredRun] = field(default_factory=dict)

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
        except UnusableRunError as error:
            self.cannot_use(path, error.kind, error.message)
        except UserError as error:
            self.cannot_use(path, "unusable", error.message)

    def read_runs(self) -> list[FinishedRun]:
        """Return the finished runs by protocol, baseline, seed and fold."""
        runs: dict[tuple[str, str, int, int], FinishedRun] = {}
        together: dict[Path, Predictions | None] = {}
        for path in self._folders_of_the_suite():
            with self.noted(path):
                stored = self._read_stored(path)
                if path.parent not in together:
                    together[path.parent] = _read_together(path.parent, self.taxonomy)
                run = self._finished(stored, together[path.parent])
                config = run.config
                runs[config.protocol, config.baseline, config.seed, config.fold] = run
                self.stored[run.name] = stored
        return [runs[cell] for cell in sorted(runs)]

    def _folders_of_the_suite(self) -> Iterator[Path]:
        """Yield the run folders of what the suite still has; note once what it has no longer."""
        retired: dict[Path, None] = {}
        for path in run_folders(self.folder, self.plan.protocols):
            protocol, baseline, _ = name_of(path).split("/")
            if not self.plan.has_protocol(protocol):
                retired[path.parent.parent] = None
            elif not self.plan.has_baseline(baseline):
                retired[path.parent] = None
            else:
                yield path
        for place in retired:
            kind = "protocol" if place.parent == self.folder else "baseline"
            self.cannot_use(place, "retired", f"the suite has no such {kind} any more")

    def _read_stored(self, path: Path) -> StoredRun:
        stored = read_run(path)
        if not stored.done:
            raise UnusableRunError("failed", stored.state.error)
        foreign = stored.foreign_to(self.plan)
        if foreign:
            raise UserError(foreign)
        return stored

    def _finished(self, stored: StoredRun, together: Predictions | None) -> FinishedRun:
        path, config = stored.folder, stored.config
        if together is None:
            predictions = read_predictions(path / PREDICTIONS, self.taxonomy)
        else:
            table = together.table
            own = (table["seed"] == config.seed) & (table["fold"] == config.fold)
            predictions = together.keep(own.to_numpy())
        require_own(predictions, config)
        _require_all(predictions, config.split.test, "test")
        there = stored.state.files
        history = _read_history(path / HISTORY) if HISTORY in there else None
        validation = None
        if VALIDATION in there:
            validation = read_predictions(path / VALIDATION, self.taxonomy)
            require_own(validation, config)
            _require_all(validation, config.split.validation, "validation")
        return FinishedRun(stored.name, config, stored.state, predictions, history, validation)


def read_predictions(path: Path, taxonomy: Taxonomy, *, unscored: bool = False) -> Predictions:
    """Read predictions of ours, by the rules for everybody's, and with probabilities.

    With `unscored`, images are kept whose label is the root of the class tree.
    """
    predictions = load_predictions(path, LabelReader(taxonomy), unscored=unscored)
    if predictions.probabilities is None:
        raise UserError(f"{path.name} has no probabilities")
    return predictions


def require_own(predictions: Predictions, config: RunConfig) -> None:
    """Hold predictions against the run that they are said to come from.

    Raises
    ------
    UserError
        If rows name another run, or answers are not those that the run's decision rule gives.
    """
    table = predictions.table
    for column in ("protocol", "baseline", "seed", "fold"):
        other = set(table[column]) - {getattr(config, column)}
        if other:
            raise UserError(f"the predictions are of another run: {column} {min(other)}")
    chances = predictions.probabilities
    if chances is not None:
        rule, taxonomy = config.decision, config.taxonomy.tree()
        answers = pd.Index(predictions.leaves).get_indexer(pd.Index(table["predicted"]))
        wrong = int(contradicts(rule, answers, chances, taxonomy).sum())
        if wrong:
            by = "" if rule == LIKELIEST else f" by the rule {rule}"
            raise UserError(f"predicted contradicts the probabilities of {wrong} images{by}")


def _require_all(predictions: Predictions, expected: int, side: str) -> None:
    found = len(predictions.table)
    if found != expected:
        raise UserError(f"{found} predictions for {expected} {side} images")


def _read_together(place: Path, taxonomy: Taxonomy) -> Predictions | None:
    """Read the runs of a baseline at once, which is faster; None where any of them is wrong."""
    try:
        return read_predictions(place, taxonomy)
    except UserError:
        return None


def _read_history(path: Path) -> pd.DataFrame | None:
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
