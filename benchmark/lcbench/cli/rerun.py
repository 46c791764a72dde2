"""`lcbench rerun`: a published report, done again and compared number by number."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lcbench.cli.base import JsonOption, OfflineOption, app, guarded
from lcbench.console import err, escape, stages
from lcbench.errors import ExitCode


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
    from lcbench.rendering import terminal
    from lcbench.rendering.agreement import show_agreement
    from lcbench.rerun.plan import RerunOptions
    from lcbench.rerun.repetition import prepare

    options = RerunOptions(data, groups, tuple(external or ()), weights, offline, jobs)
    repetition = prepare(report, out_folder, options)
    terminal.show_plan(repetition.plan)
    for outcome in repetition.run():
        terminal.show_outcome(outcome)
    for evaluation in repetition.evaluate():
        err.print(f"{escape(evaluation.folder.name)}: predicted by {evaluation.runs} runs")
    with stages() as say:
        agreement = repetition.compare(say)
    if as_json:
        typer.echo(agreement.model_dump_json(indent=2))
    else:
        show_agreement(agreement, repetition.table)
    err.print(f"Repetition: {escape(str(repetition.folder))}", soft_wrap=True)
    codes = {"agree": ExitCode.DONE, "agree in part": ExitCode.PARTLY_DONE}
    return codes.get(agreement.verdict, ExitCode.FAILED)
