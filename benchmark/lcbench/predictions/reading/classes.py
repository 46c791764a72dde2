"""From the class names of a prediction file to nodes and leaves of the class tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.labels import LEAVE_OUT, MAP_HELP, LabelReader
from lcbench.predictions.reading.findings import Finding, clipped, counted, listed, near_names
from lcbench.predictions.reading.raw import RawTable, Text


@dataclass(frozen=True)
class ReadClasses:
    """What the names of a column stand for.

    Parameters
    ----------
    names
        The different names, as written.
    codes
        (rows,) which of them each row has.
    nodes
        What each name stands for: a node, `LEAVE_OUT`, or empty where it is unknown.
    """

    names: Sequence[str]
    codes: NDArray[np.intp]
    nodes: Text

    @property
    def by_row(self) -> Text:
        """(rows,) what the name of each row stands for."""
        return self.nodes[self.codes]


def read_classes(text: Text, reader: LabelReader) -> ReadClasses:
    """Read the names of a column."""
    codes, names = pd.factorize(text)
    nodes = np.array([reader.read(name) or "" for name in names], dtype=object)
    return ReadClasses(list(names), codes, nodes)


def leave_out(table: RawTable, reader: LabelReader) -> tuple[RawTable, tuple[Finding, ...]]:
    """Return the rows whose true class counts, and how many the label map leaves out."""
    classes = read_classes(table.column("true"), reader)
    rows = classes.by_row == LEAVE_OUT
    if not rows.any():
        return table, ()
    note = Finding(
        f"column true: {counted(int(rows.sum()), 'row')} left out, as the label map says "
        f"({_plain_names(rows, classes)})"
    )
    return table.keep(~rows), (note,)


def unknown_classes(
    table: RawTable, column: str, classes: ReadClasses, reader: LabelReader
) -> Iterator[Finding]:
    """Find the names that stand for nothing, with how often they occur and what they are like."""
    rows = (classes.by_row == "") & (table.column(column) != "")
    if not rows.any():
        return
    known = reader.taxonomy.leaves if column == "predicted" else reader.taxonomy.nodes
    yield Finding(
        f"column {column}: {counted(int(rows.sum()), 'row')} with "
        f"{_names_with_counts(rows, classes, known)}; the first is {table.first(rows)}",
        f"Known classes: {listed(known, 20)}. {MAP_HELP}",
    )


def not_leaves(table: RawTable, classes: ReadClasses, reader: LabelReader) -> Iterator[Finding]:
    """Find predictions that are no leaf of the class tree, or that a map would leave out."""
    leaves = reader.taxonomy.leaves
    coarse = ~np.isin(classes.by_row, ["", LEAVE_OUT, *leaves])
    if coarse.any():
        yield Finding(
            f"column predicted: {counted(int(coarse.sum()), 'row')} with a class that is not a "
            f"leaf of the class tree ({_plain_names(coarse, classes)}); the first is "
            f"{table.first(coarse)}",
            f"Predict one of the leaves: {listed(leaves, 20)}.",
        )
    left_out = classes.by_row == LEAVE_OUT
    if left_out.any():
        yield Finding(
            f"column predicted: {counted(int(left_out.sum()), 'row')} whose predicted class the "
            f"label map leaves out ({_plain_names(left_out, classes)}), though the true class "
            f"counts; the first is {table.first(left_out)}",
            "Leaving rows out by their answer would flatter a model: let the map give the class "
            "a leaf, or predict one of the leaves.",
        )


def probability_leaves(
    names: Sequence[str], reader: LabelReader
) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """Return the `p:` column of each leaf, and what is wrong with the columns' names."""
    columns: dict[str, str] = {}
    problems: list[Finding] = []
    leaves = reader.taxonomy.leaves
    for name in names:
        leaf = reader.read(name)
        if leaf not in leaves:
            problems.append(_no_leaf(name, leaf, leaves))
        elif leaf in columns:
            problems.append(
                Finding(
                    f"columns p:{clipped(columns[leaf])} and p:{clipped(name)}: both are "
                    f"probabilities of {leaf}",
                    "Keep one column a leaf; add them up if they are parts of it.",
                )
            )
        else:
            columns[leaf] = name
    missing = [leaf for leaf in leaves if leaf not in columns]
    if missing:
        problems.append(
            Finding(
                f"no column p: for {listed(missing)}: with probabilities, each leaf needs one",
                "Add the missing columns, or leave all p: columns out.",
            )
        )
    return columns, tuple(problems)


def _no_leaf(name: str, node: str | None, leaves: Sequence[str]) -> Finding:
    near = near_names(name, leaves)
    if node is None:
        why = "an unknown class" + (f" (near: {', '.join(near)})" if near else "")
    elif node == LEAVE_OUT:
        why = "a class that the label map leaves out, but probabilities must be of all answers"
    else:
        why = f"{node}, which is not a leaf of the class tree"
    return Finding(
        f"column p:{clipped(name)}: {why}", f"The leaves are {listed(leaves, 20)}. {MAP_HELP}"
    )


def _names_with_counts(rows: NDArray[np.bool_], classes: ReadClasses, known: Sequence[str]) -> str:
    counts = _counts(rows, classes)
    words = []
    for name, count in counts[:8]:
        near = near_names(name, known)
        hint = f", near: {', '.join(near)}" if near else ""
        words.append(f"{clipped(name)!r} ({counted(count, 'row')}{hint})")
    more = f" and {len(counts) - 8:,} more" if len(counts) > 8 else ""
    kinds = "an unknown class" if len(counts) == 1 else f"{len(counts):,} unknown classes"
    return f"{kinds}: {', '.join(words)}{more}"


def _plain_names(rows: NDArray[np.bool_], classes: ReadClasses) -> str:
    return listed(f"{clipped(name)!r}" for name, _ in _counts(rows, classes))


def _counts(rows: NDArray[np.bool_], classes: ReadClasses) -> list[tuple[str, int]]:
    counts = np.bincount(classes.codes[rows], minlength=len(classes.names))
    found = [(name, int(count)) for name, count in zip(classes.names, counts, strict=True) if count]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))
