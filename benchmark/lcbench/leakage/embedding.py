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
    projection = _Projection(images, vocabulary)
    blocks = [
        range(start, min(start + _BLOCK, len(images))) for start in range(0, len(images), _BLOCK)
    ]

    def work(block: range) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        upright = np.stack([vocabulary.aggregate(images[i].descriptors) for i in block])
        mirrored = np.stack(
            [vocabulary.aggregate(mirrored_descriptors(images[i].descriptors)) for i in block]
        )
        return projection(upright), projection(mirrored)

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
        self._pca = PCA(length, svd_solver="covariance_eigh").fit(sample)
        reduced = self._pca.transform(sample)
        words = MiniBatchKMeans(
            min(WORDS, len(reduced)), random_state=seed, n_init=1, batch_size=4096
        ).fit(reduced)
        self._words = words.cluster_centers_.astype(np.float32)

    def aggregate(self, descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the normalised sums of differences to each descriptor's nearest word."""
        words = self._words
        if len(descriptors) == 0:
            return np.zeros(words.size, dtype=np.float32)
        reduced = self._pca.transform(_square_root(descriptors)).astype(np.float32)
        nearest = (reduced @ words.T - 0.5 * (words**2).sum(axis=1)).argmax(axis=1)
        member = np.zeros((len(words), len(reduced)), dtype=np.float32)
        member[nearest, np.arange(len(reduced))] = 1
        sums = member @ reduced - member.sum(axis=1, keepdims=True) * words
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        vector: NDArray[np.float32] = (sums / np.maximum(norms, 1e-9)).ravel()
        return vector


class _Projection:
    """From aggregated descriptors to vectors of unit length."""

    def __init__(self, images: Sequence[ImageFeatures], vocabulary: _Vocabulary) -> None:
        from sklearn.decomposition import PCA

        chosen = _spread(len(images), _PROJECTION_IMAGES)
        sample = np.stack(
            [
                vocabulary.aggregate(descriptors)
                for index in chosen
                for descriptors in _both(images[index].descriptors)
            ]
        )
        length = min(LENGTH, *sample.shape)
        self._pca = PCA(length, svd_solver="randomized", random_state=0).fit(sample)
        self._weights = self._pca.explained_variance_.clip(1e-9) ** (WHITENING / 2)

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        empty = ~vectors.any(axis=1)
        projected: NDArray[Any] = self._pca.transform(vectors) / self._weights
        projected /= np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-9)
        projected[empty] = 0
        return projected.astype(np.float32)


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
