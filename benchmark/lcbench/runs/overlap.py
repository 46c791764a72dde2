"""Whether an external folder shows tissue that the models were trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.images import image_now
from lcbench.documents import read_within
from lcbench.errors import UserError
from lcbench.leakage.sources import Sources, find_sources
from lcbench.runs.external_records import OverlapRecord
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.store import SPLITS
from lcbench.storage.hashes import content_hash
from lcbench.storage.paths import inside
from lcbench.tables import MOST_CSV, read_text_table

_LISTED = 50


@dataclass(frozen=True)
class Overlap:
    """What an external folder shares with the training images.

    `contaminated`: (images,) which images are of a group with tissue that was trained on.
    """

    record: OverlapRecord
    contaminated: NDArray[np.bool_]


def overlap_with_training(
    suite_folder: Path,
    plan: PlanRecord,
    external: Dataset,
    training: Path | None,
    splits: Mapping[str, str],
    trained: Mapping[str, str],
) -> Overlap:
    """Look for the tissue of an external folder among the images of a suite's runs.

    Where one image of a source group shows it, all images of the group do: they are contaminated.

    Parameters
    ----------
    suite_folder, plan
        The suite; its split files name its images.
    external
        The external images and their source groups, where these are known; each image is compared
        with all, the suite's images not with each other.
    training
        Where the suite's images lie now; where they lay when it was run by default.
    splits
        The hashes of the suite's split files, by their names below `splits` without suffix.
    trained
        The hashes of the suite's images when it was run, by their names, as far as they are known:
        images of the same names that are others would find no tissue again.

    Raises
    ------
    UserError
        If `training` was given and does not hold the images as they were.
    """
    images = _images(suite_folder, splits)
    root = training or (Path(plan.root) if plan.root else None)
    if not images:
        return _not_compared(
            external, f"no file in {SPLITS} is as it was stored; lcbench run writes them anew"
        )
    if root is None:
        return _not_compared(
            external, "the runs do not say where their images lie (see --training)"
        )
    missing = [image for image in images if not (root / image).is_file()]
    if missing:
        reason = f"{len(missing):,} of {len(images):,} training images are not in {root}"
        if plan.dataset.tiling:
            again = "they are tiles, which the same lcbench run cuts again"
            if training is not None:
                raise UserError(f"--training {reason}", f"Leave it out: {again} into the cache.")
            return _not_compared(external, f"{reason} any more; {again}")
        if training is not None:
            raise UserError(f"--training {reason}", f"The first of them: {missing[0]}")
        return _not_compared(external, f"{reason} any more (see --training)")
    files = [image_now(root / image) for image in images]
    others = [image for image, file in zip(images, files, strict=True)
              if trained.get(image, file.sha256) != file.sha256]  # fmt: skip
    if others:
        reason = (
            f"{len(others):,} of {len(images):,} training images in {root} are not those that the "
            "models were trained on"
        )
        if training is not None:
            raise UserError(f"--training {reason}", f"The first with other bytes: {others[0]}")
        return _not_compared(external, f"{reason} any more: other bytes (see --training)")
    manifest = external.manifest
    folders = [files, external.files()]
    is_external = np.arange(len(images) + len(manifest)) >= len(images)
    sources = find_sources(folders, queries=is_external)
    return _describe(sources, images, external)


def _not_compared(external: Dataset, reason: str) -> Overlap:
    return Overlap(OverlapRecord(reason=reason), np.zeros(len(external.manifest), bool))


def _images(suite_folder: Path, splits: Mapping[str, str]) -> list[str]:
    """Return the images of a suite from the first split file that is as it was stored.

    Every split names them all. A file with names that lead out of a folder is none of ours.
    """
    for name, expected in sorted(splits.items()):
        file = inside(suite_folder / SPLITS, f"{name}.csv")
        if file.is_file() and content_hash(read_within(file, MOST_CSV)) == expected:
            images = [str(image) for image in read_text_table(file)["image"]]
            return [] if any(map(_leads_out, images)) else images
    return []


def _leads_out(image: str) -> bool:
    path = PurePosixPath(image)
    return path.is_absolute() or ".." in path.parts


def _describe(sources: Sources, training: list[str], dataset: Dataset) -> Overlap:
    external = list(dataset.manifest["image"])
    count = len(training)
    with_sibling = np.isin(sources.groups[count:], sources.groups[:count])
    contaminated = with_sibling
    if dataset.groups_known:
        groups = dataset.manifest["group"]
        contaminated = groups.isin(groups[with_sibling]).to_numpy()
    originals = sources.originals[count:].tolist()
    pairs = [
        f"{image} = {training[original]} (the same pixels)"
        for image, original in zip(external, originals, strict=True)
        if original < count
    ]
    exact = len(pairs)
    for link in sources.links:
        first, second, _ = link.candidate
        if first < count <= second:
            correlation = link.registration.correlation
            pairs.append(
                f"{external[second - count]} = {training[first]} (correlation {correlation:.3f})"
            )
    record = OverlapRecord(
        training_images=count,
        images=len(external),
        with_sibling=int(with_sibling.sum()),
        exact=exact,
        pairs=tuple(pairs[:_LISTED]),
        contaminated=int(contaminated.sum()),
    )
    return Overlap(record, contaminated)
