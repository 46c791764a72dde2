"""Whether an external folder shows tissue that the models were trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.leakage.sources import Sources, find_sources
from lcbench.leakage.store import ImageFiles
from lcbench.runs.records import OverlapRecord, PlanRecord
from lcbench.runs.store import SPLITS
from lcbench.storage import file_sha256
from lcbench.tables import read_text_table

_LISTED = 50


def overlap_with_training(
    suite_folder: Path, plan: PlanRecord, external: Dataset, training: Path | None
) -> OverlapRecord:
    """Look for the tissue of an external folder among the images of a suite's runs.

    Parameters
    ----------
    suite_folder, plan
        The suite; its split files name its images.
    external
        The external images; each is compared with all, the suite's images not with each other.
    training
        Where the suite's images lie now; where they lay when it was run by default.

    Raises
    ------
    UserError
        If `training` was given and does not hold the images.
    """
    images = _images(suite_folder)
    root = training or (Path(plan.root) if plan.root else None)
    if root is None or not images:
        return OverlapRecord(reason="the runs do not say where their images lie (see --training)")
    missing = [image for image in images if not (root / image).is_file()]
    if missing:
        reason = f"{len(missing):,} of {len(images):,} training images are not in {root}"
        if training is not None:
            raise UserError(f"--training {reason}", f"The first of them: {missing[0]}")
        return OverlapRecord(reason=f"{reason} any more (see --training)")
    paths = tuple(root / image for image in images)
    manifest = external.manifest
    folders = [
        ImageFiles(paths, tuple(file_sha256(path) for path in paths)),
        ImageFiles(
            tuple(external.path(image) for image in manifest["image"]), tuple(manifest["sha256"])
        ),
    ]
    is_external = np.arange(len(images) + len(manifest)) >= len(images)
    sources = find_sources(folders, queries=is_external)
    return _describe(sources, images, list(manifest["image"]))


def _images(suite_folder: Path) -> list[str]:
    """Return the images of a suite; every split names them all."""
    file = next(iter(sorted((suite_folder / SPLITS).glob("*/*.csv"))), None)
    if file is None:
        return []
    table = read_text_table(file)
    if "image" not in table:
        raise UserError(f"{file}: missing column: image", "Run the suite again.")
    return [str(image) for image in table["image"]]


def _describe(sources: Sources, training: list[str], external: list[str]) -> OverlapRecord:
    count = len(training)
    inside = set(sources.groups[:count].tolist())
    with_sibling = [group in inside for group in sources.groups[count:].tolist()]
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
    return OverlapRecord(
        training_images=count,
        images=len(external),
        with_sibling=sum(with_sibling),
        exact=exact,
        pairs=tuple(pairs[:_LISTED]),
    )
