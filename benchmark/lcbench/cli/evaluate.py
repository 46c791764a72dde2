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
    TileOption,
    app,
    guarded,
    print_json,
    split_commas,
)
from lcbench.console import err, escape, out
from lcbench.errors import ExitCode


@app.command()
@guarded
def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="Folder with class subfolders, or CSV (image, label).")
    ],
    runs: Annotated[Path, typer.Option(help="The runs folder, or one suite in it.")] = Path("runs"),
    name: Annotated[
        str, typer.Option(help="What the folder is called in reports; by default its own name.")
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Only baselines that match; may be repeated. What other baselines predicted on "
            "this folder before goes."
        ),
    ] = None,
    labels: LabelsOption = None,
    label_pattern: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Finds the label in the path of each image, between the brackets of a regular "
            "expression: '([^/]+?)___' reads lung_aca from lung_aca___110.jpeg.",
        ),
    ] = "",
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Look for no labels: predict, score nothing.")
    ] = False,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV (image, and patient, case, slide or group): which images belong together. "
            "Without it pixels tell which show the same tissue."
        ),
    ] = None,
    group_pattern: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="The same from the path of each image: '(?P<patient>P\\d+)_' reads P17 from "
            "P17_3.png.",
        ),
    ] = "",
    calibrate_on: Annotated[
        float | None,
        typer.Option(
            metavar="FRACTION",
            help="Set aside this share of the groups, such as 0.3, to calibrate on; they are "
            "never scored.",
        ),
    ] = None,
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
    tile: TileOption = None,
    offline: OfflineOption = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> ExitCode:
    """Let every finished run predict the images of an external folder.

    Ends with exit code 3 where a baseline could not predict, or where images carry labels that
    stand for no class.
    """
    from lcbench.rendering import external_terminal as terminal
    from lcbench.runs.evaluate import evaluate
    from lcbench.runs.evaluation_options import EvaluationOptions
    from lcbench.runs.store import suite_folders

    options = EvaluationOptions(
        labels=labels,
        training=training,
        weights=weights,
        offline=offline,
        device=device,
        precision=precision,
        about=about,
        name=name,
        only=split_commas(*(only or ())),
        label_pattern=label_pattern,
        groups=groups,
        group_pattern=group_pattern,
        unlabelled=unlabelled,
        calibrate_on=calibrate_on,
        embeddings=tuple(embeddings or ()),
        tile=tile,
    )
    evaluations = []
    for suite in suite_folders(runs):
        evaluation = evaluate(folder, suite, options, tell=terminal.show_images)
        if not as_json:
            terminal.show_labels(evaluation.record)
            if evaluation.runs:
                _show_accuracies(suite, evaluation.record.name)
        terminal.show_evaluation(evaluation)
        evaluations.append(evaluation)
    if as_json:
        print_json([e.record.model_dump(mode="json") for e in evaluations])
    if not any(evaluation.runs for evaluation in evaluations):
        return ExitCode.FAILED
    err.print(f"Next: lcbench report {escape(str(runs))}")
    partly = any(evaluation.record.is_partial for evaluation in evaluations)
    return ExitCode.PARTLY_DONE if partly else ExitCode.DONE


def _show_accuracies(suite: Path, name: str) -> None:
    from lcbench.analysis.external import glance_at
    from lcbench.analysis.scores import AnalysisSettings
    from lcbench.rendering.report.external_summary import accuracy_table, unscored_words
    from lcbench.runs.reading import read_suite
    from lcbench.statistics.bootstrap import RESAMPLES

    result = glance_at(read_suite(suite), name, AnalysisSettings(resamples=RESAMPLES))
    if result is None:
        return
    table = accuracy_table(result)
    if table is not None:
        out.print(table)
    elif words := unscored_words(result):
        err.print(escape(words))
