"""The table of an external folder: what became of each image that the runs predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from lcbench.errors import UserError
from lcbench.runs.records import StoredFile
from lcbench.runs.stored import is_as_stored, stored_file
from lcbench.storage.whole import write_text
from lcbench.tables import csv_text, read_text_table

TABLE = "images.csv"
COLUMNS = ("image", "given", "label", "group", "unit", "contaminated", "role")
"""Text, one row an image, sorted by image.

`given`: the label as it was found, perhaps none. `label`: the node that it was read as; the name of
the tree's root where it fixes nothing. `group`: the source group, given or from pixels. `unit`: the
patient or slide as the user names it; empty where nobody did. `contaminated`: "yes" where tissue of
its group is among the training images. `role`: "calibration" where it was set aside.
"""
YES = "yes"
CALIBRATION: Literal["calibration"] = "calibration"


def write_images(folder: Path, images: pd.DataFrame) -> StoredFile:
    """Write the table of an external folder, and return what binds it to the record."""
    path = folder / TABLE
    write_text(path, csv_text(images[list(COLUMNS)]))
    return stored_file(path)


def read_images(folder: Path, stored: StoredFile) -> pd.DataFrame:
    """Read the table of an external folder.

    Raises
    ------
    UserError
        If it is not the file that was stored.
    """
    path = folder / TABLE
    if not path.is_file():
        raise UserError(f"no {TABLE}")
    if not is_as_stored(path, stored):
        raise UserError(f"{TABLE}: damaged: not the file that was stored")
    return read_text_table(path)
