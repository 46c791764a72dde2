"""The picture of a folder beside the training images: their colours and their distances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import Results
from lcbench.rendering.plots import canvas
from lcbench.rendering.report.shift import space_words
from lcbench.rendering.words import data_words
from lcbench.runs.shift_records import ColourRecord, Range, ShiftRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRAINING, _EXTERNAL = canvas.BLUE, canvas.ORANGE
_SIZE = 3.1
_TOP, _BOTTOM, _LEFT, _GAP = 0.95, 0.9, 0.7, 1.75
_BELOW = (
    "left: a dot an image; right: a line from 5 to 95 % of the images, a bar for the half in the "
    "middle, a ring for the median"
)
_LEAST = 12.0
"""Least width of the colour plane that is drawn: noise of grey images is no cloud."""


def draw_shift(results: Results, folder: ExternalResult, path: Path) -> Path | None:
    """Draw a and b of both sides, and how far from the nearest training image they lie.

    Returns None where the two were not compared.
    """
    shift = folder.record.shift
    if shift is None or shift.training is None or shift.external is None:
        return None
    with canvas.style():
        figure = canvas.new_figure(_TOP + _SIZE + _BOTTOM)
        _draw_colours(
            canvas.axes_at(figure, _LEFT, _BOTTOM, _SIZE, _SIZE), shift.training, shift.external
        )
        if shift.spaces:
            left = _LEFT + _SIZE + _GAP
            right = canvas.axes_at(figure, left, _BOTTOM, canvas.WIDTH - left - 0.25, _SIZE)
            _draw_distances(right, shift)
        key = [
            (f"training images: {data_words(results)}", _TRAINING),
            (folder.record.name, _EXTERNAL),
        ]
        canvas.foot(figure, _BELOW)
        canvas.heading(figure, "Beside the training images", folder.record.name, key)
        return canvas.save(figure, path)


def _draw_colours(axes: Axes, training: ColourRecord, external: ColourRecord) -> None:
    sides = ((training, _TRAINING), (external, _EXTERNAL))
    for side, colour in sides:
        a, b = zip(*side.cloud, strict=True)
        axes.plot(a, b, "o", color=colour, markersize=3, alpha=0.45, markeredgewidth=0)
    for side, colour in sides:
        axes.plot(
            side.mean[1], side.mean[2], "D", color=colour, markersize=7, markeredgecolor="white"
        )
    points = [point for side, _ in sides for point in side.cloud]
    centre = [(min(axis) + max(axis)) / 2 for axis in zip(*points, strict=True)]
    widest = max(max(axis) - min(axis) for axis in zip(*points, strict=True))
    half = 0.56 * max(widest, _LEAST)
    axes.set(
        xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] - half, centre[1] + half),
        xlabel="a: green to red", ylabel="b: blue to yellow",
    )  # fmt: skip
    canvas.lines_behind(axes)
    canvas.name_panel(axes, "Mean colour of each image, CIE Lab")


def _draw_distances(axes: Axes, shift: ShiftRecord) -> None:
    """Draw quantiles of the distances over the limit of the training range, a row a space."""
    for number, space in enumerate(shift.spaces):
        for found, colour, offset in (
            (space.held_out, _TRAINING, -0.14), (space.external, _EXTERNAL, 0.14),
        ):  # fmt: skip
            _draw_range(axes, found, space.limit or 1.0, number + offset, colour)
    count = len(shift.spaces)
    axes.axvline(1, color=canvas.FAINT, linewidth=1)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks(range(count), [space_words(space) for space in shift.spaces])
    for text in axes.get_yticklabels():
        text.set_fontsize(8.5)
        canvas.fit(text, _GAP - 0.3)
    axes.set_yticks(range(count), [text.get_text() for text in axes.get_yticklabels()])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(left=0)
    axes.set_xlabel("distance; at 1, 99 % of held-out training images are nearer")
    canvas.fit(axes.xaxis.label, axes.get_position().width * canvas.WIDTH + 0.3)
    canvas.lines_behind(axes, "x")
    canvas.name_panel(axes, "Distance to the nearest training image")


def _draw_range(axes: Axes, found: Range, limit: float, y: float, colour: str) -> None:
    low, quarter, median, more, high = (one / limit for one in found)
    axes.plot((low, high), (y, y), color=colour, linewidth=1.4, solid_capstyle="butt")
    axes.plot((quarter, more), (y, y), color=colour, linewidth=5, solid_capstyle="butt")
    axes.plot(median, y, "o", color="white", markersize=4, markeredgecolor=colour)
