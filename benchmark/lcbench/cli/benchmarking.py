"""Commands that train and report: run, report, evaluate."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lcbench.cli.base import (
    AdjustOption,
    GroupsOption,
    JsonOption,
    LabelsOption,
    TaxonomyOption,
    app,
    guarded,
    print_json,
)
from lcbench.console import err, escape, out, stages
from lcbench.errors import ExitCode
from lcbench.statistics.choices import Adjustment

SUMMARY_RESAMPLES = 1_000
"""For the table at the end of a run; the report takes ten times as many."""


class Device(StrEnum):
    """Choices of --device."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Precision(StrEnum):
    """Choices of --precision."""

    auto = "auto"
    full = "32"
    bf16 = "bf16"


class OnBad(StrEnum):
    """Choices of --on-bad."""

    stop = "stop"
    skip = "skip"


DeviceOption = Annotated[Device, typer.Option(help="Where networks run.")]
PrecisionOption = Annotated[
    Precision, typer.Option(help="bf16 where the device computes in it, else 32 bit.")
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Use only weights that are on this machine.")
]


@app.command()
@guarded
def run(
    data: Annotated[
        str, typer.Option(help="Folder with class subfolders, CSV (image, label), or 'demo'.")
    ],
    suite: Annotated[str, typer.Option(help="Name of a suite, or a TOML file.")] = "core",
    groups: GroupsOption = None,
    protocol: Annotated[
        str | None, typer.Option(help="Comma-separated; by default the suite's.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="By default the suite's.")] = None,
    backbone: Annotated[
        str | None, typer.Option(help="Exchanges the suite's reference backbone (timm name).")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="File for the reference backbone, or 'random'.")
    ] = None,
    offline: OfflineOption = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Only baselines that match; may be repeated.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(help="Not the baselines that match; may be repeated.")
    ] = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    out_folder: Annotated[Path, typer.Option("--out", help="The runs folder.")] = Path("runs"),
    on_bad: Annotated[
        OnBad, typer.Option(help="Unreadable images: stop, or leave them out and say so.")
    ] = OnBad.stop,
    labels: LabelsOption = None,
    taxonomy: TaxonomyOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Train whole networks without an accelerator too.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do finished runs again.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Fits at a time on the CPU; all cores by default.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the plan, run nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> ExitCode:
    """Train and test every baseline of a suite on your images."""
    from lcbench.analysis.reporting import analyse
    from lcbench.rendering import terminal
    from lcbench.rendering.summary import summary_table
    from lcbench.runs.execute import execute
    from lcbench.runs.finished import read_suite
    from lcbench.runs.plan import RunOptions, make_plan

    plan = make_plan(
        RunOptions(
            suite=suite,
            data=data,
            groups=groups,
            labels=labels,
            taxonomy=taxonomy,
            protocols=_split_commas(protocol),
            seeds=seeds,
            backbone=backbone,
            weights=weights,
            offline=offline,
            only=_split_commas(*(only or ())),
            skip=_split_commas(*(skip or ())),
            device=device.value,
            precision=precision.value,
            on_bad=on_bad.value,
            force=force,
        )
    )
    terminal.show_plan(plan)
    if dry_run:
        if as_json:
            print_json(terminal.plan_as_json(plan))
        return ExitCode.DONE
    outcome = execute(plan, out_folder, jobs=jobs, fresh=fresh)
    if outcome.done + outcome.already_done and not as_json:
        with stages() as say:
            results = analyse(
                read_suite(outcome.folder),
                command="",
                resamples=SUMMARY_RESAMPLES,
                advance=say,
            )
        out.print(summary_table(results))
    terminal.show_outcome(outcome)
    if as_json:
        print_json(
            {
                "folder": str(outcome.folder),
                "done": outcome.done,
                "already_done": outcome.already_done,
                "failed": [vars(failure) for failure in outcome.failures],
                "left_out": [entry.model_dump() for entry in outcome.left_out],
            }
        )
    if not outcome.failures:
        err.print(f"Next: lcbench report {escape(str(out_folder))}")
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if outcome.done + outcome.already_done else ExitCode.FAILED


@app.command()
@guarded
def report(
    runs: Annotated[Path, typer.Argument(help="The runs folder, or one suite in it.")] = Path(
        "runs"
    ),
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Where to write; 'report' beside RUNS by default.")
    ] = None,
    adjust: AdjustOption = Adjustment.holm,
    as_json: JsonOption = False,
) -> ExitCode:
    """Write the Markdown report, with pictures and the same numbers as JSON and CSV."""
    from lcbench.provenance import command
    from lcbench.rendering.report import write_report
    from lcbench.rendering.summary import summary_table

    with stages() as say:
        written = write_report(
            runs,
            out_folder,
            command=command(),
            advance=say,
            adjustment=adjust,
        )
    for suite in written.suites:
        if not as_json:
            out.print(summary_table(suite.results))
    if as_json:
        print_json([json.loads(suite.results.model_dump_json()) for suite in written.suites])
    err.print(f"Report: {escape(str(written.readme))}")
    return ExitCode.DONE


@app.command()
@guarded
def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="Folder with class subfolders, or CSV (image, label).")
    ],
    runs: Annotated[Path, typer.Option(help="The runs folder, or one suite in it.")] = Path("runs"),
    labels: LabelsOption = None,
    training: Annotated[
        Path | None,
        typer.Option(help="Where the training images lie now, to look for their tissue here."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="File of the weights that the runs were trained with.")
    ] = None,
    offline: OfflineOption = False,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    as_json: JsonOption = False,
) -> ExitCode:
    """Let every finished run predict the images of an external folder."""
    from lcbench.rendering import terminal
    from lcbench.runs.evaluate import EvaluationOptions, evaluate
    from lcbench.runs.store import suite_folders

    options = EvaluationOptions(labels, training, weights, offline, device.value, precision.value)
    evaluations = [evaluate(folder, suite, options) for suite in suite_folders(runs)]
    for evaluation in evaluations:
        if not as_json:
            terminal.show_evaluation(evaluation)
    if as_json:
        print_json([e.record.model_dump(mode="json") for e in evaluations])
    err.print(f"Next: lcbench report {escape(str(runs))}")
    left_out = any(evaluation.record.left_out for evaluation in evaluations)
    return ExitCode.PARTLY_DONE if left_out else ExitCode.DONE


def _split_commas(*values: str | None) -> tuple[str, ...]:
    parts = (part.strip() for value in values if value for part in value.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))
