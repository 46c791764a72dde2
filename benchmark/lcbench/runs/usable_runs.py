"""The finished runs of a suite that can be put to work again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from lcbench.errors import UserError
from lcbench.runs.external_records import RunLeftOut
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.store import run_folders
from lcbench.runs.stored import StoredRun, name_of, read_runs
from lcbench.runs.suite import matching_names

_SHOWN = 3
_AGAIN = "lcbench run, with the same command as before, does it again"


def finished_runs(
    suite_folder: Path, plan: PlanRecord, only: Sequence[str]
) -> tuple[list[StoredRun], list[RunLeftOut]]:
    """Return the finished runs of what the suite has, and why others cannot be used.

    Parameters
    ----------
    suite_folder, plan
        The suite.
    only
        Patterns of the baselines; all by default.

    Raises
    ------
    UserError
        If none has finished, or a pattern fits no baseline.
    """
    wanted = matching_names(plan.baselines, only)
    folders = run_folders(suite_folder, plan.protocols)
    stored = read_runs(folder for folder in folders if _is_wanted(name_of(folder), wanted))
    runs: list[StoredRun] = []
    unusable = [
        RunLeftOut(run=name_of(folder), reason=f"{error.message}; {_AGAIN}")
        for folder, error in stored.unusable.items()
        if _is_of_suite(name_of(folder), plan)
    ]
    for run in stored.sound.values():
        foreign = run.foreign_to(plan)
        if not run.done or not _is_of_suite(run.name, plan):
            continue
        if foreign:
            unusable.append(RunLeftOut(run=run.name, reason=foreign))
        else:
            runs.append(run)
    if not runs:
        why = "; ".join(f"{one.run}: {one.reason}" for one in unusable[:_SHOWN])
        message = f"{suite_folder}: no finished runs" + (f" ({why})" if why else "")
        raise UserError(message, "Run the suite first: lcbench run")
    return runs, unusable


def _is_wanted(run: str, wanted: Collection[str] | None) -> bool:
    return wanted is None or run.split("/")[1] in wanted


def _is_of_suite(run: str, plan: PlanRecord) -> bool:
    protocol, baseline, _ = run.split("/")
    return plan.has_protocol(protocol) and plan.has_baseline(baseline)
