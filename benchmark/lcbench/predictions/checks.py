"""What must hold of every prediction file: checked by pandera, told with counts and places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.labels import LEAVE_OUT, MAP_HELP, LabelReader
from lcbench.predictions.messages import Finding, clipped, counted, listed, near_names
from lcbench.predictions.raw import REQUIRED, RawTable, Rows
from lcbench.predictions.rounding import sum_tolerance, sums_to_one
from lcbench.predictions.table import COLUMNS, NUMBER_COLUMNS, PROBABILITY, SUM_TOLERANCE, Text
from lcbench.taxonomy import ROOT

if TYPE_CHECKING:
    import pandera.pandas as pa

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
_LARGEST = 2**63 - 1
_MOST_NAMES = 8


@dataclass(frozen=True)
class Understood:
    """What the cells of a raw table stand for.

    Parameters
    ----------
    raw
        The table.
    reader
        Reads the class names.
    frame
        The columns of `COLUMNS` and the `p:` columns. Missing where a cell must hold something
        and does not: text, a whole number (0 where the column is empty), a finite number. Classes
        are nodes, the root or `LEAVE_OUT`, or empty where the name is unknown.
    leaf_columns
        The `p:` columns in the order of the leaves; empty where not every leaf has one.
    odd_columns
        What is wrong with the names of the `p:` columns.
    """

    raw: RawTable
    reader: LabelReader
    frame: pd.DataFrame
    leaf_columns: tuple[str, ...]
    odd_columns: tuple[Finding, ...]

    @property
    def probabilities(self) -> NDArray[np.float64] | None:
        """(rows, leaves); None where the file has none, or not of every leaf."""
        if not self.leaf_columns:
            return None
        return np.column_stack([self.raw.columns[name] for name in self.leaf_columns])

    @cached_property
    def sum_tolerance(self) -> float:
        """How far from 1 the probabilities of a row may sum."""
        return SUM_TOLERANCE if self.probabilities is None else sum_tolerance(self.probabilities)


def understand(raw: RawTable, reader: LabelReader) -> Understood:
    """Read the class names and the numbers of a table."""
    texts = {name: raw.text(name) for name in COLUMNS if name not in NUMBER_COLUMNS}
    for name in ("true", "predicted"):
        texts[name] = nodes_of(raw.text(name), reader)
    for name in REQUIRED:
        texts[name] = texts[name].copy()
        texts[name][raw.text(name) == ""] = None
    frame = pd.DataFrame(texts, dtype=object)
    for name in NUMBER_COLUMNS:
        frame.insert(COLUMNS.index(name), name, _whole_numbers(raw.text(name)))
    for name in raw.probability_columns:
        frame[name] = np.where(np.isfinite(raw.columns[name]), raw.columns[name], np.nan)
    return Understood(raw, reader, frame, *_leaf_columns(raw.probability_columns, reader))


def nodes_of(text: Text, reader: LabelReader) -> Text:
    """Return the node that each name stands for, or `LEAVE_OUT`; empty where it is unknown."""
    codes, names = pd.factorize(text)
    return np.array([reader.read(name) or "" for name in names], dtype=object)[codes]


def told_names(text: Text) -> str:
    """Return the different names, the most frequent first."""
    return listed(f"{clipped(name)!r}" for name, _ in _with_counts(text))


def _with_counts(text: Text) -> list[tuple[str, int]]:
    return sorted(Counter(text).items(), key=lambda pair: (-pair[1], pair[0]))


def _whole_numbers(text: Text) -> pd.Series:
    """Return the numbers of a column, missing where they are not whole; 0 in an empty column."""
    codes, written = pd.factorize(text)
    numbers = [0] if list(written) == [""] else [_whole_number(one) for one in written]
    return pd.Series(pd.array(numbers, dtype="Int64").take(codes))


def _whole_number(text: str) -> int | None:
    text = text.strip()
    if not _WHOLE.fullmatch(text):
        return None
    number = int(text.split(".")[0])
    return number if abs(number) <= _LARGEST else None


def _leaf_columns(
    names: Sequence[str], reader: LabelReader
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return the `p:` column of each leaf, in order, and what is wrong with the columns' names."""
    columns: dict[str, str] = {}
    problems: list[Finding] = []
    leaves = reader.taxonomy.leaves
    for name in names:
        leaf = reader.read(name.removeprefix(PROBABILITY))
        if leaf not in leaves:
            problems.append(_no_leaf_column(name, leaf, leaves))
        elif leaf in columns:
            what = f"columns {clipped(columns[leaf])} and {clipped(name)}: both are probabilities"
            remedy = "Keep one column a leaf; add them up if they are parts of it."
            problems.append(Finding(f"{what} of {leaf}", remedy))
        else:
            columns[leaf] = name
    missing = [leaf for leaf in leaves if leaf not in columns]
    if names and missing:
        what = f"no column p: for {listed(missing)}: with probabilities, each leaf needs one"
        problems.append(Finding(what, "Add the missing columns, or leave all p: columns out."))
    if problems or not names:
        return (), tuple(problems)
    return tuple(columns[leaf] for leaf in leaves), ()


