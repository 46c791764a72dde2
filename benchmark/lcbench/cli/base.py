"""What all commands share: the application, its options, errors and JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from lcbench.console import err, escape
from lcbench.errors import ExitCode, UserError, from_os_error
from lcbench.statistics.choices import Adjustment

app = typer.Typer(
    name="lcbench",
    help="A leakage-aware benchmark for lung-tissue classifiers. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

P = ParamSpec("P")


AdjustOption = Annotated[
    Adjustment, typer.Option(help="Adjustment of p-values: Holm or Benjamini-Hochberg.")
]
GroupsOption = Annotated[
    Path | None, typer.Option(help="CSV (image, group): which images show the same tissue.")
]
LabelsOption = Annotated[
    Path | None, typer.Option(help="TOML file that says what folder names stand for.")
]
TaxonomyOption = Annotated[Path | None, typer.Option(help="TOML file of another class tree.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def guarded(command: Callable[P, ExitCode]) -> Callable[P, None]:
    """Turn a command's result and the user's errors into exit codes and one clear message."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except UserError as error:
            code = _show_error(error)
        except OSError as error:
            mendable = from_os_error(error)
            if mendable is None:
                raise
            code = _show_error(mendable)
        except KeyboardInterrupt:
            err.print("Interrupted. Finished runs are kept: the same command goes on from there.")
            code = ExitCode.FAILED
        raise typer.Exit(int(code))

    return wrapped


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of the command itself."""
    if version:
        import lcbench

        typer.echo(f"lcbench {lcbench.__version__}")
        raise typer.Exit


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON; NaN is refused because JSON has none."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def _show_error(error: UserError) -> ExitCode:
    err.print(f"[red]Error:[/red] {escape(error.message)}", soft_wrap=True)
    if error.remedy:
        err.print(escape(error.remedy), soft_wrap=True)
    return error.code
