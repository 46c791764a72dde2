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
from lcbench.runs.describe import describe_plan, describe_runs
from lcbench.runs.job import Job
from lcbench.runs.plan import Plan, PlannedBaseline, takes_reference_backbone
from lcbench.runs.pool import run_all
from lcbench.runs.records import LeftOut, PlanRecord, RunConfig, write_record
from lcbench.runs.store import PLAN, SPLITS, read_plan, read_run, run_folders


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

    @property
    def finished(self) -> int:
        """Runs that can be reported on."""
        return self.done + self.already_done

    def as_json(self) -> dict[str, object]:
        """Return the outcome for machines."""
        return {
            "folder": str(self.folder),
            "done": self.done,
            "already_done": self.already_done,
            "failed": [vars(failure) for failure in self.failures],
            "left_out": [entry.model_dump() for entry in self.left_out],
        }


def execute(plan: Plan, out: Path, *, jobs: int | None = None, fresh: bool = False) -> Outcome:
    """Run a plan; runs that are stored with the same configuration are kept.

    A suite's folder becomes the union of what was run in it.

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
        If `out` holds the suite on other data, or runs that do not belong with these (another
        recipe, other weights or source groups), or cannot be written.
    """
    folder = out / plan.suite.name
    before = read_plan(folder) if (folder / PLAN).is_file() else None
    if before is not None:
        _require_same_data(folder, before, plan)
    plan, left_out = _fetch(plan)
    every = list(_jobs(plan, folder))
    if before is not None:
        _require_no_mixture(folder, before, plan, every, fresh=fresh)
    for planned in plan.splits:
        write_split(folder / SPLITS, planned.split)
    write_record(folder / PLAN, describe_plan(plan, left_out, before))
    _compute_features(plan)
    pending = [job for job in every if fresh or not _is_done(job)]
    failures = []
    with progress(f"Fitting ({len(every) - len(pending)} done before)", len(pending)) as advance:
        for job, state in run_all(pending, jobs or os.cpu_count() or 1):
            advance(1)
            if state.status == "failed":
                run = f"{job.split.protocol}/{job.split.name}"
                failures.append(Failure(job.baseline.name, run, state.error))
    done = len(pending) - len(failures)
    return Outcome(folder, done, len(every) - len(pending), tuple(failures), left_out)


def _require_same_data(folder: Path, before: PlanRecord, plan: Plan) -> None:
    if before.dataset.sha256 != plan.dataset.sha256:
        raise UserError(
            f"{folder} holds results on other images ({before.dataset.name})",
            "Choose another folder with --out, or remove that one.",
        )
    if before.taxonomy.parents != plan.taxonomy.parents:
        raise UserError(
            f"{folder} holds results for another class tree ({before.taxonomy.name})",
            "Choose another folder with --out, or remove that one.",
        )


def _require_no_mixture(
    folder: Path, before: PlanRecord, plan: Plan, every: list[Job], *, fresh: bool
) -> None:
    """Refuse to replace finished runs unasked, or to leave them beside others of another making.

    The report pools the runs of a baseline in one row, pairs all baselines by their source groups,
    and compares arms that share the reference backbone.
    """
    planned = {job.folder for job in every}
    dataset = every[0].config.dataset
    origins = {job.baseline.name: _origin(job.config) for job in every}
    recipes = {recipe.name: recipe for recipe in plan.suite.baselines}
    references = {
        _weights(job.config)
        for job in every
        if takes_reference_backbone(recipes[job.baseline.name])
    }
    for path in run_folders(folder, before):
        stored = read_run(path)
        done_again = path in planned
        if stored is None or not stored.done or (done_again and fresh):
            continue
        config = stored.config
        if _origin(config) != origins.get(config.baseline, _origin(config)):
            raise _mixture(path, "another recipe or other weights")
        if not config.dataset.same_groups(dataset):
            raise _mixture(path, "other source groups")
        if done_again:
            continue
        recipe = recipes.get(config.baseline) if config.backbone else None
        if recipe and takes_reference_backbone(recipe) and references - {_weights(config)}:
            raise _mixture(path, "another reference backbone")


def _mixture(path: Path, made_with: str) -> UserError:
    return UserError(
        f"{path}: made with {made_with} than planned now",
        "Choose another folder with --out, remove that one, or plan the same seeds, protocols and "
        "baselines as before with --fresh, so that it is done again.",
    )


def _origin(config: RunConfig) -> object:
    """Return what runs of one baseline must share."""
    return config.kind, config.recipe, _weights(config)


def _weights(config: RunConfig) -> object:
    """Return what a run saw images through; where its weights were found does not matter."""
    backbone = config.backbone
    return backbone and (backbone.name, backbone.weights_sha256, backbone.preprocessing)


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
    for baseline, planned, config in describe_runs(plan):
        split = planned.split
        yield Job(
            folder=folder / split.protocol / baseline.name / split.name,
            config=config,
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
    """Compare what decides the result; neither the commit nor a folder's name makes it stale."""
    fields = {"commit", "purpose", "dataset"}
    return (
        stored.model_dump(exclude=fields) == wanted.model_dump(exclude=fields)
        and stored.dataset.sha256 == wanted.dataset.sha256
        and stored.dataset.same_groups(wanted.dataset)
    )
