"""Which baseline and protocol the rows of a file or folder belong to."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from lcbench.predictions.reading.findings import Finding, clipped, counted, listed
from lcbench.predictions.reading.raw import RawTable, Text


def single_value(text: Text) -> str:
    """Return the one name in a column; empty where there is none or more than one."""
    names = set(text) - {""}
    return names.pop() if len(names) == 1 else ""


def several_models(table: RawTable, path: Path) -> tuple[Finding, ...]:
    """Say so where the rows come from several baselines or protocols."""
    kinds = pd.DataFrame(
        {
            "protocol": table.column("protocol"),
            "baseline": table.column("baseline"),
            "file": table.places.file_codes,
        }
    ).drop_duplicates()
    found = [
        f"{counted(len(names), kind)} ({listed(clipped(name) for name in names)})"
        for kind in ("protocol", "baseline")
        if len(names := sorted(set(kinds[kind]) - {""})) > 1
    ]
    if not found:
        return ()
    remedy = "Store one file for each baseline and protocol."
    if any(table.places.files):
        folders = _folders_of_models(kinds, table.places.files)
        remedy = f"Name one of its folders: {listed((str(path / one) for one in folders), 12)}"
    return (Finding(f"the rows belong to {' and '.join(found)}, not to one model", remedy),)


def _folders_of_models(kinds: pd.DataFrame, files: tuple[str, ...]) -> list[str]:
    folders = set()
    for _, rows in kinds.groupby(["protocol", "baseline"], sort=True):
        parents = [os.path.dirname(files[code]) or "." for code in rows["file"]]  # noqa: PTH120
        folders.add(os.path.commonpath(parents))
    return sorted(folders)
