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
from lcbench.leakage.grouping import CERTAIN, DOUBTFUL, Grouping
from lcbench.leakage.registration import Registration

Correlations = dict[Candidate, float | None]
SURE, UNSURE = 0.95, 0.8


class FakeProofs:
    """Says what it is told to, and remembers what it was asked."""

    def __init__(self, correlations: Correlations) -> None:
        self._correlations = correlations
        self.asked: list[list[Candidate]] = []

    def registrations(self, candidates: Sequence[Candidate]) -> list[Registration | None]:
        self.asked.append(list(candidates))
        return [registration(self._correlations[candidate]) for candidate in candidates]

    @property
    def registered(self) -> list[Candidate]:
        return [candidate for batch in self.asked for candidate in batch]


def registration(correlation: float | None) -> Registration | None:
    if correlation is None:
        return None
    return Registration(np.eye(2, 3), 10, correlation, 1.0, 1.0, 0.0)


def grouped(images: int, correlations: Correlations) -> tuple[Grouping, FakeProofs]:
    """Prove the pairs in their order, and settle what is doubtful."""
    proofs = FakeProofs(correlations)
    found = Grouping(images, proofs)  # type: ignore[arg-type]
    found.prove(iter(correlations))
    found.settle_doubtful()
    return found, proofs


def pairs_of(correlation: float | None, *pairs: tuple[int, int]) -> Correlations:
    return {Candidate(first, second, False): correlation for first, second in pairs}


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


certain = st.floats(CERTAIN, 1)
doubtful = st.floats(DOUBTFUL, CERTAIN, exclude_max=True)
unproven = st.one_of(st.none(), st.floats(-1, DOUBTFUL, exclude_max=True))
clear = st.one_of(certain, unproven)


@st.composite
def graphs(draw, values=clear):
    """A number of images and what comes out for some pairs of them, in any order."""
    images = draw(st.integers(1, 14))
    pairs = [Candidate(a, b, m) for a, b in combinations(range(images), 2) for m in (False, True)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=60)) if pairs else []
    return images, {pair: draw(values) for pair in chosen}


@given(graphs())
def test_groups_are_the_components_of_the_certain_pairs(graph):
    images, correlations = graph
    found, proofs = grouped(images, correlations)
    sure = [pair for pair, value in correlations.items() if value is not None and value >= CERTAIN]
    labels = components(images, sure)
    assert found.labels() == labels
    assert len(found.certain) == images - len(set(labels))
    assert components(images, [link.candidate for link in found.certain]) == labels
    assert all(link.registration.correlation >= CERTAIN for link in found.certain)
    assert found.supported == found.set_aside == []
    for first, second in combinations(range(images), 2):
        assert found.connected(first, second) == (labels[first] == labels[second])
    assert len(proofs.registered) == len(set(proofs.registered)) == found.tried
    assert set(proofs.registered) <= set(correlations)
    for pair in set(correlations) - set(proofs.registered):
        assert found.connected(pair.first, pair.second)
    values = [correlations[pair] for pair in proofs.registered]
    unlike = [value for value in values if value is not None and value < DOUBTFUL]
    assert sorted(found.rejected) == sorted(unlike)


@given(graphs())
def test_a_pair_of_connected_images_is_not_registered(graph):
    images, correlations = graph
    _, proofs = grouped(images, correlations)
    sure: list[Candidate] = []
    for batch in proofs.asked:
        for position, pair in enumerate(batch):
            # Nor would one be if all before it in the batch came out as hoped.
            labels = components(images, sure + batch[:position])
            assert labels[pair.first] != labels[pair.second]
        sure += [pair for pair in batch if (correlations[pair] or 0) >= CERTAIN]


