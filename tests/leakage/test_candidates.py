from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lcbench.leakage.candidates import Candidate, Neighbours, in_order, nearest_neighbours
from lcbench.leakage.embedding import Embeddings

Vectors = NDArray[np.float32]


def unit(vectors: NDArray[np.float64]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


def random_embeddings(images: int, length: int = 24, seed: int = 0, zero: int = 0) -> Embeddings:
    """Vectors in all directions; the first `zero` are zero."""
    random = np.random.default_rng(seed)
    upright, mirrored = (unit(random.standard_normal((images, length))) for _ in range(2))
    upright[:zero] = mirrored[:zero] = 0
    return Embeddings(upright, mirrored)


def brute_force(embeddings: Embeddings, query: int, k: int) -> list[tuple[int, bool, float]]:
    known = embeddings.upright.any(axis=1)
    found = [
        (other, mirror, float(vectors[query] @ embeddings.upright[other]))
        for mirror, vectors in ((False, embeddings.upright), (True, embeddings.mirrored))
        for other in np.flatnonzero(known).tolist()
        if other != query
    ]
    return sorted(found, key=lambda each: -each[2])[:k]


def found_of(neighbours: Neighbours, row: int) -> list[tuple[int, bool, float]]:
    """The neighbours in a row, without what only fills it up."""
    columns = (neighbours.images[row], neighbours.mirror[row], neighbours.similarity[row])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [each for each in rows if each[0] != neighbours.queries[row]]


def everything(embeddings: Embeddings) -> NDArray[np.intp]:
    return np.arange(len(embeddings.upright))


def test_nearly_all_nearest_neighbours_are_found() -> None:
    embeddings = random_embeddings(800)
    queries = np.arange(0, 800, 5)
    neighbours = nearest_neighbours(embeddings, queries, 20)
    recalled = 0
    for row, query in enumerate(queries.tolist()):
        truth = {each[:2] for each in brute_force(embeddings, query, 20)}
        recalled += len(truth & {each[:2] for each in found_of(neighbours, row)})
    assert recalled / (20 * len(queries)) > 0.95


@given(st.integers(10, 40), st.integers(1, 90), st.integers(0, 9), st.integers(0, 3))
@settings(max_examples=40)
def test_few_images_have_neighbours_as_near_as_there_are_in_order(
    images: int, k: int, zero: int, seed: int
) -> None:
    embeddings = random_embeddings(images, 8, seed, zero)
    neighbours = nearest_neighbours(embeddings, everything(embeddings), k)
    assert neighbours.queries.tolist() == list(range(zero, images))
    assert neighbours.images.shape == neighbours.mirror.shape == neighbours.similarity.shape
    assert neighbours.images.shape[1] <= k
    for row, query in enumerate(neighbours.queries.tolist()):
        found, truth = found_of(neighbours, row), brute_force(embeddings, query, k)
        exact = {each[:2]: each[2] for each in brute_force(embeddings, query, 2 * images)}
        assert len(found) == len({each[:2] for each in found}) == len(truth)
        similarity = [each[2] for each in found]
        np.testing.assert_allclose(similarity, [exact[each[:2]] for each in found], atol=1e-5)
        assert all(first >= second for first, second in pairwise(similarity))
        # The search may confuse two neighbours that are as near as makes no difference.
        np.testing.assert_allclose(similarity, [each[2] for each in truth], atol=0.05)


def test_an_image_is_not_its_own_neighbour_even_where_it_is_its_mirror_image() -> None:
    embeddings = random_embeddings(30)
    symmetric = Embeddings(embeddings.upright, embeddings.upright)
    neighbours = nearest_neighbours(symmetric, everything(symmetric), 40)
    own = neighbours.images == neighbours.queries[:, None]
    assert np.isneginf(neighbours.similarity[own]).all()
    assert not np.isneginf(neighbours.similarity[~own]).any()
    assert all(pair.first < pair.second for pair in in_order(neighbours, ~own | own))


def test_a_mirrored_copy_is_said_to_be_one() -> None:
    embeddings = random_embeddings(60)
    embeddings.upright[7], embeddings.mirrored[7] = embeddings.mirrored[3], embeddings.upright[3]
    neighbours = nearest_neighbours(embeddings, np.array([3, 7]), 5)
    assert [found_of(neighbours, row)[0][:2] for row in (0, 1)] == [(7, True), (3, True)]
    np.testing.assert_allclose(neighbours.similarity[:, 0], 1, atol=1e-5)


def test_images_without_keypoints_are_nobodys_neighbours_and_have_none() -> None:
    embeddings = random_embeddings(50, zero=20)
    neighbours = nearest_neighbours(embeddings, everything(embeddings), 70)
    assert neighbours.queries.min() == 20
    assert neighbours.images.min() == 20
    nothing = nearest_neighbours(random_embeddings(5, zero=5), np.arange(5), 3)
    assert len(nothing.queries) == 0
    assert in_order(nothing, np.ones(nothing.images.shape, dtype=bool)) == []


@pytest.mark.parametrize("queries", [[], [4, 9], [4, 17, 2]])
def test_only_queries_are_asked_for_but_all_images_answer(queries: list[int]) -> None:
    embeddings = random_embeddings(40)
    wanted = np.array(queries, dtype=np.intp)
    neighbours = nearest_neighbours(embeddings, wanted, 39)
    assert neighbours.queries.tolist() == queries
    for row, query in enumerate(queries):
        found = {each[:2] for each in found_of(neighbours, row)}
        assert found == {each[:2] for each in brute_force(embeddings, query, 39)}
    pairs = in_order(neighbours, np.ones(neighbours.images.shape, dtype=bool))
    assert all(set(pair[:2]) & set(queries) for pair in pairs)
    if queries:
        assert {*np.ravel([pair[:2] for pair in pairs])} - set(queries)


@pytest.mark.parametrize("count", [1, 251, 501])
def test_a_query_alone_in_its_block_has_neighbours_too(count: int) -> None:
    embeddings = random_embeddings(502)
    steps: list[int] = []
    neighbours = nearest_neighbours(embeddings, np.arange(count), 5, steps.append)
    assert sum(steps) == 502 + 2 * count
    assert neighbours.queries.tolist() == list(range(count))
    truth = brute_force(embeddings, count - 1, 5)
    similarity = [each[2] for each in found_of(neighbours, count - 1)]
    np.testing.assert_allclose(similarity, [each[2] for each in truth], atol=0.05)


@given(st.integers(2, 30), st.integers(1, 50), st.integers(0, 5))
@settings(max_examples=40)
def test_each_pair_of_neighbours_is_a_candidate_once_the_most_similar_first(
    images: int, k: int, seed: int
) -> None:
    embeddings = random_embeddings(images, 6, seed)
    neighbours = nearest_neighbours(embeddings, everything(embeddings), k)
    keep = np.random.default_rng(seed).random(neighbours.images.shape) < 0.7
    best: dict[Candidate, float] = {}
    for row, column in zip(*np.nonzero(keep), strict=True):
        ends = sorted((int(neighbours.queries[row]), int(neighbours.images[row, column])))
        pair = Candidate(ends[0], ends[1], bool(neighbours.mirror[row, column]))
        similarity = float(neighbours.similarity[row, column])
        if pair.first != pair.second:
            best[pair] = max(similarity, best.get(pair, -np.inf))
    pairs = in_order(neighbours, keep)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == set(best)
    assert all(best[first] >= best[second] for first, second in pairwise(pairs))
    assert all(type(value) in (int, bool) for pair in pairs for value in pair)
