"""Insertion and deletion: areas by hand, right maps above chance, wrong ones below."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.explanations.checks import PerturbationCheck
from lcbench.explanations.judging import judge_perturbation
from lcbench.explanations.perturbation import curves, gains, orders_of, random_orders

from .known import SIDE, alone, corner, gradient, linear, maps_of, pictures

COUNT, CELLS = 12, 4


def checked(maps: np.ndarray, images: torch.Tensor) -> PerturbationCheck:
    model, at_random = linear(), random_orders(range(len(maps)), cells=CELLS)
    own, random = (
        curves(model, images, orders, cells=CELLS, steps=4)
        for orders in (orders_of(maps, at_random, cells=CELLS), at_random)
    )
    return judge_perturbation(own, random, alone(len(maps)), "score")


def test_areas_are_those_found_by_hand() -> None:
    image = torch.zeros(1, 3, SIDE, SIDE)
    image[:, :, : SIDE // 2, : SIDE // 2] = 1.0
    model = corner()
    share = 1 / model(image).item()
    found = curves(
        lambda some: model(some) * share, image, np.array([[0, 1, 2, 3]]), cells=2, steps=4
    )
    assert found.deletion[0] == pytest.approx([1.0, 0.25, 0.25, 0.25, 0.25])
    assert found.insertion[0, 1:] == pytest.approx([1.0] * 4)
    assert found.areas[1] == pytest.approx([(1 + 0.25) / 8 + 0.25 * 3 / 4])
    last = curves(
        lambda some: model(some) * share, image, np.array([[3, 2, 1, 0]]), cells=2, steps=4
    )
    assert last.areas[1] == pytest.approx([3 / 4 + (1 + 0.25) / 8])
    assert gains(found, last)[1] == pytest.approx(last.areas[1] - found.areas[1])


def test_what_the_score_is_made_of_passes_and_its_opposite_fails() -> None:
    images, model = pictures(COUNT), linear()
    # What a part is worth against the mean colour that takes its place.
    worth = maps_of(gradient(model, images) * (images - images.mean((2, 3), keepdim=True)).mean(1))
    right, wrong = checked(worth, images), checked(-worth, images)
    assert right.verdict == "passes"
    assert wrong.verdict == "fails"
    assert wrong.deletion_gain.value == pytest.approx(-(right.deletion_gain.value or 0), abs=1.5)
    assert right.deletion.value[0] == pytest.approx(right.random_deletion.value[0])
    assert right.insertion.value[-1] == pytest.approx(right.deletion.value[0])


def test_a_map_without_contrast_is_chance_and_fails() -> None:
    blank = checked(np.ones((COUNT, SIDE, SIDE), np.float32), pictures(COUNT))
    assert blank.deletion_gain.value == blank.insertion_gain.value == 0.0
    assert blank.verdict == "fails"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(2, 6), st.integers(6, 20))
def test_an_order_names_each_part_once_the_most_important_first(
    seed: int, cells: int, side: int
) -> None:
    maps = np.random.default_rng(seed).normal(size=(2, side, side + 3))
    found = orders_of(maps, random_orders(range(2), cells=cells), cells=cells)
    assert np.sort(found, axis=1).tolist() == [list(range(cells**2))] * 2
    row, column = np.unravel_index(found[0, 0], (cells, cells))
    rows, columns = (np.arange(length) * cells // length for length in maps.shape[1:])
    means = [
        maps[0][np.ix_(rows == r, columns == c)].mean() for r in range(cells) for c in range(cells)
    ]
    assert means[row * cells + column] == pytest.approx(max(means))
