"""Agreement between seeds and under turns: 1 for what is equivariant, none for what is not."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from lcbench.explanations.agreement import between_seeds, when_turned
from lcbench.explanations.judging import judge_agreement

from .known import SIDE, alone, edges, gradient, linear, maps_of, pictures

COUNT = 14


@pytest.mark.parametrize("turns", [(turn,) for turn in range(1, 8)])
def test_what_turns_with_the_image_agrees_completely(turns: tuple[int, ...]) -> None:
    def attribute(images: Tensor) -> Tensor:
        return edges(linear(), images)

    images = pictures(COUNT)
    found = when_turned(attribute, images, maps_of(attribute(images)), turns, batch=5)
    assert found == pytest.approx(1.0, abs=1e-4)
    assert judge_agreement("turns", found, alone(COUNT)).verdict == "passes"


def test_what_stays_in_its_place_does_not_turn_with_the_image() -> None:
    images, model = pictures(COUNT), linear()
    maps = maps_of(gradient(model, images))
    found = when_turned(partial(gradient, model), images, maps)
    check = judge_agreement("turns", found, alone(COUNT))
    assert check.verdict == "fails"
    assert (check.left_out, check.likeness.n) == (0, COUNT)


def test_seeds_agree_as_far_as_their_maps_do() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 4, SIDE, SIDE))
    assert between_seeds([maps[0], maps[0], -maps[0]]) == pytest.approx(1.0)
    pairs = [between_seeds([maps[a], maps[b]], smooth=False) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert between_seeds(list(maps), smooth=False) == pytest.approx(np.mean(pairs, axis=0))
    assert np.abs(pairs).max() < 0.15
    with pytest.raises(ValueError, match="one seed"):
        between_seeds([maps[0]])


def test_blank_maps_are_left_out_and_counted() -> None:
    blank = torch.zeros(3, SIDE, SIDE).numpy()
    check = judge_agreement("seeds", between_seeds([blank, blank]), alone(3))
    assert (check.left_out, check.verdict) == (3, "undecided")
