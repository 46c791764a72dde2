"""Pixels become network input."""

from __future__ import annotations

import pytest
import torch

from lcbench.features.encoder import Normaliser, Preprocessing


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 5), (1, 1)])
def test_each_channel_has_its_mean_and_its_scale(
    order: torch.memory_format, height: int, width: int
) -> None:
    preprocessing = Preprocessing(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
    pixels = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    pixels = pixels.contiguous(memory_format=order)
    found = Normaliser(preprocessing, torch.device("cpu"))(pixels)
    channels = [
        (pixels[:, channel].float() - 255 * mean) / (255 * std)
        for channel, (mean, std) in enumerate(((0.1, 0.5), (0.2, 0.25), (0.3, 0.125)))
    ]
    torch.testing.assert_close(found, torch.stack(channels, dim=1))
    assert found.is_contiguous(memory_format=torch.channels_last)
