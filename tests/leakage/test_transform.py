from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lcbench.leakage.transform import Transform, decompose, transform_words

angles = st.floats(-180, 180)
factors = st.floats(0.2, 5)
places = st.floats(-500, 500)
SAME = Transform(mirrored=False, rotation=0, scale=1, stretch=1)


def turned(degrees: float) -> NDArray[np.float64]:
    """Clockwise as seen on a screen, whose second axis points down."""
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def affine(linear: NDArray[np.float64], x: float = 0, y: float = 0) -> NDArray[np.float64]:
    return np.column_stack([linear, [x, y]])


def words(transform: Transform = SAME, overlap: float = 1, brightness: float = 0) -> str:
    return transform_words(transform, 1, overlap, brightness)


@given(angles, factors, st.booleans(), places, places)
def test_a_map_comes_apart_into_what_it_was_made_of(
    rotation: float, scale: float, mirrored: bool, x: float, y: float
) -> None:
    linear = scale * turned(rotation) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    found = decompose(affine(linear, x, y))
    assert found.mirrored is mirrored
    assert found.scale == pytest.approx(scale)
    assert found.stretch == pytest.approx(1)
    assert math.remainder(found.rotation - rotation, 360) == pytest.approx(0, abs=1e-6)
    assert -180 <= found.rotation <= 180


@given(angles, factors, st.floats(1.01, 3), angles, st.booleans())
def test_stretch_in_any_direction_is_told_from_turn_and_scale(
    rotation: float, scale: float, stretch: float, direction: float, mirrored: bool
) -> None:
    axes = turned(direction)
    sheared = axes @ np.diag([stretch**0.5, stretch**-0.5]) @ axes.T
    linear = scale * turned(rotation) @ sheared @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    found = decompose(affine(linear))
    assert (found.mirrored, found.scale) == (mirrored, pytest.approx(scale))
    assert found.stretch == pytest.approx(stretch)
    assert math.remainder(found.rotation - rotation, 360) == pytest.approx(0, abs=1e-4)


@given(angles, factors, st.booleans())
def test_the_way_back_undoes_the_parts(rotation: float, scale: float, mirrored: bool) -> None:
    linear = scale * turned(rotation) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    there, back = decompose(affine(linear)), decompose(affine(np.linalg.inv(linear)))
    assert back.mirrored == there.mirrored
    assert back.scale * there.scale == pytest.approx(1)
    undone = there.rotation if mirrored else -there.rotation
    assert math.remainder(back.rotation - undone, 360) == pytest.approx(0, abs=1e-6)


def test_turns_are_clockwise_as_opencv_turns_pixels() -> None:
    """A point at the right of the middle goes to the lower half of the screen."""
    image = np.zeros((101, 101), np.uint8)
    image[45:56, 85:96] = 255
    matrix = affine(turned(90), 100, 0)
    rows = np.flatnonzero(cv2.warpAffine(image, matrix, (101, 101)).any(axis=1))
    assert rows.min() > 80
    assert decompose(matrix).rotation == pytest.approx(90)


@pytest.mark.parametrize(
    ("flip", "rotation", "said"),
    [
        ([-1, 1], 0, "mirrored"),
        ([-1, 1], 60, "mirrored, turned by 60°"),
        ([-1, 1], -90, "mirrored, turned by 90°"),
        ([1, -1], 0, "mirrored upside down"),
        ([1, -1], -60, "mirrored upside down, turned by 60°"),
        ([1, 1], 180, "turned by 180°"),
    ],
)
def test_a_flip_is_told_with_the_smaller_turn(flip: list[int], rotation: int, said: str) -> None:
    linear = turned(rotation) @ np.diag(np.array(flip, float))
    assert words(decompose(affine(linear))) == said


def test_what_did_not_move_is_stored_anew() -> None:
    assert words(decompose(np.eye(2, 3))) == "in place, stored anew"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"mirrored": True}, "mirrored"),
        ({"rotation": 24.4}, "turned by 24°"),
        ({"rotation": -24.4}, "turned by 24°"),
        ({"rotation": 1.0}, "turned by 1°"),
        ({"scale": 1.2}, "scaled by 1.20"),
        ({"scale": 0.5}, "scaled by 0.50"),
        ({"stretch": 1.05}, "stretched by 1.05"),
    ],
)
def test_each_part_has_its_words(part: dict[str, float], said: str) -> None:
    assert words(Transform(**{**SAME.__dict__, **part})) == said


@pytest.mark.parametrize("part", [{"rotation": 0.9}, {"scale": 1.02}, {"stretch": 1.04}])
def test_small_parts_are_passed_over(part: dict[str, float]) -> None:
    assert words(Transform(**{**SAME.__dict__, **part})) == "in place, stored anew"


@pytest.mark.parametrize(
    ("overlap", "brightness", "said"),
    [
        (0.96, 0, "cropped"),
        (0.98, 0, "in place, stored anew"),
        (1, 6, "brighter"),
        (1, -6, "darker"),
        (1, 5.9, "in place, stored anew"),
    ],
)
def test_crops_and_light_have_their_words(overlap: float, brightness: float, said: str) -> None:
    assert words(overlap=overlap, brightness=brightness) == said


def test_an_image_that_shows_only_a_part_of_either_is_cropped() -> None:
    assert transform_words(SAME, 1, 0.5, 0) == transform_words(SAME, 0.5, 1, 0) == "cropped"


def test_other_colours_are_said_beside_the_rest() -> None:
    assert transform_words(SAME, 1, 1, 0, recoloured=True) == "recoloured"


def test_all_words_stand_in_their_order() -> None:
    everything = Transform(mirrored=True, rotation=-17, scale=2, stretch=1.5)
    assert transform_words(everything, 0.5, 0.5, -20, recoloured=True) == (
        "mirrored, turned by 17°, scaled by 2.00, stretched by 1.50, cropped, darker, recoloured"
    )
