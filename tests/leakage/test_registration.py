import math
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lcbench.leakage.grouping import is_proof
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.laying import MIN_CONTRAST
from lcbench.leakage.registration import (
    MIN_INLIERS,
    Registration,
    decompose,
    refined,
    register,
)

from .tissue import TILE, Change, copied, described, features, slide, tile

PIXELS = 0.4


def applied(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


def within(points: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    frame = np.array([width, height]) - 0.5
    return np.asarray(((points >= -0.5) & (points < frame)).all(axis=1))


def pixel_places(width: int, height: int) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2) * 1.0


def require_on_place(
    found: Registration | None,
    matrix: NDArray[np.float64],
    first: tuple[int, int],
    second: tuple[int, int],
) -> None:
    """Compare with the true map, pixel by pixel of both images."""
    assert found is not None
    assert is_proof(found)
    assert found.inliers >= MIN_INLIERS
    places = pixel_places(*first)
    truth = applied(matrix, places)
    inside = within(truth, *second)
    error = np.linalg.norm(applied(found.matrix, places) - truth, axis=1)[inside]
    # At the scale of the images: of the larger of the two.
    assert error.max() < PIXELS * max(1.0, np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    back = applied(cv2.invertAffineTransform(matrix), pixel_places(*second))
    assert found.overlap_first == pytest.approx(inside.mean(), abs=0.03)
    assert found.overlap_second == pytest.approx(within(back, *first).mean(), abs=0.03)
    assert found.overlap == max(found.overlap_first, found.overlap_second)


def published(first: ImageFeatures, second: ImageFeatures, *, mirror: bool) -> Registration | None:
    """As the audit writes it down."""
    found = register(first, second, mirror=mirror)
    return found and refined(found, first, second)


def require_found(seed: int, change: Change) -> Registration:
    pixels, matrix = copied(seed, change)
    found = published(features(seed), described(pixels), mirror=change.mirror)
    require_on_place(found, matrix, (TILE, TILE), pixels.shape[1::-1])
    assert found is not None
    return found


units = st.floats(-1, 1)
changes = st.builds(
    Change,
    angle=st.floats(0, 360),
    mirror=st.booleans(),
    crop=st.floats(0.6, 1),
    shift=st.tuples(units, units),
    scale=st.floats(0.5, 2),
    quality=st.integers(30, 95),
    gain=st.tuples(*[st.floats(0.9, 1.1)] * 3),
    offset=st.floats(-10, 10),
    gamma=st.floats(0.85, 1.15),
)


@given(st.integers(0, 7), changes)
@example(0, Change())
@example(1, Change(scale=0.5))
@example(2, Change(mirror=True, scale=2.0, crop=0.6))
@example(3, Change(37, True, 0.6, (1, -1), 0.5, 30, (0.9, 1.1, 1.1), -10, 1.15))
@example(4, Change(290, False, 0.6, (-0.5, 1), 2.0, 30, (1.1, 0.9, 1.1), 10, 0.85))
@settings(max_examples=25)
def test_a_copy_is_found_in_its_place_whatever_was_done_to_it(seed: int, change: Change) -> None:
    require_found(seed, change)


@given(st.integers(0, 7), changes)
@settings(max_examples=10)
def test_both_ways_round_give_the_same_verdict_and_inverse_maps(seed: int, change: Change) -> None:
    pixels, _ = copied(seed, change)
    image, other = features(seed), described(pixels)
    there = published(image, other, mirror=change.mirror)
    back = published(other, image, mirror=change.mirror)
    assert there is not None
    assert back is not None
    assert is_proof(there)
    assert is_proof(back)
    places = pixel_places(TILE, TILE)[::97]
    returned = applied(back.matrix, applied(there.matrix, places))
    # Also where the copy shows nothing, which magnifies the errors.
    assert np.abs(returned - places).max() < 4 * PIXELS
    assert there.overlap_first == pytest.approx(back.overlap_second, abs=0.02)
    assert there.overlap_second == pytest.approx(back.overlap_first, abs=0.02)
    assert there.brightness == pytest.approx(-back.brightness, abs=2)


@pytest.mark.parametrize("mirror", [False, True])
def test_other_tissue_of_the_same_stain_and_the_same_the_other_way_round_are_no_copies(
    mirror: bool,
) -> None:
    whole = slide(40)
    side_by_side = [
        described(whole[y : y + 120, x : x + 120]) for y in (0, 120) for x in (0, 120, 240)
    ]
    pairs = [*combinations(side_by_side, 2), *combinations(map(features, range(8)), 2)]
    for seed in range(4):
        turned, _ = copied(seed, Change(angle=30 * seed, mirror=not mirror))
        pairs.append((features(seed), described(turned)))
    for first, second in pairs:
        found = register(first, second, mirror=mirror)
        assert found is None or not is_proof(found)


@pytest.mark.parametrize("shift", [80, 220])
def test_two_tiles_that_share_a_part_lie_on_each_other_there(shift: int) -> None:
    whole = slide(3)
    first, second = whole[:TILE, :TILE], whole[:TILE, shift : shift + TILE]
    found = published(described(first), described(second), mirror=False)
    require_on_place(found, np.array([[1.0, 0, -shift], [0, 1, 0]]), (TILE, TILE), (TILE, TILE))


def test_tiles_that_are_no_squares_of_different_sizes_lie_on_each_other() -> None:
    first, cut = slide(5)[:500, :300], slide(5)[100:400, 40:280]
    small = cv2.resize(cut, (120, 150), interpolation=cv2.INTER_AREA)
    found = published(described(first), described(small[:, ::-1].copy()), mirror=True)
    # x of the small image is (x - 40) / 2 - 1/4, then mirrored.
    matrix = np.array([[-0.5, 0, 119 + 20.25], [0, 0.5, -50.25]])
    require_on_place(found, matrix, (300, 500), (120, 150))


def test_the_difference_in_brightness_is_that_of_the_second_image() -> None:
    found = require_found(1, Change(offset=-10))
    assert found.brightness == pytest.approx(-10, abs=0.5)
    assert require_found(1, Change(offset=10)).brightness == pytest.approx(10, abs=0.5)


def drawn(pixels: NDArray[np.uint8], points: NDArray[np.float64], seed: int = 0) -> ImageFeatures:
    """An image with keypoints where one wants them: the n-th is like every other n-th."""
    random = np.random.default_rng(seed)
    descriptors = random.integers(0, 120, (len(points), 128), dtype=np.uint8)
    grey = np.ascontiguousarray(pixels)
    return ImageFeatures(
        grey, grey.shape[::-1], points.astype(np.float32), descriptors, np.zeros(3, np.float32), b""
    )


def resized(x: float, y: float, size: int, keypoints: int = 60) -> Registration | None:
    """An image laid over itself in another size, by keypoints that are all the same."""
    grey = features(2).pixels[:size, :size]
    shape = round(size * x), round(size * y)
    points = np.random.default_rng(1).uniform(4, size - 4, (keypoints, 2))
    other = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
    return register(drawn(grey, points), drawn(other, points * [x, y]), mirror=False)


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        (1, 1 / 2.5, True),
        (2.5, 1, True),
        (1, 1 / 3.3, False),
        (3.3, 1, False),
        (4.5, 4.5, True),
        (1 / 4.5, 1 / 4.5, True),
        (5.5, 5.5, False),
        (1 / 5.5, 1 / 5.5, False),
    ],
)
def test_no_augmentation_stretches_or_scales_so_much(x: float, y: float, found: bool) -> None:
    assert (resized(x, y, size=240) is not None) == found


