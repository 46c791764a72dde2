"""Pictures of pairs, side by side, with the registration drawn. They show the user's images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lcbench.audit.results import ImageRef, Pair
from lcbench.datasets.images import ImageFile, open_again
from lcbench.rendering.audit.sentences import how_they_lie, percent
from lcbench.rendering.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 420
_FIELDS = 8
_TOP = 0.95
_MARGIN = 0.15
_WIDTH = 2.55
_TALLEST = 5.0
_FIRST, _SECOND = canvas.BLUE, canvas.ORANGE


def draw_pair(pair: Pair, images: Mapping[str, ImageFile], file: Path) -> Path:
    """Draw both images with each other's frame, and the second laid over the first.

    Parameters
    ----------
    pair
        What to draw.
    images
        The files, by their names in the audit.
    file
        The PNG file.

    Raises
    ------
    UserError
        If an image changed since the audit read it.
    """
    first, first_scale = _read(images[pair.first.name])
    second, second_scale = _read(images[pair.second.name])
    matrix = _scaled(pair, first_scale, second_scale)
    tall = max(image.shape[0] / image.shape[1] for image in (first, second))
    with canvas.style():
        figure, (left, middle, right) = canvas.small_multiples(
            3, 3, min(_WIDTH * tall, _TALLEST), top=_TOP, bottom=_MARGIN, left=_MARGIN
        )
        _show(left, first, _title(pair.first), _FIRST)
        _show(middle, second, _title(pair.second), _SECOND)
        _show(right, _chequered(first, second, matrix), "both, in alternate fields", canvas.INK)
        _outline(left, _laid(second, cv2.invertAffineTransform(matrix)), _SECOND)
        _outline(middle, _laid(first, matrix), _FIRST)
        how = f"{how_they_lie(pair)}; " if pair.registered else ""
        canvas.heading(
            figure,
            pair.kind if pair.joined else f"{pair.kind}, doubtful",
            f"{how}overlap {percent(pair.overlap)}, correlation {pair.correlation:.3f}",
            note="Each image's frame is drawn in the colour of its name.",
        )
        return canvas.save(figure, file, photographs=True)


def _read(file: ImageFile) -> tuple[NDArray[np.uint8], float]:
    """Return an image, reduced to the panel's size, and by how much."""
    image = open_again(file)
    scale = min(1.0, _SIDE / max(image.size))
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size)
    return np.asarray(image), scale


def _scaled(pair: Pair, first: float, second: float) -> NDArray[np.float64]:
    """Return the pair's matrix for images reduced by these factors."""
    matrix = np.array(pair.matrix).reshape(2, 3)
    matrix[:, :2] *= second / first
    matrix[:, 2] *= second
    return matrix


def _laid(image: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frame of an image, (5, 2), where a map puts it."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height], [0, 0]]) - 0.5
    return corners @ matrix[:, :2].T + matrix[:, 2]


def _show(axes: Axes, image: NDArray[np.uint8], title: str, colour: str) -> None:
    axes.imshow(image, interpolation="antialiased")
    axes.set_anchor("N")
    axes.set_axis_off()
    text = axes.set_title(title, loc="left", fontsize=8.5, pad=4, color=colour)
    canvas.fit(text, axes.get_position().width * canvas.WIDTH, smallest=5)


def _outline(axes: Axes, frame: NDArray[np.float64], colour: str) -> None:
    limits = axes.axis()
    axes.plot(frame[:, 0], frame[:, 1], color="white", linewidth=3)
    axes.plot(frame[:, 0], frame[:, 1], color=colour, linewidth=1.6)
    axes.axis(limits)


def _title(image: ImageRef) -> str:
    return f"{image.name}  ({image.side})" if image.side else image.name


def _chequered(
    first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the first image with the second laid into every other field of a chequer board."""
    height, width = first.shape[:2]
    how = cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(second, matrix, (width, height), flags=cv2.INTER_LINEAR | how)
    ones = np.ones(second.shape[:2], np.uint8)
    there = cv2.warpAffine(ones, matrix, (width, height), flags=cv2.INTER_NEAREST | how) > 0
    rows = np.arange(height)[:, None] * _FIELDS // height
    columns = np.arange(width)[None, :] * _FIELDS // width
    chosen = there & ((rows + columns) % 2 == 1)
    return np.where(chosen[:, :, None], laid, first)
