"""Where runs lie on disk, and what is there already."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lcbench.console import warn
from lcbench.documents import read_json
from lcbench.errors import UserError
from lcbench.protocols import PROTOCOLS, run_name
from lcbench.runs.plan_records import Invocation, PlanRecord
from lcbench.runs.records import NewerVersionError, RunConfig, read_record
from lcbench.runs.stored import CONFIG, PREDICTIONS
from lcbench.runs.suite import load_suite, shipped_suites
from lcbench.storage.locks import held, waiting
from lcbench.storage.paths import inside
from lcbench.taxonomy import Taxonomy, load_taxonomy

PLAN = "plan.json"
SPLITS = "splits"
EXTERNAL = "external"
EXPLANATIONS = "explanations"
EVALUATION = "evaluation.json"
_DEPTH = 5
"""Folders above a prediction file of a suite, up to the suite's own."""


@contextmanager
def sole_writer(place: Path) -> Iterator[None]:
    """Hold a folder while the block runs; say so where another process must end first."""
    with held(place, lambda: warn(waiting(place))):
        yield


def suite_folders(runs: Path) -> list[Path]:
    """Return the suite folders at or below `runs`.

    Raises
    ------
    UserError
        If there is none.
    """
    if _is_suite(runs):
        return [runs]
    found = sorted(filter(_is_suite, runs.glob("[!.]*"))) if runs.is_dir() else []
    if not found:
        raise UserError(
            f"{runs}: no runs found", "Run a suite first: lcbench run --suite core --data demo"
        )
    return found


def _is_suite(folder: Path) -> bool:
    """Tell whether a folder holds a suite's plan, or runs that have lost theirs."""
    return (folder / PLAN).is_file() or any(folder.glob(f"[!.]*/[!.]*/seed*/{CONFIG}"))


def read_plan(suite_folder: Path) -> PlanRecord:
    """Read the plan of a suite folder; what older versions did not store is filled in.

    Roles are then those of the shipped suite of that name, if there is one.

    Raises
    ------
    UserError
        If there is none that can be read.
    """
    try:
        plan = read_record(suite_folder / PLAN, PlanRecord)
    except NewerVersionError:
        raise
    except UserError as error:
        remedy = "Run the suite again with the same command: it keeps what is done."
        raise UserError(error.message, error.remedy or remedy) from error
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


def run_folders(suite_folder: Path, protocols: Sequence[str] = ()) -> Iterator[Path]:
    """Yield the folders of the runs of a suite, in order; temporary ones are passed over.

    Parameters
    ----------
    protocols
        Those that come first. What a plan does not name, because an older version forgot it or
        the suite has it no longer, comes last.

    Raises
    ------
    UserError
        If a folder leads out of the suite's.
    """
    found = {path.name for path in suite_folder.glob("[!.]*") if path.is_dir()}
    others = sorted(found - {SPLITS, EXTERNAL, EXPLANATIONS, *protocols})
    for protocol in (*protocols, *others):
        for baseline in sorted(inside(suite_folder, protocol).glob("[!.]*")):
            for path in sorted(baseline.glob("seed*")):
                if path.is_dir():
                    yield inside(suite_folder, protocol, baseline.name, path.name)


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
    missing = {
        f"{protocol}/{baseline}/{run_name(protocol, seed, fold)}"
        for asked in plan.invocations
        for protocol in asked.protocols
        if protocol in PROTOCOLS and plan.has_protocol(protocol)
        for baseline in asked.baselines
        if plan.has_baseline(baseline)
        for seed in range(asked.seeds)
        for fold in range(PROTOCOLS[protocol].folds)
    }.difference(seen)
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


def _structure(tree: Taxonomy) -> tuple[object, ...]:
    costs = json.dumps(tree.costs, sort_keys=True)
    return frozenset(tree.parents.items()), tree.negative, tree.subtypes_of, costs


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
        content = read_json(file)
    except UserError:
        return False
    return isinstance(content, dict) and {"suite", "taxonomy", "dataset"} <= content.keys()
