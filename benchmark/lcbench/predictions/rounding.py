"""Probabilities that were rounded before they were stored: how far their sums may be from 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lcbench.predictions.table import SUM_TOLERANCE

_FEWEST, _MOST = 2, 5
_SINGLE_PRECISION = 1e-7
"""How far a rounded share may be from its decimals where it was stored in 32 bits."""
_FLOAT = 1e-9
"""How far from 1 a sum may be by floating point alone."""

Values = NDArray[np.float64]


def decimals_of(probabilities: Values) -> int | None:
    """Return the decimals that all probabilities are rounded to; None where nothing shows any.

    At least two: what has one alone is too coarse to tell a rounded share from another number.
    """
    values = probabilities[(probabilities >= 0) & (probabilities <= 1)]
    if np.array_equal(values, values.round()):
        return None
    for decimals in range(_FEWEST, _MOST + 1):
        if np.allclose(values, values.round(decimals), rtol=0, atol=_SINGLE_PRECISION):
            return decimals
    return None


def sum_tolerance(probabilities: Values) -> float:
    """Return how far from 1 a row may sum: half a unit of the last decimal for each class, at most.

    Sums that are off by less than `SUM_TOLERANCE` pass in any case.
    """
    decimals = decimals_of(probabilities)
    if decimals is None:
        return SUM_TOLERANCE
    return max(SUM_TOLERANCE, float(probabilities.shape[1] * 0.5 * 10.0**-decimals))


def sums_to_one(probabilities: Values, tolerance: float) -> NDArray[np.bool_]:
    """Tell for each row whether it sums to 1 within a tolerance."""
    with np.errstate(over="ignore"):
        off = np.abs(probabilities.sum(axis=1) - 1.0)
    return np.asarray(off <= tolerance + _FLOAT)


def normalised(probabilities: Values) -> Values:
    """Return rows that sum to 1; sums that are off by floating point alone are left alone."""
    sums = probabilities.sum(axis=1, keepdims=True)
    result: Values = probabilities / np.where(np.abs(sums - 1) > _FLOAT, sums, 1.0)
    return result
