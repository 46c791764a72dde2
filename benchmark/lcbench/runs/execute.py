"""Do what a plan says: fetch, compute features, fit every run, resume what was cut off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lcbench.console import progress
from lcbench.errors import UserError
from lcbench.models.backbones import Backbone, fetch_backbone
from lcbench.protocols import write_split
from lcbench.runs.describe import describe_plan, describe_run
from lcbench.runs.job import Job, run_job
from lcbench.runs.plan import Plan, PlannedBaseline
from lcbench.runs.records import LeftOut, RunConfig, RunState, write_record
from lcbench.runs.store import PLAN, SPLITS, read_plan, read_run


@dataclass(frozen=True)
class Failure:
    """A run that failed, and why."""

    baseline: str
    run: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """How the runs of a suite ended."""

    folder: Path
    done: int
    already_done: int
    failures: tuple[Failure, ...]
    left_out: tuple[LeftOut, ...]


def execute(plan: Plan, out: Path, *, jobs: int | None = None, fresh: bool = False) -> Outcome:
    """Run a plan; runs that are stored with the same configuration are kept.

    Parameters
    ----------
    plan
        From `make_plan`.
    out
        The runs folder; results go below `<out>/<suite>`.
    jobs
        Fits at a time on the CPU; the number of cores by default.
    fresh
        Do every run again.

    Raises
    ------
    UserError
        If `out` holds the suite on other data, runs that would be mixed with other ones, or
        cannot be written.
    """
    folder = out / plan.suite.name
    _require_same_data(folder, plan)
    plan, left_out = _fetch(plan)
    every = list(_jobs(plan, folder))
    _require_no_mixture(folder, every)
    for planned in plan.splits:
        write_split(folder / SPLITS, planned.split)
    write_record(folder / PLAN, describe_plan(plan, left_out))
    _compute_features(plan)
    pending = [job for job in every if fresh or not _is_done(job)]
    failures = []
    with progress(f"Fitting ({len(every) - len(pending)} done before)", len(pending)) as advance:
        for job, state in _run_all(pending, jobs or os.cpu_count() or 1):
            advance(1)
            if state.status == "failed":
                run = f"{job.split.protocol}/{job.split.name}"
                failures.append(Failure(job.baseline.name, run, state.error))
    done = len(pending) - len(failures)
    return Outcome(folder, done, len(every) - len(pending), tuple(failures), left_out)


def _require_same_data(folder: Path, plan: Plan) -> None:
    if not (folder / PLAN).is_file():
        return
    stored = read_plan(folder)
    if stored.dataset.sha256 != plan.dataset.sha256:
        raise UserError(
            f"{folder} holds results on other images ({stored.dataset.name})",
            "Choose another folder with --out, or remove that one.",
        )
    if stored.taxonomy.parents != plan.taxonomy.parents:
        raise UserError(
            f"{folder} holds results for another class tree ({stored.taxonomy.name})",
            "Choose another folder with --out, or remove that one.",
        )


def _require_no_mixture(folder: Path, every: list[Job]) -> None:
    """Refuse to leave older runs of a baseline, made in another way, beside new ones.

    The report would pool them in one row, under the recipe and the weights of the new ones.
    """
    planned = {job.folder for job in every}
    for name, config in {job.baseline.name: job.config for job in every}.items():
        for path in sorted(folder.glob(f"*/{name}/seed*")):
            stored = None if path in planned else read_run(path)
            if stored is not None and stored.done and _origin(stored.config) != _origin(config):
                raise UserError(
                    f"{path}: made with another recipe, other weights or other source groups than "
                    f"{name} has now",
                    "Choose another folder with --out, remove that one, or plan the same seeds and "
                    "protocols as before, so that it is done again.",
                )


def _origin(config: RunConfig) -> object:
    return config.kind, config.recipe, config.backbone, config.dataset


def _fetch(plan: Plan) -> tuple[Plan, tuple[LeftOut, ...]]:
    """Bring every backbone's weights here; leave out what cannot be had, but not the reference."""
    ready: list[PlannedBaseline] = []
    left_out = list(plan.left_out)
    found: dict[str, Backbone | UserError] = {}
    for baseline in plan.baselines:
        if baseline.backbone is None:
            ready.append(baseline)
            continue
        name = baseline.backbone.name
        if name not in found:
            found[name] = _fetch_backbone(baseline.backbone)
        backbone = found[name]
        if isinstance(backbone, Backbone):
            ready.append(replace(baseline, backbone=backbone))
        elif baseline.name == plan.suite.reference:
            raise backbone
        else:
            left_out.append(LeftOut(baseline=baseline.name, reason=backbone.message))
    if not ready:
        raise UserError(f"no baseline can run: {left_out[-1].baseline}: {left_out[-1].reason}")
    return replace(plan, baselines=tuple(ready)), tuple(left_out)


def _fetch_backbone(backbone: Backbone) -> Backbone | UserError:
    """Return the backbone with readable weights on this machine, or why there are none.

    Raises
    ------
    UserError
        If the weights that cannot be read are a file that the user named.
    """
    try:
        fetched = fetch_backbone(backbone)
        _ = fetched.facts  # reads the weights, before anything is written
    except UserError as error:
        if backbone.source.kind == "file":
            raise
        return error
    return fetched


def _compute_features(plan: Plan) -> None:
    """Fill the caches here, with a progress bar, so that the fits only read."""
    features = plan.features
    for baseline in plan.baselines:
        features.prepare(baseline.needs, baseline.settings.backbone)


def _jobs(plan: Plan, folder: Path) -> Iterator[Job]:
    features = plan.features
    for baseline, planned in plan.runs():
        split = planned.split
        yield Job(
            folder=folder / split.protocol / baseline.name / split.name,
            config=describe_run(plan, baseline, planned),
            baseline=baseline,
            split=split,
            features=features,
            taxonomy=plan.taxonomy,
        )


def _is_done(job: Job) -> bool:
    """Tell whether the folder holds this run; leftovers of a run that was killed are removed."""
    for leftover in job.folder.parent.glob(f".{job.folder.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    stored = read_run(job.folder)
    return stored is not None and stored.done and _same(stored.config, job.config)


def _same(stored: RunConfig, wanted: RunConfig) -> bool:
    """Compare what decides the result; the commit alone does not make a result stale."""
    fields = {"commit", "purpose"}
    return stored.model_dump(exclude=fields) == wanted.model_dump(exclude=fields)


def _run_all(pending: list[Job], processes: int) -> Iterator[tuple[Job, RunState]]:
    """Fit heads and shortcuts in parallel processes on the CPU, whole networks one by one."""
    beside = [job for job in pending if _runs_beside_others(job)]
    alone = [job for job in pending if not _runs_beside_others(job)]
    if processes > 1 and len(beside) > 1:
        yield from _run_in_processes(beside, min(processes, len(beside)))
    else:
        alone = beside + alone
    for job in alone:
        yield job, run_job(job)


def _runs_beside_others(job: Job) -> bool:
    return job.baseline.needs != "pixels"


def _run_in_processes(pending: list[Job], processes: int) -> Iterator[tuple[Job, RunState]]:
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=processes, return_as="generator_unordered")
    numbered = (delayed(_run_numbered)(number, job) for number, job in enumerate(pending))
    for number, state in pool(numbered):
        yield pending[number], state


def _run_numbered(number: int, job: Job) -> tuple[int, RunState]:
    return number, run_job(job)
