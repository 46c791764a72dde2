"""Copies of one tile: the map between them brings one's attributions onto the other's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lcbench.explanations.copies import affine_between, laid_likeness

from ..leakage.tissue import TILE, Change, copied, tile


def darkness(image: np.ndarray) -> np.ndarray:
    """A method that depends on the tissue alone."""
    return 255.0 - image.astype(np.float32).mean(axis=2)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    changes = (Change(), Change(angle=25), Change(angle=-70, mirror=True))
    return np.stack([*(copied(1, change)[0] for change in changes), tile(2)])


def test_what_follows_the_tissue_agrees_however_a_copy_lies(images: np.ndarray) -> None:
    for first, second in ((0, 1), (2, 0)):
        matrix = affine_between(images[first], images[second])
        assert matrix is not None
        assert laid_likeness(darkness(images[first]), darkness(images[second]), matrix) > 0.95
        stripes = np.tile((np.arange(TILE) % 80 < 40) * 1.0, (TILE, 1))  # whatever the tissue
        assert laid_likeness(stripes, stripes, matrix) < 0.5


def test_other_tissue_proves_no_map(images: np.ndarray) -> None:
    assert affine_between(images[0], images[3]) is None


def test_maps_lie_on_each_other_by_the_matrix_alone() -> None:
    first = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(60, 80)), (0, 0), 3.0)
    matrix = np.array([[1.0, 0, 12], [0, 1.0, -5]])
    second = cv2.warpAffine(first, matrix, (80, 60), borderMode=cv2.BORDER_REFLECT)
    assert laid_likeness(first, second, matrix) > 0.95
    assert laid_likeness(first, second, np.eye(3)[:2]) < 0.5
    assert np.isnan(laid_likeness(first, second, matrix + [[0, 0, 70], [0, 0, 0]]))  # noqa: RUF005
    assert np.isnan(laid_likeness(first, np.zeros_like(second), matrix))
