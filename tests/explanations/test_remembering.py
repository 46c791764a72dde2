"""Each image is asked for once, whatever it is asked with."""

from __future__ import annotations

import torch
from torch import Tensor

from lcbench.explanations.remembering import remembered

from .known import linear, pictures


def test_the_same_image_is_not_asked_for_again() -> None:
    images, model, seen = pictures(7), linear(), []

    def of(some: Tensor) -> Tensor:
        seen.append(len(some))
        return model(some)

    known: dict[bytes, Tensor] = {}
    asked = remembered(of, known)
    again = images[[6, 0, 0, 3]]
    torch.testing.assert_close(asked(images), model(images))
    torch.testing.assert_close(remembered(of, known)(again), model(again))
    assert sum(seen) == 7
    asked(torch.cat([images[:2], images[:2] + 1e-3]))
    assert sum(seen) == 9
