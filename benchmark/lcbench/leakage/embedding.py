"""One vector an image, near for images of the same tissue however they are turned.

Local descriptors are aggregated (VLAD: Jégou et al., CVPR 2010; square-rooted descriptors:
Arandjelović and Zisserman, CVPR 2012; reduced and partly whitened: Jégou and Chum, ECCV 2012).
They are found in any direction and size, need no weights and no network, and a mirrored image's
vector follows from the same descriptors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lcbench.console import Advance, no_progress
from lcbench.features.decoding import ahead
from lcbench.leakage.keypoints import ImageFeatures, mirrored_descriptors

WORDS = 64
WORD_LENGTH = 64
LENGTH = 512
WHITENING = 0.5
"""Power of the variance that is divided out: 0 keeps it, 1 whitens."""

_VOCABULARY_IMAGES = 4_000
_VOCABULARY_DESCRIPTORS = 20
_PROJECTION_IMAGES = 4_000
_BLOCK = 250
_EXACT = 2_048
"""Vectors up to which principal axes are exact."""
_NOTHING = 1e-6
"""Variance, as a share of the largest, that is rounding."""


@dataclass(frozen=True)
class Embeddings:
    """Vectors of unit length.

    Parameters
    ----------
    upright, mirrored
        (images, length) float32: of each image, and of its mirror image.
    """

    upright: NDArray[np.float32]
    mirrored: NDArray[np.float32]


def embed(
    images: Sequence[ImageFeatures], advance: Advance = no_progress, *, seed: int = 0
) -> Embeddings:
    """Embed images by their local descriptors; an image without any becomes a zero vector.

    Parameters
    ----------
    images
        At least one of them with descriptors.
    seed
        Of the vocabulary: what one does not bring together, another may.
    advance
        Takes the number of images done.
    """
    # Images are spread over threads; the threads of matrix products would fight with them.
    with threadpool_limits(1, "blas"):
        parts = list(_embed_blocks(images, advance, seed))
    return Embeddings(
        upright=np.concatenate([upright for upright, _ in parts]),
        mirrored=np.concatenate([mirrored for _, mirrored in parts]),
    )


def _embed_blocks(
    images: Sequence[ImageFeatures], advance: Advance, seed: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    vocabulary = _Vocabulary(images, seed)

    def aggregate(index: int) -> NDArray[np.float32]:
        return vocabulary.aggregate(images[index].descriptors)

    chosen = _spread(len(images), _PROJECTION_IMAGES).tolist()
    sample = dict(zip(chosen, ahead(aggregate, chosen), strict=True))
    projection = _Projection(np.concatenate(list(sample.values())))
    blocks = [
        range(start, min(start + _BLOCK, len(images))) for start in range(0, len(images), _BLOCK)
    ]

    def work(block: range) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        vectors = np.stack([sample[i] if i in sample else aggregate(i) for i in block])
        return projection(vectors[:, 0]), projection(vectors[:, 1])

    for part in ahead(work, blocks):
        advance(len(part[0]))
        yield part


class _Vocabulary:
    """Words that descriptors are counted to, learnt from the images themselves."""

    def __init__(self, images: Sequence[ImageFeatures], seed: int) -> None:
        from sklearn.cluster import MiniBatchKMeans
        from sklearn.decomposition import PCA

        sample = _sample_descriptors(images, seed)
        length = min(WORD_LENGTH, *sample.shape)
        pca = PCA(length, svd_solver="covariance_eigh").fit(sample)
        reduced = pca.transform(sample)
        words = MiniBatchKMeans(
            min(WORDS, len(reduced)), random_state=seed, n_init=1, batch_size=4096
        ).fit(reduced)
        self._words = words.cluster_centers_.astype(np.float32)
        self._axes = pca.components_.T.astype(np.float32)
        self._middle = (pca.mean_ @ pca.components_.T).astype(np.float32)

    def aggregate(self, descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (2, length) for an image and its mirror image.

        The normalised sums of differences to each descriptor's nearest word.
        """
        roots = _square_root(np.concatenate(_both(descriptors)))
        reduced = roots @ self._axes - self._middle
        return np.stack([self._sums(part) for part in np.split(reduced, 2)])

    def _sums(self, reduced: NDArray[np.float32]) -> NDArray[np.float32]:
        words = self._words
        if len(reduced) == 0:
            return np.zeros(words.size, dtype=np.float32)
        nearest = (reduced @ words.T - 0.5 * (words**2).sum(axis=1)).argmax(axis=1)
        member = np.zeros((len(words), len(reduced)), dtype=np.float32)
        member[nearest, np.arange(len(reduced))] = 1
        sums = member @ reduced - member.sum(axis=1, keepdims=True) * words
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        vector: NDArray[np.float32] = (sums / np.maximum(norms, 1e-9)).ravel()
        return vector


class _Projection:
    """From aggregated descriptors to vectors of unit length."""

    def __init__(self, sample: NDArray[np.float32]) -> None:
        few = len(sample) <= _EXACT
        self._mean, axes, variances = (_exact_axes if few else _near_axes)(sample)
        self._axes = axes / variances.clip(1e-9) ** (WHITENING / 2)

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        empty = ~vectors.any(axis=1)
        projected: NDArray[Any] = (vectors - self._mean) @ self._axes
        projected /= np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-9)
        projected[empty] = 0
        return projected.astype(np.float32)


_Axes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""(features,) mean, (features, axes) unit axes of the largest variances, and (axes,) these."""


def _exact_axes(sample: NDArray[np.float32]) -> _Axes:
    """Return the principal axes, from the products of the vectors with each other.

    Of 1,200 vectors a seventh of the time of a randomised decomposition, of 8,000 more than it.
    """
    from scipy.linalg import eigh

    mean = sample.mean(axis=0)
    centred = sample - mean
    size = len(sample)
    squares, found = eigh(centred @ centred.T, subset_by_index=[max(0, size - LENGTH), size - 1])
    there = squares > _NOTHING * max(float(squares[-1]), 1e-9)
    there[-1] = True
    squares = np.maximum(squares[there], 1e-9)
    axes = centred.T @ found[:, there] / np.sqrt(squares)
    return mean, axes, squares / max(size - 1, 1)


def _near_axes(sample: NDArray[np.float32]) -> _Axes:
    from sklearn.decomposition import PCA

    length = min(LENGTH, *sample.shape)
    pca = PCA(length, svd_solver="randomized", random_state=0).fit(sample)
    return pca.mean_, pca.components_.T, pca.explained_variance_


def _sample_descriptors(images: Sequence[ImageFeatures], seed: int) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    sample: list[NDArray[np.uint8]] = []
    for index in _spread(len(images), _VOCABULARY_IMAGES):
        descriptors = images[index].descriptors
        some = random.permutation(len(descriptors))[:_VOCABULARY_DESCRIPTORS]
        sample.extend(_both(descriptors[some]))
    return _square_root(np.concatenate(sample))


def _both(descriptors: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return descriptors, mirrored_descriptors(descriptors)


def _square_root(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = descriptors.astype(np.float32)
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), np.float32(1e-9))
    roots: NDArray[np.float32] = np.sqrt(shares)
    return roots


def _spread(length: int, most: int) -> NDArray[np.intp]:
    """Return at most `most` positions, evenly spread."""
    return np.unique(np.linspace(0, length - 1, min(length, most)).astype(np.intp))
