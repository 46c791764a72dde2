"""Parameter randomisation: a method that ignores the model fails, the gradient does not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lcbench.explanations.checks import RandomisationCheck
from lcbench.explanations.judging import judge_randomisation
from lcbench.explanations.randomisation import cascade, randomise, spoilt
from lcbench.explanations.similarity import rank_correlation

from .known import alone, edges, gradient, linear, maps_of, pictures

COUNT = 16


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.Flatten(), nn.Sequential(nn.Linear(4 * 28 * 28, 5), nn.ReLU(), nn.Linear(5, 1)),
    ).eval()  # fmt: skip


def checked(
    method: Callable[[nn.Module, Tensor], Tensor], model: nn.Module, other: nn.Module | None = None
) -> RandomisationCheck:
    images = pictures(COUNT)
    maps = maps_of(method(model, images))
    seeds = None if other is None else rank_correlation(maps, maps_of(method(other, images)))
    found = randomise(method, model, images, maps, cascade(model))
    return judge_randomisation(list(found), alone(COUNT), seeds)


def test_the_cascade_goes_from_the_head_to_everything() -> None:
    stages = cascade(network(), head=["6"], stages=3)
    assert [stage.modules for stage in stages] == [
        ("6.0", "6.2"), ("6.0", "6.2", "3", "1"), ("6.0", "6.2", "3", "1", "0"),
    ]  # fmt: skip
    assert [stage.name for stage in stages] == ["6.0", "1", "0"]
    assert all(one.share < other.share for one, other in pairwise(stages))
    assert stages[-1].share == pytest.approx(1.0)
    assert cascade(network())[0].modules == ("6.2",)
    assert cascade(linear())[0].share == 1.0


def test_a_head_without_parameters_is_no_head() -> None:
    with pytest.raises(ValueError, match=r"no parameters in the head \['2'\]"):
        cascade(network(), head=["2"])


def test_what_is_spoilt_keeps_its_values_and_the_rest_its_order() -> None:
    model = network()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    after = spoilt(model, ["0", "6.0"], seed=1).state_dict()
    for name, one in model.state_dict().items():
        assert torch.equal(one, before[name])  # the model itself is as it was
        assert torch.equal(one.flatten().sort()[0], after[name].flatten().sort()[0])
        assert torch.equal(one, after[name]) != name.startswith(("0.", "6.0."))
    deeper = spoilt(model, ["0", "6.0", "3"], seed=1).state_dict()
    assert torch.equal(deeper["0.weight"], after["0.weight"])
    assert not torch.equal(spoilt(model, ["0"], seed=2).state_dict()["0.weight"], after["0.weight"])


def test_the_gradient_of_a_linear_model_passes() -> None:
    check = checked(gradient, linear())
    assert check.verdict == "passes"
    rank = check.stages[-1].likeness["rank"]
    assert (rank.n, rank.groups) == (COUNT, COUNT)
    assert rank.value == pytest.approx(0.0, abs=0.1)


def test_an_edge_detector_fails_at_every_stage() -> None:
    check = checked(edges, network())
    assert check.verdict == "fails"
    for stage in check.stages:
        assert all(one.value == 1.0 for one in stage.likeness.values())


def test_a_map_that_forgetting_changes_no_more_than_another_seed_fails() -> None:
    # Of a large correlation, half is the images' own; only what other seeds share is learned.
    check = checked(gradient, linear(0), linear(1))
    assert check.seeds is not None
    assert check.seeds.value == pytest.approx(0.0, abs=0.1)
    beyond = check.stages[0].beyond_seeds
    assert beyond is not None
    assert check.verdict == ("fails" if (beyond.low or 0) >= 0 else "passes")
    same = checked(gradient, linear(0), linear(0))
    assert same.verdict == "passes"


def test_few_source_groups_leave_it_open() -> None:
    images, model = pictures(4), linear()
    maps = maps_of(edges(model, images))
    found = list(randomise(edges, model, images, maps, cascade(model)))
    assert judge_randomisation(found, alone(4)).verdict == "undecided"
    nothing = judge_randomisation(found, alone(4), np.full(4, np.nan))
    assert nothing.stages[0].beyond_seeds is not None
    assert nothing.stages[0].beyond_seeds.value is None
