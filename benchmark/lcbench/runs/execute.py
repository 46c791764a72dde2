"""Do what a plan says: fetch, compute features, fit every run, resume what was cut off."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lcbench.console import progress, warn
from lcbench.errors import UserError
from lcbench.features.views import View
from lcbench.models.backbones import Backbone
from lcbench.protocols import write_split
from lcbench.runs.describe import describe_plan, describe_runs
from lcbench.runs.fetching import fetch, reach, tell_weights
from lcbench.runs.image_table import write_image_table
from lcbench.runs.job import Job
from lcbench.runs.making import same
from lcbench.runs.mixture import belongs_beside, require_no_mixture, require_same_data
from lcbench.runs.nearest import write_nearest
from lcbench.runs.plan import Plan, PlannedBaseline
from lcbench.runs.plan_records import LeftOut, PlanRecord
from lcbench.runs.pool import run_all
from lcbench.runs.records import NewerVersionError, write_record
from lcbench.runs.store import PLAN, SPLITS, read_plan, run_folders, sole_writer
from lcbench.runs.stored import StoredRuns, name_of, read_runs
from lcbench.runs.unchanged import tell_unchanged
from lcbench.runs.unfinished import sweep_unfinished
from lcbench.storage.leftovers import sweep
from lcbench.storage.paths import inside

_SHOWN = 5
"""Runs that a line about damage names."""


@dataclass(frozen=True)
class Failure:
    """A run that failed, and why. `kept`: a good run of before stands in its place."""

    baseline: str
    run: str
    reason: str
    kept: bool = False


@dataclass(frozen=True)
class Damage:
    """A stored run that could not be kept, and why. `again`: it was among those to do."""

    run: str
    reason: str
    again: bool


@dataclass(frozen=True)
class Outcome:
    """How the runs of a suite ended."""

    folder: Path
    done: int
    already_done: int
    failures: tuple[Failure, ...]
    left_out: tuple[LeftOut, ...]
    damaged: tuple[Damage, ...] = ()

    @property
    def finished(self) -> int:
        """Runs that can be reported on."""
        return self.done + self.already_done + sum(failure.kept for failure in self.failures)

    def as_json(self) -> dict[str, object]:
        """Return the outcome for machines."""
        return {
            "folder": str(self.folder),
            "done": self.done,
            "already_done": self.already_done,
            "failed": [vars(failure) for failure in self.failures],
            "left_out": [entry.model_dump() for entry in self.left_out],
            "damaged": [vars(one) for one in self.damaged],
        }


def execute(plan: Plan, out: Path, *, jobs: int | None = None, fresh: bool = False) -> Outcome:
    """Run a plan; runs that are stored with the same configuration are kept.

    A suite's folder becomes the union of what was run in it. Nobody else writes there meanwhile.
    Stored runs that are damaged are done again.

    Parameters
    ----------
    plan
        From `make_plan`.
    out
        The runs folder; results go below `<out>/<suite>`.
    jobs
        Fits at a time on the CPU; the number of cores by default.
    fresh
        Do every run again. Where that fails, a good run of the same making stays.

    Raises
    ------
    UserError
        If `out` holds the suite on other data, or runs that do not belong with these (another
        recipe, other weights or source groups), or cannot be written.
    """
    folder = inside(out, plan.suite.name)
    if (folder / PLAN).is_file():
        require_same_data(folder, _plan_of_before(folder), plan)  # before anything is downloaded
    plan, left_out = fetch(plan)
    tell_weights(plan)
    with sole_writer(folder):
        sweep(folder)
        return _execute(plan, folder, left_out, jobs or os.cpu_count() or 1, fresh=fresh)


def rehearse(plan: Plan, out: Path) -> tuple[LeftOut, ...]:
    """Refuse what `execute` would refuse; write nothing and compute no features.

    Weights that are on this machine are read, of others the hub is asked whether it has them.

    Returns
    -------
    left_out
        Baselines that would be left out, and why.

    Raises
    ------
    UserError
        As `execute` does.
    """
    folder = inside(out, plan.suite.name)
    before = _plan_of_before(folder) if (folder / PLAN).is_file() else None
    require_same_data(folder, before, plan)
    plan, left_out = fetch(plan, reach)
    known = replace(plan, baselines=tuple(filter(_is_here, plan.baselines)))
    tell_weights(known)
    stored = read_runs(run_folders(folder, before.protocols if before else ()))
    every = list(_jobs(known, folder, stored))
    if every:
        require_no_mixture(stored, known, every, fresh=False)
    return left_out


def _execute(
    plan: Plan, folder: Path, left_out: tuple[LeftOut, ...], processes: int, *, fresh: bool
) -> Outcome:
    before = _plan_of_before(folder)
    if before is None and (folder / PLAN).exists():
        warn(f"{folder / PLAN} is damaged and is written anew, without the commands of before")
    require_same_data(folder, before, plan)
    stored = read_runs(run_folders(folder, before.protocols if before else ()))
    every = list(_jobs(plan, folder, stored))
    require_no_mixture(stored, plan, every, fresh=fresh)
    damaged = tuple(_damage(stored, every))
    _warn_of(damaged)
    for planned in plan.splits:
        write_split(folder / SPLITS, planned.split)
    write_image_table(folder, plan.dataset)
    record = describe_plan(plan, left_out, before)
    write_record(folder / PLAN, record)
    pending = [job for job in every if fresh or not _is_done(job, stored)]
    _sweep_unfinished(folder, record, pending, stored, fresh=fresh)
    _compute_features(plan)
    write_nearest(plan, folder / SPLITS)
    failures = []
    with progress(f"Fitting ({len(every) - len(pending)} done before)", len(pending)) as advance:
        for job, state in run_all(pending, processes):
            advance(1)
            if state.status == "failed":
                run = f"{job.split.protocol}/{job.split.name}"
                failures.append(Failure(job.baseline.name, run, state.error, job.stands))
    done = len(pending) - len(failures)
    kept = len(every) - len(pending)
    return Outcome(folder, done, kept, tuple(failures), left_out, damaged)


def _sweep_unfinished(
    folder: Path, record: PlanRecord, pending: list[Job], stored: StoredRuns, *, fresh: bool
) -> None:
    done = [path for path, run in stored.sound.items() if run.done]
    sweep_unfinished(folder, record, [(j.folder, j.config) for j in pending], done, fresh=fresh)


def _plan_of_before(folder: Path) -> PlanRecord | None:
    """Return the plan that is stored; None where there is none, or none of this suite."""
    try:
        found = read_plan(folder)
    except NewerVersionError:
        raise
    except UserError:
        return None
    return found if found.suite == folder.name else None


def _damage(stored: StoredRuns, every: list[Job]) -> Iterator[Damage]:
    planned = {job.folder for job in every}
    for path, error in stored.unusable.items():
        yield Damage(name_of(path), error.message, path in planned)


def _is_here(baseline: PlannedBaseline) -> bool:
    """Tell whether a baseline needs nothing that would have to be downloaded."""
    backbone = baseline.backbone
    return not isinstance(backbone, Backbone) or backbone.source.kind != "hub"


def _warn_of(damaged: tuple[Damage, ...]) -> None:
    """Say which stored runs cannot be kept: a line for each reason."""
    reasons: dict[tuple[str, bool], list[str]] = {}
    for one in damaged:
        reasons.setdefault((one.reason, one.again), []).append(one.run)
    for (reason, again), runs in reasons.items():
        more = f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
        follows = "done again" if again else "not among the runs of this command, and left as it is"
        warn(f"{', '.join(runs[:_SHOWN])}{more}: {reason}; {follows}")


def _compute_features(plan: Plan) -> None:
    """Fill the caches here, with a progress bar, so that the fits only read."""
    features = plan.features
    told: set[View] = set()
    for baseline in plan.baselines:
        settings = baseline.settings
        for view in (settings.view, *settings.training_views):
            prepared = features.prepare(
                baseline.needs, settings.encoder_key, view, settings.last_part
            )
            if view is not None and prepared is not None and view not in told:
                told.add(view)
                tell_unchanged(features, view, prepared)


def _jobs(plan: Plan, folder: Path, stored: StoredRuns) -> Iterator[Job]:
    features = plan.features
    for baseline, planned, config in describe_runs(plan):
        split = planned.split
        place = inside(folder, split.protocol, baseline.name, split.name)
        before = stored.sound.get(place)
        yield Job(
            folder=place,
            config=config,
            baseline=baseline,
            split=split,
            features=features,
            taxonomy=plan.taxonomy,
            stands=before is not None and before.done and belongs_beside(before.config, config),
        )


def _is_done(job: Job, stored: StoredRuns) -> bool:
    """Tell whether the folder holds this run."""
    run = stored.sound.get(job.folder)
    return run is not None and run.done and same(run.config, job.config)
