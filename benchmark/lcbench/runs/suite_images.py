"""What a suite folder tells of its images: groups, hashes, sides of each split, nearest ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.documents import read_within
from lcbench.errors import UserError
from lcbench.protocols import PROTOCOLS, SIDES, run_name
from lcbench.runs.finished import FinishedRun, FinishedSuite
from lcbench.runs.image_table import COLUMNS, read_image_table
from lcbench.runs.nearest import nearest_path, read_nearest
from lcbench.runs.records import BackboneRecord
from lcbench.runs.store import SPLITS
from lcbench.storage.hashes import content_hash
from lcbench.storage.paths import inside
from lcbench.tables import MOST_CSV, read_text_table

ABSENT = 0
"""The side of an image that is not known; train, validation and test are 1, 2 and 3."""
TRAIN, VALIDATION, TEST = range(1, 4)


@dataclass(frozen=True)
class Nearest:
    """The nearest training image of each test image of a split.

    Parameters
    ----------
    backbone
        Whose embeddings were compared, by cosine.
    test
        (N,) the test images, as rows of the table of images.
    nearest
        (N,) the training images.
    similarity
        (N,) the cosines.
    """

    backbone: BackboneRecord
    test: NDArray[np.intp]
    nearest: NDArray[np.intp]
    similarity: NDArray[np.float64]


@dataclass(frozen=True)
class SplitImages:
    """One division of the images.

    Parameters
    ----------
    protocol, seed, fold
        Which one.
    sides
        (images,) uint8: `ABSENT`, `TRAIN`, `VALIDATION` or `TEST`. Where the file of the split is
        not as it was stored, training images are absent.
    whole
        Whether the side of every image is known.
    nearest
        None where it was not recorded.
    """

    protocol: str
    seed: int
    fold: int
    sides: NDArray[np.uint8]
    whole: bool
    nearest: Nearest | None


@dataclass(frozen=True)
class SuiteImages:
    """The images of a suite.

    Parameters
    ----------
    table
        image, label, group and sha256, sorted by image. A group or hash is empty where it is
        unknown.
    splits
        Those of the finished runs, in their order.
    """

    table: pd.DataFrame
    splits: tuple[SplitImages, ...]

    def rows(self, images: pd.Series) -> NDArray[np.intp]:
        """Return the row of each image in the table; -1 where it is not there."""
        return np.asarray(pd.Index(self.table["image"]).get_indexer(pd.Index(images)), np.intp)

    def of(self, protocol: str) -> tuple[SplitImages, ...]:
        """Return the splits of a protocol."""
        return tuple(one for one in self.splits if one.protocol == protocol)


def read_suite_images(suite_folder: Path, suite: FinishedSuite) -> SuiteImages:
    """Read what a suite folder tells of its images.

    Older versions stored no table of images: what predictions and split files say of them is put
    together then, and the group of an image that was never tested or validated is unknown.
    """
    splits = _splits_of(suite)
    files = {key: _split_file(suite_folder, run) for key, run in splits.items()}
    table = read_image_table(suite_folder, suite.plan.dataset)
    if table is None:
        table = _put_together(splits.values(), [one for one in files.values() if one is not None])
    images = SuiteImages(table[list(COLUMNS)], ())
    found = (_split_images(suite_folder, images, run, files[key]) for key, run in splits.items())
    return SuiteImages(images.table, tuple(found))


def _splits_of(suite: FinishedSuite) -> dict[tuple[str, int, int], FinishedRun]:
    """Return a run of every split, by protocol in the order of the plan, seed and fold."""
    found: dict[tuple[str, int, int], FinishedRun] = {}
    for protocol in suite.protocols:
        runs = suite.runs_of(protocol=protocol)
        for run in sorted(runs, key=lambda one: (one.config.seed, one.config.fold)):
            found.setdefault((protocol, run.config.seed, run.config.fold), run)
    return found


def _split_name(run: FinishedRun) -> str:
    config = run.config
    if config.protocol in PROTOCOLS:
        return run_name(config.protocol, config.seed, config.fold)
    return run.name.split("/")[-1]


def _split_file(suite_folder: Path, run: FinishedRun) -> pd.DataFrame | None:
    """Return image and side of a split, where its file is as it was stored."""
    splits = suite_folder / SPLITS
    file = inside(splits, run.config.protocol, f"{_split_name(run)}.csv")
    try:
        if (
            not file.is_file()
            or content_hash(read_within(file, MOST_CSV)) != run.config.split.sha256
        ):
            return None
        return read_text_table(file)[["image", "side"]]
    except (UserError, KeyError):
        return None


def _put_together(runs: Iterable[FinishedRun], files: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the images that predictions and split files name."""
    told = [part.table for run in runs for part in (run.predictions, run.validation) if part]
    known = pd.concat([one[["image", "true", "group", "sha256"]] for one in told])
    known = known.rename(columns={"true": "label"})
    named = [one[["image"]].assign(label="", group="", sha256="") for one in files]
    # Those of which more is told come before those that are only named.
    every = pd.concat([known, *named]).drop_duplicates("image")
    return every.sort_values("image", ignore_index=True)


def _split_images(
    suite_folder: Path, images: SuiteImages, run: FinishedRun, file: pd.DataFrame | None
) -> SplitImages:
    config = run.config
    sides = np.full(len(images.table), ABSENT, np.uint8)
    if file is not None:
        codes = file["side"].map({side: code for code, side in enumerate(SIDES, start=TRAIN)})
        rows = images.rows(file["image"])
        sides[rows[rows >= 0]] = codes.fillna(ABSENT).to_numpy(np.uint8)[rows >= 0]
    else:
        sides[images.rows(run.predictions.table["image"])] = TEST
        if run.validation is not None:
            sides[images.rows(run.validation.table["image"])] = VALIDATION
    nearest = None if file is None else _nearest(suite_folder, images, run, file)
    return SplitImages(config.protocol, config.seed, config.fold, sides, file is not None, nearest)


def _nearest(
    suite_folder: Path, images: SuiteImages, run: FinishedRun, file: pd.DataFrame
) -> Nearest | None:
    path = nearest_path(suite_folder / SPLITS, run.config.protocol, _split_name(run))
    record = read_nearest(path, run.config.split.sha256)
    tested = file["image"][file["side"] == "test"]
    if record is None or len(record.nearest) != len(tested):
        return None
    place = np.array(record.nearest, np.intp)
    if len(place) and not 0 <= place.min() <= place.max() < len(file):
        return None
    return Nearest(
        backbone=record.backbone,
        test=images.rows(tested),
        nearest=images.rows(file["image"].iloc[place]),
        similarity=np.array(record.similarity, np.float64),
    )