@given(graphs(st.one_of(certain, doubtful, unproven)), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_change_the_groups(graph, random):
    images, correlations = graph
    shuffled = list(correlations.items())
    random.shuffle(shuffled)
    labels = grouped(images, correlations)[0].labels()
    assert grouped(images, dict(shuffled))[0].labels() == labels


@given(graphs(), st.integers(0, 60))
def test_candidates_in_two_rounds_give_the_same_groups(graph, cut):
    images, correlations = graph
    proofs = FakeProofs(correlations)
    steps: list[int] = []
    rounds = Grouping(images, proofs)
    rounds.prove(list(correlations)[:cut], steps.append)
    rounds.prove(list(correlations), steps.append)
    assert sum(steps) == len(correlations) + len(list(correlations)[:cut])
    assert min(steps, default=0) >= 0
    assert rounds.labels() == grouped(images, correlations)[0].labels()
    assert len(proofs.registered) == len(set(proofs.registered))


@given(graphs(st.one_of(certain, doubtful, unproven)))
def test_doubtful_pairs_only_ever_join_what_doubtful_pairs_connect(graph):
    images, correlations = graph
    found, _ = grouped(images, correlations)
    sure = [pair for pair, value in correlations.items() if value is not None and value >= CERTAIN]
    likely = [pair for pair, value in correlations.items() if (value or 0) >= DOUBTFUL]
    # Groups lie between the components of the certain pairs and those of all that may count.
    assert components(images, sure + [link.candidate for link in found.supported]) == found.labels()
    together = components(images, likely)
    assert all(together[image] == together[label] for image, label in enumerate(found.labels()))
    assert len(found.certain) + len(found.supported) == images - len(set(found.labels()))
    for link in (*found.supported, *found.set_aside):
        assert DOUBTFUL <= link.registration.correlation < CERTAIN


@given(graphs(st.one_of(certain, doubtful, unproven)))
def test_what_is_set_aside_is_one_pair_of_images_between_two_groups(graph):
    images, correlations = graph
    found, _ = grouped(images, correlations)
    labels = found.labels()
    between: dict[tuple[int, ...], set[tuple[int, int]]] = {}
    for link in found.set_aside:
        first, second, _ = link.candidate
        assert labels[first] != labels[second]
        groups = tuple(sorted((labels[first], labels[second])))
        between.setdefault(groups, set()).add((first, second))
    assert all(len(pairs) == 1 for pairs in between.values())


TWO_GROUPS = pairs_of(SURE, (0, 1), (2, 3))


@pytest.mark.parametrize(
    ("pairs", "labels", "set_aside"),
    [
        (pairs_of(SURE, (0, 1)) | pairs_of(CERTAIN, (1, 2)), [0, 0, 0], 0),
        (pairs_of(SURE, (0, 1)) | pairs_of(CERTAIN - 1e-9, (1, 2)), [0, 0, 2], 1),
        (pairs_of(UNSURE, (0, 2)), [0, 1, 2], 1),
        (TWO_GROUPS | pairs_of(UNSURE, (1, 2)), [0, 0, 2, 2], 1),
        (TWO_GROUPS | {Candidate(1, 2, m): UNSURE for m in (False, True)}, [0, 0, 2, 2], 2),
        (pairs_of(UNSURE, (0, 1)) | pairs_of(SURE, (0, 2), (1, 2)), [0, 0, 0], 0),
    ],
    ids=["certain", "nearly", "single images", "two groups", "one pair twice", "in one group"],
)
def test_a_single_doubtful_pair_joins_nothing_and_is_set_aside(
    pairs: Correlations, labels: list[int], set_aside: int
) -> None:
    found, _ = grouped(len(labels), pairs)
    assert found.labels() == labels
    assert len(found.set_aside) == set_aside
    assert found.supported == []


def test_two_doubtful_pairs_join_two_groups_by_the_better_one() -> None:
    found, _ = grouped(4, TWO_GROUPS | pairs_of(0.8, (1, 2)) | pairs_of(0.85, (0, 3)))
    assert found.labels() == [0, 0, 0, 0]
    assert [link.candidate for link in found.supported] == [Candidate(0, 3, False)]
    assert found.set_aside == []


def test_groups_that_doubtful_pairs_join_can_support_each_other_further() -> None:
    # 0-1 and 2-3 are joined by two pairs; only then do two pairs lie between them and 4-5.
    doubtful = pairs_of(0.85, (0, 2), (1, 3)) | pairs_of(0.8, (0, 4), (2, 5))
    found, _ = grouped(6, TWO_GROUPS | pairs_of(SURE, (4, 5)) | doubtful)
    assert set(found.labels()) == {0}
    assert len(found.supported) == 2
