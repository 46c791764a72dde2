"""Rows of counts that are alike, so that what depends on a row alone is computed once for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Counts

# Codes above could not be multiplied within 64 bits.
_LARGEST = 2**62


def distinct_rows(counts: Counts) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first row of each kind, and the kind of each row.

    Without groups every image is a unit, and there are as many kinds as cells of the confusion
    matrix. Sums that are not whole are taken as different, each row a kind.

    Parameters
    ----------
    counts
        (N, C) counts.

    Returns
    -------
    ndarray, ndarray
        (D,) numbers of rows, and (N,) places among them.
    """
    rows = np.arange(len(counts))
    if not len(counts) or not _whole(counts):
        return rows, rows
    codes, size = np.zeros(len(counts), np.int64), 1
    for column in counts.T:
        most = int(column.max()) + 1
        if size * most > _LARGEST:
            known, codes = np.unique(codes, return_inverse=True)
            size = len(known)
        codes, size = codes * most + column.astype(np.int64), size * most
    _, first, kind = np.unique(codes, return_index=True, return_inverse=True)
    return first, kind


def _whole(counts: NDArray[Any]) -> bool:
    if not np.issubdtype(counts.dtype, np.floating):
        return bool(counts.min(initial=0) >= 0)
    near = np.floor(counts)
    return bool((counts == near).all() and near.min(initial=0) >= 0 and near.max(initial=0) < 2**31)
