"""The weights of a plan's backbones: brought here, or only looked for; and how they were read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lcbench.console import err, escape
from lcbench.errors import UserError
from lcbench.models.backbones import Backbone, Reading, fetch_backbone
from lcbench.models.weights import HUB_WEIGHTS, require_reachable
from lcbench.runs.plan import Plan, PlannedBaseline
from lcbench.runs.plan_records import LeftOut

_NAMED = 6
"""Names that a line lists."""


def fetch(
    plan: Plan, bring: Callable[[Backbone], Backbone] = fetch_backbone
) -> tuple[Plan, tuple[LeftOut, ...]]:
    """Bring every backbone's weights here; leave out what cannot be had, but not the reference.

    Parameters
    ----------
    plan
        From `make_plan`.
    bring
        From a backbone to the same with weights on this machine; `reach` only looks for them.

    Raises
    ------
    UserError
        If the reference cannot be had, nothing is left, or a file that was named cannot be read.
    """
    ready: list[PlannedBaseline] = []
    left_out = list(plan.left_out)
    found: dict[str, Backbone | UserError] = {}
    for baseline in plan.baselines:
        if not isinstance(baseline.backbone, Backbone):
            ready.append(baseline)
            continue
        key = baseline.settings.encoder_key or baseline.backbone.name
        if key not in found:
            found[key] = _brought(baseline.backbone, bring)
        backbone = found[key]
        if isinstance(backbone, Backbone):
            ready.append(replace(baseline, backbone=backbone))
        elif baseline.name == plan.suite.reference:
            raise backbone
        else:
            left_out.append(LeftOut(baseline=baseline.name, reason=backbone.message))
    if not ready:
        raise UserError(f"no baseline can run: {left_out[-1].baseline}: {left_out[-1].reason}")
    return replace(plan, baselines=tuple(ready)), tuple(left_out)


def reach(backbone: Backbone) -> Backbone:
    """Return a backbone as it is, after the hub said that it has the weights which are not here.

    Raises
    ------
    UserError
        If it does not, or cannot be reached.
    """
    if backbone.source.kind == "hub":
        require_reachable(backbone.source.name, *HUB_WEIGHTS)
    return backbone


def _brought(backbone: Backbone, bring: Callable[[Backbone], Backbone]) -> Backbone | UserError:
    """Return the backbone with readable weights, or why there are none.

    Raises
    ------
    UserError
        If the weights that cannot be read are a file that the user named.
    """
    try:
        found = bring(backbone)
        if found.source.kind != "hub":
            _ = found.facts  # reads the weights, before anything is written
    except UserError as error:
        if backbone.source.kind == "file":
            raise
        return error
    return found


def tell_weights(plan: Plan) -> None:
    """Say how each file of weights that the user named was read, and what of it was left out."""
    told: set[str] = set()
    for baseline in plan.baselines:
        backbone = baseline.backbone
        if not isinstance(backbone, Backbone) or backbone.source.kind != "file":
            continue
        if backbone.reading is None:
            continue
        words = f"{backbone.source.name}: {reading_words(backbone.reading)}"
        if words not in told:
            told.add(words)
            err.print(escape(words), soft_wrap=True)


def reading_words(reading: Reading) -> str:
    """Return in words how the tensors of a file became a network's."""
    checkpoint, match = reading.checkpoint, reading.match
    parts = ["tensors"]
    if checkpoint.under:
        parts[0] += f" under {'.'.join(checkpoint.under)}"
    if checkpoint.beside:
        parts[0] += f" (passed over: {_list(checkpoint.beside)})"
    if match.prefix:
        parts.append(f"{match.prefix!r} taken from the beginning of their names")
    if match.renamed:
        parts.append(f"named by {match.renamed}")
    if match.resampled:
        parts.append(f"brought to this size of image: {_list(match.resampled)}")
    parts.append(f"left out: {_list(match.left_out) or 'none'}")
    return "; ".join(parts)


def _list(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
