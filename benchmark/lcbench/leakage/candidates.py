"""Which pairs of images are worth laying over each other: nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcbench.console import Advance, no_progress
from lcbench.leakage.embedding import Embeddings

NEIGHBOURS = 20
"""Candidates an image in the first round."""

WIDE = 80
OUTSIDE = 8
"""The second round: of so many neighbours, the first so many outside the image's own group."""

VOCABULARIES = 2
"""Neighbours are sought by so many embeddings: each misses a few true pairs, no two the same."""

_CONNECTIVITY = 16
_EXPANSION_ADD = 128
_EXPANSION_SEARCH = 256
_BLOCK = 250


class Candidate(NamedTuple):
    """Two images to compare, the first one mirrored or not; first < second."""

    first: int
    second: int
    mirror: bool


@dataclass(frozen=True)
class Neighbours:
    """Nearest neighbours of some images, among all and in both orientations.

    Parameters
    ----------
    queries
        (queries,) the images that were asked for.
    images
        (queries, k) their neighbours, nearest first.
    mirror
        (queries, k) whether the neighbour is near to the mirror image.
    similarity
        (queries, k) cosine similarities.
    """

    queries: NDArray[np.intp]
    images: NDArray[np.intp]
    mirror: NDArray[np.bool_]
    similarity: NDArray[np.float32]


def nearest_neighbours(
    embeddings: Embeddings,
    queries: NDArray[np.intp],
    k: int,
    advance: Advance = no_progress,
) -> Neighbours:
    """Find the `k` nearest images of each query with a navigable small-world graph.

    The search is approximate and its cost a query grows with the logarithm of the images
    (Malkov and Yashunin, IEEE TPAMI 2020). One thread: the graph must not depend on timing.

    Parameters
    ----------
    embeddings
        Vectors of all images; zero vectors are nobody's neighbours.
    queries
        Images whose neighbours are wanted.
    k
        Neighbours an image; fewer where there are fewer images, filled up with the image itself.
    advance
        Takes the number of steps done: one an image, and two a query.
    """
    from usearch.index import Index

    known = np.flatnonzero(embeddings.upright.any(axis=1))
    queries = queries[embeddings.upright[queries].any(axis=1)]
    index = Index(
        ndim=embeddings.upright.shape[1],
        metric="ip",
        dtype="i8",  # a quarter of the memory: most of the time goes into reading vectors
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=max(_EXPANSION_SEARCH, 2 * k),
    )
    for block in _blocks(known):
        index.add(block.astype(np.uint64), embeddings.upright[block], threads=1)
        advance(len(block))
    found = [
        _search(index, vectors, embeddings.upright, queries, min(k + 1, len(known)), advance)
        for vectors in (embeddings.upright, embeddings.mirrored)
    ]
    images = np.concatenate([images for images, _ in found], axis=1)
    similarity = np.concatenate([similarity for _, similarity in found], axis=1)
    mirror = np.repeat([False, True], [found[0][0].shape[1], found[1][0].shape[1]])
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return Neighbours(
        queries=queries,
        images=np.take_along_axis(images, order, axis=1),
        mirror=mirror[order],
        similarity=np.take_along_axis(similarity, order, axis=1),
    )


def in_order(neighbours: Neighbours, keep: NDArray[np.bool_]) -> list[Candidate]:
    """Return the pairs of neighbours as candidates, the most similar first, each once.

    Parameters
    ----------
    neighbours
        Nearest neighbours.
    keep
        (queries, k) which of them to take.
    """
    rows, columns = np.nonzero(keep & (neighbours.images != neighbours.queries[:, None]))
    query, other = neighbours.queries[rows], neighbours.images[rows, columns]
    mirror = neighbours.mirror[rows, columns]
    order = np.argsort(-neighbours.similarity[rows, columns], kind="stable")
    # Mirroring either image of a pair gives the same pairs of points, so the pair can be turned.
    pairs = zip(
        np.minimum(query, other)[order].tolist(),
        np.maximum(query, other)[order].tolist(),
        mirror[order].tolist(),
        strict=True,
    )
    return list(dict.fromkeys(Candidate(*pair) for pair in pairs))


def _search(
    index: Any,  # noqa: ANN401 - usearch types its answers as one row or many
    vectors: NDArray[np.float32],
    upright: NDArray[np.float32],
    queries: NDArray[np.intp],
    k: int,
    advance: Advance,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the neighbours of each query and their similarities.

    The image itself, and places that nothing was found for, have the similarity -inf.
    """
    keys = np.repeat(queries[:, None], k, axis=1)
    similarity = np.full(keys.shape, -np.inf, dtype=np.float32)
    done = 0
    for block in _blocks(queries) if k else ():
        found = index.search(vectors[block], k, threads=1)
        rows = slice(done, done + len(block))
        # usearch answers one query in another type, which has no counts and is not filled up.
        counts = np.reshape(getattr(found, "counts", np.size(found.keys)), (-1, 1))
        there = np.arange(k) < counts
        answers = np.reshape(found.keys, (len(block), -1))
        keys[rows][there] = answers[np.arange(answers.shape[1]) < counts]
        exact = np.einsum("nd,nkd->nk", vectors[block], upright[keys[rows]], optimize=False)
        similarity[rows][there] = exact[there]
        done += len(block)
        advance(len(block))
    similarity[keys == queries[:, None]] = -np.inf
    return keys, similarity


def _blocks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
