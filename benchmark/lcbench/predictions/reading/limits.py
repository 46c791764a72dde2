"""What a prediction file cannot be used for, because it does not tell enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lcbench.predictions.reading.findings import Finding, counted
from lcbench.predictions.reading.raw import RawTable

if TYPE_CHECKING:
    from lcbench.predictions.reading.inspection import Columns

_NO_GROUP = "no column group: "
_SOME_GROUPS = "column group: "
_ADD_GROUPS = "Add a column group that names the tissue each image shows."
_ADD_SHA256 = "Add a column sha256 with the SHA-256 of each image file to match by content."


def limits(table: RawTable, columns: Columns) -> Iterator[Finding]:
    """Say what cannot be computed, or not as well, without the columns that are missing."""
    if not len(table):
        return
    no_group = int((table.column("group") == "").sum())
    if not columns.groups:
        yield Finding(
            f"{_NO_GROUP}images are taken as independent; clustered tests need a group column",
            _ADD_GROUPS,
        )
    elif no_group:
        yield Finding(
            f"{_SOME_GROUPS}{counted(no_group, 'row')} without a group; their images are taken "
            "as independent of all others",
            _ADD_GROUPS,
        )
    if not columns.probabilities:
        yield Finding(
            "no columns p:<class>: no AUROC, average precision, log loss, Brier score or "
            "calibration",
            "Add the probability of each class in a column p:<class>.",
        )
    no_sha256 = int((table.column("sha256") == "").sum())
    if no_sha256 == len(table):
        yield Finding("no column sha256: images are matched by name", _ADD_SHA256)
    elif no_sha256:
        yield Finding(
            f"column sha256: {counted(no_sha256, 'row')} without a hash; images are matched by "
            "name",
            _ADD_SHA256,
        )


def is_about_groups(note: str) -> bool:
    """Tell whether a note says that a file lacks source groups: another file may have them."""
    return note.startswith((_NO_GROUP, _SOME_GROUPS))
