"""What is stored of an explanation: its record, its cases and its attributions, bound by hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.console import warn
from lcbench.errors import UserError
from lcbench.explanations.cases import COLUMNS
from lcbench.explanations.checks import MethodChecks
from lcbench.features.encoder import Preprocessing
from lcbench.runs.records import SCHEMA_VERSION, Name, Record, StoredFile, read_record, write_record
from lcbench.runs.store import EXPLANATIONS
from lcbench.runs.stored import is_as_stored, stored_file
from lcbench.storage.hashes import content_hash
from lcbench.storage.paths import inside

RECORD, CASES, MAPS = "explanation.json", "cases.csv", "attributions.npz"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


class ShownRecord(Record):
    """What the network was shown of an image, see `lcbench.features.encoder.Preprocessing`.

    `view`: how images were changed before, in words; empty for images as they are.
    """

    size: int
    interpolation: str
    crop_share: float
    crop_mode: str
    view: str

    @property
    def preprocessing(self) -> Preprocessing:
        """The same, to be done again: the view and the normalisation left out."""
        return Preprocessing(self.interpolation, self.crop_share, self.crop_mode, size=self.size)


class ExplanationRecord(Record):
    """`explanation.json`: one method on the answers of one baseline at one decision.

    `node`: the parent of the decision; `children`: what is decided between. `method`, `title`,
    `signed` and `source`: see `lcbench.explanations.methods.Method`. `cases`: images that were
    chosen, of which `confused` are confusions; `explained` of them have an attribution, fewer where
    the method is dear. `checked`: images that it was checked on. `held`: images
    whose probabilities were compared with those that the runs predicted; `difference`: the largest
    difference of a leaf's, which was held to `tolerance`; `other_answers`: those of them whose most
    likely leaf is another one in 32 bits.
    `key`: hash of all that the explanation depends on. `runs`: the identity of each run that was
    explained, by name. `files`: what the other files of the folder were when they were written.
    """

    schema_version: int = SCHEMA_VERSION
    suite: Name
    protocol: Name
    baseline: Name
    node: str
    children: tuple[str, ...]
    method: str
    title: str
    signed: bool
    source: str
    cases: int
    confused: int
    explained: int
    checked: int
    source_groups: int
    groups_known: bool
    seed: int
    held: int
    difference: float
    tolerance: float
    other_answers: int
    shown: ShownRecord
    device: str
    versions: dict[str, str]
    command: str
    created: str
    seconds: float
    key: str
    runs: dict[str, str]
    files: dict[str, StoredFile]
    checks: MethodChecks

    @property
    def about(self) -> tuple[str, str, str]:
        """What it is about: protocol, baseline and decision."""
        return self.protocol, self.baseline, self.node


@dataclass(frozen=True, eq=False)
class StoredExplanation:
    """A folder that holds what was stored.

    Parameters
    ----------
    folder
        Where.
    record
        What it says of itself.
    """

    folder: Path
    record: ExplanationRecord

    @property
    def name(self) -> str:
        """Its folder below the suite's, with forward slashes."""
        return "/".join(self.folder.parts[-3:])

    def cases(self) -> pd.DataFrame:
        """Return the cases, see `lcbench.explanations.cases.COLUMNS`."""
        text = dict.fromkeys(COLUMNS, str) | {"seed": int, "confused": bool}
        table = pd.read_csv(self.folder / CASES, dtype=text, keep_default_na=False)
        return table[list(COLUMNS)]

    def maps(self) -> dict[int, NDArray[np.float32]]:
        """Return the stored attributions by the row of their case, in their own units."""
        with np.load(self.folder / MAPS, allow_pickle=False) as stored:
            rows, maps, scales = (stored[name] for name in ("rows", "maps", "scales"))
        return {
            int(row): one.astype(np.float32) * scale
            for row, one, scale in zip(rows, maps, scales, strict=True)
        }


def place_of(suite_folder: Path, protocol: str, baseline: str, node: str, method: str) -> Path:
    """Return the folder of an explanation. A node that is no name of a folder gets its hash."""
    decision = node if _SAFE.fullmatch(node) else f"node-{content_hash(node)}"
    return inside(suite_folder, EXPLANATIONS, f"{protocol}-{baseline}-{decision}", method)


def write_explanation(
    folder: Path,
    record: ExplanationRecord,
    cases: pd.DataFrame,
    rows: NDArray[np.intp],
    maps: NDArray[np.float32],
) -> None:
    """Write an explanation into a folder that appears whole, its record last.

    Parameters
    ----------
    folder
        There already, and empty.
    record
        Without its files.
    cases
        With `lcbench.explanations.cases.COLUMNS`.
    rows, maps
        (n,) rows of the cases, and (n, side, side) their attributions: stored in 16 bits, each map
        by its largest absolute value.
    """
    cases.to_csv(folder / CASES, index=False, lineterminator="\n")
    scales = np.abs(maps).max(axis=(1, 2))
    whole = np.where(scales > 0, scales, 1.0)[:, None, None]
    small = (maps / whole).astype(np.float16)
    np.savez_compressed(
        folder / MAPS, rows=rows.astype(np.int32), maps=small, scales=scales.astype(np.float32)
    )
    files = {name: stored_file(folder / name) for name in (CASES, MAPS)}
    write_record(folder / RECORD, record.model_copy(update={"files": files}))


def read_explanation(folder: Path) -> StoredExplanation:
    """Read an explanation, and hold its files to what its record says.

    Raises
    ------
    UserError
        If it is not what was stored; the message names the file.
    """
    record = read_record(folder / RECORD, ExplanationRecord)
    for name in (CASES, MAPS):
        if name not in record.files or not (folder / name).is_file():
            raise UserError(f"{folder / name}: gone", _REMEDY)
        if not is_as_stored(folder / name, record.files[name]):
            raise UserError(f"{folder / name}: damaged: not the file that was stored", _REMEDY)
    return StoredExplanation(folder, record)


def read_explanations(
    suite_folder: Path, runs: Mapping[str, str] | None = None
) -> Iterator[StoredExplanation]:
    """Yield the explanations of a suite; of those that cannot be used, say why.

    Parameters
    ----------
    suite_folder
        The suite's.
    runs
        The identity of each of its runs by name: explanations of runs that were done again since
        are passed over. None where that was looked at before.
    """
    for path in sorted(suite_folder.glob(f"{EXPLANATIONS}/[!.]*/[!.]*/{RECORD}")):
        try:
            found = read_explanation(path.parent)
        except UserError as error:
            warn(f"{error.message}; lcbench explain makes it again")
            continue
        if runs is not None and not _is_of(found.record, runs):
            warn(f"{found.name}: of runs that were done again since; lcbench explain makes it anew")
            continue
        yield found


def _is_of(record: ExplanationRecord, runs: Mapping[str, str]) -> bool:
    return all(runs.get(name) == identity for name, identity in record.runs.items())


_REMEDY = "lcbench explain makes it again."
