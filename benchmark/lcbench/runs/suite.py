"""Suites: TOML files that name baselines, protocols and seeds."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lcbench.documents import read_toml
from lcbench.errors import unknown_name, wrong_usage
from lcbench.features.embedding_tables import is_embedding_file
from lcbench.protocols import PROTOCOLS
from lcbench.runs.plan_records import EnsembleRecord, HypothesisRecord, RolesRecord
from lcbench.runs.records import Name

REFERENCE_BACKBONE = "reference"
"""What a recipe writes for the backbone that `--backbone` exchanges."""

MOST_SEEDS = 100
"""Each has splits, fits and predictions of its own; ten tell how much seeds matter."""

_MOST_WORDS = 200
"""Characters of `--about`."""

_SUITES = "*.toml"
_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "_baselines", _PACKAGE.parents[1] / "baselines")


class Recipe(BaseModel):
    """A baseline of a suite; keys beside name, kind, purpose and role belong to the kind.

    `role`: "floor" for what anything must beat, "shortcut" for what has no spatial information.
    `feature = "embeddings"` with `file = "mine.parquet"` puts a file of embeddings into the place
    of the backbone.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name
    kind: str
    purpose: str
    role: Literal["floor", "shortcut"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _file_in_the_place_of_a_backbone(cls, given: Any) -> Any:  # noqa: ANN401 - not yet checked
        if not isinstance(given, dict) or given.get("feature") != "embeddings":
            return given
        file = given.get("file")
        if not isinstance(file, str) or not is_embedding_file(file):
            raise ValueError('feature = "embeddings" needs file = "NAME" (.parquet, .npz, .h5)')
        if "backbone" in given:
            raise ValueError("feature and file stand in the place of backbone: leave one out")
        others = {key: value for key, value in given.items() if key not in ("feature", "file")}
        return {**others, "backbone": file}

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the kind."""
        return dict(self.model_extra or {})

    def with_options(self, **options: object) -> Recipe:
        """Return the recipe with some options changed."""
        return Recipe.model_validate({**self.model_dump(), **options})


class Suite(BaseModel):
    """A validated suite file.

    `reference` is the baseline that the others are compared with; `backbone` the backbone that
    recipes call "reference". `flattering` and `leakage_free` are protocols whose scores the report
    puts side by side; `claims` names claims of papers that it judges. `margin`: how many points of
    a rate count as no difference. `ensembles`: averages of stored predictions that reports add.
    `hypothesis`: a question that reports answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    purpose: str
    reference: str
    backbone: str
    protocols: tuple[Name, ...] = Field(min_length=1)
    seeds: int = Field(ge=1, le=MOST_SEEDS)
    flattering: str | None = None
    leakage_free: str | None = None
    claims: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    margin: Annotated[float, Field(gt=0.0, le=50.0)] | None = None
    baselines: tuple[Recipe, ...] = Field(min_length=1)
    ensembles: tuple[EnsembleRecord, ...] = ()
    hypothesis: HypothesisRecord | None = None

    @property
    def roles(self) -> RolesRecord:
        """What its protocols and baselines are for."""
        return RolesRecord(
            flattering=self.flattering,
            leakage_free=self.leakage_free,
            claims=self.claims,
            floor=tuple(recipe.name for recipe in self.baselines if recipe.role == "floor"),
            shortcut=tuple(recipe.name for recipe in self.baselines if recipe.role == "shortcut"),
            margin=self.margin,
            hypothesis=self.hypothesis,
        )

    @model_validator(mode="after")
    def _names(self) -> Suite:
        baselines = [recipe.name for recipe in self.baselines]
        names = [*baselines, *(one.name for one in self.ensembles)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            kind = "baselines or ensembles" if self.ensembles else "baselines"
            raise ValueError(f"{kind} named twice: {', '.join(twice)}")
        for ensemble in self.ensembles:
            unknown = [member for member in ensemble.members if member not in baselines]
            if unknown:
                raise ValueError(
                    f"ensemble {ensemble.name}: {', '.join(unknown)} is not one of the baselines"
                )
        if self.reference not in baselines:
            raise ValueError(f"reference = {self.reference!r} is not one of the baselines")
        if self.flattering is not None and self.flattering == self.leakage_free:
            raise ValueError(f"{self.flattering!r} cannot be both flattering and leakage_free")
        for role in ("flattering", "leakage_free"):
            protocol = getattr(self, role)
            if protocol is not None and protocol not in PROTOCOLS:
                known = ", ".join(PROTOCOLS)
                raise ValueError(f"{role} = {protocol!r} is no protocol; known: {known}")
        reserved = sorted({"splits", "external"} & {*names, *self.protocols})
        if reserved:
            raise ValueError(f"reserved names: {', '.join(reserved)}")
        return self

    @model_validator(mode="after")
    def _question(self) -> Suite:
        if self.hypothesis is None:
            return self
        names = {recipe.name for recipe in self.baselines} | {one.name for one in self.ensembles}
        others = names - {self.reference}
        unknown = [arm for arm in self.hypothesis.arms if arm not in others]
        if unknown:
            raise ValueError(
                f"hypothesis: arms: {', '.join(unknown)} is no baseline or ensemble beside the "
                "reference"
            )
        if self.hypothesis.holds is not None and self.margin is None:
            raise ValueError(
                f'hypothesis: holds = "{self.hypothesis.holds}" needs the margin of the suite'
            )
        return self


def shipped_suites() -> dict[str, Path]:
    """Return the suites that come with lcbench, by name."""
    return _shipped(_SUITES)


def _shipped(pattern: str) -> dict[str, Path]:
    for folder in _FOLDERS:
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob(pattern))}
    return {}


