"""The two sides of a comparison: images of a suite's runs, and those of an external folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.images import ImageFile
from lcbench.errors import UserError
from lcbench.features.embedding_files import EmbeddingFile
from lcbench.features.extraction import Features
from lcbench.runs.stored import PREDICTIONS, VALIDATION, StoredRun
from lcbench.storage.hashes import content_hash

MOST = 2_000
"""Images of a side that are decoded, and training images that are embedded."""
MOST_GROUPS = 1_000
"""Source groups of a side between which distances are tested."""
_HELD_OUT = 5
"""One source group in so many is held out of the training side, and one image in four sampled."""
_MOST_HELD_OUT = MOST // 4
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class TrainingSide:
    """A sample of the images that a suite's runs learned from and were tested on.

    Which images it has depends on their bytes and groups alone, not on names or order.

    Parameters
    ----------
    dataset
        The sample, in the order of image names.
    held_out
        (images,) which of them are of source groups that have no image among the others.
    place
        (images,) their places among all images of the suite.
    whole
        All of them, of which nothing but the number and the hash is known.
    decoding
        The rules by which grey values of the images became 8 bits.
    """

    dataset: Dataset
    held_out: NDArray[np.bool_]
    place: Rows
    whole: Dataset
    decoding: tuple[str, ...]

    def embeddings(self, name: str, features: Features) -> NDArray[np.float32]:
        """Return (images, features) of a backbone: those that the runs computed, if still there.

        Parameters
        ----------
        name
            The backbone.
        features
            Of the external folder: with its device and backbones.

        Raises
        ------
        UserError
            If they cannot be computed, or a file of embeddings lacks some of these images.
        """
        whole = Features(self.whole, features.compute, features.backbones)
        stored = whole.stored_embeddings(name, self.decoding)
        if stored is not None and len(stored.values) == len(self.whole.manifest):
            return np.asarray(stored.values[self.place])
        own = Features(self.dataset, features.compute, features.backbones)
        try:
            return np.asarray(own.embeddings(name).values)
        except UserError as error:
            if not isinstance(features.backbones[name], EmbeddingFile):
                raise
            message = "the file of embeddings that was given does not hold all training images"
            raise UserError(message) from error


def training_side(runs: Sequence[StoredRun], root: Path) -> TrainingSide:
    """Sample the images of finished runs, as their predictions name them.

    Parameters
    ----------
    runs
        Of one suite.
    root
        Where their images lie.

    Raises
    ------
    UserError
        If the predictions name fewer than two source groups.
    """
    images = images_of(runs)
    facts = runs[0].config.dataset
    named = len(images) == facts.images
    sha256 = facts.sha256 if named else content_hash(*images["sha256"])
    known = bool((images["group"] != "").all())
    groups = images["group"] if known else images["sha256"]
    images = images.assign(group=groups, place=np.arange(len(images)))
    held_out = _held_out(images.drop_duplicates("sha256"))
    sample = pd.concat(
        [
            first_by_content(images[~images["group"].isin(held_out)], MOST - _MOST_HELD_OUT),
            first_by_content(images[images["group"].isin(held_out)], _MOST_HELD_OUT),
        ]
    ).sort_values("place")
    if not held_out:
        raise UserError("the training images are too few source groups to be compared with")
    manifest = sample[["image", "sha256", "group", "label"]].reset_index(drop=True)
    source = facts.groups_source if known else ""
    # Predictions do not name the modes of images; nothing but a key of the cache asks for them.
    manifest["mode"] = ", ".join(facts.decoding)
    return TrainingSide(
        dataset=_dataset(facts.name, root, manifest, source, content_hash(*manifest["sha256"])),
        held_out=sample["group"].isin(held_out).to_numpy(),
        place=sample["place"].to_numpy(np.intp),
        whole=_dataset(facts.name, root, images, source, sha256),
        decoding=facts.decoding,
    )


def first_by_content(images: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return some of the images, each content once: those whose hashes come first."""
    order = images.sort_values(["sha256", "image"]).drop_duplicates("sha256")
    return order.head(most)


def one_a_group(images: pd.DataFrame) -> Rows:
    """Return the row of one image of each group, ordered by its hash; of the first groups so."""
    order = images.reset_index(drop=True).sort_values(["sha256", "image"])
    return order.drop_duplicates("group").index.to_numpy(np.intp)[:MOST_GROUPS]


def files_of(dataset: Dataset, rows: Rows) -> list[ImageFile]:
    """Return the files of some images of a dataset."""
    files = dataset.files()
    return [files[row] for row in rows]


def images_of(runs: Sequence[StoredRun]) -> pd.DataFrame:
    """Return image, sha256, group and label of all that the runs have predictions of, by name."""
    seen: set[str] = set()
    parts = []
    for run in runs:
        split = run.config.split.sha256
        if split in seen:
            continue
        seen.add(split)
        for file in (run.folder / PREDICTIONS, run.folder / VALIDATION):
            if file.is_file():
                columns = ["image", "sha256", "group", "true"]
                parts.append(pd.read_parquet(file, columns=columns))
    images = pd.concat(parts).drop_duplicates("image").sort_values("image")
    return images.rename(columns={"true": "label"}).fillna("").reset_index(drop=True)


def _held_out(images: pd.DataFrame) -> set[str]:
    """Return a fifth of the source groups of each label, one at least where there are two."""
    groups = images.groupby("group").agg(
        key=("sha256", "min"), label=("label", lambda labels: str(labels.mode().iloc[0]))
    )
    chosen: set[str] = set()
    for _, of_label in groups.sort_values("key").groupby("label"):
        count = max(len(of_label) // _HELD_OUT, 1 if len(of_label) > 1 else 0)
        chosen.update(of_label.index[:count])
    return chosen


def _dataset(name: str, root: Path, manifest: pd.DataFrame, source: str, sha256: str) -> Dataset:
    return Dataset(
        name=name,
        root=root,
        manifest=manifest,
        groups_source=source,
        skipped=(),
        synthetic=False,
        sha256=sha256,
    )
