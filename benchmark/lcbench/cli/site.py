"""`lcbench site`: published reports and the documentation as pages for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lcbench.cli.base import JsonOption, app, guarded, print_json
from lcbench.console import err, escape, stages, warn
from lcbench.errors import ExitCode

if TYPE_CHECKING:
    from lcbench.site.writing import Site


@app.command()
@guarded
def site(
    reports: Annotated[
        Path, typer.Argument(help="Folder that holds reports and audits, at any depth.")
    ] = Path("reports"),
    out_folder: Annotated[Path, typer.Option("--out", help="Where to write.")] = Path("site"),
    as_json: JsonOption = False,
) -> ExitCode:
    """Make a static site of published reports, with the documentation.

    It needs no server and no network: open index.html. Images of a data set are not shown on it.
    Ends with exit code 3 where a report cannot be read; the site then lacks it.
    """
    from lcbench.site.writing import write_site

    with stages() as say:
        written = write_site(reports, out_folder, typer.main.get_command(app), say)
    for skipped in written.found.skipped:
        warn(f"Left out: {skipped.name}: {skipped.reason}")
    if as_json:
        print_json(_as_json(written))
    err.print(f"Site: {escape(str(written.index))}", soft_wrap=True)
    return ExitCode.PARTLY_DONE if written.found.skipped else ExitCode.DONE


def _as_json(written: Site) -> dict[str, Any]:
    return {
        "index": str(written.index),
        "reports": [one.name for one in written.found.reports],
        "audits": [one.name for one in written.found.audits],
        "left_out": [{"name": one.name, "reason": one.reason} for one in written.found.skipped],
    }
