"""From the names people give their folders to nodes of the class tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from lcbench.documents import read_toml
from lcbench.errors import UserError
from lcbench.taxonomy import ROOT, Taxonomy, normalise

LEAVE_OUT = "leave-out"
"""What a map file says of a label whose images shall not count."""
OUT_OF_DISTRIBUTION = "out-of-distribution"
"""What a map file says of a class that the tree does not have: its images are predicted, and as
their label fixes nothing but the root, they are scored nowhere."""


_SPECIAL = {LEAVE_OUT: LEAVE_OUT, OUT_OF_DISTRIBUTION: ROOT}


class _MapFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: dict[str, str]


@dataclass(frozen=True)
class LabelReader:
    """Reads labels through the user's map first, then through the taxonomy's aliases.

    Parameters
    ----------
    taxonomy
        The class tree.
    mapping
        Normalised label to node, `LEAVE_OUT`, or the root where it is out of distribution.
    written
        The labels of the map as the user wrote them.
    """

    taxonomy: Taxonomy
    mapping: dict[str, str] = field(default_factory=dict)
    written: tuple[str, ...] = ()

    def read(self, label: str) -> str | None:
        """Return the node that a label stands for, None if it is unknown.

        The user's map may also say `LEAVE_OUT`, or the root: a class that the tree does not have.
        """
        mapped = self.mapping.get(normalise(label))
        return mapped if mapped is not None else self.taxonomy.find(label)

    def unused(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Return the labels of the user's map that are none of these, perhaps misspelt."""
        seen = {normalise(label) for label in labels}
        return tuple(label for label in self.written if normalise(label) not in seen)

    def read_path(self, folders: tuple[str, ...]) -> tuple[str, str | None]:
        """Return the nearest folder name that is a known label, and what it stands for.

        Parameters
        ----------
        folders
            Names of the folders above an image, outermost first.

        Returns
        -------
        label, node
            The innermost folder's name and None where no folder is a known label.
        """
        for folder in reversed(folders):
            node = self.read(folder)
            if node is not None:
                return folder, node
        return (folders[-1] if folders else ""), None


def read_labels_with(path: Path | None, taxonomy: Taxonomy) -> LabelReader:
    """Return the reader of a map file, or of the aliases alone where there is none."""
    return LabelReader(taxonomy) if path is None else load_label_map(path, taxonomy)


def load_label_map(path: Path, taxonomy: Taxonomy) -> LabelReader:
    """Read a TOML file with a `[labels]` table.

    A label is a node, "leave-out" or "out-of-distribution".

    Raises
    ------
    UserError
        If the file cannot be read, names an unknown class, or gives one name two meanings.
    """
    entries = read_toml(path, _MapFile, "a readable label map", MAP_HELP)
    mapping: dict[str, str] = {}
    for label, node in entries.labels.items():
        known = _SPECIAL.get(node) or taxonomy.require(node)
        if mapping.setdefault(normalise(label), known) != known:
            raise UserError(
                f"{path}: {label!r} is given a second meaning",
                "Names are compared without case and punctuation: rename one of the folders.",
            )
    return LabelReader(taxonomy, mapping, tuple(entries.labels))


MAP_HELP = (
    "Another class tree is given with --taxonomy. A label map is a TOML file given with --labels:\n"
    "  [labels]\n"
    '  "my folder" = "adenocarcinoma"\n'
    f'  "other folder" = "{LEAVE_OUT}"'
)
