"""What is wrong with a prediction file, what it cannot be used for, and what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.labels import LabelReader
from lcbench.predictions.reading.chances import bad_probabilities, normalised, other_answers
from lcbench.predictions.reading.checks import (
    empty_cells,
    repeated_images,
    two_answers,
    whole_numbers,
)
from lcbench.predictions.reading.classes import (
    leave_out,
    not_leaves,
    probability_leaves,
    read_classes,
    unknown_classes,
)
from lcbench.predictions.reading.findings import Finding
from lcbench.predictions.reading.images import with_comparable_names
from lcbench.predictions.reading.limits import limits
from lcbench.predictions.reading.origin import several_models, single_value
from lcbench.predictions.reading.raw import CONTRACT, RawTable
from lcbench.predictions.reading.sources import read_source


@dataclass(frozen=True)
class ModelPredictions:
    """The checked predictions of one model.

    Parameters
    ----------
    name
        What the model is called.
    table
        One row a prediction: image (a POSIX path), sha256 and group (empty where unknown), seed,
        fold, true (a node of the class tree), predicted (a leaf).
    probabilities
        (rows, leaves), in the order of the leaves of the class tree, each row summing to 1; None
        where the file has none.
    notes
        What was noted when the file was read, one sentence each.
    """

    name: str
    table: pd.DataFrame
    probabilities: NDArray[np.float64] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """What a prediction file tells besides images and classes.

    Parameters
    ----------
    probabilities, sha256
        Whether every row has them.
    images, groups
        Number of different ones; no groups where unknown.
    seeds, folds
        The numbers that occur.
    classes
        The true classes that occur, as nodes, in the order of the class tree.
    protocol, baseline
        The name where the file gives one, else empty.
    """

    probabilities: bool = False
    sha256: bool = False
    images: int = 0
    groups: int = 0
    seeds: tuple[int, ...] = ()
    folds: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    protocol: str = ""
    baseline: str = ""


@dataclass(frozen=True)
class Inspection:
    """Everything that was found in a prediction file.

    Parameters
    ----------
    path
        The file, or the folder of a baseline's runs.
    rows
        Number of rows that could be read, those that are left out among them.
    left_out
        Number of rows that the label map leaves out.
    problems
        What must be mended before the file can be used.
    notes
        What the file cannot be used for, and what was read in a way that its author should know.
    columns
        What the file tells besides images and classes.
    predictions
        None if there are problems.
    """

    path: Path
    rows: int
    left_out: int
    problems: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    columns: Columns
    predictions: ModelPredictions | None

    @property
    def valid(self) -> bool:
        """Whether the file can be used."""
        return not self.problems


def inspect_predictions(path: Path, reader: LabelReader) -> Inspection:
    """Find everything that is wrong with a prediction file.

    Parameters
    ----------
    path
        A Parquet or CSV file, or a folder of runs of one baseline under one protocol.
    reader
        Reads the class names.
    """
    read = read_source(path)
    if read.table is None:
        return Inspection(path, 0, 0, read.problems, read.notes, Columns(), None)
    inspector = _Inspector(path, reader, read.table)
    inspector.problems[:0] = read.problems
    inspector.notes[:0] = read.notes
    inspector.check()
    columns = inspector.columns()
    inspector.notes += limits(inspector.table, columns)
    return Inspection(
        path=path,
        rows=len(read.table),
        left_out=inspector.left_out,
        problems=tuple(inspector.problems),
        notes=tuple(inspector.notes),
        columns=columns,
        predictions=None if inspector.problems else inspector.predictions(columns),
    )


class _Inspector:
    """Runs the checks that the columns of a file allow, and keeps what they read."""

    def __init__(self, path: Path, reader: LabelReader, whole: RawTable) -> None:
        table, left_out = leave_out(with_comparable_names(whole), reader)
        self.table = table
        self.left_out = len(whole) - len(table)
        self.problems: list[Finding] = []
        self.notes: list[Finding] = [*left_out]
        self._path = path
        self._reader = reader
        self._leaves = reader.taxonomy.leaves
        self._true = read_classes(table.column("true"), reader)
        self._predicted = read_classes(table.column("predicted"), reader)
        self._seeds, self._seed_problems = whole_numbers(table, "seed")
        self._folds, self._fold_problems = whole_numbers(table, "fold")
        self._p_columns: dict[str, str] = {}

    def check(self) -> None:
        """Run the checks."""
        if not len(self.table):
            every = " but those that the label map leaves out" if self.left_out else ""
            self.problems.append(Finding(f"the file has no rows{every}", CONTRACT))
            return
        self.problems += empty_cells(self.table)
        self.problems += unknown_classes(self.table, "true", self._true, self._reader)
        self.problems += unknown_classes(self.table, "predicted", self._predicted, self._reader)
        self.problems += not_leaves(self.table, self._predicted, self._reader)
        self.problems += self._seed_problems + self._fold_problems
        self._check_images()
        self._check_probabilities()

    def _check_images(self) -> None:
        mixed = several_models(self.table, self._path)
        self.problems += mixed
        if self._seeds is not None and not mixed:
            self.problems += repeated_images(self.table, self._seeds)
        for name, values in (
            ("true", self._true.by_row),
            ("group", self.table.column("group")),
            ("sha256", self.table.column("sha256")),
        ):
            self.problems += two_answers(self.table, name, values)

    def _check_probabilities(self) -> None:
        written = list(self.table.probabilities)
        if not written:
            return
        self._p_columns, problems = probability_leaves(written, self._reader)
        problems += tuple(bad_probabilities(self.table, written, complete=not problems))
        self.problems += problems
        if not self.problems:
            self.notes += other_answers(
                self.table, self._p_columns, self._leaves, self._predicted.by_row
            )

    def columns(self) -> Columns:
        """Return what the file tells, as far as it could be read."""
        table = self.table
        present = set(self._true.nodes)
        return Columns(
            probabilities=bool(table.probabilities),
            sha256="sha256" in table.text and bool((table.column("sha256") != "").all()),
            images=_different(table.column("image")),
            groups=_different(table.column("group")),
            seeds=_numbers(self._seeds),
            folds=_numbers(self._folds),
            classes=tuple(node for node in self._reader.taxonomy.nodes if node in present),
            protocol=single_value(table.column("protocol")),
            baseline=single_value(table.column("baseline")),
        )

    def predictions(self, columns: Columns) -> ModelPredictions:
        """Return the predictions of a file without problems."""
        texts = {
            "image": self.table.column("image"),
            "sha256": self.table.column("sha256"),
            "group": self.table.column("group"),
            "true": self._true.by_row,
            "predicted": self._predicted.by_row,
        }
        table = pd.DataFrame({name: pd.Series(text, dtype=object) for name, text in texts.items()})
        table.insert(3, "seed", self._seeds)
        table.insert(4, "fold", self._folds)
        probabilities = None
        if self._p_columns:
            probabilities = normalised(self.table, self._p_columns, self._leaves)
        notes = tuple(note.what for note in self.notes)
        name = columns.baseline or own_name(self._path)
        return ModelPredictions(name, table, probabilities, notes)


def own_name(path: Path) -> str:
    """Return the name of a folder, or of a file without its suffix."""
    if path.name in ("", ".."):
        path = path.resolve()
    return (path.name if path.is_dir() else path.stem) or str(path)


def _different(values: Iterable[str]) -> int:
    return len(set(values) - {""})


def _numbers(values: NDArray[np.int64] | None) -> tuple[int, ...]:
    return () if values is None else tuple(np.unique(values).tolist())
