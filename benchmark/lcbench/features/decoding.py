"""Decoded images in manifest order, ahead of whoever consumes them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.datasets.images import ImageFile, open_again

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


def decode_batch(files: Sequence[ImageFile], convert: Convert) -> NDArray[Any]:
    """Return the stacked arrays of some images; `convert` gives all of them one shape.

    Raises
    ------
    UserError
        If an image changed since the dataset was read.
    """
    return np.stack([convert(open_again(file)) for file in files])
