"""TOML and JSON from outside: of bounded size and depth, and what is wrong in plain words."""

from __future__ import annotations

import json
import re
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lcbench.errors import UserError, at_places

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    Model = TypeVar("Model", bound=BaseModel)

MOST_TOML = 1_000_000
"""Bytes of a TOML file: a suite holds some thousand."""
MOST_JSON = 100_000_000
"""Bytes of a JSON file: the results of a suite hold about a million."""
DEEPEST = 32
"""How deep what is read may be nested: beyond, recursive programs of others end in errors."""

_TOLD = 5
"""Problems of a file that are told at once."""
_LONGEST = 300
"""Characters of what a message repeats from a file."""
_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not a key that is known here",
    "dict_type": "must be a table of keys and values",
    "model_type": "must be a table of keys and values",
    "model_attributes_type": "must be a table of keys and values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} entries, not {actual_length}",
    "too_long": "must have at most {max_length} entries, not {actual_length}",
}
"""What a validation's words, which speak of Python, mean to whoever wrote the file."""
_PART = r"""(?:(?<![\w-])[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_DEEP_KEY = re.compile(rf"(?:{_PART}\.[ \t]*){{{DEEPEST}}}")
"""A dotted key of so many parts: `tomllib` takes the square of their number in steps."""


def read_within(path: Path, most: int, remedy: str = "") -> bytes:
    """Return the bytes of a regular file that holds at most so many.

    Raises
    ------
    UserError
        If it holds more, is a pipe, a device or a folder, or cannot be read.
    """
    try:
        with at_places(path):
            status = path.stat()
            if not stat.S_ISREG(status.st_mode) and not path.is_dir():
                raise UserError(f"{path}: no regular file", "Store it in a file first.")
            if status.st_size > most:
                size, limit = (_megabytes(number) for number in (status.st_size, most))
                raise UserError(f"{path}: {size} MB, but at most {limit} MB are read", remedy)
            return path.read_bytes()
    except ValueError as error:  # a path with a zero byte
        raise UserError(f"{path}: {error}", "Check the path.") from error


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.3g}" if number < 1e8 else f"{number / 1e6:,.0f}"


def read_toml(path: Path, kind: type[Model], what: str, remedy: str) -> Model:
    """Read a TOML file.

    Parameters
    ----------
    kind
        What it must hold.
    what
        What people call such a file, in words that follow "not": `a readable suite`.
    remedy
        What such a file needs.

    Raises
    ------
    UserError
        If it cannot be read, is too large or nested too deep, or does not hold that.
    """
    from pydantic import ValidationError

    content = read_within(path, MOST_TOML, remedy)
    try:
        text = content.decode()
        if _DEEP_KEY.search(text):
            raise ValueError(_too_deep())
        values = tomllib.loads(text)
        _require_flat(values)
        return kind.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error)}", remedy) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not {what}: {_words(error)}", remedy) from error


def read_json(path: Path, remedy: str = "") -> object:
    """Read a JSON file; NaN and infinity are refused because JSON has none.

    Raises
    ------
    UserError
        If it cannot be read, is too large or nested too deep, or is no JSON.
    """
    content = read_within(path, MOST_JSON, remedy)
    try:
        values: object = json.loads(content, parse_constant=_refuse)
        _require_flat(values)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON: {_words(error)}", remedy) from error
    return values


def explain(error: ValidationError) -> str:
    """Return the first problems that a validation found, without pydantic's addresses."""
    problems = error.errors(include_url=False)
    told = [
        f"{_clipped('.'.join(map(str, problem['loc']))) or 'file'}: {_clipped(_said(problem))}"
        for problem in problems[:_TOLD]
    ]
    more = len(problems) - len(told)
    return "; ".join([*told, f"and {more:,} more"] if more else told)


def _said(problem: ErrorDetails) -> str:
    plain = _PLAIN.get(problem["type"])
    return problem["msg"] if plain is None else plain.format(**problem.get("ctx", {}))


def _require_flat(values: object) -> None:
    here = [values]
    for _ in range(DEEPEST):
        here = [inside for one in here for inside in _inside(one)]
        if not here:
            return
    raise ValueError(_too_deep())


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _words(error: Exception) -> str:
    """Return what a reader says, without what only programmers can follow."""
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, UnicodeDecodeError):
        return "it holds bytes that are not UTF-8 text"
    if "integer string conversion" in str(error):
        return "it holds a number of thousands of digits"
    return _clipped(str(error))


def _too_deep() -> str:
    return f"nested deeper than {DEEPEST} levels"


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} stands in it")
