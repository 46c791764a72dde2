"""`lcbench compare`: models by their prediction files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from lcbench.cli.base import (
    AdjustOption,
    GroupsOption,
    JsonOption,
    LabelsOption,
    TaxonomyOption,
    app,
    guarded,
)
from lcbench.console import err, escape, stages
from lcbench.errors import ExitCode


@app.command()
@guarded
def compare(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Predictions, one Parquet, CSV or folder of runs for each model; or "
            "external/FOLDER/PROTOCOL/BASELINE of the runs folder, once lcbench evaluate has "
            "predicted that folder."
        ),
    ],
    name: Annotated[
        list[str] | None, typer.Option(help="Name of a model, in the order of the files.")
    ] = None,
    runs: Annotated[
        Path, typer.Option(help="The runs folder in which external/... is looked up.")
    ] = Path("runs"),
    groups: GroupsOption = None,
    labels: LabelsOption = None,
    taxonomy: TaxonomyOption = None,
    match: Annotated[
        Literal["auto", "sha256", "image"], typer.Option(help="What images are matched by.")
    ] = "auto",
    interval: Annotated[
        Literal["score", "percentile", "bca"], typer.Option(help="Method of the intervals.")
    ] = "score",
    adjust: AdjustOption = "holm",
    resamples: Annotated[
        int, typer.Option(min=200, max=1_000_000, help="Resamples of percentile and bca.")
    ] = 10_000,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write Markdown there, or JSON to *.json.")
    ] = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Compare models by their predictions: metrics, intervals and paired tests."""
    from lcbench.analysis.comparing import compare_predictions
    from lcbench.analysis.scores import AnalysisSettings
    from lcbench.datasets.groups import read_groups
    from lcbench.datasets.labels import read_labels_with
    from lcbench.predictions.models import load_models
    from lcbench.provenance import command
    from lcbench.rendering.comparison.page import comparison_as_json, write_comparison
    from lcbench.rendering.comparison.screen import show_comparison
    from lcbench.rendering.places import check_comparison
    from lcbench.runs.external_predictions import all_external, find_external, load_any
    from lcbench.runs.store import find_taxonomy

    files = find_external(files, runs)
    if out_file is not None:
        check_comparison(out_file, files)
    with stages() as say:
        say("reading predictions")
        tree = find_taxonomy(taxonomy, files)
        results = compare_predictions(
            load_models(files, read_labels_with(labels, tree), name or (), load_any),
            tree,
            AnalysisSettings(interval=interval, resamples=resamples, adjustment=adjust),
            match=match,
            groups=None if groups is None else read_groups(groups),
            command=command(),
            repeats="trained model" if all_external(files) else "seed",
            advance=say,
        )
    if as_json:
        typer.echo(comparison_as_json(results), nl=False)
    else:
        show_comparison(results)
    if out_file is not None:
        write_comparison(out_file, results)
        err.print(f"Written: {escape(str(out_file))}", soft_wrap=True)
    return ExitCode.PARTLY_DONE if results.comparison.unmatched else ExitCode.DONE
