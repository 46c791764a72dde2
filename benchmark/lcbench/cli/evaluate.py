"""`lcbench evaluate`: finished runs on an external folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lcbench.cli.base import (
    DeviceOption,
    JsonOption,
    LabelsOption,
    OfflineOption,
    PrecisionOption,
    app,
    guarded,
    print_json,
)
from lcbench.console import err, escape
from lcbench.errors import ExitCode


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
    about: Annotated[
        str, typer.Option(help='What kind of images these are, such as "CT slices".')
    ] = "",
    embeddings: Annotated[
        list[str] | None,
        typer.Option(
            help="File of embeddings of these images, for runs on such a file; NAME=FILE where "
            "there are several, may be repeated."
        ),
    ] = None,
    offline: OfflineOption = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> ExitCode:
    """Let every finished run predict the images of an external folder."""
    from lcbench.rendering import terminal
    from lcbench.runs.evaluate import EvaluationOptions, evaluate
    from lcbench.runs.store import suite_folders

    options = EvaluationOptions(
        labels=labels,
        training=training,
        weights=weights,
        offline=offline,
        device=device,
        precision=precision,
        about=about,
        embeddings=tuple(embeddings or ()),
    )
    evaluations = [evaluate(folder, suite, options) for suite in suite_folders(runs)]
    for evaluation in evaluations:
        if not as_json:
            terminal.show_evaluation(evaluation)
    if as_json:
        print_json([e.record.model_dump(mode="json") for e in evaluations])
    err.print(f"Next: lcbench report {escape(str(runs))}")
    if not any(evaluation.runs for evaluation in evaluations):
        return ExitCode.FAILED
    records = [evaluation.record for evaluation in evaluations]
    partly = any(record.left_out or record.runs_left_out for record in records)
    return ExitCode.PARTLY_DONE if partly else ExitCode.DONE
