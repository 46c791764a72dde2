"""Pictures of pairs, side by side, with the registration drawn. They show the user's images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lcbench.audit.results import Pair
from lcbench.datasets.images import open_rgb
from lcbench.rendering import audit_words as words
from lcbench.rendering.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 420
_FIELDS = 8
_TOP = 0.95
_BOTTOM = 0.15
_TALLEST = 5.0
_GAP = 0.15


def draw_pair(pair: Pair, paths: Mapping[str, Path], file: Path) -> Path:
    """Draw both images with each other's frame, and the second laid over the first.

    Parameters
    ----------
    pair
        What to draw.
    paths
        Where images lie, by their names in the audit.
    file
        The PNG file.
    """
    first, first_scale = _read(paths[pair.first.name])
    second, second_scale = _read(paths[pair.second.name])
    matrix = _scaled(pair, first_scale, second_scale)
    width = (canvas.WIDTH - 4 * _GAP) / 3
    panel = width * max(image.shape[0] / image.shape[1] for image in (first, second))
    height = _TOP + min(panel, _TALLEST) + _BOTTOM
    with canvas.style():
        figure = canvas.new_figure(height)
        panels = []
        for number in range(3):
            x = (_GAP + number * (width + _GAP)) / canvas.WIDTH
            panels.append(
                figure.add_axes(
                    (x, _BOTTOM / height, width / canvas.WIDTH, min(panel, _TALLEST) / height)
                )
            )
        outline = _inside(_corners(second.shape), cv2.invertAffineTransform(matrix))
        _show(panels[0], first, _title(pair, first=True), outline, canvas.ORANGE)
        outline = _inside(_corners(first.shape), matrix)
        _show(panels[1], second, _title(pair, first=False), outline, canvas.BLUE)
        laid = _chequered(first, second, matrix)
        _show(panels[2], laid, "second in every other field of the first", None, "")
        how = f"{pair.transform}; " if pair.transform else ""
        canvas.heading(
            figure,
            pair.kind if pair.joined else f"{pair.kind}, doubtful",
            f"{how}overlap {words.percent(pair.overlap)}, correlation {pair.correlation:.3f}",
            [("frame of the second", canvas.ORANGE), ("frame of the first", canvas.BLUE)],
        )
        return canvas.save(figure, file)


def _read(path: Path) -> tuple[NDArray[np.uint8], float]:
    """Return an image, reduced to the panel's size, and by how much."""
    image = open_rgb(path)
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


def _corners(shape: tuple[int, ...]) -> NDArray[np.float64]:
    height, width = shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5


def _inside(corners: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    laid = corners @ matrix[:, :2].T + matrix[:, 2]
    return np.vstack([laid, laid[:1]])


def _show(
    axes: Axes,
    image: NDArray[np.uint8],
    title: str,
    outline: NDArray[np.float64] | None,
    colour: str,
) -> None:
    axes.imshow(image, interpolation="antialiased")
    axes.set_anchor("N")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if outline is not None:
        axes.plot(outline[:, 0], outline[:, 1], color="white", linewidth=3)
        axes.plot(outline[:, 0], outline[:, 1], color=colour, linewidth=1.6)
    axes.set_xlim(-0.5, image.shape[1] - 0.5)
    axes.set_ylim(image.shape[0] - 0.5, -0.5)
    text = axes.set_title(title, loc="left", fontsize=8.5, pad=4)
    canvas.fit(text, axes.get_position().width * canvas.WIDTH, smallest=5)


def _title(pair: Pair, *, first: bool) -> str:
    image = pair.first if first else pair.second
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


def telling(groups: Sequence[tuple[str, Sequence[Pair]]], few: int) -> list[tuple[str, Pair]]:
    """Return up to `few` pairs of each kind of finding, with its name, none of them twice."""
    chosen: dict[tuple[str, str], tuple[str, Pair]] = {}
    for name, pairs in groups:
        fresh = [p for p in pairs if (p.first.name, p.second.name) not in chosen]
        for pair in fresh[:few]:
            chosen[pair.first.name, pair.second.name] = (name, pair)
    return list(chosen.values())
