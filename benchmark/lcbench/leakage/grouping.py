"""Source groups: images joined by proven pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.console import Advance, no_progress
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.laying import MIN_CORRELATION
from lcbench.leakage.proofs import Proofs
from lcbench.leakage.registration import Registration

MIN_LOCAL = 0.5
"""Local correlation from which a pair is proof enough to join two groups. Chests of different
patients that were matched with each other reach .40, LC25000's true pairs at least .63."""

MIN_LOCAL_MIRRORED = 0.6
"""The same for the mirror image: a chest agrees with itself turned over up to .59."""

MIN_SURPLUS = 0.05
"""By so much must a pair agree better than with one image turned over."""

SYMMETRIC = 0.8
"""From this local correlation on, agreement either way round is a symmetric image, not chance."""

_BATCH = 256
_LATER = 20
"""For each candidate of a batch, at most so many are looked at that might become needless."""


@dataclass(frozen=True)
class Link:
    """Two images that a registration laid on each other.

    Parameters
    ----------
    candidate
        The images.
    registration
        How they lie.
    """

    candidate: Candidate
    registration: Registration


def is_proof(found: Registration, least: float = MIN_LOCAL) -> bool:
    """Tell whether a registration proves that two images show the same.

    Parameters
    ----------
    found
        How the images lie on each other.
    least
        The local correlation that it takes.
    """
    if found.is_mirrored:
        least = max(least, MIN_LOCAL_MIRRORED)
    if found.correlation < MIN_CORRELATION or found.local < least:
        return False
    one_way = found.local - found.local_mirrored >= MIN_SURPLUS
    return one_way or found.local >= SYMMETRIC


class Grouping:
    """Components of proven pairs, grown candidate by candidate.

    Parameters
    ----------
    images
        Number of images; each is a group of its own at first.
    proofs
        Registers candidates.
    least
        The local correlation that a proof takes.
    """

    def __init__(self, images: int, proofs: Proofs, least: float = MIN_LOCAL) -> None:
        self._lowest = np.arange(images)
        self._proofs = proofs
        self._least = least
        self._tried: set[Candidate] = set()
        self.links: list[Link] = []
        """Links that joined two groups, in the order they were found."""
        self.rejected: list[float] = []
        """Correlations of registrations that prove nothing."""
        self._doubtful: list[Link] = []

    def connected(self, first: int, second: int) -> bool:
        """Whether two images are in the same group."""
        return bool(self._lowest[first] == self._lowest[second])

    def labels(self) -> list[int]:
        """Return for each image the lowest image of its group."""
        found: list[int] = self._lowest.tolist()
        return found

    @property
    def tried(self) -> int:
        """How many candidates were registered."""
        return len(self._tried)

    @property
    def set_aside(self) -> list[Link]:
        """Pairs that are alike as a whole and prove nothing, between groups that stay apart."""
        return [
            link
            for link in self._doubtful
            if not self.connected(link.candidate.first, link.candidate.second)
        ]

    def prove(self, candidates: Iterable[Candidate], advance: Advance = no_progress) -> None:
        """Register candidates in order and join what is certain.

        A pair that is already in one group is not registered: it would prove nothing new.

        Parameters
        ----------
        candidates
            The most similar first.
        advance
            Takes the number of candidates that are decided.
        """
        every = list(candidates)
        pending = [candidate for candidate in every if candidate not in self._tried]
        advance(len(every) - len(pending))
        ends = np.array([pair[:2] for pair in pending], dtype=np.intp).reshape(-1, 2)
        waiting = np.arange(len(pending))
        while len(waiting):
            batch, left = self._take_batch(ends, waiting)
            self._decide([pending[number] for number in batch])
            advance(len(waiting) - len(left))
            waiting = left

    def _take_batch(
        self, ends: NDArray[np.intp], waiting: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Take candidates of different groups, none needless if the others of the batch succeed.

        Those that might be needless wait, in order, until the batch is decided; those within one
        group are dropped.

        Parameters
        ----------
        ends
            (candidates, 2) images of each candidate.
        waiting
            Candidates that are not decided, in order.

        Returns
        -------
        batch, left
            Candidates to register now, and those that wait on.
        """
        groups = self._lowest[ends[waiting]]
        apart = groups[:, 0] != groups[:, 1]
        waiting, groups = waiting[apart], groups[apart]
        seen = groups[: _BATCH * (1 + _LATER)]
        taken = _forest(seen)
        full = (taken.cumsum() >= _BATCH) | ((~taken).cumsum() >= _LATER * _BATCH)
        end = int(full.argmax()) + 1 if full.any() else len(seen)
        now = taken[:end]
        return waiting[:end][now], np.concatenate([waiting[:end][~now], waiting[end:]])

    def _merge(self, candidate: Candidate) -> bool:
        """Make one group of those of two images; tell whether they were two."""
        one, other = self._lowest[[candidate.first, candidate.second]]
        if one != other:
            self._lowest[self._lowest == max(one, other)] = min(one, other)
        return bool(one != other)

    def _decide(self, batch: list[Candidate]) -> None:
        self._tried.update(batch)
        for candidate, found in zip(batch, self._proofs.registrations(batch), strict=True):
            if found is None:
                continue
            if found.correlation < MIN_CORRELATION:
                self.rejected.append(found.correlation)
                continue
            link = Link(candidate, found)
            if not is_proof(found, self._least):
                self._doubtful.append(link)
            elif self._merge(candidate):
                self.links.append(link)


def _forest(pairs: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which pairs join parts that no pairs before them join: Kruskal's spanning forest.

    Parameters
    ----------
    pairs
        (pairs, 2) numbers of groups, no pair of one group with itself.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    nodes, ends = np.unique(np.sort(pairs, axis=1), return_inverse=True)
    ends = ends.reshape(-1, 2)
    # Of several pairs of the same groups, the first.
    _, first = np.unique(ends[:, 0] * len(nodes) + ends[:, 1], return_index=True)
    a, b = ends[first].astype(np.int32).T  # older SciPy takes no other
    place = (first + 1.0, (a, b))  # 0 would be no pair
    tree = minimum_spanning_tree(coo_array(place, shape=(len(nodes),) * 2).tocsr())
    chosen = np.zeros(len(pairs), dtype=np.bool_)
    chosen[tree.data.astype(np.intp) - 1] = True
    return chosen
