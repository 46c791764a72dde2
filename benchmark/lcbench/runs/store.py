"""Where runs lie on disk, and what is there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lcbench.errors import UserError
from lcbench.runs.records import PlanRecord, RunConfig, RunState, read_record
from lcbench.taxonomy import Taxonomy

PLAN = "plan.json"
CONFIG = "config.json"
STATE = "state.json"
HISTORY = "history.csv"
PREDICTIONS = "predictions.parquet"
MODEL = "model.safetensors"
SPLITS = "splits"
EXTERNAL = "external"
EVALUATION = "evaluation.json"


@dataclass(frozen=True)
class StoredRun:
    """A run folder whose records could be read."""

    folder: Path
    config: RunConfig
    state: RunState

    @property
    def done(self) -> bool:
        """Whether the run ended well and its predictions are there."""
        return self.state.status == "done" and (self.folder / PREDICTIONS).is_file()


def suite_folders(runs: Path) -> list[Path]:
    """Return the suite folders at or below `runs`.

    Raises
    ------
    UserError
        If there is none.
    """
    if (runs / PLAN).is_file():
        return [runs]
    found = sorted(path.parent for path in runs.glob(f"*/{PLAN}")) if runs.is_dir() else []
    if not found:
        raise UserError(
            f"{runs}: no runs found", "Run a suite first: lcbench run --suite core --data demo"
        )
    return found


def read_plan(suite_folder: Path) -> PlanRecord:
    """Read the plan of a suite folder."""
    return read_record(suite_folder / PLAN, PlanRecord)


def plan_taxonomy(plan: PlanRecord) -> Taxonomy:
    """Return the class tree of a plan, with the folder names that its classes are known by."""
    tree = plan.taxonomy
    return Taxonomy(tree.name, tree.parents, plan.aliases, tree.negative, tree.subtypes_of)


def run_folders(suite_folder: Path, plan: PlanRecord) -> Iterator[Path]:
    """Yield the folders of the runs of a suite, in order; temporary ones are passed over."""
    for protocol in plan.protocols:
        for baseline in sorted((suite_folder / protocol).glob("[!.]*")):
            yield from sorted(path for path in baseline.glob("seed*") if path.is_dir())


def read_run(folder: Path) -> StoredRun | None:
    """Read a run folder; None if it is not complete enough to say what it is."""
    if not (folder / CONFIG).is_file() or not (folder / STATE).is_file():
        return None
    return StoredRun(
        folder, read_record(folder / CONFIG, RunConfig), read_record(folder / STATE, RunState)
    )
