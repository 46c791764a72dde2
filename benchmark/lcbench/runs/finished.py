"""Run folders on disk to typed records: what finished, what did not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from lcbench.analysis.results import Incomplete
from lcbench.errors import UserError
from lcbench.predictions.table import Predictions, read_predictions
from lcbench.rendering.formats import plural
from lcbench.runs.finished_suite import ExternalFolder, ExternalRun, Run, Suite
from lcbench.runs.records import ExternalRecord, PlanRecord, read_record
from lcbench.runs.store import (
    CONFIG,
    EVALUATION,
    EXTERNAL,
    HISTORY,
    PREDICTIONS,
    STATE,
    plan_taxonomy,
    read_plan,
    read_run,
    run_folders,
)
from lcbench.taxonomy import Taxonomy

_TEMPORARY = ".*-*"
_HISTORY_COLUMNS = ("epoch", "network", "train_loss", "validation_loss")


def read_suite(folder: Path) -> Suite:
    """Read a suite folder.

    Raises
    ------
    UserError
        If the plan cannot be read, or no run has finished.
    """
    plan = read_plan(folder)
    taxonomy = plan_taxonomy(plan)
    trouble = _Trouble(folder)
    runs = _read_runs(folder, plan, taxonomy, trouble)
    if not runs:
        reasons = "; ".join(f"{one.run}: {one.reason}" for one in trouble.incomplete)
        raise UserError(
            f"{folder}: no finished run ({reasons or 'no run folders'})",
            "Run the suite again, or name the folder of one suite: lcbench report RUNS/SUITE.",
        )
    external = _read_external_folders(folder, taxonomy, trouble)
    for path in sorted(folder.rglob(_TEMPORARY)):
        trouble.add(path, "left behind by a run that was interrupted")
    trouble.incomplete += _never_started(plan, runs, trouble.incomplete)
    return Suite(plan, taxonomy, tuple(runs), external, tuple(trouble.incomplete))


class _Trouble:
    """Collects what cannot be used, and why."""

    def __init__(self, suite: Path) -> None:
        self.suite = suite
        self.incomplete: list[Incomplete] = []

    def add(self, path: Path, reason: str) -> None:
        """Note a path that cannot be used; its own name is cut from the reason."""
        name = path.relative_to(self.suite).as_posix()
        short = reason.replace(f"{path}/", "").replace(f"{path}: ", "")
        self.incomplete.append(Incomplete(run=name, reason=short))


def _read_runs(folder: Path, plan: PlanRecord, taxonomy: Taxonomy, trouble: _Trouble) -> list[Run]:
    runs: dict[tuple[str, str, int, int], Run] = {}
    for path in run_folders(folder, plan):
        try:
            run = _read_run(path, path.relative_to(folder).as_posix(), plan, taxonomy)
        except UserError as error:
            trouble.add(path, str(error))
            continue
        config = run.config
        cell = (config.protocol, config.baseline, config.seed, config.fold)
        if runs.setdefault(cell, run) is not run:
            trouble.add(path, f"the same run as {runs[cell].name}")
    return [runs[cell] for cell in sorted(runs)]


def _read_run(path: Path, name: str, plan: PlanRecord, taxonomy: Taxonomy) -> Run:
    stored = read_run(path)
    if stored is None:
        raise UserError(f"no {CONFIG} or {STATE}: the run was interrupted")
    config, state = stored.config, stored.state
    if name.rsplit("/", 1)[0] != f"{config.protocol}/{config.baseline}":
        raise UserError(f"config.json names another run: {config.protocol}/{config.baseline}")
    if state.status == "failed":
        raise UserError(f"failed: {state.error or 'no reason was stored'}")
    if config.dataset.sha256 != plan.dataset.sha256:
        raise UserError("made from other images than the plan's")
    predictions = _read_known_predictions(path / PREDICTIONS, taxonomy)
    if len(predictions.table) != config.split.test:
        raise UserError(f"{len(predictions.table)} predictions for {config.split.test} test images")
    history = _read_history(path / HISTORY)
    return Run(name, config, state, _with_leaf_labels(predictions), history)


def _with_leaf_labels(predictions: Predictions) -> Predictions:
    """Return the images whose label is a leaf: only they can be right or wrong at every level."""
    table = predictions.table
    fixed = table[table["true"].isin(predictions.leaves)].reset_index(drop=True)
    return Predictions(fixed, predictions.leaves)


def _read_known_predictions(path: Path, taxonomy: Taxonomy) -> Predictions:
    if not path.is_file():
        raise UserError(f"no {path.name}")
    predictions = read_predictions(path)
    if set(predictions.leaves) != set(taxonomy.leaves):
        raise UserError("predicts other classes than the plan's")
    unknown = sorted(set(predictions.table["true"]) - set(taxonomy.nodes))
    if unknown:
        raise UserError(f"labels that the class tree does not have: {', '.join(unknown)}")
    if predictions.table["image"].duplicated().any():
        raise UserError("an image is predicted more than once")
    return Predictions(predictions.table, taxonomy.leaves)


def _read_history(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    try:
        history = pd.read_csv(path)
    except (ValueError, pd.errors.ParserError) as error:
        raise UserError(f"{path.name} cannot be read: {error}") from error
    missing = [column for column in _HISTORY_COLUMNS if column not in history]
    if missing:
        raise UserError(f"{path.name} lacks the columns {', '.join(missing)}")
    return history if len(history) else None


def _read_external_folders(
    suite: Path, taxonomy: Taxonomy, trouble: _Trouble
) -> tuple[ExternalFolder, ...]:
    found = []
    for path in _folders(suite / EXTERNAL):
        if not (path / EVALUATION).is_file():
            trouble.add(path, f"no {EVALUATION}: the evaluation was interrupted")
            continue
        try:
            record = read_record(path / EVALUATION, ExternalRecord)
        except UserError as error:
            trouble.add(path, str(error))
            continue
        found.append(ExternalFolder(record, _read_external_runs(path, taxonomy, trouble)))
    return tuple(found)


def _read_external_runs(
    path: Path, taxonomy: Taxonomy, trouble: _Trouble
) -> tuple[ExternalRun, ...]:
    runs = []
    for file in sorted(path.glob("[!.]*/[!.]*/[!.]*.parquet")):
        try:
            predictions = _read_known_predictions(file, taxonomy)
        except UserError as error:
            trouble.add(file, str(error))
            continue
        runs.append(ExternalRun(file.parts[-3], file.parts[-2], predictions))
    return tuple(runs)


def _never_started(
    plan: PlanRecord, runs: list[Run], incomplete: list[Incomplete]
) -> Iterator[Incomplete]:
    """Yield what is planned and left no folder, where other baselines have one."""
    paths = [
        name.split("/") for name in (*(run.name for run in runs), *(i.run for i in incomplete))
    ]
    seen = {tuple(parts) for parts in paths if len(parts) == 3 and parts[2][0] != "."}
    left_out = {one.baseline for one in plan.left_out}
    for protocol in plan.protocols:
        wanted = {leaf for place, _, leaf in seen if place == protocol}
        seeds = len({leaf.split("-")[0] for leaf in wanted})
        if not wanted:
            yield Incomplete(run=protocol, reason="planned, but never started")
        elif seeds < plan.seeds:
            reason = f"{plan.seeds} seeds planned, {seeds} begun"
            yield Incomplete(run=protocol, reason=reason)
        for baseline in plan.baselines:
            found = {leaf for place, name, leaf in seen if (place, name) == (protocol, baseline)}
            missing = wanted - found
            if missing and baseline not in left_out:
                which = "" if not found else f": {', '.join(sorted(missing))}"
                count = plural(len(missing), "run")
                reason = f"{count} planned, but never started{which}"
                yield Incomplete(run=f"{protocol}/{baseline}", reason=reason)


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(
        child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")
    )
