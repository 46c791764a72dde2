"""Where runs lie on disk, and what is there already."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lcbench.errors import UserError
from lcbench.protocols import PROTOCOLS, run_name
from lcbench.runs.records import Invocation, PlanRecord, RunConfig, RunState, read_record
from lcbench.runs.suite import load_suite, shipped_suites
from lcbench.taxonomy import Taxonomy, load_taxonomy

PLAN = "plan.json"
CONFIG = "config.json"
STATE = "state.json"
HISTORY = "history.csv"
PREDICTIONS = "predictions.parquet"
MODEL = "model.safetensors"
SPLITS = "splits"
EXTERNAL = "external"
EVALUATION = "evaluation.json"
_DEPTH = 5
"""Folders above a prediction file of a suite, up to the suite's own."""


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
    """Read the plan of a suite folder; what older versions did not store is filled in.

    Roles are then those of the shipped suite of that name, if there is one.
    """
    plan = read_record(suite_folder / PLAN, PlanRecord)
    if not plan.invocations:
        shared = Invocation.model_fields.keys() & PlanRecord.model_fields.keys()
        asked = {name: getattr(plan, name) for name in shared}
        plan = plan.model_copy(update={"invocations": (Invocation(**asked),)})
    if plan.roles is None and plan.suite in shipped_suites():
        plan = plan.model_copy(update={"roles": load_suite(plan.suite).roles})
    return plan


def plan_taxonomy(plan: PlanRecord) -> Taxonomy:
    """Return the class tree of a plan, with the folder names that its classes are known by."""
    return plan.taxonomy.tree(plan.aliases)


def run_folders(suite_folder: Path, plan: PlanRecord) -> Iterator[Path]:
    """Yield the folders of the runs of a suite, in order; temporary ones are passed over.

    Protocols that the plan does not name, because an older version forgot them, come last.
    """
    found = {path.name for path in suite_folder.glob("[!.]*") if path.is_dir()}
    others = sorted(found - {SPLITS, EXTERNAL, *plan.protocols})
    for protocol in (*plan.protocols, *others):
        for baseline in sorted((suite_folder / protocol).glob("[!.]*")):
            yield from sorted(path for path in baseline.glob("seed*") if path.is_dir())


def planned_runs(invocations: Iterable[Invocation]) -> set[str]:
    """Return `<protocol>/<baseline>/<split>` of every run that was asked for.

    Protocols of which this version does not know the folds are passed over.
    """
    return {
        f"{protocol}/{baseline}/{run_name(protocol, seed, fold)}"
        for asked in invocations
        for protocol in asked.protocols
        if protocol in PROTOCOLS
        for baseline in asked.baselines
        for seed in range(asked.seeds)
        for fold in range(PROTOCOLS[protocol].folds)
    }


def never_started(plan: PlanRecord, seen: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what an invocation planned and nothing on disk shows.

    Protocols of which this version does not know the folds are passed over.

    Parameters
    ----------
    seen
        Folders below the suite's of what is there.

    Yields
    ------
    place, names
        `<protocol>/<baseline>`, or a protocol of which nothing is there, and the runs below it.
    """
    missing = planned_runs(plan.invocations).difference(seen)
    for protocol in plan.protocols:
        some = any(name.startswith(f"{protocol}/") for name in seen)
        for place in [f"{protocol}/{name}" for name in plan.baselines] if some else [protocol]:
            below = sorted(name for name in missing if name.startswith(f"{place}/"))
            if below:
                yield place, tuple(name.removeprefix(f"{place}/") for name in below)


def find_taxonomy(file: Path | None, predictions: Sequence[Path]) -> Taxonomy:
    """Return the class tree of a file; without one, the tree stored with runs, or the default.

    Raises
    ------
    UserError
        If the file cannot be read, or the runs were made for different trees.
    """
    if file is not None:
        return load_taxonomy(file)
    default = load_taxonomy()
    found: dict[object, tuple[Path, Taxonomy]] = {}
    for path in predictions:
        tree = _stored_tree(path)
        if tree is not None:
            found.setdefault(_structure(tree), (path, tree))
    if len(found) > 1:
        names = "; ".join(f"{path}: {tree.name}" for path, tree in found.values())
        raise UserError(
            f"runs for different class trees: {names}",
            "Compare runs of one class tree, or say with --taxonomy which one to use.",
        )
    if not found or _structure(default) in found:
        return default
    (stored,) = found.values()
    return stored[1]


def _structure(tree: Taxonomy) -> object:
    return frozenset(tree.parents.items()), tree.negative, tree.subtypes_of


def _stored_tree(path: Path) -> Taxonomy | None:
    """Return the tree of the run folder or suite that predictions lie in, or that they hold."""
    above = (path, *path.absolute().parents[:_DEPTH])
    below = sorted(path.rglob(PREDICTIONS))[:1] if path.is_dir() else []
    for folder in (*above, *(file.parent for file in below)):
        if _is_ours(folder / PLAN):
            return plan_taxonomy(read_plan(folder))
        if _is_ours(folder / CONFIG):
            return read_record(folder / CONFIG, RunConfig).taxonomy.tree()
    return None


def _is_ours(file: Path) -> bool:
    """Tell a record of ours from a file of the same name by another program."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"suite", "taxonomy", "dataset"} <= content.keys()


def read_run(folder: Path) -> StoredRun | None:
    """Read a run folder; None if it is not complete enough to say what it is."""
    if not (folder / CONFIG).is_file() or not (folder / STATE).is_file():
        return None
    return StoredRun(
        folder, read_record(folder / CONFIG, RunConfig), read_record(folder / STATE, RunState)
    )
