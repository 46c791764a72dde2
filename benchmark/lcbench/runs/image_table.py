"""The images of a suite, stored once beside its splits: what reports name and look at."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.listing import manifest_hash
from lcbench.errors import UserError
from lcbench.runs.records import DatasetRecord
from lcbench.storage.hashes import content_hash
from lcbench.storage.whole import write_text
from lcbench.tables import csv_text, read_text_table

IMAGES = "images.csv"
"""In a suite's folder; older versions stored none."""

COLUMNS = ("image", "label", "group", "sha256")
"""Text, one row an image, sorted by image; an empty group is unknown."""


def write_image_table(suite_folder: Path, dataset: Dataset) -> None:
    """Write the images of a suite, if they do not stand there yet."""
    path = suite_folder / IMAGES
    text = csv_text(dataset.manifest[list(COLUMNS)])
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def read_image_table(suite_folder: Path, record: DatasetRecord) -> pd.DataFrame | None:
    """Read the images of a suite.

    Nothing is trusted: images, labels and groups are held against the hashes in the record of the
    dataset.

    Returns
    -------
    DataFrame or None
        With the columns of `COLUMNS`; None where an older version stored none, or where the file
        is not what was written.
    """
    path = suite_folder / IMAGES
    if not path.is_file():
        return None
    try:
        table = read_text_table(path)
    except UserError:
        return None
    if list(table) != list(COLUMNS) or manifest_hash(table) != record.sha256:
        return None
    groups = content_hash(*table["group"]) if record.groups_sha256 else ""
    return table if groups == record.groups_sha256 else None
