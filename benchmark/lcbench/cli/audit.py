"""`lcbench audit`: tissue that stands twice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lcbench.cli.base import JsonOption, LabelsOption, TaxonomyOption, app, guarded
from lcbench.console import err, escape
from lcbench.errors import ExitCode


@app.command()
@guarded
def audit(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of images, or CSVs (image, and label, side, group where known); several "
            "are compared with each other."
        ),
    ],
    split: Annotated[
        Path | None, typer.Option(help="CSV (image, side): what crosses the sides of this split?")
    ] = None,
    repair: Annotated[
        Path | None,
        typer.Option(
            help="CSV to write: the nearest split to --split that keeps source groups whole."
        ),
    ] = None,
    groups: Annotated[
        Path | None, typer.Option(help="CSV (image, group) to compare with what pixels say.")
    ] = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Where to write.")] = Path("audit"),
    fail_on_leak: Annotated[
        bool,
        typer.Option(
            "--fail-on-leak",
            help="Exit with 1 if tissue stands on two sides; in one folder without --split, "
            "if any stands there twice.",
        ),
    ] = False,
    pictures: Annotated[
        bool, typer.Option(help="Draw the most telling pairs; they show your images.")
    ] = True,
    labels: LabelsOption = None,
    taxonomy: TaxonomyOption = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Find copies and overlapping fields of view within and across folders and splits."""
    from lcbench.audit.command import audit_folders
    from lcbench.rendering.audit.files import write_audit
    from lcbench.rendering.audit.screen import show_audit
    from lcbench.rendering.places import check_audit, check_new_file
    from lcbench.storage.whole import write_text
    from lcbench.tables import csv_text

    check_audit(out_folder, folders)
    if repair is not None:
        check_new_file("--repair", repair)
    found = audit_folders(
        folders,
        split=split,
        groups=groups,
        labels=labels,
        taxonomy=taxonomy,
        repairs=repair is not None,
    )
    page = write_audit(found, out_folder, pictures=pictures)
    if as_json:
        typer.echo(found.results.model_dump_json(indent=2))
    else:
        show_audit(found.results)
    if repair is not None and found.repaired is not None:
        write_text(repair, csv_text(found.repaired.table))
        err.print(f"Repaired split: {escape(str(repair))}", soft_wrap=True)
    err.print(f"Audit: {escape(str(page))}", soft_wrap=True)
    if fail_on_leak and found.results.leaks:
        err.print("[red]Leak:[/red] --fail-on-leak ends with exit code 1.")
        return ExitCode.FAILED
    return ExitCode.PARTLY_DONE if found.results.unreadable else ExitCode.DONE
