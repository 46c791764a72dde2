"""The probabilities of a prediction file: numbers, not negative, summing to 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lcbench.predictions.reading.findings import Finding, clipped, counted
from lcbench.predictions.reading.raw import RawTable, Text
from lcbench.predictions.table import SUM_TOLERANCE

Matrix = NDArray[np.float64]


def bad_probabilities(
    table: RawTable, columns: Sequence[str], *, complete: bool
) -> Iterator[Finding]:
    """Find cells that are no number or negative, and rows that do not sum to 1.

    Parameters
    ----------
    complete
        Whether the columns are those of all leaves: only then must they sum to 1.
    """
    for name in columns:
        values = table.probabilities[name]
        odd = ~np.isfinite(values)
        if odd.any():
            yield Finding(
                f"column p:{clipped(name)}: {counted(int(odd.sum()), 'row')} without a finite "
                f"number; the first is {table.first(odd)}",
                "Fill every p: column in every row, or leave all p: columns out.",
            )
        below = values < 0
        if below.any():
            yield Finding(
                f"column p:{clipped(name)}: {counted(int(below.sum()), 'row')} below 0; the first "
                f"is {table.first(below)} with {values[below][0]:g}",
                "Store probabilities; turn logits into them with a softmax.",
            )
    if complete:
        yield from _bad_sums(table, columns)


def _bad_sums(table: RawTable, columns: Sequence[str]) -> Iterator[Finding]:
    values = np.column_stack([table.probabilities[name] for name in columns])
    with np.errstate(over="ignore", invalid="ignore"):
        sums = values.sum(axis=1)
        off = np.isfinite(values).all(axis=1) & (values >= 0).all(axis=1)
        off &= ~(np.abs(sums - 1.0) <= SUM_TOLERANCE)
    if off.any():
        yield Finding(
            f"columns p:...: {counted(int(off.sum()), 'row')} "
            f"{'does' if off.sum() == 1 else 'do'} not sum to 1 (within {SUM_TOLERANCE:g}); the "
            f"first is {table.first(off)} with {sums[off][0]:g}",
            "Store probabilities of all classes between 0 and 1, not percentages or scores.",
        )


def normalised(table: RawTable, columns: Mapping[str, str], leaves: Sequence[str]) -> Matrix:
    """Return the (rows, leaves) probabilities, each row summing to 1."""
    values = np.column_stack([table.probabilities[columns[leaf]] for leaf in leaves])
    result: Matrix = values / values.sum(axis=1, keepdims=True)
    return result


def other_answers(
    table: RawTable, columns: Mapping[str, str], leaves: Sequence[str], predicted: Text
) -> Iterator[Finding]:
    """Find predictions that are not the class with the largest probability."""
    values = np.column_stack([table.probabilities[columns[leaf]] for leaf in leaves])
    position = {leaf: column for column, leaf in enumerate(leaves)}
    answers = np.fromiter((position[leaf] for leaf in predicted), np.intp, count=len(predicted))
    other = values[np.arange(len(values)), answers] < values.max(axis=1)
    if other.any():
        yield Finding(
            f"column predicted: {counted(int(other.sum()), 'row')} whose class does not have the "
            f"largest probability; the first is {table.first(other)}",
            "Nothing to do where thresholds decided: predicted is taken as it is written.",
        )