def _no_leaf_column(name: str, node: str | None, leaves: Sequence[str]) -> Finding:
    near = near_names(name.removeprefix(PROBABILITY), leaves)
    if node is None:
        why = "an unknown class" + (f" (near: {', '.join(near)})" if near else "")
    elif node == LEAVE_OUT:
        why = "a class that the label map leaves out, but probabilities must be of all answers"
    else:
        why = f"{node}, which is not a leaf of the class tree"
    remedy = f"The leaves are {listed(leaves, 20)}. {MAP_HELP}"
    return Finding(f"column {clipped(name)}: {why}", remedy, name)


# What is checked


def broken_rules(table: Understood, *, one_model: bool) -> Iterator[Finding]:
    """Find every rule that the rows of a table break.

    Parameters
    ----------
    table
        With at least one row.
    one_model
        Whether the rows are of one model: only then may an image not stand twice.
    """
    from pandera.errors import SchemaErrors

    try:
        _schema(table, one_model=one_model).validate(table.frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        if cases["index"].isna().any():  # a check itself has failed
            raise
        failed = cases.groupby(["check", "column"])["index"].groups
        for check, tell in _TELL.items():
            for column in table.frame.columns:
                if (check, column) in failed:
                    rows = np.zeros(len(table.raw), dtype=bool)
                    rows[cases.loc[failed[check, column], "index"].to_numpy(np.intp)] = True
                    yield from tell(table, column, rows)


def _schema(table: Understood, *, one_model: bool) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    frame, taxonomy = table.frame, table.reader.taxonomy
    not_negative = pa.Check.ge(0, error="not negative")
    checks = {
        "image": [],
        "true": [pa.Check.isin((*taxonomy.nodes, ROOT), error="class")],
        "predicted": [pa.Check.isin(taxonomy.leaves, error="class")],
        **{name: [] for name in NUMBER_COLUMNS},
        **{name: [not_negative] for name in table.raw.probability_columns},
    }
    if not frame["image"].is_unique:
        once = pa.Check(lambda images: _stands_once(images, frame), error="once")
        agrees = pa.Check(lambda values: _agrees(values, frame), error="agrees")
        checks["image"] += [once] if one_model else []
        checks["true"].append(agrees)
        checks |= {"group": [agrees], "sha256": [agrees]}
    if table.leaf_columns:  # told of one column: failures of a frame are listed cell by cell
        chances = frame[list(table.leaf_columns)]
        near = table.sum_tolerance
        sums = pa.Check(lambda column: _sums_to_one(chances.loc[column.index], near), error="sum")
        checks[table.leaf_columns[0]].append(sums)
    columns = {
        name: pa.Column(checks=own, nullable=name in ("group", "sha256"), name=name)
        for name, own in checks.items()
        if name in table.raw.columns
    }
    return pa.DataFrameSchema(columns)


def _stands_once(images: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """Tell for each row whether it is the only one of its image and seed."""
    if frame["seed"].isna().any():
        return pd.Series(data=True, index=images.index)
    return ~frame.loc[images.index].duplicated(["image", "seed"], keep=False)


def _agrees(values: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """Tell for each row whether no other row of its image has another value."""
    images = frame["image"].loc[values.index]
    said = pd.DataFrame({"image": images, "value": values})[(values != "") & images.notna()]
    distinct = said.drop_duplicates()["image"]
    return ~images.isin(distinct[distinct.duplicated()])


def _sums_to_one(chances: pd.DataFrame, tolerance: float) -> pd.Series:
    """Tell for each row whether it sums to 1; rows with cells that are wrong pass."""
    values = chances.to_numpy(np.float64)
    wrong = ~(values >= 0).all(axis=1)
    return pd.Series(wrong | sums_to_one(values, tolerance), index=chances.index)


# What is said


def _missing(table: Understood, column: str, rows: Rows) -> Iterator[Finding]:
    if column in REQUIRED:
        what = "is empty" if rows.sum() == 1 else "are empty"
        remedy = f"Fill the column {column} in every row, or leave the row out."
        yield table.raw.finding(rows, column, what, remedy)
    elif column in NUMBER_COLUMNS:
        value = table.raw.text(column)[rows][0]
        yield table.raw.finding(
            rows,
            column,
            "without a whole number",
            f"Write a whole number such as 0 in every row, or leave the column {column} out.",
            f" with {repr(clipped(value)) if value else 'nothing'}",
        )
    else:
        remedy = "Fill every p: column in every row, or leave all p: columns out."
        yield table.raw.finding(rows, column, "without a finite number", remedy)


def _other_class(table: Understood, column: str, rows: Rows) -> Iterator[Finding]:
    """Tell unknown names, inner nodes and classes that are left out from each other."""
    taxonomy, nodes = table.reader.taxonomy, table.frame[column].to_numpy()
    unknown, left_out = rows & (nodes == ""), rows & (nodes == LEAVE_OUT)
    coarse = rows & ~unknown & ~left_out
    written = table.raw.text(column)
    if unknown.any():
        known = taxonomy.leaves if column == "predicted" else taxonomy.nodes
        yield table.raw.finding(
            unknown,
            column,
            f"with {_unknown_names(written[unknown], known)}",
            f"Known classes: {listed(known, 20)}. {MAP_HELP}",
        )
    if coarse.any():
        yield table.raw.finding(
            coarse,
            column,
            f"with a class that is not a leaf of the class tree ({told_names(written[coarse])})",
            f"Predict one of the leaves: {listed(taxonomy.leaves, 20)}.",
        )
    if left_out.any():
        yield table.raw.finding(
            left_out,
            column,
            f"whose predicted class the label map leaves out ({told_names(written[left_out])}), "
            "though the true class counts",
            "Leaving rows out by their answer would flatter a model: let the map give the class "
            "a leaf, or predict one of the leaves.",
        )


def _unknown_names(text: Text, known: Sequence[str]) -> str:
    """Return the different names with their counts and the classes that are like them."""
    counts = _with_counts(text)
    words = []
    for name, count in counts[:_MOST_NAMES]:
        near = near_names(name, known)
        hint = f", near: {', '.join(near)}" if near else ""
        words.append(f"{clipped(name)!r} ({counted(count, 'row')}{hint})")
    kinds = "an unknown class" if len(counts) == 1 else f"{len(counts):,} unknown classes"
    more = len(counts) - _MOST_NAMES
    return f"{kinds}: {', '.join(words)}" + (f" and {more:,} more" if more > 0 else "")


def _repeated(table: Understood, column: str, rows: Rows) -> Iterator[Finding]:
    said = table.frame.loc[rows, ["image", "seed"]]
    image, seed = said.iloc[0]
    first, second = said.index[(said["image"] == image) & (said["seed"] == seed)][:2]
    of_seed = f" of seed {seed}" if table.frame["seed"].nunique() > 1 else ""
    yield Finding(
        f"column image: {counted(len(said.drop_duplicates()), 'image')} more than once for the "
        f"same seed; the first is {clipped(image)}{of_seed}, in {table.raw.place(first)} and "
        f"{table.raw.place(second)}",
        "Keep one prediction an image; where a model was trained more than once, give the column "
        "seed another number each time.",
        column,
    )


def _two_answers(table: Understood, column: str, rows: Rows) -> Iterator[Finding]:
    said = table.frame.loc[rows & (table.frame[column] != "").to_numpy(), ["image", column]]
    image = said["image"].iloc[0]
    own = said.loc[said["image"] == image, column].drop_duplicates()
    (one, value), (other, other_value) = list(own.items())[:2]
    yield Finding(
        f"column {column}: {counted(said['image'].nunique(), 'image')} with different values; "
        f"the first is {clipped(image)}, which is {clipped(value)!r} in {table.raw.place(one)} "
        f"and {clipped(other_value)!r} in {table.raw.place(other)}",
        f"Give each image one value of {column} in all of its rows.",
        column,
    )


def _negative(table: Understood, column: str, rows: Rows) -> Iterator[Finding]:
    remedy = "Store probabilities; turn logits into them with a softmax."
    value = table.raw.columns[column][rows][0]
    yield table.raw.finding(rows, column, "below 0", remedy, f" with {value:g}")


def _not_one(table: Understood, _: str, rows: Rows) -> Iterator[Finding]:
    with np.errstate(over="ignore"):
        total = sum(table.raw.columns[name][rows][0] for name in table.leaf_columns)
    verb = "does" if rows.sum() == 1 else "do"
    what = f"{verb} not sum to 1 (within {table.sum_tolerance:g})"
    remedy = "Store probabilities of all classes between 0 and 1, not percentages or scores."
    yield table.raw.finding(rows, "", what, remedy, f" with {total:g}")


_TELL: dict[str, Callable[[Understood, str, Rows], Iterator[Finding]]] = {
    "not_nullable": _missing,
    "class": _other_class,
    "once": _repeated,
    "agrees": _two_answers,
    "not negative": _negative,
    "sum": _not_one,
}
"""What is said of the rows that fail a check, by its name, in the order in which it is told."""