@pytest.mark.parametrize(("keypoints", "found"), [(2, False), (5, False), (6, True), (7, True)])
def test_less_than_six_keypoints_in_common_prove_nothing(keypoints: int, found: bool) -> None:
    assert (resized(0.8, 0.8, size=240, keypoints=keypoints) is not None) == found


@pytest.mark.parametrize(("places", "found"), [(5, False), (6, True)])
def test_several_keypoints_in_one_place_count_once(places: int, found: bool) -> None:
    points = np.tile(np.random.default_rng(1).uniform(4, 250, (places, 2)), (4, 1))
    image = drawn(features(2).pixels, points)
    assert (register(image, image, mirror=False) is not None) == found


@pytest.mark.parametrize(("common", "found"), [(40, True), (12, True), (7, False)])
def test_few_keypoints_of_many_in_common_prove_nothing(common: int, found: bool) -> None:
    grey = features(2).pixels
    points = np.random.default_rng(1).uniform(4, 250, (400, 2))
    one, other = drawn(grey, points[:200]), drawn(grey, points[:200], seed=1)
    other.descriptors[:common] = one.descriptors[:common]
    assert (register(one, other, mirror=False) is not None) == found


@pytest.mark.parametrize(("share", "proven"), [(0.035, False), (0.08, True)])
def test_a_narrow_strip_in_common_is_no_proof(share: float, proven: bool) -> None:
    whole = cv2.cvtColor(slide(3), cv2.COLOR_RGB2GRAY)
    shift = round(256 * (1 - share))
    random = np.random.default_rng(0)
    points = np.column_stack([random.uniform(shift, 255, 30), random.uniform(0, 255, 30)])
    first = drawn(whole[:256, :256], points)
    second = drawn(whole[:256, shift : shift + 256], points - [shift, 0])
    found = register(first, second, mirror=False)
    assert found is not None
    assert found.overlap == pytest.approx(share, abs=0.01)
    assert is_proof(found) == proven
    assert proven or found.correlation == 0


