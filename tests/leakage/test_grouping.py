from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from lcbench.leakage import grouping
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.grouping import (
    MIN_LOCAL,
    MIN_LOCAL_MIRRORED,
    MIN_SURPLUS,
    SYMMETRIC,
    Grouping,
    is_proof,
)
from lcbench.leakage.laying import MIN_CORRELATION
from lcbench.leakage.registration import Registration

Found = dict[Candidate, Registration | None]


def registration(
    correlation: float = 1.0,
    local: float = 1.0,
    local_mirrored: float = 0.0,
    *,
    mirrored: bool = False,
) -> Registration:
    matrix = np.eye(2, 3) * [[-1.0 if mirrored else 1.0], [1.0]]
    return Registration(matrix, 10, correlation, 1.0, 1.0, 0.0, local, local_mirrored)


PROOF = registration()
DOUBT = registration(0.9, MIN_LOCAL - 0.1)
UNLIKE = registration(MIN_CORRELATION - 0.1, 0.0)


class FakeProofs:
    """Says what it is told to, and remembers what it was asked."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self.asked: list[list[Candidate]] = []

    def registrations(self, candidates: Sequence[Candidate]) -> list[Registration | None]:
        self.asked.append(list(candidates))
        return [self._found[candidate] for candidate in candidates]

    @property
    def registered(self) -> list[Candidate]:
        return [candidate for batch in self.asked for candidate in batch]


def grouped(images: int, pairs: Found) -> tuple[Grouping, FakeProofs]:
    """Prove the pairs in their order."""
    proofs = FakeProofs(pairs)
    found = Grouping(images, proofs)  # type: ignore[arg-type]
    found.prove(iter(pairs))
    return found, proofs


def pairs_of(found: Registration | None, *pairs: tuple[int, int]) -> Found:
    return {Candidate(first, second, False): found for first, second in pairs}


def proven(pairs: Found) -> list[Candidate]:
    return [pair for pair, found in pairs.items() if found is not None and is_proof(found)]


def components(images: int, pairs: Sequence[Candidate]) -> list[int]:
    """The lowest image of each image's component, by SciPy."""
    ends = np.array([pair[:2] for pair in pairs], dtype=int).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), ends.T), shape=(images, images))
    _, labels = connected_components(graph, directed=False)
    return [int(np.flatnonzero(labels == label)[0]) for label in labels]


@pytest.fixture(
    autouse=True, params=[2, 256], ids=["small batches", "usual batches"], scope="module"
)
def batch(request: pytest.FixtureRequest) -> Iterator[None]:
    before = grouping._BATCH
    grouping._BATCH = request.param
    yield
    grouping._BATCH = before


outcomes = st.sampled_from([PROOF, DOUBT, UNLIKE, None])


@st.composite
def graphs(draw):
    """A number of images and what comes out for some pairs of them, in any order."""
    images = draw(st.integers(1, 14))
    pairs = [Candidate(a, b, m) for a, b in combinations(range(images), 2) for m in (False, True)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=60)) if pairs else []
    return images, {pair: draw(outcomes) for pair in chosen}


@given(graphs())
def test_groups_are_the_components_of_the_proven_pairs(graph):
    images, pairs = graph
    found, proofs = grouped(images, pairs)
    labels = components(images, proven(pairs))
    assert found.labels() == labels
    assert len(found.links) == images - len(set(labels))
    assert components(images, [link.candidate for link in found.links]) == labels
    assert all(link.registration is PROOF for link in found.links)
    for first, second in combinations(range(images), 2):
        assert found.connected(first, second) == (labels[first] == labels[second])
    assert len(proofs.registered) == len(set(proofs.registered)) == found.tried
    assert set(proofs.registered) <= set(pairs)
    for pair in set(pairs) - set(proofs.registered):
        assert found.connected(pair.first, pair.second)
    assert found.rejected == [
        UNLIKE.correlation for pair in proofs.registered if pairs[pair] is UNLIKE
    ]


@given(graphs())
def test_a_pair_of_connected_images_is_not_registered(graph):
    images, pairs = graph
    _, proofs = grouped(images, pairs)
    sure: list[Candidate] = []
    for batch in proofs.asked:
        for position, pair in enumerate(batch):
            # Nor would one be if all before it in the batch came out as hoped.
            labels = components(images, sure + batch[:position])
            assert labels[pair.first] != labels[pair.second]
        sure += proven({pair: pairs[pair] for pair in batch})


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_change_the_groups(graph, random):
    images, pairs = graph
    shuffled = list(pairs.items())
    random.shuffle(shuffled)
    labels = grouped(images, pairs)[0].labels()
    assert grouped(images, dict(shuffled))[0].labels() == labels


@given(graphs(), st.integers(0, 60))
def test_candidates_in_two_rounds_give_the_same_groups(graph, cut):
    images, pairs = graph
    proofs = FakeProofs(pairs)
    steps: list[int] = []
    rounds = Grouping(images, proofs)
    rounds.prove(list(pairs)[:cut], steps.append)
    rounds.prove(list(pairs), steps.append)
    assert sum(steps) == len(pairs) + len(list(pairs)[:cut])
    assert min(steps, default=0) >= 0
    assert rounds.labels() == grouped(images, pairs)[0].labels()
    assert len(proofs.registered) == len(set(proofs.registered))


@given(graphs())
def test_doubtful_pairs_join_nothing_and_those_between_groups_are_set_aside(graph):
    images, pairs = graph
    found, proofs = grouped(images, pairs)
    labels = found.labels()
    assert [link.candidate for link in found.set_aside] == [
        pair
        for pair in proofs.registered
        if pairs[pair] is DOUBT and labels[pair.first] != labels[pair.second]
    ]


def test_more_can_be_asked_of_a_proof() -> None:
    pairs = pairs_of(registration(local=0.7), (0, 1)) | pairs_of(registration(local=0.9), (1, 2))
    strict = Grouping(3, FakeProofs(pairs), least=0.8)  # type: ignore[arg-type]
    strict.prove(pairs)
    assert strict.labels() == [0, 1, 1]
    assert [link.candidate[:2] for link in strict.set_aside] == [(0, 1)]


A_BIT = 1e-9


@pytest.mark.parametrize(
    ("found", "proof"),
    [
        (registration(MIN_CORRELATION, MIN_LOCAL), True),
        (registration(MIN_CORRELATION - A_BIT, 0.99), False),
        (registration(0.99, MIN_LOCAL - A_BIT), False),
        (registration(0.9, 0.7, 0.7 - MIN_SURPLUS - A_BIT), True),
        (registration(0.9, 0.7, 0.7 - MIN_SURPLUS + A_BIT), False),
        (registration(0.99, SYMMETRIC, SYMMETRIC), True),
        (registration(0.99, SYMMETRIC - A_BIT, SYMMETRIC - A_BIT), False),
        (registration(0.99, MIN_LOCAL_MIRRORED, mirrored=True), True),
        (registration(0.99, MIN_LOCAL_MIRRORED - A_BIT, mirrored=True), False),
    ],
)
def test_a_proof_is_alike_as_a_whole_and_in_detail_and_one_way_round_only(
    found: Registration, proof: bool
) -> None:
    assert is_proof(found) == proof
