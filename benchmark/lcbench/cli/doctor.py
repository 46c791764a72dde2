"""`lcbench doctor`: whether this machine is ready."""

from __future__ import annotations

from typing import Annotated

import typer

from lcbench.cli.base import JsonOption, LabelsOption, TaxonomyOption, app, guarded, print_json
from lcbench.errors import ExitCode


@app.command()
@guarded
def doctor(
    data: Annotated[str | None, typer.Option(help="A folder or CSV to look at as well.")] = None,
    labels: LabelsOption = None,
    taxonomy: TaxonomyOption = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Look at this machine and say what to do when something is not good."""
    from lcbench.doctor import examine_machine
    from lcbench.rendering import terminal

    checks = examine_machine(data, labels, taxonomy)
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        terminal.show_checks(checks)
    bad = any(check.verdict == "bad" for check in checks)
    return ExitCode.FAILED if bad else ExitCode.DONE
