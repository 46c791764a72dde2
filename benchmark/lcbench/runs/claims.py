"""Claims of papers: TOML files that say what a paper claims, of how many images."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from lcbench.documents import read_toml
from lcbench.errors import UserError
from lcbench.runs.suite import find_claims
from lcbench.statistics.registry import METRICS
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import Taxonomy


class Claim(BaseModel):
    """One claim: what the paper says, of how many images, and the metric that measures it.

    `n`: the images that the claimed value is a share of, or that a `count` is a number among.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    value: float = Field(ge=0.0)
    n: PositiveInt
    unit: Literal["share", "count"] = "share"
    metric: str
    of: str = ""

    @property
    def share(self) -> float:
        """The claimed value as a share of its images."""
        return self.value / self.n if self.unit == "count" else self.value

    @model_validator(mode="after")
    def _measurable(self) -> Claim:
        if self.share > 1.0:
            raise ValueError(f"a {self.unit} of {self.value:g} is more than all {self.n} images")
        if self.metric not in METRICS or METRICS[self.metric].unit != "share":
            known = ", ".join(key for key, metric in METRICS.items() if metric.unit == "share")
            raise ValueError(f"metric = {self.metric!r} is no share that is measured: {known}")
        return self


class ClaimsFile(BaseModel):
    """The claims of one paper, and the data that they are about.

    `images`: how many images the data have; `leaves`: the classes. Claims are judged on such data
    only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    title: str
    remark: str = ""
    protocol: str
    backbone: str
    backbone_title: str
    images: int
    leaves: tuple[str, ...]
    claims: tuple[Claim, ...] = Field(min_length=1)


def load_claims(name_or_file: str) -> ClaimsFile:
    """Read the claims of a paper, by name or from a TOML file.

    Raises
    ------
    UserError
        If there are no such claims, with near names, or the file breaks the schema.
    """
    path = find_claims(name_or_file)
    if not path.exists():
        raise UserError(
            f"{path}: no such file of claims",
            "Check the path: it begins at the folder that the command is typed in.",
        )
    return read_toml(path, ClaimsFile, "readable claims", "See docs/formats.md on claims.")


def check_claims(name_or_file: str, taxonomy: Taxonomy) -> None:
    """Read the claims of a paper; where they are about these classes, each must be measurable.

    Raises
    ------
    UserError
        As `load_claims`, and where a claim is `of` something that its metric does not speak of.
    """
    paper = load_claims(name_or_file)
    if set(paper.leaves) != set(taxonomy.leaves):
        return  # about other data: not judged
    tree = ClassTree.of(taxonomy)
    for number, claim in enumerate(paper.claims):
        known = METRICS[claim.metric].speaks_of(tree)
        if claim.of not in known:
            allowed = " or ".join(repr(one) for one in known) or "(nothing in this class tree)"
            raise UserError(
                f"{find_claims(name_or_file)}: claims.{number}: {claim.metric} of {claim.of!r} is "
                "not measured",
                f"With metric = {claim.metric!r}, of can be {allowed}.",
            )
