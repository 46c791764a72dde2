"""Codes of source groups, the unit of sampling and of pairing, and the classes they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClusterCodes:
    """Source groups as numbers.

    Parameters
    ----------
    codes
        (N,) group of each row, 0 to `count` - 1.
    count
        Number of groups, G.
    known
        Whether every row named its group. Where it is False, say so beside every interval.
    """

    codes: NDArray[np.int64]
    count: int
    known: bool


def cluster_codes(groups: Sequence[str], fallback: Sequence[str]) -> ClusterCodes:
    """Return the source groups of the rows as numbers.

    Codes follow the sorted names, so they do not depend on the order of the rows.

    Parameters
    ----------
    groups
        (N,) names of the source groups; empty where unknown.
    fallback
        (N,) what keeps rows without a group apart, used for those rows only: the SHA-256 of the
        file, under which exact copies stay together.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has neither a group nor a fallback: such rows would
        silently become one group.
    """
    # The flag keeps a group named like a hash apart from that hash.
    names = [
        (True, group) if group else (False, other)
        for group, other in zip(groups, fallback, strict=True)
    ]
    if (False, "") in names:
        raise ValueError(f"row {names.index((False, ''))} has neither a group nor a fallback")
    code = {name: number for number, name in enumerate(sorted(set(names)))}
    codes = np.fromiter((code[name] for name in names), dtype=np.int64, count=len(names))
    return ClusterCodes(codes, len(code), all(known for known, _ in names))


def class_strata(
    true: NDArray[np.integer[Any]], groups: NDArray[np.integer[Any]], count: int
) -> tuple[int, ...]:
    """Return the stratum of each group: the class that all its images have.

    How many images of a class there are is fixed by whoever collected them; only which source
    groups they come from is chance. Groups of more than one class are a stratum of their own, as
    are groups without an image; what would be a stratum of one group joins the largest one, since
    one group shows no variance.

    Parameters
    ----------
    true
        (N,) class codes of the images, from 0.
    groups
        (N,) group codes, 0 to `count` - 1.
    count
        Number of groups, G.

    Returns
    -------
    tuple of int
        (G,) strata, numbered from 0 without gaps.
    """
    true, groups = np.asarray(true, np.int64), np.asarray(groups, np.int64)
    mixed = int(true.max(initial=-1)) + 1
    least, most = np.full(count, mixed), np.full(count, -1)
    np.minimum.at(least, groups, true)
    np.maximum.at(most, groups, true)
    stratum = np.where(least == most, least, mixed)
    sizes = np.bincount(stratum, minlength=mixed + 1)
    stratum = np.where(sizes[stratum] < 2, int(sizes.argmax()), stratum)
    return tuple(np.unique(stratum, return_inverse=True)[1].tolist())
