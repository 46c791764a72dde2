"""How images are divided into training, validation and test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError, unknown_name
from lcbench.storage.hashes import content_hash
from lcbench.storage.whole import write_text
from lcbench.tables import csv_text
from lcbench.taxonomy import Taxonomy

FOLDS = 5
VALIDATION_SHARE = 2_550 / 15_000
TEST_SHARE = 2_250 / 15_000
SIDES = ("train", "validation", "test")
_EVERY_SIDE = "Every class needs images in training, validation and test."


@dataclass(frozen=True)
class Split:
    """One division of a dataset.

    Parameters
    ----------
    protocol, seed, fold
        Which division it is; the fold is 0 where the protocol has only one.
    sides
        For each manifest row, "train", "validation" or "test".
    images
        For each manifest row, its image.
    """

    protocol: str
    seed: int
    fold: int
    sides: NDArray[np.str_]
    images: tuple[str, ...]

    def rows(self, side: str) -> NDArray[np.intp]:
        """Return the manifest rows of a side."""
        return np.flatnonzero(self.sides == side)

    @property
    def name(self) -> str:
        """Name of the split's file and of the folders of its runs."""
        return run_name(self.protocol, self.seed, self.fold)

    def to_csv(self) -> str:
        """Return the split as CSV text with the columns image and side."""
        table = pd.DataFrame({"image": self.images, "side": self.sides})
        return csv_text(table)

    @cached_property
    def sha256(self) -> str:
        """Hash of the CSV text: equal splits have equal hashes on any machine."""
        return content_hash(self.to_csv())


@dataclass(frozen=True)
class Protocol:
    """A named way to divide images.

    Parameters
    ----------
    name
        What is typed and stored.
    title, summary
        For people: a few words, and a sentence.
    folds
        Divisions a seed.
    needs_groups
        Whether source groups must be known.
    """

    name: str
    title: str
    summary: str
    folds: int
    needs_groups: bool
    divide: Callable[[Dataset, int], Iterator[NDArray[np.str_]]]


def run_name(protocol: str, seed: int, fold: int) -> str:
    """Return `seed<k>` or, where the protocol has folds, `seed<k>-fold<j>`."""
    return f"seed{seed}-fold{fold}" if PROTOCOLS[protocol].folds > 1 else f"seed{seed}"


def splits(
    protocol: str, dataset: Dataset, seed: int, drawn_as: Mapping[str, str] | None = None
) -> Iterator[Split]:
    """Divide a dataset under a protocol; one split a fold.

    Parameters
    ----------
    drawn_as
        For labels that are no class of their own, see `coarse_labels`: the class that their images
        are drawn with.

    Raises
    ------
    UserError
        If the protocol is unknown or the data do not allow it.
    """
    chosen = require_protocol(protocol)
    images = tuple(dataset.manifest["image"])
    classes = dataset.manifest["label"].replace(dict(drawn_as or {}))
    dataset = replace(dataset, manifest=dataset.manifest.assign(label=classes))
    for fold, sides in enumerate(chosen.divide(dataset, seed)):
        yield Split(protocol, seed, fold, sides, images)


def coarse_labels(dataset: Dataset, taxonomy: Taxonomy) -> dict[str, str]:
    """Return, of each label that is an inner node, the most common leaf below it.

    A few images with a coarse label are no class that every side must have.
    """
    counts = dataset.manifest["label"].value_counts()
    return {
        label: max(taxonomy.leaves_under(label), key=lambda leaf: int(counts.get(leaf, 0)))
        for label in sorted(counts.index)
        if label not in taxonomy.leaves
    }


def require_protocol(name: str) -> Protocol:
    """Return a protocol by name; a UserError with near names if there is none."""
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def write_split(folder: Path, split: Split) -> None:
    """Write a split below `folder` as `<protocol>/<name>.csv`, if it does not stand there yet."""
    path = folder / split.protocol / f"{split.name}.csv"
    if not path.is_file() or content_hash(path.read_bytes()) != split.sha256:
        write_text(path, split.to_csv())


