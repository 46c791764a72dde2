"""Images are turned and mirrored, the same way one by one and all at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lcbench.models.symmetries import SYMMETRIES, all_at_once, one_by_one, random_symmetry


def expected(pixels: Tensor, choice: Tensor) -> Tensor:
    """Return what torch's own turns give."""
    turned = [
        torch.rot90(image.flip(-1) if which >= 4 else image, which % 4, (-2, -1))
        for image, which in zip(pixels, choice.tolist(), strict=True)
    ]
    return torch.stack(turned)


@pytest.mark.parametrize("turn", [one_by_one, all_at_once])
def test_every_symmetry_is_what_torch_makes_of_it(turn: Callable[[Tensor, Tensor], Tensor]) -> None:
    pixels = torch.randint(0, 256, (SYMMETRIES, 3, 5, 5), dtype=torch.uint8)
    before, choice = pixels.clone(), torch.randperm(SYMMETRIES)
    assert torch.equal(turn(pixels, choice), expected(before, choice))
    assert torch.equal(pixels, before)


def test_a_seed_gives_the_choice() -> None:
    pixels = torch.randint(0, 256, (40, 3, 4, 4), dtype=torch.uint8)
    torch.manual_seed(3)
    shown = random_symmetry(pixels)
    torch.manual_seed(3)
    assert torch.equal(shown, expected(pixels, torch.randint(0, 8, (40,))))
