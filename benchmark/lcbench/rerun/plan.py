"""From the provenance of a report to the plans that do the same again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from lcbench.analysis.results import Results
from lcbench.compute import Compute, DeviceChoice, available_devices, resolve_compute, supports_bf16
from lcbench.console import warn
from lcbench.datasets.dataset import DEMO
from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.runs.claims import load_claims
from lcbench.runs.plan import Plan, RunOptions, plan_suite
from lcbench.runs.store import planned_runs
from lcbench.runs.suite import Suite, explain, load_suite, shipped_suites
from lcbench.taxonomy import load_taxonomy

_ANY_BACKBONE = "resnet50"
"""A suite names a backbone; where no baseline has one, its name decides nothing."""


@dataclass(frozen=True)
class RerunOptions:
    """What `lcbench rerun` was asked for, where the report cannot know it.

    `data`, `groups`, `external`, `weights`: where things lie now; `offline`: use only weights that
    are on this machine; `jobs`: fits at a time.
    """

    data: str | None = None
    groups: Path | None = None
    external: tuple[Path, ...] = ()
    weights: str | None = None
    offline: bool = False
    jobs: int | None = None


def require_data(results: Results, options: RerunOptions) -> str:
    """Return where the images of a report lie now: as typed, or where they lay.

    Raises
    ------
    UserError
        If they are nowhere.
    """
    if options.data is not None:
        return options.data
    if results.dataset.synthetic and results.dataset.name == DEMO:
        return DEMO
    typed = next((one.data for one in reversed(results.invocations) if one.data), "")
    if typed and Path(typed).exists():
        return typed
    name = results.dataset.name
    where = f"{typed} is not here" if typed else "the report does not say where they lay"
    raise UserError(
        f"the images of the report ({results.dataset.images:,} of {name}) are needed: {where}",
        f"Say where they lie now: --data {name}",
    )


def plan_again(results: Results, options: RerunOptions) -> Plan:
    """Plan every run that the report rests on, in one plan; `parts` tells how to do it.

    Raises
    ------
    UserError
        If something that the report was made with is not here.
    """
    data = require_data(results, options)
    suite = _suite(results)
    runs = _wanted(results)
    known = {recipe.name for recipe in suite.baselines}
    asked = RunOptions(
        suite=suite.name,
        data=data,
        groups=options.groups or _groups(results),
        protocols=tuple(dict.fromkeys(protocol for protocol, _, _ in runs)),
        seeds=_seeds(results),
        backbone=suite.backbone,
        weights=options.weights or _weights(results),
        offline=options.offline,
        only=tuple(dict.fromkeys(name for _, name, _ in runs if name in known)),
        on_bad="skip" if results.dataset.skipped else "stop",
        force=True,
        about=results.dataset.about,
    )
    labels = next((one.labels for one in reversed(results.invocations) if one.labels), {})
    aliases = results.aliases or load_taxonomy().aliases
    plan = plan_suite(suite, LabelReader(results.taxonomy.tree(aliases), dict(labels)), asked)
    if plan.dataset.sha256 != results.dataset.sha256:
        warn(f"{data}: not the images of the report: its numbers cannot come out the same")
    return plan


def parts(results: Results, plan: Plan) -> Iterator[Plan]:
    """Divide a plan into plans of baselines with the same splits, device and precision.

    Runs that the report does not rest on are in none of them.
    """
    wanted = _wanted(results)
    computes = _Computes(results)
    found: dict[tuple[tuple[str, str], frozenset[str]], list[str]] = {}
    for baseline in plan.baselines:
        by_compute: dict[tuple[str, str], set[str]] = {}
        for protocol, name, split in wanted:
            if name == baseline.name:
                used = computes.of(f"{protocol}/{name}/{split}", network=baseline.backbone is None)
                by_compute.setdefault(used, set()).add(f"{protocol}/{split}")
        for used, own in by_compute.items():
            found.setdefault((used, frozenset(own)), []).append(baseline.name)
    here = {used: _compute_here(*used) for used, _ in found}
    for (used, splits), names in found.items():
        yield replace(
            plan,
            compute=here[used],
            baselines=tuple(one for one in plan.baselines if one.name in names),
            splits=tuple(one for one in plan.splits if one.path in splits),
        )


def _wanted(results: Results) -> list[tuple[str, str, str]]:
    """Return protocol, baseline and split of every run: those asked for but for the unfinished."""
    names = [run.run for run in results.runs]
    if results.invocations:
        unfinished = {one.run for one in results.incomplete}
        unfinished |= {f"{one.run}/{name}" for one in results.incomplete for name in one.missing}
        names = sorted(planned_runs(results.invocations) - unfinished)
    if not names:
        raise UserError("the report rests on no finished run", "Choose another report.")
    split = (name.split("/") for name in names)
    return [(steps[0], steps[1], steps[2]) for steps in split if len(steps) == 3]


def _seeds(results: Results) -> int:
    if results.invocations:
        return max(one.seeds for one in results.invocations)
    return 1 + max(split.seed for result in results.protocols for split in result.splits)


def _suite(results: Results) -> Suite:
    """Return the suite of a report, with the recipes as they were run.

    Reports of older versions do not hold them: then it is the shipped suite of that name.

    Raises
    ------
    UserError
        If the recipes are not known, or do not fit this version.
    """
    if any(baseline.recipe is None for baseline in results.baselines):
        return _shipped_suite(results)
    recipes = [_recipe(results, one.baseline) for one in results.baselines]
    names = [one.baseline for one in results.baselines]
    roles = results.roles
    fields = {
        "name": results.suite,
        "purpose": "A report, done again",
        "reference": results.reference if results.reference in names else names[0],
        "backbone": _backbone(results),
        "protocols": tuple(result.protocol for result in results.protocols),
        "seeds": 1,
        "flattering": roles.flattering,
        "leakage_free": roles.leakage_free,
        "claims": _readable_claims(results),
        "margin": roles.margin,
        "baselines": recipes,
    }
    try:
        suite = Suite.model_validate(fields)
    except ValidationError as error:
        raise UserError(
            f"the provenance of the report does not fit this version: {explain(error)}",
            "Do it again with the version that wrote it.",
        ) from error
    return suite.model_copy(update={"reference": results.reference})


def _shipped_suite(results: Results) -> Suite:
    if results.suite not in shipped_suites():
        raise UserError(
            f"the report of suite {results.suite} does not hold its recipes: an older version "
            "wrote it, and no suite of that name comes with lcbench",
            "Write the report again from its runs: lcbench report",
        )
    suite = load_suite(results.suite)
    return suite.model_copy(update={"backbone": _backbone(results)})


def _recipe(results: Results, name: str) -> dict[str, object]:
    baseline = next(one for one in results.baselines if one.baseline == name)
    roles = {"floor": results.roles.floor, "shortcut": results.roles.shortcut}
    role = next((role for role, names in roles.items() if name in names), None)
    fields = {"name": name, "kind": baseline.kind, "purpose": baseline.purpose, "role": role}
    return {**(baseline.recipe or {}), **fields}


def _readable_claims(results: Results) -> tuple[str, ...]:
    readable = []
    for key in results.roles.claims:
        try:
            load_claims(key)
        except UserError as error:
            warn(f"claims {key} are left out: {error.message}")
        else:
            readable.append(key)
    return tuple(readable)


def _backbone(results: Results) -> str:
    """Return the backbone that the user's own weights were for; else the reference's, or any."""
    used = [(one.baseline, one.backbone) for one in results.baselines if one.backbone]
    likely = [
        *(backbone.name for _, backbone in used if _typed_weights(backbone.weights)),
        *(backbone.name for baseline, backbone in used if baseline == results.reference),
        *(backbone.name for _, backbone in used),
    ]
    return likely[0] if likely else _ANY_BACKBONE


def _weights(results: Results) -> str | None:
    """Return what was typed after --weights: a file, or "random"."""
    for baseline in results.baselines:
        if baseline.backbone and (typed := _typed_weights(baseline.backbone.weights)):
            return typed
    return None


def _typed_weights(words: str) -> str:
    """Return the file of `file NAME`, "random" of `random weights`, else nothing."""
    kind, _, name = words.partition(" ")
    return {"file": name, "random": "random"}.get(kind, "")


def _groups(results: Results) -> Path | None:
    """Return the groups file of the report.

    Raises
    ------
    UserError
        If it is not here.
    """
    typed = next((one.groups for one in reversed(results.invocations) if one.groups), "")
    if typed and not Path(typed).is_file():
        raise UserError(
            f"the report's source groups come from {typed}, which is not here",
            "Say where the file lies now: --groups groups.csv",
        )
    return Path(typed) if typed else None


class _Computes:
    """The device and precision of each run of a report."""

    def __init__(self, results: Results) -> None:
        networks = {one.baseline for one in results.baselines if one.backbone}
        self._of = {run.run: (run.device, run.precision) for run in results.runs}
        used = [key for name, key in self._of.items() if name.split("/")[1] in networks]
        self._usual = (used or list(self._of.values()))[0]
        self._precisions = dict(reversed(used))

    def of(self, run: str, *, network: bool) -> tuple[str, str]:
        """Return both; what has no network is done beside those that have one."""
        device, precision = self._of.get(run, self._usual)
        return device, (self._precisions.get(device, precision) if network else precision)


def _compute_here(device: str, precision: str) -> Compute:
    """Return the device and precision of a run, or the nearest that this machine offers."""
    if device not in available_devices():
        chosen = resolve_compute()
        warn(f"the report was computed on {device}, which is not here: {chosen.device} is used")
        return chosen
    bf16 = precision == "bf16" and supports_bf16(device)
    if precision == "bf16" and not bf16:
        warn(f"the report was computed in bf16, which {device} does not offer here: 32 bit is used")
    return resolve_compute(cast(DeviceChoice, device), "bf16" if bf16 else "32")
