"""The nearest training image of every test image, by the embeddings that a run computes anyway.

On a split that leaks it is a copy of the test image more often than not: the number shows a leak
without any model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from lcbench.console import progress
from lcbench.errors import UserError
from lcbench.protocols import Split
from lcbench.runs.describe import describe_backbone
from lcbench.runs.plan import Plan, PlannedBaseline
from lcbench.runs.records import (
    SCHEMA_VERSION,
    BackboneRecord,
    Record,
    read_record,
    write_record,
)
from lcbench.storage.paths import inside

_BLOCK = 512
_DECIMALS = 4
_EQUAL = 0.5 * 10.0**-_DECIMALS
"""Cosines that differ by less are equal: so do sums over a thousand features on two processors."""


class NearestRecord(Record):
    """`splits/<protocol>/<split>.nearest.json`: the nearest training image of each test image.

    `split_sha256`: of the split that it belongs to. `backbone`: whose frozen embeddings were
    compared. `nearest`: one an image of the test side, in the order of the split's table: the row
    there, from 0, of the training image with the largest cosine; of equal ones the first.
    `similarity`: that cosine, to four decimals.
    """

    schema_version: int = SCHEMA_VERSION
    split_sha256: str
    backbone: BackboneRecord
    nearest: tuple[int, ...]
    similarity: tuple[float, ...]

    @model_validator(mode="after")
    def _of_one_length(self) -> NearestRecord:
        if len(self.nearest) != len(self.similarity):
            raise ValueError("nearest and similarity are of different lengths")
        return self


def nearest_path(splits: Path, protocol: str, split: str) -> Path:
    """Return where the record of a split lies.

    Raises
    ------
    UserError
        If a name leads out of the folder.
    """
    return inside(splits, protocol, f"{split}.nearest.json")


def read_nearest(path: Path, split_sha256: str) -> NearestRecord | None:
    """Read a record; None where none was stored, or it is damaged or of another split."""
    try:
        found = read_record(path, NearestRecord)
    except UserError:
        return None
    return found if found.split_sha256 == split_sha256 else None


def write_nearest(plan: Plan, splits: Path) -> None:
    """Find and store the nearest training images of every split that has none stored.

    Parameters
    ----------
    plan
        Its frozen embeddings are compared: those of the reference's backbone, else of the first
        baseline that has such. Where no baseline has, nothing is stored.
    splits
        The folder of the split files.
    """
    baseline = _with_frozen_embeddings(plan)
    if baseline is None or baseline.backbone is None:
        return
    backbone = describe_backbone(baseline.backbone)
    wanted = {
        nearest_path(splits, one.split.protocol, one.split.name): one.split for one in plan.splits
    }
    missing = {path: split for path, split in wanted.items() if not _stands(path, split, backbone)}
    if not missing:
        return
    embeddings = plan.features.embeddings(
        baseline.settings.encoder_key or baseline.backbone.name
    ).values
    with progress("Nearest training images (splits)", len(missing)) as advance:
        for path, split in missing.items():
            write_record(path, _nearest_of(split, embeddings, backbone))
            advance(1)


def nearest_in_training(
    test: NDArray[np.floating], train: NDArray[np.floating]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the training point of the largest cosine, and that cosine, of each test point.

    Parameters
    ----------
    test, train
        (N, d) and (M, d) embeddings; M is at least 1. A vector of zeros is like nothing.

    Returns
    -------
    nearest, similarity
        (N,) rows of `train`, the first of those whose cosine is within 0.00005 of the largest;
        and the (N,) largest cosines, rounded to four decimals.
    """
    known = _unit(train)
    nearest = np.zeros(len(test), np.intp)
    similarity = np.zeros(len(test))
    for start in range(0, len(test), _BLOCK):
        block = slice(start, start + _BLOCK)
        cosines = _unit(test[block]) @ known.T
        largest = cosines.max(axis=1, keepdims=True)
        nearest[block] = (cosines >= largest - _EQUAL).argmax(axis=1)
        similarity[block] = largest[:, 0]
    return nearest, np.round(similarity, _DECIMALS)


def _with_frozen_embeddings(plan: Plan) -> PlannedBaseline | None:
    """Return the baseline whose embeddings are compared: of images as they are, and no classes."""
    able = [
        one
        for one in plan.baselines
        if one.needs == "embeddings"
        and one.settings.view is None
        and one.backbone is not None
        and getattr(one.backbone, "outputs", None) is None
    ]
    return min(able, key=lambda one: one.name != plan.suite.reference, default=None)


def _stands(path: Path, split: Split, backbone: BackboneRecord) -> bool:
    found = read_nearest(path, split.sha256)
    return found is not None and found.backbone == backbone


def _nearest_of(
    split: Split, embeddings: NDArray[np.floating], backbone: BackboneRecord
) -> NearestRecord:
    train, test = split.rows("train"), split.rows("test")
    nearest, similarity = nearest_in_training(embeddings[test], embeddings[train])
    return NearestRecord(
        split_sha256=split.sha256,
        backbone=backbone,
        nearest=tuple(train[nearest].tolist()),
        similarity=tuple(similarity.tolist()),
    )


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.asarray(
        vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32
    )
    return unit
