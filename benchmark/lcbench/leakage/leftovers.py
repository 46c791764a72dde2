"""Images that found nobody: compared with every group, where there are few enough of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lcbench.leakage.candidates import Candidate

SMALL = 2
"""Groups of so many images at most are leftovers."""

SHOWN = 3
"""Images that stand for a group, spread over it."""

MOST = 30_000
"""Candidates at most, a few seconds of work: where everything is a leftover, nothing is."""


def leftover_candidates(
    labels: NDArray[np.intp], queries: NDArray[np.intp], digests: Sequence[bytes]
) -> list[Candidate]:
    """Return every pair of a leftover and an image that stands for another group, both ways round.

    What an approximate search of neighbours has missed shows in images that are alone.

    Parameters
    ----------
    labels
        (images,) the group of each.
    queries
        Images of which one must be in each pair.
    digests
        Hash of each image's pixels: which images stand for a group does not depend on order.

    Returns
    -------
    list of Candidate
        Empty where they would be more than `MOST`.
    """
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    leftovers = [image for group in groups if len(group) <= SMALL for image in group.tolist()]
    standing = [image for group in groups for image in _spread(group, digests)]
    if 2 * len(leftovers) * len(standing) > MOST:
        return []
    asked = set(queries.tolist())
    pairs = sorted(
        {
            (min(one, other), max(one, other))
            for one, other in product(leftovers, standing)
            if labels[one] != labels[other] and (one in asked or other in asked)
        }
    )
    return [Candidate(*pair, mirror) for pair in pairs for mirror in (False, True)]


def _spread(group: NDArray[np.intp], digests: Sequence[bytes]) -> list[int]:
    members = sorted(group.tolist(), key=lambda image: digests[image])
    return members[:: max(1, len(members) // SHOWN)][:SHOWN]
