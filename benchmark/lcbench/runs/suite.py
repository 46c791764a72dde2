"""Suites: TOML files that name baselines, protocols and seeds."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from lcbench.errors import UserError, unknown_name, wrong_usage

REFERENCE_BACKBONE = "reference"
"""What a recipe writes for the backbone that `--backbone` exchanges."""

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "_baselines", _PACKAGE.parents[1] / "baselines")


class Recipe(BaseModel):
    """A baseline of a suite; keys beside name, kind and purpose belong to the kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    kind: str
    purpose: str

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the kind."""
        return dict(self.model_extra or {})

    def with_backbone(self, reference: str) -> Recipe:
        """Return the recipe with the reference backbone's name put in."""
        if self.options.get("backbone") != REFERENCE_BACKBONE:
            return self
        return Recipe.model_validate({**self.model_dump(), "backbone": reference})


class Suite(BaseModel):
    """A validated suite file.

    `reference` is the baseline that the others are compared with; `backbone` the backbone that
    recipes call "reference".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    purpose: str
    reference: str
    backbone: str
    protocols: tuple[str, ...] = Field(min_length=1)
    seeds: PositiveInt
    baselines: tuple[Recipe, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> Suite:
        names = [recipe.name for recipe in self.baselines]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"baselines named twice: {', '.join(twice)}")
        if self.reference not in names:
            raise ValueError(f"reference = {self.reference!r} is not one of the baselines")
        reserved = sorted({"splits", "external"} & {*names, *self.protocols})
        if reserved:
            raise ValueError(f"reserved names: {', '.join(reserved)}")
        return self


def shipped_suites() -> dict[str, Path]:
    """Return the suites that come with lcbench, by name."""
    for folder in _FOLDERS:
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return {}


def load_suite(name_or_file: str) -> Suite:
    """Read a suite by name or from a TOML file.

    Raises
    ------
    UserError
        If there is no such suite, with near names, or the file breaks the schema.
    """
    if name_or_file.endswith(".toml"):
        path = Path(name_or_file)
    else:
        known = shipped_suites()
        if name_or_file not in known:
            raise unknown_name("suite", name_or_file, known)
        path = known[name_or_file]
    try:
        return Suite.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: not a readable suite: {error}") from error
    except ValidationError as error:
        raise UserError(
            f"{path}: {explain(error)}", "See the README on writing a suite of your own."
        ) from error


def choose(
    recipes: Sequence[Recipe], only: Sequence[str] = (), skip: Sequence[str] = ()
) -> tuple[Recipe, ...]:
    """Return the recipes that `--only` and `--skip` patterns leave.

    Raises
    ------
    UserError
        If a pattern matches no baseline, or nothing is left.
    """
    names = [recipe.name for recipe in recipes]
    for pattern in (*only, *skip):
        if not fnmatch.filter(names, pattern):
            raise unknown_name("baseline", pattern, names)
    chosen = tuple(
        recipe
        for recipe in recipes
        if (not only or _matches(recipe.name, only)) and not _matches(recipe.name, skip)
    )
    if not chosen:
        raise wrong_usage("--only and --skip leave no baseline", f"Baselines: {', '.join(names)}")
    return chosen


def explain(error: ValidationError) -> str:
    """Return a validation error as one line a problem, without pydantic's addresses."""
    return "; ".join(
        f"{'.'.join(str(step) for step in problem['loc']) or 'file'}: {problem['msg']}"
        for problem in error.errors()
    )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
