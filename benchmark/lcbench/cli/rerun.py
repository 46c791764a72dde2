"""`lcbench rerun`: a published report, done again and compared number by number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lcbench.cli.base import JsonOption, OfflineOption, app, guarded
from lcbench.console import err, escape, stages
from lcbench.errors import ExitCode

if TYPE_CHECKING:
    from lcbench.analysis.agreement import Agreement
    from lcbench.rerun.plan import RerunOptions


@app.command()
@guarded
def rerun(
    report: Annotated[
        Path, typer.Argument(help="results.json of a report, or the report's folder.")
    ],
    data: Annotated[
        str | None, typer.Option(help="Where the images lie now; the demonstration set needs none.")
    ] = None,
    groups: Annotated[
        Path | None, typer.Option(help="Where the groups file of the report lies now.")
    ] = None,
    external: Annotated[
        list[Path] | None,
        typer.Option(help="Where an external folder of the report lies now; may be repeated."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Where the weights file of the report lies now.")
    ] = None,
    offline: OfflineOption = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Fits at a time on the CPU; all cores by default.")
    ] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="A new folder; 'rerun-SUITE' by default.")
    ] = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Do what a report says was done, and say number by number whether it came out again.

    Exit codes: 0 all numbers agree, 3 at least half of them, 1 fewer, or it could not be done.
    """
    from lcbench.rendering.agreement import show_agreement
    from lcbench.rerun.command import TABLE, read_report
    from lcbench.rerun.plan import RerunOptions

    options = RerunOptions(data, groups, tuple(external or ()), weights, offline, jobs)
    folder = out_folder or Path(f"rerun-{read_report(report).suite}")
    agreement = _done_again(report, folder, options)
    if as_json:
        typer.echo(agreement.model_dump_json(indent=2))
    else:
        show_agreement(agreement, folder / TABLE)
    err.print(f"Repetition: {escape(str(folder))}", soft_wrap=True)
    codes = {"agree": ExitCode.DONE, "agree in part": ExitCode.PARTLY_DONE}
    return codes.get(agreement.verdict, ExitCode.FAILED)


def _done_again(report: Path, folder: Path, options: RerunOptions) -> Agreement:
    from lcbench.rendering import terminal
    from lcbench.rerun.command import Watcher, compare_again, do_again

    watcher = Watcher(
        planned=terminal.show_plan,
        done=terminal.show_outcome,
        evaluated=lambda one: err.print(
            escape(f"{one.folder.name}: predicted by {one.runs} runs"), soft_wrap=True
        ),
    )
    results = do_again(report, folder, options, watcher)
    with stages() as say:
        return compare_again(results, folder, say)
