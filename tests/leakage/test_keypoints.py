from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lcbench.datasets.images import image_now
from lcbench.errors import UserError
from lcbench.leakage.keypoints import (
    DESCRIPTOR_LENGTH,
    MAX_KEYPOINTS,
    MAX_SIDE,
    MIN_SIDE,
    mirrored_descriptors,
    mirrored_points,
    read_features,
)

from .tissue import described, features, saved, tile


def distances_to_flipped(seed: int, places: float) -> NDArray[np.float64]:
    """How far each mirrored descriptor is from what SIFT finds there in the flipped image."""
    image, flipped = features(seed), described(np.ascontiguousarray(tile(seed)[:, ::-1]))
    points = mirrored_points(image.points, image.pixels.shape[1])
    expected = mirrored_descriptors(image.descriptors).astype(float)
    # A place may have several directions: the one with the nearest descriptor is meant.
    apart = np.linalg.norm(points[:, None] - flipped.points, axis=2)
    distance = np.linalg.norm(expected[:, None] - flipped.descriptors, axis=2)
    return np.asarray(np.where(apart < places, distance, np.inf).min(axis=1))


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_image_has_the_mirrored_descriptors(seed: int) -> None:
    distance = distances_to_flipped(seed, places=1)
    assert np.median(distance) < 60
    assert np.mean(distance < 100) > 0.6
    image = features(seed)
    unlike = image.descriptors.astype(float) - mirrored_descriptors(image.descriptors)
    assert np.median(np.linalg.norm(unlike, axis=1)) > 300


def test_descriptors_and_points_mirrored_twice_are_the_same() -> None:
    image = features(0)
    width = image.pixels.shape[1]
    again = mirrored_descriptors(mirrored_descriptors(image.descriptors))
    np.testing.assert_array_equal(again, image.descriptors)
    points = mirrored_points(mirrored_points(image.points, width), width)
    np.testing.assert_allclose(points, image.points, atol=1e-4)
    assert not np.array_equal(mirrored_descriptors(image.descriptors), image.descriptors)


sides = st.one_of(st.integers(1, 6), st.integers(1, 300))


@given(sides, sides, st.integers(0, 255))
@example(1, 1, 0)
@example(1, 1000, 255)
@example(600, 900, 255)
@settings(max_examples=40)
def test_a_blank_image_of_any_size_is_described_and_not_comparable(
    width: int, height: int, grey: int
) -> None:
    image = described(np.full((height, width, 3), grey, dtype=np.uint8))
    if max(width, height) <= 3:  # nor is noise of a few pixels
        noise = np.random.default_rng(grey).integers(0, 256, (height, width, 3), dtype=np.uint8)
        assert not described(noise).is_comparable
    assert image.size == (width, height)
    assert image.points.shape == (0, 2)
    assert image.descriptors.shape == (0, DESCRIPTOR_LENGTH)
    assert image.descriptors.dtype == np.uint8
    assert not image.is_comparable
    assert len(image.digest) == 16


@given(st.integers(1, 700), st.integers(1, 700))
@settings(max_examples=20)
def test_working_pixels_lie_between_the_two_sides_and_keep_the_shape(
    width: int, height: int
) -> None:
    image = described(np.zeros((height, width, 3), dtype=np.uint8))
    longer = max(image.pixels.shape)
    assert longer == np.clip(max(width, height), MIN_SIDE, MAX_SIDE)
    np.testing.assert_allclose(image.scale * [width, height], image.pixels.shape[::-1])
    expected = np.array([height, width]) * longer / max(width, height)
    np.testing.assert_allclose(image.pixels.shape, expected.clip(1), atol=0.5)


def test_tissue_has_keypoints_within_the_working_pixels_and_not_too_many() -> None:
    for seed in range(4):
        image = features(seed)
        assert 100 < len(image.points) == len(image.descriptors) <= MAX_KEYPOINTS
        assert ((image.points >= 0) & (image.points < image.pixels.shape[::-1])).all()
        assert image.descriptors.any(axis=1).all()


def test_small_and_pale_tissue_have_keypoints_too() -> None:
    assert described(tile(0, 60)).is_comparable
    pale = np.rint(235 + (tile(0) - 235.0) * 0.1).astype(np.uint8)
    assert len(described(pale).points) > 100


def test_digests_agree_only_for_the_same_pixels_in_the_same_shape() -> None:
    pixels = tile(0, 40)
    changed = pixels.copy()
    changed[20, 20, 1] ^= 1
    others = [changed, pixels[:, ::-1], pixels[::-1], pixels[:-1], pixels[..., ::-1]]
    others.append(pixels.reshape(20, 80, 3))
    digests = {described(np.ascontiguousarray(other)).digest for other in others}
    assert len(digests) == len(others)
    assert described(pixels).digest == described(pixels.copy()).digest
    assert described(pixels).digest not in digests


def test_the_colour_is_counted_before_the_image_is_reduced() -> None:
    pixels = np.zeros((999, 999, 3), dtype=np.uint8)
    pixels[500, 500] = (255, 0, 0)
    assert described(pixels).colour.tolist() == pytest.approx([255 / 999**2, 0, 0])


def test_a_file_gives_what_its_image_gives_and_no_other_bytes_are_taken(tmp_path: Path) -> None:
    file = image_now(saved(tile(0), tmp_path / "tile.png"))
    read = read_features(file)
    np.testing.assert_array_equal(read.descriptors, features(0).descriptors)
    np.testing.assert_array_equal(read.points, features(0).points)
    saved(tile(1), tmp_path / "tile.png")
    with pytest.raises(UserError, match=r"tile\.png: the image changed"):
        read_features(file)
