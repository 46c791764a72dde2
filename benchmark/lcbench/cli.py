"""The `lcbench` command: parse, call, print."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from lcbench.console import err, escape, out, stages
from lcbench.errors import ExitCode, UserError, from_os_error, unknown_name

app = typer.Typer(
    name="lcbench",
    help="A leakage-aware benchmark for lung-tissue classifiers. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

P = ParamSpec("P")

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


def guarded(command: Callable[P, ExitCode]) -> Callable[P, None]:
    """Turn a command's result and the user's errors into exit codes and one clear message."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except UserError as error:
            code = _show_error(error)
        except OSError as error:
            mendable = from_os_error(error)
            if mendable is None:
                raise
            code = _show_error(mendable)
        except KeyboardInterrupt:
            err.print("Interrupted. Finished runs are kept: the same command goes on from there.")
            code = ExitCode.FAILED
        raise typer.Exit(int(code))

    return wrapped


DeviceOption = Annotated[Device, typer.Option(help="Where networks run.")]
PrecisionOption = Annotated[
    Precision, typer.Option(help="bf16 where the device computes in it, else 32 bit.")
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Use only weights that are on this machine.")
]
LabelsOption = Annotated[
    Path | None, typer.Option(help="TOML file that says what folder names stand for.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
@guarded
def run(
    data: Annotated[
        str, typer.Option(help="Folder with class subfolders, CSV (image, label), or 'demo'.")
    ],
    suite: Annotated[str, typer.Option(help="Name of a suite, or a TOML file.")] = "core",
    groups: Annotated[
        Path | None, typer.Option(help="CSV (image, group): which images show the same tissue.")
    ] = None,
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
    taxonomy: Annotated[Path | None, typer.Option(help="TOML file of another class tree.")] = None,
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
    from lcbench import terminal
    from lcbench.reporting import analyse, read_suite, summary_table
    from lcbench.runs.execute import execute
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
            _print_json(terminal.plan_as_json(plan))
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
        _print_json(
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
    as_json: JsonOption = False,
) -> ExitCode:
    """Write the Markdown report, with pictures and the same numbers as JSON and CSV."""
    from lcbench.reporting import summary_table, write_report
    from lcbench.runs.provenance import command

    with stages() as say:
        written = write_report(runs, out_folder, command=command(), advance=say)
    for suite in written.suites:
        if not as_json:
            out.print(summary_table(suite.results))
    if as_json:
        _print_json([json.loads(suite.results.model_dump_json()) for suite in written.suites])
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
    weights: Annotated[
        str | None, typer.Option(help="File of the weights that the runs were trained with.")
    ] = None,
    offline: OfflineOption = False,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    as_json: JsonOption = False,
) -> ExitCode:
    """Let every finished run predict the images of an external folder."""
    from lcbench import terminal
    from lcbench.runs.evaluate import EvaluationOptions, evaluate
    from lcbench.runs.store import suite_folders

    options = EvaluationOptions(labels, weights, offline, device.value, precision.value)
    evaluations = [evaluate(folder, suite, options) for suite in suite_folders(runs)]
    for evaluation in evaluations:
        if not as_json:
            terminal.show_evaluation(evaluation)
    if as_json:
        _print_json([e.record.model_dump(mode="json") for e in evaluations])
    err.print(f"Next: lcbench report {escape(str(runs))}")
    left_out = any(evaluation.record.left_out for evaluation in evaluations)
    return ExitCode.PARTLY_DONE if left_out else ExitCode.DONE


@app.command("list")
@guarded
def list_(
    what: Annotated[str, typer.Argument(help="suites, baselines, backbones or protocols.")],
    as_json: JsonOption = False,
) -> ExitCode:
    """List what there is to choose from."""
    from lcbench import terminal
    from lcbench.listing import LISTINGS

    if what not in LISTINGS:
        raise unknown_name("listing", what, LISTINGS)
    rows = LISTINGS[what]()
    if as_json:
        _print_json(rows)
    else:
        terminal.show_rows(what, rows)
    return ExitCode.DONE


@app.command()
@guarded
def doctor(
    data: Annotated[str | None, typer.Option(help="A folder or CSV to look at as well.")] = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Look at this machine and say what to do when something is not good."""
    from lcbench import terminal
    from lcbench.doctor import examine_machine

    checks = examine_machine(data, labels)
    if as_json:
        _print_json([vars(check) for check in checks])
    else:
        terminal.show_checks(checks)
    bad = any(check.verdict == "bad" for check in checks)
    return ExitCode.FAILED if bad else ExitCode.DONE


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of the command itself."""
    if version:
        import lcbench

        typer.echo(f"lcbench {lcbench.__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    app()


def _show_error(error: UserError) -> ExitCode:
    err.print(f"[red]Error:[/red] {escape(error.message)}", soft_wrap=True)
    if error.remedy:
        err.print(escape(error.remedy), soft_wrap=True)
    return error.code


def _print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def _split_commas(*values: str | None) -> tuple[str, ...]:
    parts = (part.strip() for value in values if value for part in value.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))
