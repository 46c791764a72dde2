"""`lcbench validate`: what a prediction file can be used for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lcbench.cli.base import JsonOption, LabelsOption, TaxonomyOption, app, guarded, print_json
from lcbench.errors import ExitCode


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
    from lcbench.predictions.validation import inspect_predictions
    from lcbench.rendering.validation import inspection_as_json, show_inspection
    from lcbench.runs.store import find_taxonomy

    reader = read_labels_with(labels, find_taxonomy(taxonomy, [file]))
    inspection = inspect_predictions(file, reader)
    if as_json:
        print_json(inspection_as_json(inspection))
    else:
        show_inspection(inspection)
    return ExitCode.DONE if inspection.valid else ExitCode.FAILED
