"""`lcbench list`: what there is to choose from."""

from __future__ import annotations

from typing import Annotated

import typer

from lcbench.cli.base import JsonOption, app, guarded, print_json
from lcbench.errors import ExitCode, unknown_name


@app.command("list")
@guarded
def list_(
    what: Annotated[
        str, typer.Argument(help="suites, baselines, backbones, protocols or taxonomies.")
    ],
    as_json: JsonOption = False,
) -> ExitCode:
    """List what there is to choose from."""
    from lcbench.rendering import terminal
    from lcbench.runs.catalogue import LISTINGS

    if what not in LISTINGS:
        raise unknown_name("listing", what, LISTINGS)
    rows = LISTINGS[what]()
    if as_json:
        print_json(rows)
    else:
        terminal.show_rows(what, rows)
    return ExitCode.DONE
