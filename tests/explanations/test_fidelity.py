"""Captum's measures, where their values are known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from lcbench.explanations.fidelity import explained_change, largest_change, shuffled
from lcbench.explanations.judging import judge_infidelity, judge_sensitivity

from .known import SIDE, alone, edges, gradient, linear, maps_of, pictures

COUNT = 8


def test_the_worth_of_each_pixel_foretells_every_change_of_a_linear_model() -> None:
    images, model = pictures(COUNT), linear()
    worth = maps_of(gradient(model, images) * (images - images.mean((2, 3), keepdim=True)).mean(1))
    own = explained_change(model, images, worth)
    # A gradient sums to the change of a mean over channels only where these agree; this one does.
    other = explained_change(model, images, shuffled(worth, cells=4))
    check = judge_infidelity(own, other, alone(COUNT))
    assert check.explained.value is not None
    assert check.explained.value > 0.5
    assert check.verdict == "passes"
    assert judge_infidelity(other, own, alone(COUNT)).verdict == "fails"


def test_on_grey_images_the_worth_of_each_pixel_foretells_everything() -> None:
    images = pictures(COUNT).mean(dim=1, keepdim=True).expand(-1, 3, -1, -1).contiguous()
    model = linear()
    worth = maps_of((images - images.mean((2, 3), keepdim=True)).mean(1) * model.weights)
    assert explained_change(model, images, worth) == pytest.approx(1.0, abs=1e-4)
    assert explained_change(model, images, -3 * worth) == pytest.approx(1.0, abs=1e-4)
    nothing = explained_change(model, images, np.zeros_like(worth))
    assert nothing == pytest.approx(0.0, abs=1e-4)


def test_a_score_that_never_changes_has_nothing_to_foretell() -> None:
    images = pictures(COUNT)
    found = explained_change(
        lambda some: torch.ones(len(some)), images, np.ones((COUNT, SIDE, SIDE))
    )
    assert np.isnan(found).all()
    assert judge_infidelity(found, found, alone(COUNT)).verdict == "undecided"


def test_parts_change_places_and_nothing_else() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 30, 33))
    moved = shuffled(maps, cells=4)
    assert np.sort(moved.ravel()) == pytest.approx(np.sort(maps.ravel()))
    assert not np.array_equal(moved, maps)
    assert np.array_equal(moved[:, 28:], maps[:, 28:])
    parts = {
        part.tobytes()
        for part in maps[0][:28, :32].reshape(4, 7, 4, 8).swapaxes(1, 2).reshape(16, 7, 8)
    }
    after = {
        part.tobytes()
        for part in moved[0][:28, :32].reshape(4, 7, 4, 8).swapaxes(1, 2).reshape(16, 7, 8)
    }
    assert parts == after


def test_the_gradient_of_a_linear_model_bears_all_noise_and_noise_is_no_explanation() -> None:
    images, model = pictures(COUNT), linear()
    calm = largest_change(partial(gradient, model), images)
    assert calm == pytest.approx(0.0, abs=1e-6)
    assert judge_sensitivity(calm, alone(COUNT)).verdict == "passes"
    generator = torch.Generator().manual_seed(0)
    wild = largest_change(
        lambda some: torch.randn(len(some), SIDE, SIDE, generator=generator), images
    )
    assert wild == pytest.approx(np.sqrt(2), rel=0.1)
    assert judge_sensitivity(wild, alone(COUNT)).verdict == "fails"
    seen = largest_change(partial(edges, model), images)
    assert ((seen > 0) & (seen < 0.1)).all()
    assert np.array_equal(seen, largest_change(partial(edges, model), images))
