"""What is wrong with a prediction file, what it cannot be used for, and what it holds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from lcbench.datasets.labels import LEAVE_OUT, LabelReader
from lcbench.errors import UserError
from lcbench.predictions.checks import (
    Understood,
    broken_rules,
    nodes_of,
    told_names,
    understand,
)
from lcbench.predictions.messages import Finding, clipped, counted, listed
from lcbench.predictions.raw import CONTRACT, RawTable
from lcbench.predictions.reading import read_source
from lcbench.predictions.rounding import decimals_of, normalised, sums_to_one
from lcbench.predictions.table import COLUMNS, NUMBER_COLUMNS, SUM_TOLERANCE, Predictions, Text
from lcbench.statistics.decision_rules import LIKELIEST, contradicts
from lcbench.taxonomy import ROOT

_SHOWN = 10


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
        Number of rows that the label map leaves out, or that are of no class of the tree.
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
    predictions: Predictions | None

    @property
    def valid(self) -> bool:
        """Whether the file can be used."""
        return not self.problems


def inspect_predictions(path: Path, reader: LabelReader, *, unscored: bool = False) -> Inspection:
    """Find everything that is wrong with a prediction file.

    Parameters
    ----------
    path
        A Parquet or CSV file, or a folder of runs of one baseline under one protocol.
    reader
        Reads the class names.
    unscored
        Whether to keep rows of a class that the tree does not have, whose label is its root.
    """
    read = read_source(path)
    if read.table is None:
        return Inspection(path, 0, 0, read.problems, read.notes, Columns(), None)
    reader = replace(reader, mapping={ROOT: ROOT, **reader.mapping})  # as `lcbench evaluate` writes
    nodes = nodes_of(read.table.text("true"), reader)
    counts = (nodes != LEAVE_OUT) & (unscored | (nodes != ROOT))
    table = understand(read.table.keep(counts), reader)
    notes = [*read.notes]
    if (nodes == LEAVE_OUT).any():
        notes.append(_left_out(read.table.text("true")[nodes == LEAVE_OUT]))
    if not unscored and (nodes == ROOT).any():
        notes.append(_outside(read.table.text("true")[nodes == ROOT]))
    problems = [*read.problems]
    if counts.any():
        mixed = _several_models(table.raw, path)
        problems += [*mixed, *table.odd_columns, *broken_rules(table, one_model=not mixed)]
        if not problems:
            notes += [*_rounded(table), *_other_answers(table)]
        notes += _limits(table.raw)
    else:
        every = "" if counts.all() else " but those that are left out"
        problems.append(Finding(f"the file has no rows{every}", CONTRACT))
    columns = _columns(table)
    predictions = None
    if not problems:
        values = table.probabilities
        predictions = Predictions(
            name=columns.baseline or _own_name(path),
            leaves=reader.taxonomy.leaves,
            table=table.frame[list(COLUMNS)].astype(dict.fromkeys(NUMBER_COLUMNS, np.int64)),
            probabilities=None if values is None else normalised(values),
            notes=tuple(notes),
            decision=table.raw.decision,
        )
    return Inspection(
        path=path,
        rows=len(counts),
        left_out=int((~counts).sum()),
        problems=tuple(problems),
        notes=tuple(notes),
        columns=columns,
        predictions=predictions,
    )


def load_predictions(path: Path, reader: LabelReader, *, unscored: bool = False) -> Predictions:
    """Read a prediction file that must be right.

    Parameters
    ----------
    path
        A Parquet or CSV file, or a folder of runs of one baseline under one protocol.
    reader
        Reads the class names.
    unscored
        Whether to keep rows of a class that the tree does not have, whose label is its root.

    Raises
    ------
    UserError
        With everything that is wrong with it.
    """
    inspection = inspect_predictions(path, reader, unscored=unscored)
    if inspection.predictions is None:
        raise _unusable(inspection)
    return inspection.predictions


def _unusable(inspection: Inspection) -> UserError:
    path, problems = inspection.path, inspection.problems
    every = f"lcbench validate {shlex.quote(str(path))}"
    if len(problems) == 1:
        remedy = f"{problems[0].remedy}\n'{every}' checks the file again."
        return UserError(f"{path}: {problems[0].what}", remedy.strip())
    lines = [f"- {problem.what}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"- and {len(problems) - _SHOWN:,} more")
    return UserError(
        "\n".join([f"{path}: {counted(len(problems), 'problem')}", *lines]),
        f"'{every}' shows them all, and what to do about each.",
    )


def _own_name(path: Path) -> str:
    """Return the name of a folder, or of a file without its suffix."""
    if path.name in ("", ".."):
        path = path.resolve()
    return (path.name if path.is_dir() else path.stem) or str(path)


def _several_models(table: RawTable, path: Path) -> list[Finding]:
    """Say so where the rows come from several baselines or protocols."""
    kinds = {kind: table.text(kind) for kind in ("protocol", "baseline")}
    found = [
        f"{counted(len(names), kind)} ({listed(clipped(name) for name in names)})"
        for kind, text in kinds.items()
        if len(names := sorted(_names(text))) > 1
    ]
    if not found:
        return []
    remedy = "Store one file for each baseline and protocol."
    if table.files is not None:
        files = pd.Series(table.files, dtype=object).groupby(list(kinds.values()))
        folders = sorted(
            str(path / os.path.commonpath([PurePosixPath(file).parent for file in own]))
            for _, own in files
        )
        remedy = f"Name one of its folders: {listed(dict.fromkeys(folders), 12)}"
    return [Finding(f"the rows belong to {' and '.join(found)}, not to one model", remedy)]


def _left_out(names: Text) -> Finding:
    rows = counted(len(names), "row")
    what = f"column true: {rows} left out, as the label map says ({told_names(names)})"
    return Finding(what, column="true")


def _outside(names: Text) -> Finding:
    rows = counted(len(names), "row")
    what = f"column true: {rows} of no class of the tree are left out ({told_names(names)})"
    return Finding(what, column="true")


def _rounded(table: Understood) -> Iterator[Finding]:
    """Find rows that do not sum to 1 because their probabilities are rounded to few decimals."""
    values = table.probabilities
    if values is None or table.sum_tolerance <= SUM_TOLERANCE:
        return
    off = ~sums_to_one(values, 0.0)
    if off.any():
        verb, decimals = ("does" if off.sum() == 1 else "do"), decimals_of(values)
        what = f"{verb} not sum to 1: rounded to {decimals} decimals, so divided by the sum"
        remedy = "Store the probabilities with more decimals if you have them."
        yield table.raw.finding(off, "", what, remedy)


def _other_answers(table: Understood) -> Iterator[Finding]:
    """Find predictions that the decision rule of the file, or the usual one, would not give."""
    values, rule, taxonomy = table.probabilities, table.raw.decision, table.reader.taxonomy
    if values is None:
        return
    answers = pd.Index(taxonomy.leaves).get_indexer(pd.Index(table.frame["predicted"]))
    other = contradicts(rule, answers, values, taxonomy)
    if other.any():
        what = "whose class does not have the largest probability"
        remedy = "Nothing to do where thresholds decided: predicted is taken as it is written."
        if rule != LIKELIEST:
            what = f"whose class is not what the stated decision rule ({rule}) gives"
            remedy = "Predicted is taken as it is written. Was another class tree meant?"
        yield table.raw.finding(other, "predicted", what, remedy)


def _limits(table: RawTable) -> Iterator[Finding]:
    """Say what cannot be computed, or not as well, without the columns that are missing."""
    yield from _gaps(
        table,
        "group",
        "images are taken as independent; clustered tests need a group column",
        "without a group; their images are taken as independent of all others",
        "Add a column group that names the tissue each image shows.",
    )
    if not table.probability_columns:
        yield Finding(
            "no columns p:<class>: no AUROC, average precision, log loss, Brier score or "
            "calibration",
            "Add the probability of each class in a column p:<class>.",
        )
    yield from _gaps(
        table,
        "sha256",
        "images are matched by name",
        "without a hash; images are matched by name",
        "Add a column sha256 with the SHA-256 of each image file to match by content.",
    )


def _gaps(table: RawTable, column: str, none: str, some: str, remedy: str) -> Iterator[Finding]:
    """Say what follows where no row has a value, and where some have none."""
    empty = int((table.text(column) == "").sum())
    if empty == len(table):
        yield Finding(f"no column {column}: {none}", remedy, column)
    elif empty:
        yield Finding(f"column {column}: {counted(empty, 'row')} {some}", remedy, column)


def _columns(table: Understood) -> Columns:
    """Return what a file tells, as far as it could be read."""
    raw = table.raw
    present = set(table.frame["true"])
    protocols, baselines = (_names(raw.text(name)) for name in ("protocol", "baseline"))
    return Columns(
        probabilities=bool(raw.probability_columns),
        sha256="sha256" in raw.columns and bool((raw.text("sha256") != "").all()),
        images=len(_names(raw.text("image"))),
        groups=len(_names(raw.text("group"))),
        seeds=_numbers(table.frame["seed"]),
        folds=_numbers(table.frame["fold"]),
        classes=tuple(node for node in table.reader.taxonomy.nodes if node in present),
        protocol=protocols.pop() if len(protocols) == 1 else "",
        baseline=baselines.pop() if len(baselines) == 1 else "",
    )


def _names(text: Text) -> set[str]:
    return set(text) - {""}


def _numbers(values: pd.Series) -> tuple[int, ...]:
    return () if values.isna().any() else tuple(sorted(int(value) for value in values.unique()))
