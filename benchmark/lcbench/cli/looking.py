"""Commands that look around: list, doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from lcbench.cli.base import JsonOption, LabelsOption, app, guarded, print_json
from lcbench.errors import ExitCode, unknown_name


@app.command("list")
@guarded
def list_(
    what: Annotated[str, typer.Argument(help="suites, baselines, backbones or protocols.")],
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


@app.command()
@guarded
def doctor(
    data: Annotated[str | None, typer.Option(help="A folder or CSV to look at as well.")] = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Look at this machine and say what to do when something is not good."""
    from lcbench.doctor import examine_machine
    from lcbench.rendering import terminal

    checks = examine_machine(data, labels)
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        terminal.show_checks(checks)
    bad = any(check.verdict == "bad" for check in checks)
    return ExitCode.FAILED if bad else ExitCode.DONE
