"""What an external folder is stored as: where, and with which record."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.listing import Listing
from lcbench.errors import UserError, wrong_usage
from lcbench.provenance import command, now
from lcbench.runs.external_images import ExternalImages
from lcbench.runs.external_records import ExternalRecord, Fate, LabelCount, OptionsRecord
from lcbench.runs.external_table import CALIBRATION, COLUMNS, YES
from lcbench.runs.overlap import Overlap
from lcbench.runs.records import read_record
from lcbench.runs.store import EVALUATION, EXTERNAL
from lcbench.storage.hashes import content_hash
from lcbench.storage.paths import inside
from lcbench.taxonomy import ROOT


def folder_name(source: Path) -> str:
    """Return what the evaluation of a folder or CSV is called where the user says nothing."""
    whole = source.resolve()
    return whole.stem if whole.is_file() else whole.name


def place_of(source: Path) -> str:
    """Return a hash of where a folder lies."""
    return content_hash(str(source.resolve()))


def external_folder(suite_folder: Path, source: Path, name: str, sha256: str, asked: str) -> Path:
    """Return where to store an evaluation.

    That of the same folder, or of the same images, is replaced: its images or labels may be others
    now. Another folder of the same name keeps its place; one whose record is damaged tells of no
    images any more, and is replaced.

    Parameters
    ----------
    suite_folder, source
        The suite, and what is evaluated.
    name
        What it is called.
    sha256
        Hash of its images and labels.
    asked
        The name that the user asked for; empty where nobody did.

    Raises
    ------
    UserError
        If the name that was asked for is that of another folder's evaluation.
    """
    kept = "".join(c for c in name if c.isprintable() and c not in "/\\").lstrip(".") or "images"
    folder = inside(suite_folder / EXTERNAL, kept)
    others = [] if asked else sorted(folder.parent.glob(f"{glob.escape(kept)}-*"))
    for stored in (folder, *others):
        if _is_of(_stored(stored), source, sha256):
            return stored
    there = _stored(folder)
    if there is None:
        return folder
    if asked:
        raise wrong_usage(
            f"--name {asked}: {folder} holds the evaluation of another folder"
            + (f" ({there.source})" if there.source else ""),
            "Choose another name, or remove that folder.",
        )
    return folder.with_name(f"{kept}-{place_of(source)[:8]}")


def _stored(folder: Path) -> ExternalRecord | None:
    """Return the record of a stored evaluation; None where there is none that can be read."""
    try:
        return read_record(folder / EVALUATION, ExternalRecord)
    except UserError:
        return None


def _is_of(record: ExternalRecord | None, source: Path, sha256: str) -> bool:
    return record is not None and (record.place == place_of(source) or record.sha256 == sha256)


def images_table(
    images: ExternalImages, overlap: Overlap, calibration: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return what is stored of each image, see `lcbench.runs.external_table`."""
    manifest = images.dataset.manifest
    table = pd.DataFrame(
        {
            "image": manifest["image"],
            "given": images.given,
            "label": manifest["label"],
            "group": manifest["group"],
            "unit": images.unit,
            "contaminated": np.where(overlap.contaminated, YES, ""),
            "role": np.where(calibration, CALIBRATION, ""),
        },
        dtype=object,
    )
    return table[list(COLUMNS)]


def describe_external(
    folder: Path,
    images: ExternalImages,
    overlap: Overlap,
    table: pd.DataFrame,
    options: OptionsRecord,
) -> ExternalRecord:
    """Return the record of an external folder, before anything was predicted.

    Parameters
    ----------
    folder
        Where it will be stored.
    images
        What was found, and what of it can be read.
    overlap
        What it shares with the training images.
    table
        See `images_table`.
    options
        What was asked for.
    """
    listing, dataset = images.listing, images.dataset
    manifest = dataset.manifest
    labelled, set_aside = table["label"] != ROOT, table["role"] == CALIBRATION
    return ExternalRecord(
        name=folder.name,
        command=command(),
        created=now(),
        labels=tuple(_label_counts(listing, unlabelled=options.unlabelled)),
        images=len(listing.rows) + sum(listing.left_out.values()),
        scored=int((labelled & ~set_aside).sum()),
        answered=len(manifest),
        copies=int(manifest["sha256"].duplicated().sum()),
        contradictions=tuple(_contradictions(manifest[labelled], table["given"][labelled])),
        unreadable=dataset.skipped,
        sha256=dataset.sha256,
        left_out=(),
        overlap=overlap.record,
        groups=int(manifest["group"].nunique()),
        groups_source=dataset.groups_source,
        unit=images.word,
        calibration=int(set_aside.sum()),
        options=options,
    )


def _label_counts(listing: Listing, *, unlabelled: bool) -> Iterator[LabelCount]:
    """Yield what was read of each label, those that are scored first."""
    unknown = set(listing.unknown_rows["image"])
    for (label, node), rows in listing.rows.groupby(["given", "label"]):
        if node != ROOT:
            yield LabelCount(label=label, node=node, images=len(rows), fate="scored")
    for label, count in sorted(listing.left_out.items()):
        yield LabelCount(label=label, node="", images=count, left_out=True, fate="left out")
    unscored = listing.rows[listing.rows["label"] == ROOT]
    for label, rows in unscored.groupby("given"):
        fate: Fate = "unlabelled" if unlabelled else "out of distribution"
        if not unlabelled and rows["image"].isin(unknown).any():
            fate = "unknown"
        yield LabelCount(label=label, node="", images=len(rows), fate=fate)


def _contradictions(manifest: pd.DataFrame, given: pd.Series) -> Iterator[str]:
    """Yield sets of byte-identical images that lie under different labels."""
    for _, copies in manifest.groupby("sha256", sort=False):
        if given.loc[copies.index].nunique() > 1:
            yield " = ".join(copies["image"])
