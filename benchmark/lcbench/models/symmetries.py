"""The eight symmetries of the square, drawn at random for each image: tissue has no upright."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_TURNS = 4
SYMMETRIES = 2 * _TURNS


def random_symmetry(pixels: Tensor) -> Tensor:
    """Turn each image by quarter turns and mirror it, or not, at random.

    Parameters
    ----------
    pixels
        (images, channels, side, side) uint8 on any device. The choice is drawn on the CPU, so that
        a seed means the same on every device.
    """
    choice = torch.randint(0, SYMMETRIES, (len(pixels),), device="cpu")
    return one_by_one(pixels, choice) if pixels.is_cpu else all_at_once(pixels, choice)


def one_by_one(pixels: Tensor, choice: Tensor) -> Tensor:
    """Mirror each image from left to right where its choice is 4 or more, then turn it.

    Every image is copied once, by numpy: torch takes twenty times as long for bytes.

    Parameters
    ----------
    pixels
        (images, channels, side, side) uint8, on the CPU.
    choice
        (images,) from 0 to 7; modulo 4, the quarter turns to the left.
    """
    before = pixels.numpy()
    after = np.empty_like(before)
    for place, image, which in zip(after, before, choice.tolist(), strict=True):
        mirrored = image[..., ::-1] if which >= _TURNS else image
        place[:] = np.rot90(mirrored, which % _TURNS, (-2, -1))
    return torch.from_numpy(after)


def all_at_once(pixels: Tensor, choice: Tensor) -> Tensor:
    """Do what `one_by_one` does, in few and large steps, as an accelerator likes it."""
    chosen = choice.to(pixels.device, non_blocking=True).view(-1, 1, 1, 1)
    turns, mirrored = chosen % _TURNS, chosen >= _TURNS
    # A quarter turn to the left mirrors from left to right, then along the diagonal.
    from_left = ((turns == 1) | (turns == 2)) ^ mirrored
    pixels = torch.where(from_left, pixels.flip(-1), pixels)
    pixels = torch.where(turns >= 2, pixels.flip(-2), pixels)
    return torch.where(turns % 2 == 1, pixels.transpose(-2, -1), pixels)
