"""What an external folder is stored as: where, and with which record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.listing import Listing
from lcbench.errors import UserError
from lcbench.provenance import command, now
from lcbench.runs.external_records import ExternalRecord, LabelCount, OverlapRecord
from lcbench.runs.plan_records import LeftOut
from lcbench.runs.records import read_record
from lcbench.runs.store import EVALUATION, EXTERNAL
from lcbench.storage.paths import inside


def external_folder(suite_folder: Path, dataset: Dataset) -> Path:
    """Return where to store it; another folder of the same name keeps its place.

    One whose record is damaged tells of no images any more, and is replaced.
    """
    name = "".join(c for c in dataset.name if c.isprintable()).lstrip(".") or "images"
    folder = inside(suite_folder / EXTERNAL, name)
    numbered = folder.with_name(f"{name}-{dataset.sha256[:8]}")
    there = _images_of(folder)
    if there == dataset.sha256:
        return folder
    return numbered if there or numbered.is_dir() else folder


def _images_of(folder: Path) -> str:
    """Return the hash of the images that a stored evaluation is of; empty where there is none."""
    try:
        return read_record(folder / EVALUATION, ExternalRecord).sha256
    except UserError:
        return ""


def describe_external(
    folder: Path,
    listing: Listing,
    dataset: Dataset,
    left_out: dict[str, str],
    overlap: OverlapRecord,
    about: str,
) -> ExternalRecord:
    """Return the record of an external folder, before anything was predicted.

    Parameters
    ----------
    folder
        Where it will be stored.
    listing, dataset
        What was found, and what of it can be read.
    left_out
        Baselines that predict nothing, and why.
    overlap
        What it shares with the training images.
    about
        What kind of images these are.
    """
    given = pd.Series(listing.rows["given"].to_numpy(), index=listing.rows["image"])
    manifest = dataset.manifest
    return ExternalRecord(
        name=folder.name,
        command=command(),
        created=now(),
        labels=tuple(_label_counts(listing)),
        images=len(listing.rows) + sum(listing.unknown.values()) + sum(listing.left_out.values()),
        scored=len(manifest),
        copies=int(manifest["sha256"].duplicated().sum()),
        contradictions=tuple(_contradictions(manifest, given)),
        unreadable=dataset.skipped,
        sha256=dataset.sha256,
        left_out=tuple(LeftOut(baseline=name, reason=why) for name, why in left_out.items()),
        overlap=overlap,
        about=about.strip(),
    )


def _label_counts(listing: Listing) -> Iterator[LabelCount]:
    for (label, node), rows in listing.rows.groupby(["given", "label"]):
        yield LabelCount(label=label, node=node, images=len(rows))
    for label, count in sorted(listing.left_out.items()):
        yield LabelCount(label=label, node="", images=count, left_out=True)
    for label, count in sorted(listing.unknown.items()):
        yield LabelCount(label=label, node="", images=count)


def _contradictions(manifest: pd.DataFrame, given: pd.Series) -> Iterator[str]:
    """Yield sets of byte-identical images that lie under different labels."""
    for _, copies in manifest.groupby("sha256", sort=False):
        if given.loc[copies["image"]].nunique() > 1:
            yield " = ".join(copies["image"])
