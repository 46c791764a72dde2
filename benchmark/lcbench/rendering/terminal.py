"""Tables for the terminal: what will be run, what came of it, what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from lcbench.console import err, escape, out, warn

if TYPE_CHECKING:
    from lcbench.doctor import Check
    from lcbench.runs.evaluate import Evaluation
    from lcbench.runs.execute import Outcome
    from lcbench.runs.plan import Plan
    from lcbench.runs.records import LeftOut

_MARKS = {
    "good": "[green]ok[/green]",
    "note": "[yellow]note[/yellow]",
    "bad": "[red]bad[/red]",
}


def show_plan(plan: Plan) -> None:
    """Print what will be run, on what, and what is left out."""
    dataset = plan.dataset
    classes = ", ".join(f"{k} {v:,}" for k, v in dataset.manifest["label"].value_counts().items())
    err.print(f"[bold]{escape(dataset.name)}[/bold]: {len(dataset.manifest):,} images ({classes})")
    if dataset.groups_known:
        groups = dataset.manifest["group"].nunique()
        err.print(f"Source groups: {groups:,}, from {escape(dataset.groups_words)}")
    else:
        warn("source groups unknown: leakage cannot be counted, and intervals will be too narrow")
    if plan.pixel_check is not None:
        warn(str(plan.pixel_check))
    err.print(f"Device: {plan.compute.device}, precision {plan.compute.precision}")
    table = Table("baseline", "kind", "backbone", "weights", title=f"Suite {plan.suite.name}")
    for baseline in plan.baselines:
        backbone = baseline.backbone
        table.add_row(
            escape(baseline.name),
            escape(baseline.recipe.kind),
            backbone.name if backbone else "-",
            escape(str(backbone.source)) if backbone else "-",
        )
    err.print(table)
    show_left_out(plan.left_out)
    runs = len(plan.baselines) * len(plan.splits)
    err.print(f"{len(plan.splits)} splits x {len(plan.baselines)} baselines = {runs} runs")
    for planned in plan.splits:
        words = str(planned.siblings) if planned.siblings else "source groups unknown"
        if planned.proven is not None:
            words += f"; by pixels: {planned.proven}"
        err.print(f"{planned.split.protocol} {planned.split.name}: {words}", soft_wrap=True)
    show_power(plan)


def show_power(plan: Plan) -> None:
    """Print what the test images can show: one assumption in words, the others with --json."""
    from lcbench.runs.power import detectable_differences

    for one in detectable_differences(plan):
        if (one.discordance, one.correlation) != (0.04, 0.5):
            continue
        shown = "no difference in error rates"
        if one.difference is not None:
            shown = f"differences in error rates from {100 * one.difference:.1f} points on"
        units = "source groups" if plan.dataset.groups_known else "images of unknown source"
        err.print(
            f"{one.protocol}: {one.images:,} test images in {one.groups:,} {units} can show "
            f"{shown} (chance of 80 %, two models that differ on 4 % of the images, intra-group "
            "correlation 0.5; more with --json)",
            soft_wrap=True,
        )


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for machines."""
    from lcbench.runs.describe import describe_plan
    from lcbench.runs.power import detectable_differences

    return {
        **describe_plan(plan, plan.left_out).model_dump(mode="json", exclude={"aliases"}),
        "runs": len(plan.baselines) * len(plan.splits),
        "weights": {b.name: str(b.backbone.source) for b in plan.baselines if b.backbone},
        "splits": [
            {
                "protocol": planned.split.protocol,
                "name": planned.split.name,
                "sha256": planned.split.sha256,
                "siblings": str(planned.siblings) if planned.siblings else None,
                "proven_siblings": str(planned.proven) if planned.proven else None,
            }
            for planned in plan.splits
        ],
        "detectable_differences": [vars(one) for one in detectable_differences(plan)],
    }


def show_left_out(left_out: tuple[LeftOut, ...]) -> None:
    """Print what is left out, and why."""
    for entry in left_out:
        err.print(
            f"[yellow]left out[/yellow] {escape(entry.baseline)}: {escape(entry.reason)}",
            soft_wrap=True,
        )


def show_outcome(outcome: Outcome) -> None:
    """Print how the runs ended."""
    show_left_out(outcome.left_out)
    for failure in outcome.failures:
        err.print(
            f"[red]failed[/red] {escape(failure.run)} {escape(failure.baseline)}: "
            f"{escape(failure.reason.strip())}",
            soft_wrap=True,
        )
    kept = f", {outcome.already_done} kept from before" if outcome.already_done else ""
    failed = f", {len(outcome.failures)} failed" if outcome.failures else ""
    err.print(f"{outcome.done} runs done{kept}{failed}: {escape(str(outcome.folder))}")


def show_evaluation(evaluation: Evaluation) -> None:
    """Print what an external folder holds and how its labels were read."""
    from lcbench.runs.overlap import overlap_words

    record = evaluation.record
    table = Table("label", "read as", "images", title=escape(record.name))
    for label in record.labels:
        table.add_row(
            escape(label.label or "(directly in the folder)"),
            label.node or "left out",
            f"{label.images:,}",
        )
    out.print(table)
    if record.copies:
        err.print(f"{record.copies} images are byte for byte a copy of another one")
    for line in record.contradictions:
        warn(f"one image under two labels: {line}")
    if record.overlap is not None:
        err.print(escape(overlap_words(record.overlap)), soft_wrap=True)
    show_left_out(record.left_out)
    words = f"{evaluation.runs} runs predicted {record.scored:,} images: {evaluation.folder}"
    err.print(escape(words), soft_wrap=True)


def show_checks(checks: list[Check]) -> None:
    """Print the doctor's lines."""
    table = Table("", "what", "found", "what to do")
    for check in checks:
        table.add_row(
            _MARKS[check.verdict], check.subject, escape(check.found), escape(check.remedy)
        )
    out.print(table)


def show_rows(title: str, rows: list[dict[str, str]]) -> None:
    """Print rows of equal keys as a table."""
    table = Table(*(rows[0] if rows else ()), title=title)
    for row in rows:
        table.add_row(*(escape(value) for value in row.values()))
    out.print(table)
