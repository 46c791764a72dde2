"""Epochs of views and mixtures: every image once, in the order of the reference."""

from __future__ import annotations

import numpy as np
import torch

from lcbench.training.augmented import AugmentedExamples, MixedObjective
from lcbench.training.loop import Examples
from lcbench.training.objectives import negative_log_likelihood

CPU = torch.device("cpu")
IMAGES = 12


def examples(**options: object) -> AugmentedExamples:
    """Image i is the number i; its view is 100 + i, and the first six have one."""
    itself = torch.arange(IMAGES)
    inputs = torch.cat([itself, itself + 100]).float().unsqueeze(1)
    has_view = (itself < 6).long()
    allowed = torch.eye(2, dtype=torch.bool)[itself % 2]
    views = torch.stack([itself, itself + IMAGES * has_view], dim=1)
    return AugmentedExamples(inputs, itself, allowed, views=views, **options)  # type: ignore[arg-type]


def epoch(table: Examples, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    batches = list(table.batches(torch.arange(IMAGES), 5, generator, CPU))
    assert [len(inputs) for inputs, _ in batches] == [5, 5, 2]
    inputs, answers = (torch.cat(one) for one in zip(*batches, strict=True))
    return inputs.squeeze(1), answers


def test_an_epoch_shows_each_image_once_as_itself_or_as_its_view() -> None:
    shown, answers = epoch(examples())
    assert torch.equal(shown % 100, torch.arange(IMAGES).float())
    assert torch.equal(shown[6:], torch.arange(6, IMAGES).float())
    assert torch.equal(answers, examples().allowed)


def test_each_of_them_is_as_likely() -> None:
    shown = torch.stack([epoch(examples(), seed)[0] for seed in range(400)])
    assert abs((shown[:, :6] >= 100).float().mean() - 0.5) < 0.05


def test_the_same_state_draws_the_same_and_is_left_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    list(examples(families=FAMILIES).batches(torch.arange(IMAGES), 5, generator, CPU))
    assert torch.equal(generator.get_state(), before)
    one, two = (epoch(examples(families=FAMILIES), 3) for _ in range(2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


FAMILIES = [torch.arange(0, 8, 2), torch.arange(1, 8, 2)]


def test_images_are_mixed_with_those_of_the_other_class_alone() -> None:
    table = examples(families=FAMILIES, alpha=1.0)
    shown, answers = epoch(table)
    one, other, share = answers[:8, :2], answers[:8, 2:4], answers[:, 4]
    assert not (one * other).any()
    assert ((share[:8] > 0) & (share[:8] < 1)).all()
    assert (share[8:] == 1).all()
    assert torch.equal(shown[8:], torch.arange(8, IMAGES).float())


def test_the_loss_of_a_mixture_is_the_cross_entropy_with_mixed_targets() -> None:
    random = np.random.default_rng(0)
    logs = torch.from_numpy(random.normal(size=(6, 3))).log_softmax(dim=1)
    one, other = (torch.eye(3)[torch.from_numpy(random.integers(3, size=6))] for _ in range(2))
    share = torch.from_numpy(random.uniform(size=(6, 1))).float()
    found = MixedObjective()(logs, torch.cat([one, other, share], dim=1))
    target = share * one + (1 - share) * other
    assert torch.allclose(found, -(target * logs).sum(dim=1))


def test_without_a_partner_it_is_the_usual_loss() -> None:
    logs = torch.randn(4, 2, generator=torch.Generator().manual_seed(0)).log_softmax(dim=1)
    allowed = torch.eye(2, dtype=torch.bool)[torch.tensor([0, 1, 1, 0])]
    answers = torch.cat([allowed.float(), allowed.float(), torch.ones(4, 1)], dim=1)
    assert torch.allclose(MixedObjective()(logs, answers), negative_log_likelihood(logs, allowed))
