"""Decoded images in manifest order, ahead of whoever consumes them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.datasets.images import open_rgb

Item = TypeVar("Item")
Result = TypeVar("Result")
Convert = Callable[[Image.Image], NDArray[Any]]


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield `work(item)` in order, done in threads; a few results ahead, never all of them."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def decode_batch(paths: Sequence[Path], convert: Convert) -> NDArray[Any]:
    """Return the stacked arrays of some readable images; `convert` gives all of them one shape."""
    return np.stack([convert(open_rgb(path)) for path in paths])
