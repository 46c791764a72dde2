"""Claims of papers, read from TOML, beside what the reference reached: verdicts from intervals."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lcbench.analysis.results import (
    ClaimResult,
    Obstacle,
    PaperClaims,
    Position,
    ProtocolResult,
    Verdict,
)
from lcbench.analysis.scoring import per_seed_count
from lcbench.errors import UserError
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.records import BackboneRecord
from lcbench.runs.suite import explain, find_claims
from lcbench.statistics.intervals import Interval


class Claim(BaseModel):
    """One claim: what the paper says, and the metric that measures it.

    A `count` is a number of images among the paper's test images; its metric is their share.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    value: float
    unit: Literal["share", "count"] = "share"
    metric: str
    of: str = ""


class ClaimsFile(BaseModel):
    """The claims of one paper, and the data that they are about.

    `images`: how many images the data have; `leaves`: the classes. Claims are judged on such data
    only. `test_images`: of the paper's test set, which counts are scaled to.
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
    test_images: int
    claims: tuple[Claim, ...] = Field(min_length=1)


def load_claims(path: Path) -> ClaimsFile:
    """Read the claims of a paper.

    Raises
    ------
    UserError
        If the file cannot be read or breaks the schema.
    """
    try:
        return ClaimsFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: not readable claims: {error}") from error
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error)}", "See docs/formats.md on claims.") from error


def judge_claims(
    suite: FinishedSuite, protocols: Sequence[ProtocolResult]
) -> tuple[PaperClaims, ...]:
    """Return the claims of the suite's papers about these data, each with its verdict."""
    papers = {key: load_claims(find_claims(key)) for key in suite.roles.claims}
    return tuple(
        _judge_paper(key, paper, suite, protocols)
        for key, paper in papers.items()
        if _is_about(paper, suite)
    )


def _is_about(paper: ClaimsFile, suite: FinishedSuite) -> bool:
    dataset = suite.plan.dataset
    images = dataset.images + len(dataset.skipped)
    same_leaves = set(paper.leaves) == set(suite.taxonomy.leaves)
    return not dataset.synthetic and images == paper.images and same_leaves


def _judge_paper(
    key: str, paper: ClaimsFile, suite: FinishedSuite, protocols: Sequence[ProtocolResult]
) -> PaperClaims:
    runs = suite.runs_of(baseline=suite.plan.reference)
    backbone = runs[0].config.backbone if runs else None
    other = ""
    if backbone is not None and backbone.name.split(".")[0] != paper.backbone:
        other = backbone.name
    return PaperClaims(
        key=key,
        source=paper.source,
        title=paper.title,
        protocol=paper.protocol,
        backbone=paper.backbone_title,
        other_backbone=other,
        remark=paper.remark,
        claims=tuple(
            _judge(claim, paper, result, suite.plan.reference, backbone, other)
            for claim in paper.claims
            for result in protocols
        ),
    )


def _judge(
    claim: Claim,
    paper: ClaimsFile,
    result: ProtocolResult,
    reference: str,
    backbone: BackboneRecord | None,
    other_backbone: str,
) -> ClaimResult:
    measured = _measure(claim, paper, result, reference)
    obstacles = tuple(_obstacles(measured, backbone))
    position = _position(claim.value, measured)
    verdict = _verdict(position, other_backbone) if not obstacles else "cannot be judged"
    return ClaimResult(
        claim=claim.text,
        claimed=claim.value,
        unit=claim.unit,
        metric=claim.metric,
        of=claim.of,
        protocol=result.protocol,
        measured=measured,
        verdict=verdict,
        position=position,
        obstacles=obstacles,
    )


def _measure(
    claim: Claim, paper: ClaimsFile, result: ProtocolResult, reference: str
) -> Interval | None:
    scores = result.comparison.scores(reference)
    reached = scores.get(claim.metric, claim.of) if scores is not None else None
    if reached is None or claim.unit == "share":
        return reached
    return per_seed_count(reached, paper.test_images)


def _obstacles(measured: Interval | None, backbone: BackboneRecord | None) -> list[Obstacle]:
    """Return why the measurement cannot speak about the paper."""
    found: list[Obstacle] = []
    if measured is None:
        found.append("not measured")
    elif measured.value is None:
        found.append("not defined")
    if backbone is None:
        found.append("no backbone")
    elif backbone.random:
        found.append("random weights")
    return found


def _position(claimed: float, measured: Interval | None) -> Position:
    """Return where the claimed value lies."""
    if measured is None or measured.low is None or measured.high is None:
        return "unknown"
    if claimed < measured.low:
        return "below the interval"
    return "above the interval" if claimed > measured.high else "inside the interval"


def _verdict(position: Position, other_backbone: str) -> Verdict:
    if position == "below the interval":
        return "above the claim"
    if position == "above the interval":
        return "below the claim"
    return "consistent" if other_backbone else "reproduced"  # the claim is about one network
