"""Source groups: images joined by proven pairs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from scipy.cluster.hierarchy import DisjointSet

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
        self._images = range(images)
        self._sets = DisjointSet(self._images)
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
        return bool(self._sets.connected(first, second))

    def labels(self) -> list[int]:
        """Return for each image the lowest image of its group."""
        lowest: dict[int, int] = {}
        return [lowest.setdefault(self._sets[image], image) for image in self._images]

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
        pending = deque(candidate for candidate in every if candidate not in self._tried)
        advance(len(every) - len(pending))
        while pending:
            before = len(pending)
            self._decide(self._take_batch(pending))
            advance(before - len(pending))

    def _take_batch(self, pending: deque[Candidate]) -> list[Candidate]:
        """Take unconnected candidates of which none would be needless if the others succeed.

        Those that might be stay pending, in order, until the batch is decided; those within one
        group are dropped.
        """
        hoped = DisjointSet()
        batch: list[Candidate] = []
        later: list[Candidate] = []
        while pending and len(batch) < _BATCH and len(later) < 20 * _BATCH:
            candidate = pending.popleft()
            first, second = self._sets[candidate.first], self._sets[candidate.second]
            if first == second:
                continue
            hoped.add(first)
            hoped.add(second)
            (batch if hoped.merge(first, second) else later).append(candidate)
        pending.extendleft(reversed(later))
        return batch

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
            elif self._sets.merge(candidate.first, candidate.second):
                self.links.append(link)
