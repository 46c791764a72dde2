"""Work done ahead: in order, never far ahead, and errors arrive where they belong."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lcbench.datasets.images import image_now
from lcbench.features.decoding import ahead, decode_batch


def test_results_come_in_order_when_later_items_are_done_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert later.wait(30)
        elif item == 1:
            later.set()
        return item

    assert list(ahead(work, range(50))) == list(range(50))


def test_only_a_few_results_wait_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    taken = []

    def items() -> list[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = ahead(lambda item: item, items())
    next(results)
    assert len(taken) <= 6


def test_an_error_in_a_thread_is_raised_to_the_consumer() -> None:
    def work(item: int) -> int:
        if item == 7:
            raise ValueError("item seven")
        return item

    with pytest.raises(ValueError, match="item seven"):
        list(ahead(work, range(100)))


def test_a_batch_stacks_what_each_image_is_converted_to(tmp_path: Path) -> None:
    paths = [tmp_path / f"{shade}.png" for shade in (10, 200)]
    for path, shade in zip(paths, (10, 200), strict=True):
        Image.new("RGB", (3, 2), (shade, 0, 0)).save(path)
    found = decode_batch([image_now(path) for path in paths], lambda image: np.asarray(image))
    assert found.shape == (2, 2, 3, 3)
    assert found[:, 0, 0, 0].tolist() == [10, 200]
