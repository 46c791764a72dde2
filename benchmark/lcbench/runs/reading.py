"""A suite folder is read and checked: what cannot be used is listed, not lost."""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lcbench.errors import UserError
from lcbench.runs.external_reader import read_external_folders
from lcbench.runs.finished import FinishedSuite, Incomplete
from lcbench.runs.run_reader import RunReader
from lcbench.runs.store import never_started, plan_taxonomy, read_plan, run_folders
from lcbench.storage.locks import is_held


def read_suite(folder: Path) -> FinishedSuite:
    """Read a suite folder; what cannot be used is listed, not lost.

    Where another process works in it, what is not there yet is in progress, not missing. It may
    have begun only after this, or have swapped a folder in the middle of it.

    Raises
    ------
    UserError
        If the plan cannot be read, or no run has finished.
    """
    while True:
        writes, before = is_held(folder), _standing(folder)
        try:
            suite = _read(folder)
        except UserError:
            if is_held(folder) or _standing(folder) == before:
                raise
            continue
        writes = writes or is_held(folder)
        swapped = before.items() ^ _standing(folder).items()
        if writes:
            told = (_in_progress(one, folder, dict(swapped)) for one in suite.incomplete)
            return replace(suite, incomplete=tuple(told))
        if not swapped:
            return suite


def _standing(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return which run folders stand in a suite's: one that was swapped is another."""
    found = {}
    for path in run_folders(folder):
        with suppress(FileNotFoundError):
            facts = path.stat()
            found[path] = (facts.st_ino, facts.st_mtime_ns)
    return found


def _read(folder: Path) -> FinishedSuite:
    plan = read_plan(folder)
    reader = RunReader(folder, plan, plan_taxonomy(plan))
    runs = reader.read_runs()
    if not runs:
        raise _nothing_finished(folder, reader.incomplete)
    external = tuple(read_external_folders(reader))
    seen = [*(run.name for run in runs), *(one.run for one in reader.incomplete)]
    never = [
        Incomplete(place, "never started", missing=names)
        for place, names in never_started(plan, seen)
    ]
    incomplete = (*reader.incomplete, *never)
    return FinishedSuite(plan, reader.taxonomy, tuple(runs), external, incomplete)


def _nothing_finished(folder: Path, incomplete: list[Incomplete]) -> UserError:
    reasons: dict[str, list[str]] = {}
    for one in incomplete:
        reasons.setdefault(f"{one.kind}: {one.detail}", []).append(one.run)
    told = [
        f"{runs[0]}{f' and {len(runs) - 1} more' if len(runs) > 1 else ''} {reason}".rstrip(": ")
        for reason, runs in reasons.items()
    ]
    return UserError(
        f"{folder}: no finished run ({'; '.join(told) or 'no run folders'})",
        "Run the suite again, or name the folder of one suite: lcbench report RUNS/SUITE.",
    )


def _in_progress(one: Incomplete, folder: Path, swapped: Container[Path]) -> Incomplete:
    """Return what another process may be writing now as such."""
    if one.kind not in ("never started", "interrupted") and folder / one.run not in swapped:
        return one
    return Incomplete(one.run, "in progress", missing=one.missing)