def test_what_is_sheared_as_augmentation_does_is_laid_over() -> None:
    matrix = np.array([[1.0, 0.25, 0], [0, 1.0, 0]])
    sheared = cv2.warpAffine(tile(0), matrix, (TILE + 80, TILE), borderMode=cv2.BORDER_REFLECT)
    found = published(features(0), described(sheared), mirror=False)
    require_on_place(found, matrix, (TILE, TILE), (TILE + 80, TILE))


def test_an_overlap_without_contrast_proves_nothing() -> None:
    flat = described(np.rint(225 + (tile(0) - 225.0) * 0.07).astype(np.uint8))
    assert flat.is_comparable
    assert flat.pixels.std() < MIN_CONTRAST
    found = register(flat, flat, mirror=False)
    assert found is not None
    assert found.correlation == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (300, 200)])
def test_a_blank_image_is_laid_over_nothing(size: tuple[int, int]) -> None:
    blank = described(np.full((*size, 3), 240, dtype=np.uint8))
    for mirror in (False, True):
        assert register(blank, features(0), mirror=mirror) is None
        assert register(features(0), blank, mirror=mirror) is None
        assert register(blank, blank, mirror=mirror) is None


# What a map does


def turned(degrees: float) -> NDArray[np.float64]:
    """Clockwise as seen on a screen, whose second axis points down."""
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


angles, factors, places = st.floats(-180, 180), st.floats(0.2, 5), st.floats(-500, 500)


@given(angles, factors, st.floats(1, 3), angles, st.booleans(), places)
def test_a_map_comes_apart_into_what_it_was_made_of(
    rotation: float, scale: float, stretch: float, direction: float, mirrored: bool, x: float
) -> None:
    axes = turned(direction)
    sheared = axes @ np.diag([stretch**0.5, stretch**-0.5]) @ axes.T
    linear = scale * turned(rotation) @ sheared @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    found = decompose(np.column_stack([linear, [x, -x]]))
    assert (found.mirrored, found.scale) == (mirrored, pytest.approx(scale))
    assert found.stretch == pytest.approx(stretch)
    assert math.remainder(found.rotation - rotation, 360) == pytest.approx(0, abs=1e-4)
    assert -180 <= found.rotation <= 180


def test_turns_are_clockwise_as_opencv_turns_pixels() -> None:
    """A point at the right of the middle goes to the lower half of the screen."""
    image = np.zeros((101, 101), np.uint8)
    image[45:56, 85:96] = 255
    matrix = np.column_stack([turned(90), [100, 0]])
    rows = np.flatnonzero(cv2.warpAffine(image, matrix, (101, 101)).any(axis=1))
    assert rows.min() > 80
    assert decompose(matrix).rotation == pytest.approx(90)
