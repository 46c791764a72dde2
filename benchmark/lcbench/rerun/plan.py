"""From the provenance of a report to the plans that do the same again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from lcbench.analysis.results import Results
from lcbench.compute import DeviceChoice, PrecisionChoice, available_devices, supports_bf16
from lcbench.console import warn
from lcbench.datasets.dataset import DEMO
from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.rerun.suite import suite_of, typed_weights
from lcbench.runs.plan import Plan, RunOptions, plan_suite
from lcbench.taxonomy import load_taxonomy


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
    suite = suite_of(results)
    names = [recipe.name for recipe in suite.baselines]
    wanted = _splits_of(results)
    device, precision = compute_here(*_compute_of(results))
    asked = RunOptions(
        suite=suite.name,
        data=data,
        groups=options.groups or _groups(results),
        protocols=tuple(result.protocol for result in results.protocols),
        seeds=1 + max(split.seed for one in results.protocols for split in one.splits),
        backbone=suite.backbone,
        weights=options.weights or typed_weights(results),
        offline=options.offline,
        only=tuple(name for name in names if name in wanted),
        device=device,
        precision=precision,
        on_bad="skip" if results.dataset.skipped else "stop",
        force=True,
        about=results.dataset.about,
        images=results.dataset.drawn.asked if results.dataset.drawn else None,
        tile=next((one.tile for one in reversed(results.invocations) if one.tile), None),
        image_sizes={
            one.backbone.name: one.backbone.image_size
            for one in results.baselines
            if one.backbone is not None
        },
    )
    labels = next((one.labels for one in reversed(results.invocations) if one.labels), {})
    aliases = results.aliases or load_taxonomy().aliases
    plan = plan_suite(suite, LabelReader(results.taxonomy.tree(aliases), dict(labels)), asked)
    if plan.dataset.sha256 != results.dataset.sha256:
        warn(f"{data}: not the images of the report: its numbers cannot come out the same")
    return plan


def parts(results: Results, plan: Plan) -> Iterator[Plan]:
    """Divide a plan into plans of baselines that have the same splits in the report."""
    wanted = _splits_of(results)
    for own in dict.fromkeys(wanted[baseline.name] for baseline in plan.baselines):
        splits = tuple(one for one in plan.splits if one.path in own)
        if not splits:
            continue
        protocols = {one.split.protocol for one in splits}
        yield replace(
            plan,
            baselines=tuple(one for one in plan.baselines if wanted[one.name] == own),
            splits=splits,
            protocols=tuple(name for name in plan.protocols if name in protocols),
            seeds=1 + max(one.split.seed for one in splits),
        )


def _splits_of(results: Results) -> dict[str, frozenset[str]]:
    """Return the splits that each baseline of a report finished, as `<protocol>/<name>`.

    Raises
    ------
    UserError
        If none finished any, or a run is called as no run is.
    """
    found: dict[str, set[str]] = {}
    for steps in (run.run.split("/") for run in results.runs):
        if len(steps) != 3:
            raise UserError(f"the report names a run {'/'.join(steps)}", "Choose another report.")
        protocol, baseline, name = steps
        found.setdefault(baseline, set()).add(f"{protocol}/{name}")
    if not found:
        raise UserError("the report rests on no finished run", "Choose another report.")
    return {baseline: frozenset(splits) for baseline, splits in found.items()}


def _compute_of(results: Results) -> tuple[str, str]:
    """Return the device and precision of most runs, of those with a backbone if there are any."""
    networks = {one.baseline for one in results.baselines if one.backbone}
    used = [run for run in results.runs if run.run.split("/")[1] in networks] or results.runs
    return Counter((run.device, run.precision) for run in used).most_common(1)[0][0]


def compute_here(device: str, precision: str) -> tuple[DeviceChoice, PrecisionChoice]:
    """Return a device and precision as they can be asked for here, or the nearest to them."""
    if device not in available_devices():
        warn(f"the report was computed on {device}, which is not here")
        return "auto", "auto"
    if precision == "bf16" and not supports_bf16(device):
        warn(f"the report was computed in bf16, which {device} does not offer here: 32 bit is used")
        precision = "32"
    return cast(DeviceChoice, device), cast(PrecisionChoice, precision)


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
