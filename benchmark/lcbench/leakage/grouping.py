"""Source groups: images joined by proven pairs, with a guard against one doubtful link."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from scipy.cluster.hierarchy import DisjointSet

from lcbench.console import Advance, no_progress
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.proofs import Proofs
from lcbench.leakage.registration import Registration

CERTAIN = 0.9
"""Correlation from which one pair is proof enough to join two groups."""

DOUBTFUL = 0.75
"""Correlation from which a pair counts, if a second pair says the same of the two groups."""

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


class Grouping:
    """Components of proven pairs, grown candidate by candidate.

    Parameters
    ----------
    images
        Number of images; each is a group of its own at first.
    proofs
        Registers candidates.
    """

    def __init__(self, images: int, proofs: Proofs) -> None:
        self._images = range(images)
        self._sets = DisjointSet(self._images)
        self._proofs = proofs
        self._tried: set[Candidate] = set()
        self.certain: list[Link] = []
        """Links that joined two groups, in the order they were found."""
        self.supported: list[Link] = []
        """Doubtful links that joined two groups because others agree."""
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
        """Doubtful links between groups that nothing else joins."""
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

    def settle_doubtful(self) -> None:
        """Join two groups by doubtful links where a second pair of images agrees."""
        changed = True
        while changed:
            changed = False
            for links in self._between_groups().values():
                first, second = links[0].candidate.first, links[0].candidate.second
                if len({link.candidate[:2] for link in links}) > 1:
                    self._sets.merge(first, second)
                    self.supported.append(links[0])
                    changed = True
                    break

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
            if found.correlation < DOUBTFUL:
                self.rejected.append(found.correlation)
                continue
            link = Link(candidate, found)
            if found.correlation < CERTAIN:
                self._doubtful.append(link)
            elif self._sets.merge(candidate.first, candidate.second):
                self.certain.append(link)

    def _between_groups(self) -> dict[tuple[int, int], list[Link]]:
        """Return the doubtful links by the two groups that they lie between, the best first."""
        between: dict[tuple[int, int], list[Link]] = defaultdict(list)
        for link in sorted(self._doubtful, key=lambda link: -link.registration.correlation):
            first, second = sorted(
                (self._sets[link.candidate.first], self._sets[link.candidate.second])
            )
            if first != second:
                between[first, second].append(link)
        return between