def _find(what: str, name_or_file: str, pattern: str) -> Path:
    if name_or_file.endswith(".toml"):
        return Path(name_or_file)
    known = _shipped(pattern)
    if name_or_file not in known:
        raise unknown_name(what, name_or_file, known)
    return known[name_or_file]


def find_claims(name_or_file: str) -> Path:
    """Return the file of a paper's claims, by name or by its own path.

    Raises
    ------
    UserError
        If there are no such claims, with near names.
    """
    return _find("claims of a paper", name_or_file, "claims/*.toml")


def load_suite(name_or_file: str) -> Suite:
    """Read a suite by name or from a TOML file.

    Raises
    ------
    UserError
        If there is no such suite, with near names, or the file breaks the schema.
    """
    path = _find("suite", name_or_file, _SUITES)
    remedy = "See the README on writing a suite of your own."
    return read_toml(path, Suite, "a readable suite", remedy)


def suite_place(name_or_file: str) -> Path:
    """Return the folder of a suite's file: paths in it are relative to that.

    Raises
    ------
    UserError
        If there is no such suite, with near names.
    """
    return _find("suite", name_or_file, _SUITES).parent


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


def matching_names(names: Collection[str], patterns: Sequence[str]) -> frozenset[str] | None:
    """Return the names that patterns match; None without patterns, when nobody chose.

    Raises
    ------
    UserError
        If a pattern matches no name.
    """
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise unknown_name("baseline", pattern, names)
    return frozenset(name for name in names if _matches(name, patterns)) if patterns else None


def about_words(text: str) -> str:
    """Return what `--about` says, as one line of a report.

    Raises
    ------
    UserError
        If it is too long for one, or holds line breaks or control characters.
    """
    text = text.strip()
    remedy = f"Say it in one line of at most {_MOST_WORDS} characters."
    if not text.isprintable():
        raise wrong_usage("--about: it holds line breaks or control characters", remedy)
    if len(text) > _MOST_WORDS:
        raise wrong_usage(f"--about: {len(text):,} characters", remedy)
    return text


def in_order(names: Collection[str], order: Sequence[str]) -> tuple[str, ...]:
    """Return names in a suite's order, each once; those that it does not know come last."""
    return (*(name for name in order if name in names), *sorted(set(names) - set(order)))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
