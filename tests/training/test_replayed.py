"""Replayed steps are the steps themselves: on a recorder that works on any machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lcbench.compute import resolve_compute
from lcbench.training.replayed import WARM_UP, ReplayedSteps
from lcbench.training.steps import NetworkSteps

COMPUTE = resolve_compute("cpu", "32")


class Again:
    """Does the work over again, as an accelerator would from a record."""

    def __init__(self) -> None:
        self.recorded = self.replayed = self.beside = 0

    def aside(self, work: Callable[[], Tensor]) -> Tensor:
        self.beside += 1
        return work()

    def record(self, work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        self.recorded += 1
        result = torch.zeros(())
        places: list[Tensor] = []

        def replay() -> None:
            """Write gradients to the places that they had at first, whatever lies there."""
            self.replayed += 1
            for parameter in network_of(work).parameters():
                parameter.grad = None
            result.copy_(work())
            gradients = [parameter.grad for parameter in network_of(work).parameters()]
            found = [gradient for gradient in gradients if gradient is not None]
            if not places:
                places.extend(found)
            for place, gradient in zip(places, found, strict=True):
                place.copy_(gradient)
            for parameter, place in zip(network_of(work).parameters(), places, strict=True):
                parameter.grad = place

        return result, replay


class Broken(Again):
    """Records nothing."""

    def record(self, work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:  # noqa: ARG002
        raise RuntimeError("operation not permitted when stream is capturing")


NETWORKS: list[nn.Module] = []


def network_of(_work: Callable[[], Tensor]) -> nn.Module:
    return NETWORKS[-1]


def network() -> nn.Module:
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3), nn.LogSoftmax(dim=1)
    )
    NETWORKS.append(made.train())
    return made


def batches() -> list[tuple[Tensor, Tensor]]:
    """Two epochs whose last batch is smaller."""
    random = torch.Generator().manual_seed(1)
    sizes = 2 * [6, 6, 6, 6, 6, 6, 2]
    return [
        (
            torch.randn(size, 4, generator=random),
            torch.eye(3, dtype=torch.bool)[torch.randint(0, 3, (size,), generator=random)],
        )
        for size in sizes
    ]


def trained(steps: Callable[[Tensor, Tensor], Tensor]) -> list[float]:
    return [float(steps(*batch)) for batch in batches()]


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_replayed_steps_are_those_of_autograd() -> None:
    plain = network()
    expected = trained(NetworkSteps(plain, 0.05, COMPUTE, autocast=False))
    replayed, recorder = network(), Again()
    steps = ReplayedSteps(replayed, 0.05, COMPUTE, autocast=False, recorder=recorder)
    assert trained(steps) == expected
    assert same(plain, replayed)
    assert (recorder.recorded, recorder.beside) == (1, WARM_UP)
    assert recorder.replayed == 12 - WARM_UP


def test_what_cannot_be_recorded_is_done_as_usual(capsys: pytest.CaptureFixture[str]) -> None:
    plain = network()
    expected = trained(NetworkSteps(plain, 0.05, COMPUTE, autocast=False))
    other = network()
    steps = ReplayedSteps(other, 0.05, COMPUTE, autocast=False, recorder=Broken())
    assert trained(steps) == expected
    assert same(plain, other)
    assert capsys.readouterr().err.count("cannot be replayed") == 1
