"""Copies of one tile: the map between them brings one's attributions onto the other's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.explanations.copies import between_copies, copy_pairs, laid_likeness
from lcbench.statistics.groups import cluster_codes

from ..leakage.tissue import TILE, Change, copied, tile


def darkness(image: np.ndarray) -> np.ndarray:
    """A method that depends on the tissue alone."""
    return 255.0 - image.astype(np.float32).mean(axis=2)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    changes = (Change(), Change(angle=25), Change(angle=-70, mirror=True))
    return np.stack([*(copied(1, change)[0] for change in changes), tile(2)])


def test_what_follows_the_tissue_agrees_however_a_copy_lies(images: np.ndarray) -> None:
    maps = np.stack([darkness(image) for image in images])
    found = between_copies(images, maps, [(0, 1), (2, 0), (0, 3)])
    assert (found.likeness[:2] > 0.95).all()
    assert np.isnan(found.likeness[2])  # other tissue: no map is proven
    groups = cluster_codes(["a", "a", "a", "b"], [""] * 4)
    assert found.groups(groups).codes.tolist() == [0, 0, 0]


def test_what_stays_in_the_corner_does_not_agree(images: np.ndarray) -> None:
    corner = np.zeros((3, TILE, TILE))
    corner[:, : TILE // 2, : TILE // 2] = 1.0
    assert between_copies(images[:3], corner, [(0, 2)]).likeness[0] < 0.2


def test_maps_lie_on_each_other_by_the_matrix_alone() -> None:
    first = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(60, 80)), (0, 0), 3.0)
    matrix = np.array([[1.0, 0, 12], [0, 1.0, -5]])
    second = cv2.warpAffine(first, matrix, (80, 60), borderMode=cv2.BORDER_REFLECT)
    assert laid_likeness(first, second, matrix) > 0.95
    assert laid_likeness(first, second, np.eye(3)[:2]) < 0.5
    assert np.isnan(laid_likeness(first, second, matrix + [[0, 0, 70], [0, 0, 0]]))  # noqa: RUF005
    assert np.isnan(laid_likeness(first, np.zeros_like(second), matrix))


@given(st.lists(st.integers(0, 4), max_size=20), st.integers(1, 3), st.integers(0, 5))
def test_pairs_are_of_one_group_and_no_image_is_in_two(
    names: list[int], each: int, seed: int
) -> None:
    groups = cluster_codes([str(name) for name in names], [""] * len(names))
    pairs = copy_pairs(groups, each, seed)
    used = [row for pair in pairs for row in pair]
    assert len(used) == len(set(used))
    for name in set(names):
        count = sum(names[first] == name for first, _ in pairs)
        assert count == min(each, names.count(name) // 2)
    assert all(names[first] == names[second] for first, second in pairs)
