"""The reference of the command line, made from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from lcbench.rendering.markdown import Markdown, Table, code, code_cell, escape
from lcbench.rendering.pages import render_page

_CODE = re.compile("`([^`]+)`")
_HEADERS = ("takes", "default", "what")
_KINDS = {int: "number", float: "number", str: "text", Path: "path"}
Parameter = Any
"""Of Typer's own click, whose names are private and differ between versions."""


@dataclass(frozen=True)
class Command:
    """A command as it is typed, and what can be typed after it."""

    words: str
    """The words that call it."""
    usage: str
    """The same, with its arguments."""
    paragraphs: tuple[Markdown, ...]
    """What it is for."""
    arguments: Table | None
    """What stands after it, or None."""
    options: Table
    """Its options."""


def commands_page(command: Any) -> str:  # noqa: ANN401 - see Parameter
    """Return the page of every command below one, as Markdown.

    Parameters
    ----------
    command
        The command line, as `typer.main.get_command` returns it.
    """
    return render_page("site-commands.md.j2", commands=list(_commands(command, "lcbench")))


def _commands(command: Any, words: str) -> Iterator[Command]:  # noqa: ANN401
    below = getattr(command, "commands", {})
    for name, one in below.items():
        yield from _commands(one, f"{words} {name}")
    if not below:
        yield _described(command, words)


def _described(command: Any, words: str) -> Command:  # noqa: ANN401
    hints = get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.name in hints and one not in arguments]
    rows = [_row(_argument(one), one, hints[one.name]) for one in arguments]
    return Command(
        words=words,
        usage=" ".join([words, *(_argument(one) for one in arguments), "[OPTIONS]"]),
        paragraphs=tuple(_prose(part) for part in (command.help or "").split("\n\n")),
        arguments=Table(["argument", *_HEADERS], rows, "llll") if rows else None,
        options=Table(
            ["option", *_HEADERS],
            [
                _row(", ".join([*one.opts, *one.secondary_opts]), one, hints[one.name])
                for one in options
            ],
            "llll",
        ),
    )


def _argument(parameter: Parameter) -> str:
    return str(parameter.name).upper() + ("..." if parameter.nargs == -1 else "")


def _row(name: str, parameter: Parameter, hint: object) -> Sequence[str]:
    what = _prose(getattr(parameter, "help", None) or "")
    return [code_cell(name), _takes(parameter, hint), _default(parameter), what]


def _takes(parameter: Parameter, hint: object) -> str:
    kind, told = _kind(hint)
    if kind is bool:
        return "nothing"
    if get_origin(kind) is Literal:
        return Markdown(", ".join(code_cell(choice) for choice in get_args(kind)))
    if get_origin(kind) is list:
        return _KINDS[get_args(kind)[0]]
    if parameter.metavar:
        return str(parameter.metavar)
    limits = [
        f"{word} {limit}"
        for word, limit in (("from", told.min), ("to", told.max))
        if limit is not None
    ]
    return " ".join([_KINDS[kind], *limits])


def _kind(hint: object) -> tuple[Any, Any]:
    """Return the type of a parameter, and what was told to Typer of it."""
    told = None
    if get_origin(hint) is Annotated:
        hint, told = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    return hint, told


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    if isinstance(default, bool):
        return "yes" if default else ""
    return code_cell(str(default)) if default not in (None, "", (), []) else ""


def _prose(text: str) -> Markdown:
    """Return the help of a command, in which only the words between backticks are code."""
    parts = _CODE.split(" ".join(text.split()))
    words = [code(part) if place % 2 else escape(part) for place, part in enumerate(parts)]
    spaced = [
        " " * part.startswith(" ") + word + " " * part.endswith(" ")
        for part, word in zip(parts, words, strict=True)
        if part
    ]
    return Markdown("".join(spaced))
