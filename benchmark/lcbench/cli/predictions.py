"""Commands that need prediction files alone: compare, validate."""

from __future__ import annotations

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
from lcbench.console import err, escape, stages
from lcbench.errors import ExitCode
from lcbench.statistics.choices import Adjustment, Method


class Match(StrEnum):
    """Choices of --match."""

    auto = "auto"
    sha256 = "sha256"
    image = "image"


@app.command()
@guarded
def compare(
    files: Annotated[
        list[Path],
        typer.Argument(help="Predictions, one Parquet, CSV or folder of runs for each model."),
    ],
    name: Annotated[
        list[str] | None, typer.Option(help="Name of a model, in the order of the files.")
    ] = None,
    groups: GroupsOption = None,
    labels: LabelsOption = None,
    taxonomy: TaxonomyOption = None,
    match: Annotated[Match, typer.Option(help="What images are matched by.")] = Match.auto,
    interval: Annotated[Method, typer.Option(help="Method of the intervals.")] = Method.score,
    adjust: AdjustOption = Adjustment.holm,
    resamples: Annotated[int, typer.Option(min=200, help="Bootstrap resamples.")] = 10_000,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write Markdown there, or JSON to *.json.")
    ] = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Compare models by their predictions: metrics, intervals and paired tests."""
    from lcbench.analysis.compare_command import CompareOptions, compare_files
    from lcbench.provenance import command
    from lcbench.rendering.compare_screen import show_comparison
    from lcbench.rendering.compare_writing import check_place, comparison_as_json, write_comparison

    if out_file is not None:
        check_place(out_file, files)
    options = CompareOptions(
        names=tuple(name or ()),
        groups=groups,
        labels=labels,
        taxonomy=taxonomy,
        match=match.value,
        interval=interval,
        adjustment=adjust,
        resamples=resamples,
    )
    with stages() as say:
        results = compare_files(files, options, say)
    if as_json:
        typer.echo(comparison_as_json(results), nl=False)
    else:
        show_comparison(results)
    if out_file is not None:
        write_comparison(out_file, results, command())
        err.print(f"Written: {escape(str(out_file))}", soft_wrap=True)
    return ExitCode.PARTLY_DONE if results.unmatched else ExitCode.DONE


@app.command()
@guarded
def validate(
    file: Annotated[
        Path, typer.Argument(help="Predictions of one model: Parquet, CSV, or a folder of runs.")
    ],
    labels: LabelsOption = None,
    taxonomy: TaxonomyOption = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Say what is wrong with a prediction file of any tool, and what it can be used for."""
    from lcbench.datasets.labels import read_labels_with
    from lcbench.predictions.reading.inspection import inspect_predictions
    from lcbench.rendering.validate_screen import inspection_as_json, show_inspection
    from lcbench.taxonomy import load_taxonomy

    reader = read_labels_with(labels, load_taxonomy(taxonomy))
    inspection = inspect_predictions(file, reader)
    if as_json:
        print_json(inspection_as_json(inspection))
    else:
        show_inspection(inspection)
    return ExitCode.DONE if inspection.valid else ExitCode.FAILED
