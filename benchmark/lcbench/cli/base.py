"""What all commands share: the application, its options, errors and JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, ParamSpec

import typer
from typer.core import TyperGroup

from lcbench.caching.place import cache_folder
from lcbench.cli.signals import interrupted
from lcbench.console import err, escape
from lcbench.errors import ExitCode, UserError, at_places, from_lack_of_memory, wrong_usage
from lcbench.provenance import typed


class _Group(TyperGroup):
    """Remembers what was typed, for the records that commands write."""

    # Typer brings a click of its own, whose Context has no public name.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Parse the arguments of the application."""
        _refuse_empty(args)
        ctx.with_resource(typed(args))
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group,
    name="lcbench",
    help="A leakage-aware benchmark for lung-tissue classifiers. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

P = ParamSpec("P")

AdjustOption = Annotated[
    Literal["holm", "bh"],
    typer.Option(help="Adjustment of p-values: Holm or Benjamini-Hochberg."),
]
GroupsOption = Annotated[
    Path | None, typer.Option(help="CSV (image, group): which images show the same tissue.")
]
LabelsOption = Annotated[
    Path | None, typer.Option(help="TOML file that says what folder names stand for.")
]
TaxonomyOption = Annotated[
    Path | None,
    typer.Option(help="Another class tree: a name, see `lcbench list taxonomies`, or a TOML file."),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where networks run.")
]
PrecisionOption = Annotated[
    Literal["auto", "32", "bf16"],
    typer.Option(help="bf16 where the device computes in it, else 32 bit."),
]
TileOption = Annotated[
    int | None,
    typer.Option(
        metavar="SIZE",
        help="Cut images into tiles of SIZE px, without overlap and without background.",
    ),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Use only weights that are on this machine.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def guarded(command: Callable[P, ExitCode]) -> Callable[P, None]:
    """Turn a command's result and the user's errors into exit codes and one clear message.

    What the system says about a path that was typed, or about the cache, is the user's error, and
    so is a machine or a limit with too little memory.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with at_places(cache_folder(), *_paths(kwargs.values())):
                code = command(*args, **kwargs)
        except UserError as error:
            code = _show_error(error)
        except KeyboardInterrupt:
            err.print(interrupted(command.__name__))
            code = ExitCode.FAILED
        except Exception as error:
            known = from_lack_of_memory(error)
            if known is None:
                raise
            code = _show_error(known)
        raise typer.Exit(int(code))

    return wrapped


def _paths(values: Iterable[object]) -> Iterator[Path]:
    """Yield what was typed as paths; a word that is none does no harm."""
    for value in values:
        if isinstance(value, str | Path):
            yield Path(value)
        elif isinstance(value, list):
            yield from _paths(value)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of the command itself."""
    if version:
        import lcbench

        typer.echo(f"lcbench {lcbench.__version__}")
        raise typer.Exit


def _refuse_empty(words: Sequence[str]) -> None:
    """Refuse a word that says nothing: it is a variable of a script that was not set."""
    for before, word in zip(("", *words), words, strict=False):
        name, sign, value = word.partition("=")
        if name.startswith("--") and sign and not value.strip():
            raise typer.BadParameter("it is empty", param_hint=name)
        if not word.strip():
            hint = before if before.startswith("-") else "an argument"
            raise typer.BadParameter("it is empty", param_hint=hint)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON; NaN is refused because JSON has none."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def split_commas(*values: str | None) -> tuple[str, ...]:
    """Return the parts of comma-separated words, each once, in order.

    Raises
    ------
    UserError
        If a word names nothing.
    """
    parts = []
    for value in filter(None, values):
        named = [part.strip() for part in value.split(",") if part.strip()]
        if not named:
            raise wrong_usage(f"{value!r} names nothing", "Give names with commas between them.")
        parts += named
    return tuple(dict.fromkeys(parts))


def _show_error(error: UserError) -> ExitCode:
    err.print(f"[red]Error:[/red] {escape(error.message)}", soft_wrap=True)
    if error.remedy:
        err.print(escape(error.remedy), soft_wrap=True)
    return error.code
