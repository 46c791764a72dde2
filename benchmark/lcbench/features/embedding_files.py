"""Embeddings from a file, in the place of an encoder: aligned to a dataset's images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.groups import match_images
from lcbench.errors import UserError, at_places
from lcbench.features.embedding_tables import LAYOUT, EmbeddingTable, read_embeddings
from lcbench.features.encoder import EncoderFacts, Preprocessing
from lcbench.storage.hashes import file_sha256

if TYPE_CHECKING:
    import torch

_ALL = (
    "Every image needs an embedding: add the missing ones, or leave the baseline out "
    "(lcbench run: --skip; lcbench evaluate: --only others)."
)


@dataclass(frozen=True)
class EmbeddingFile:
    """A file of embeddings, as an encoder that has looked at its images already.

    Parameters
    ----------
    name
        What a recipe calls it: its path as it stands there.
    path
        Where it lies.
    facts
        Features, and the hash of the file in the place of one of weights; what computed them, of
        which size, is unknown.
    """

    name: str
    path: Path
    facts: EncoderFacts

    random = False
    preprocessing = Preprocessing()

    @property
    def source(self) -> str:
        """Where the embeddings come from, in words."""
        return f"embeddings of {self.name}"

    def load(self) -> torch.nn.Module:
        """Refuse: there is no network.

        Raises
        ------
        UserError
            Always.
        """
        raise UserError(
            f"{self.name} holds embeddings: there is no network to show images to",
            'Use a kind that works on embeddings, such as tuning = "frozen" of a network.',
        )

    def of(self, manifest: pd.DataFrame) -> NDArray[np.float32]:
        """Return the (images, features) embeddings of a manifest's images.

        Rows are found by the image's name (the path relative to the data, or the file's name where
        no path agrees and each is there once), else by the hash of the image's file. Rows of other
        images do not matter.

        Raises
        ------
        UserError
            If the file changed meanwhile, has no row or several for an image, says that an image
            was another one, or has numbers that are not finite for one.
        """
        table = self._read()
        rows = _rows(table, manifest, self.path)
        values = table.values[rows]
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            raise UserError(
                f"{self.path}: the embedding of {manifest['image'].iloc[int(broken.argmax())]} "
                f"holds numbers that are missing or not finite ({int(broken.sum()):,} such images)",
                "Compute them again, or leave the baseline out.",
            )
        return values

    def _read(self) -> EmbeddingTable:
        table = read_embeddings(self.path)
        if file_sha256(self.path) != self.facts.weights_sha256:
            raise UserError(
                f"{self.path}: the file changed while it was used", "Run the command again."
            )
        return table


class EmbeddingFiles:
    """The files that a suite's recipes name, each read once.

    Parameters
    ----------
    folder
        Returns what their paths are relative to; asked only where a recipe names a file, because
        a suite that is not read from a file lies nowhere.
    typed
        The name that was typed instead of a backbone's; it is relative to where the user stands.
    """

    def __init__(self, folder: Callable[[], Path], typed: str | None = None) -> None:
        self._folder = folder
        self._typed = typed
        self._found: dict[str, EmbeddingFile] = {}

    def find(self, name: str) -> EmbeddingFile:
        """Return a file by the name that a recipe gives it.

        Raises
        ------
        UserError
            If it cannot be read, or is no file of embeddings.
        """
        if name not in self._found:
            path = Path(name) if name == self._typed else self._folder() / name
            self._found[name] = open_embeddings(path, name)
        return self._found[name]


def open_embeddings(path: Path, name: str = "") -> EmbeddingFile:
    """Read a file of embeddings once, to find out what it is.

    Parameters
    ----------
    path
        Where it lies.
    name
        What a recipe calls it; its path by default.

    Raises
    ------
    UserError
        If it cannot be read, or is no such file.
    """
    with at_places(path):
        table = read_embeddings(path)
        facts = EncoderFacts(
            features=table.values.shape[1],
            parameters=0,
            gmacs=0.0,
            weights_sha256=file_sha256(path),
        )
    return EmbeddingFile(name or str(path), path, facts)


def _rows(table: EmbeddingTable, manifest: pd.DataFrame, path: Path) -> NDArray[np.intp]:
    """Return the row of each image."""
    found = _by_name(table.image, manifest, path, or_else=table.sha256 is not None)
    if found is None or found.isna().any():
        if table.sha256 is None:
            raise _missing(found, manifest, path)
        return _by_hash(table, table.sha256, manifest, path)
    rows = np.asarray(found.to_numpy(), dtype=np.intp)
    if table.sha256 is not None:
        _require_same_bytes(table.sha256, rows, manifest, path)
    return rows


def _by_name(
    names: Sequence[str] | None, manifest: pd.DataFrame, path: Path, *, or_else: bool
) -> pd.Series | None:
    """Return the row of each image by its name, missing where there is none; None without names.

    Raises
    ------
    UserError
        If a name stands twice, or no image is named and there is nothing else to go by.
    """
    if names is None:
        return None
    counts = Counter(names)
    twice = [name for name, times in counts.items() if times > 1]
    if twice:
        raise UserError(
            f"{path}: {twice[0]} stands in it {counts[twice[0]]} times "
            f"({len(twice):,} such images)",
            "Keep one row of each image.",
        )
    try:
        by_name = dict(zip(names, range(len(names)), strict=True))
        return match_images([manifest["image"]], by_name, str(path))
    except UserError:
        if or_else:
            return None
        raise


def _by_hash(
    table: EmbeddingTable, hashes: Sequence[str], manifest: pd.DataFrame, path: Path
) -> NDArray[np.intp]:
    """Return the row of each image by its file's bytes; copies may stand there several times."""
    first: dict[str, int] = {}
    for row, sha256 in enumerate(hashes):
        same = first.setdefault(sha256, row)
        if not np.array_equal(table.values[same], table.values[row], equal_nan=True):
            raise UserError(
                f"{path}: two embeddings of one image: rows {same + 1:,} and {row + 1:,} have the "
                f"sha256 {sha256[:12]}...",
                "Keep one row of each image, or add the column image.",
            )
    found = manifest["sha256"].map(first)
    if found.isna().any():
        raise _missing(found, manifest, path)
    return np.asarray(found.to_numpy(), dtype=np.intp)


def _missing(found: pd.Series | None, manifest: pd.DataFrame, path: Path) -> UserError:
    without = manifest["image"] if found is None else manifest["image"][found.isna()]
    return UserError(
        f"{path}: no embedding of {len(without):,} of {len(manifest):,} images, "
        f"e.g. {without.iloc[0]}",
        f"{_ALL}\n{LAYOUT}",
    )


def _require_same_bytes(
    hashes: Sequence[str], rows: NDArray[np.intp], manifest: pd.DataFrame, path: Path
) -> None:
    """Refuse rows that name one image and have the hash of another: they are swapped, or old."""
    other = np.array([hashes[row] for row in rows]) != manifest["sha256"].to_numpy(dtype=str)
    if other.any():
        image = manifest["image"].iloc[int(other.argmax())]
        raise UserError(
            f"{path}: by its sha256, the row of {image} is of another image ({int(other.sum()):,} "
            "such rows): rows are swapped, or images changed since",
            "Compute the embeddings again.",
        )