def _paper(dataset: Dataset, seed: int) -> Iterator[NDArray[np.str_]]:
    """Divide images at random, stratified by class, as the paper did.

    10,200 / 2,550 / 2,250 of 15,000 (arXiv 2510.16310), the same shares of other sizes.
    """
    from sklearn.model_selection import train_test_split

    labels = dataset.manifest["label"].to_numpy()
    size = len(labels)
    test_size, validation_size = round(size * TEST_SHARE), round(size * VALIDATION_SHARE)
    _require_class_size(dataset, "paper", labels, test_size, validation_size)
    rest, test = train_test_split(
        np.arange(size), test_size=test_size, stratify=labels, random_state=seed
    )
    _, validation = train_test_split(
        rest, test_size=validation_size, stratify=labels[rest], random_state=seed
    )
    sides = _sides(size, validation, test)
    _require_every_class(dataset, "paper", labels, sides, on=SIDES)
    yield sides


def _grouped(dataset: Dataset, seed: int) -> Iterator[NDArray[np.str_]]:
    """Divide source groups into folds, stratified by class; every image is tested once.

    A fold's test part is a fifth; of the rest, a fifth of the groups validates, which gives the
    paper's proportion of training to validation.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if not dataset.groups_known:
        raise UserError(
            "protocol 'grouped' needs to know which images show the same tissue",
            "Give source groups with --groups CSV (columns image, group) or as a group column of "
            "the data's CSV, or choose the protocol paper alone.",
        )
    labels = dataset.manifest["label"].to_numpy()
    groups = dataset.manifest["group"].to_numpy()
    _require_groups_per_class(dataset)
    size = len(labels)
    outer = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for fold, (rest, test) in enumerate(outer.split(np.zeros(size), labels, groups)):
        inner = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed * FOLDS + fold)
        candidates = inner.split(np.zeros(len(rest)), labels[rest], groups[rest])
        within = _first_with_every_class(labels[rest], candidates)
        sides = _sides(size, rest[within], test)
        # One fold's test part may lack a class: the folds are tested together.
        _require_every_class(dataset, "grouped", labels, sides, on=("train",))
        yield sides


def _first_with_every_class(
    labels: NDArray[Any], candidates: Iterator[tuple[NDArray[Any], NDArray[Any]]]
) -> NDArray[Any]:
    """Return the first fold that tests every class; the first fold where none does.

    Where groups differ much in size, a fold of few large groups can lack a class.
    """
    folds = [test for _, test in candidates]
    classes = len(np.unique(labels))
    return next((test for test in folds if len(np.unique(labels[test])) == classes), folds[0])


def _sides(size: int, validation: NDArray[Any], test: NDArray[Any]) -> NDArray[np.str_]:
    sides = np.full(size, "train", dtype="<U10")
    sides[validation] = "validation"
    sides[test] = "test"
    return sides


def _require_class_size(
    dataset: Dataset, protocol: str, labels: NDArray[Any], test_size: int, validation_size: int
) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    if min(test_size, validation_size) < len(classes) or counts.min() < 3:
        raise UserError(
            f"{dataset.name}: too few images for protocol {protocol!r}: "
            + ", ".join(f"{name} {count}" for name, count in zip(classes, counts, strict=True)),
            _EVERY_SIDE,
        )


def _require_every_class(
    dataset: Dataset,
    protocol: str,
    labels: NDArray[Any],
    sides: NDArray[np.str_],
    *,
    on: tuple[str, ...],
) -> None:
    for side in on:
        missing = sorted(set(labels) - set(labels[sides == side]))
        if missing:
            counts = ", ".join(f"{name} {int((labels == name).sum())}" for name in missing)
            raise UserError(
                f"{dataset.name}: too few images for protocol {protocol!r}: {counts}; "
                f"none would be in {side}",
                _EVERY_SIDE,
            )


def _require_groups_per_class(dataset: Dataset) -> None:
    counts = dataset.manifest.groupby("label")["group"].nunique()
    few = counts[counts < FOLDS + 1]
    if not few.empty:
        raise UserError(
            f"{dataset.name}: too few source groups for {FOLDS} folds: "
            + ", ".join(f"{label} {count}" for label, count in few.items()),
            f"Protocol 'grouped' needs at least {FOLDS + 1} source groups of each class.",
        )


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "paper",
            "random split (the paper's)",
            "the published image-level random split: 68 / 17 / 15 %, stratified by class",
            folds=1,
            needs_groups=False,
            divide=_paper,
        ),
        Protocol(
            "grouped",
            "leakage-free (by source group)",
            f"{FOLDS}-fold, stratified by class, no source group on two sides; "
            "every image tested once",
            folds=FOLDS,
            needs_groups=True,
            divide=_grouped,
        ),
    )
}
