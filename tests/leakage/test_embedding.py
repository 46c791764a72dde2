from functools import cache

import numpy as np
import pytest

from lcbench.leakage import embedding
from lcbench.leakage.embedding import LENGTH, Embeddings, embed
from lcbench.leakage.keypoints import ImageFeatures

from .tissue import Change, copied, described, features, tile

TILES, COPIES = 10, (Change(), Change(angle=25, quality=50), Change(200, crop=0.8, scale=0.7))


def blank(size: int = 50) -> ImageFeatures:
    return described(np.full((size, size, 3), 230, dtype=np.uint8))


@cache
def images() -> tuple[ImageFeatures, ...]:
    """Three copies of each tile, one of them mirrored and turned; then a blank image."""
    flipped = [described(np.ascontiguousarray(np.rot90(tile(n)[::-1]))) for n in range(TILES)]
    others = [described(copied(n, change)[0]) for change in COPIES[1:] for n in range(TILES)]
    return (*(features(n) for n in range(TILES)), *flipped, *others, blank())


@cache
def embedded() -> Embeddings:
    return embed(images())


def test_vectors_have_unit_length_but_for_images_without_keypoints() -> None:
    for vectors in (embedded().upright, embedded().mirrored):
        assert vectors.dtype == np.float32
        assert vectors.shape[0] == len(images())
        assert vectors.shape[1] <= LENGTH
        np.testing.assert_allclose(np.linalg.norm(vectors[:-1], axis=1), 1, atol=1e-4)
        assert not vectors[-1].any()


def test_an_image_is_near_to_its_copies_and_to_the_mirror_image_of_its_mirrored_ones() -> None:
    upright, mirrored = embedded().upright[:-1], embedded().mirrored[:-1]
    source = np.arange(len(upright)) % TILES
    flipped = (np.arange(len(upright)) // TILES) == 1
    same = (source[:, None] == source) & ~np.eye(len(upright), dtype=bool)
    for vectors, turned in ((upright, False), (mirrored, True)):
        copies = same & ((flipped[:, None] != flipped) == turned)
        similarity = vectors @ upright.T
        others = np.where(source[:, None] == source, -np.inf, similarity)
        rows = np.flatnonzero(copies.any(axis=1))
        assert len(rows) == (4 if turned else 3) * TILES
        for row in rows:
            assert similarity[row, copies[row]].min() > others[row].max() + 0.03


def test_the_same_images_always_have_the_same_vectors() -> None:
    steps: list[int] = []
    again = embed(list(images()), steps.append)
    assert sum(steps) == len(images())
    np.testing.assert_array_equal(again.upright, embedded().upright)
    np.testing.assert_array_equal(again.mirrored, embedded().mirrored)


def test_exact_axes_and_those_of_many_vectors_tell_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """scikit-learn's randomised decomposition is the oracle."""
    monkeypatch.setattr(embedding, "_EXACT", 0)
    near, exact = embed(images()).upright, embedded().upright
    np.testing.assert_allclose(near @ near.T, exact @ exact.T, atol=0.02)


def few_keypoints(seed: int, count: int) -> ImageFeatures:
    image = features(seed)
    return ImageFeatures(
        image.pixels,
        image.size,
        image.points[:count],
        image.descriptors[:count],
        image.colour,
        image.digest,
    )


@pytest.mark.parametrize("keypoints", [1, 2, 6, 300])
@pytest.mark.parametrize("count", [2, 3])
def test_few_images_with_few_keypoints_are_embedded(count: int, keypoints: int) -> None:
    found = embed([few_keypoints(seed, keypoints) for seed in range(count)])
    for vectors in (found.upright, found.mirrored):
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("blanks", [1, 30])
def test_a_few_images_among_blank_ones_are_embedded(blanks: int) -> None:
    found = embed([*[blank()] * blanks, features(0), features(1)])
    assert not found.upright[:-2].any()
    np.testing.assert_allclose(np.linalg.norm(found.upright[-2:], axis=1), 1, atol=1e-4)
