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
from lcbench.features.views import View

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


def decode_views(
    files: Sequence[ImageFile], view: View, convert: Convert
) -> tuple[NDArray[Any], list[ImageFile]]:
    """Return the stacked arrays of a view of some images, and those that have no such view.

    The latter are taken as they are.

    Raises
    ------
    UserError
        If an image changed since the dataset was read.
    """
    without: list[ImageFile] = []

    def seen(file: ImageFile) -> Image.Image:
        image = open_again(file)
        changed = view.of(image, file.sha256)
        if changed is None:
            without.append(file)
        return changed or image

    return np.stack([convert(seen(file)) for file in files]), without
