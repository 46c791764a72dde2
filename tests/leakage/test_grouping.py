from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

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
SURE, UNSURE, UNLIKE = 0.95, 0.8, 0.3


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
    assert len(proofs.registered) == len(set(proofs.registered))
    assert set(proofs.registered) <= set(correlations)


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


@given(graphs())
def test_a_pair_that_could_join_two_groups_is_always_registered(graph):
    images, correlations = graph
    found, proofs = grouped(images, correlations)
    for pair in set(correlations) - set(proofs.registered):
        assert found.connected(pair.first, pair.second)


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
    rounds = Grouping(images, proofs)
    rounds.prove(list(correlations)[:cut])
    rounds.prove(list(correlations))
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


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_clique_only_a_tree_is_registered(order: int) -> None:
    clique = list(combinations(range(40), 2))[::order]
    found, proofs = grouped(40, pairs_of(SURE, *clique))
    assert len(proofs.registered) == len(found.certain) == 39
    assert set(found.labels()) == {0}


def test_a_thousand_candidates_of_which_none_holds_are_all_registered_once() -> None:
    pairs = list(combinations(range(46), 2))
    found, proofs = grouped(46, pairs_of(UNLIKE, *pairs))
    assert len(proofs.registered) == len(set(proofs.registered)) == len(pairs)
    assert found.labels() == list(range(46))


def test_all_pairs_between_groups_are_registered_where_none_of_them_holds() -> None:
    groups = [range(5), range(5, 10), range(10, 15)]
    within = [pair for group in groups for pair in pairwise(group)]
    across = [pair for pair in combinations(range(15), 2) if pair[0] // 5 != pair[1] // 5]
    found, proofs = grouped(15, pairs_of(SURE, *within) | pairs_of(UNLIKE, *across))
    assert sorted(proofs.registered) == sorted(pairs_of(None, *within, *across))
    assert len(set(found.labels())) == 3


@pytest.mark.parametrize(("correlation", "joined"), [(CERTAIN, True), (CERTAIN - 1e-9, False)])
def test_a_pair_is_certain_from_the_threshold_on(correlation: float, joined: bool) -> None:
    found, _ = grouped(3, pairs_of(SURE, (0, 1)) | pairs_of(correlation, (1, 2)))
    assert found.connected(0, 2) == joined
    assert len(found.set_aside) == (not joined)


TWO_GROUPS = pairs_of(SURE, (0, 1), (2, 3))


def test_a_doubtful_pair_alone_does_not_join_two_groups() -> None:
    found, _ = grouped(4, TWO_GROUPS | pairs_of(UNSURE, (1, 2)))
    assert found.labels() == [0, 0, 2, 2]
    assert [link.candidate for link in found.set_aside] == [Candidate(1, 2, False)]
    assert found.supported == []


def test_nor_does_it_join_a_group_with_a_single_image() -> None:
    found, _ = grouped(3, pairs_of(SURE, (0, 1)) | pairs_of(UNSURE, (1, 2)))
    assert found.labels() == [0, 0, 2]
    assert len(found.set_aside) == 1


def test_the_same_pair_in_both_orientations_is_no_second_pair() -> None:
    both = {Candidate(1, 2, mirror): UNSURE for mirror in (False, True)}
    found, proofs = grouped(4, TWO_GROUPS | both)
    assert set(both) <= set(proofs.registered)
    assert found.labels() == [0, 0, 2, 2]
    assert len(found.set_aside) == 2


def test_two_doubtful_pairs_join_two_groups_by_the_better_one() -> None:
    found, _ = grouped(4, TWO_GROUPS | pairs_of(0.8, (1, 2)) | pairs_of(0.85, (0, 3)))
    assert found.labels() == [0, 0, 0, 0]
    assert [link.candidate for link in found.supported] == [Candidate(0, 3, False)]
    assert found.set_aside == []


def test_nor_does_it_join_two_single_images() -> None:
    found, _ = grouped(3, pairs_of(UNSURE, (0, 2)))
    assert found.labels() == [0, 1, 2]
    assert [link.candidate for link in found.set_aside] == [Candidate(0, 2, False)]


def test_groups_that_doubtful_pairs_join_can_support_each_other_further() -> None:
    # 0-1 and 2-3 are joined by two pairs; only then do two pairs lie between them and 4-5.
    doubtful = pairs_of(0.85, (0, 2), (1, 3)) | pairs_of(0.8, (0, 4), (2, 5))
    found, _ = grouped(6, TWO_GROUPS | pairs_of(SURE, (4, 5)) | doubtful)
    assert set(found.labels()) == {0}
    assert len(found.supported) == 2


def test_a_doubtful_pair_within_a_group_is_not_set_aside() -> None:
    pairs = pairs_of(UNSURE, (0, 1)) | pairs_of(SURE, (0, 2), (1, 2))
    found, _ = grouped(3, pairs)
    assert found.set_aside == found.supported == []
    assert found.labels() == [0, 0, 0]


@given(graphs(st.one_of(certain, doubtful, unproven)))
def test_what_was_registered_is_counted_and_what_proves_nothing_is_kept(graph):
    images, correlations = graph
    found, proofs = grouped(images, correlations)
    assert found.tried == len(proofs.registered)
    values = [correlations[pair] for pair in proofs.registered]
    unlike = [value for value in values if value is not None and value < DOUBTFUL]
    assert sorted(found.rejected) == sorted(unlike)


@given(graphs())
def test_every_candidate_advances_by_one(graph):
    images, correlations = graph
    steps: list[int] = []
    Grouping(images, FakeProofs(correlations)).prove(correlations, steps.append)
    assert sum(steps) == len(correlations)
    assert min(steps, default=0) >= 0


def test_candidates_of_an_earlier_round_advance_too() -> None:
    correlations = pairs_of(UNLIKE, (0, 1), (1, 2))
    steps: list[int] = []
    found = Grouping(3, FakeProofs(correlations))  # type: ignore[arg-type]
    found.prove(correlations)
    found.prove(correlations, steps.append)
    assert sum(steps) == len(correlations)
