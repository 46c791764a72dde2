"""The picture of all reports: the reference's accuracy under both protocols."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.rendering.plots import canvas
from lcbench.site.published import PublishedReport
from lcbench.statistics.interval_model import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.42
_TOP = 0.75
_BOTTOM = 0.5
_LEFT = 2.4
_BESIDE = 0.13
"""How far the two protocols stand from the middle of a row."""


def draw_accuracies(reports: Sequence[PublishedReport], path: Path) -> Path | None:
    """Draw a row for each report whose reference has an accuracy; None where none has one."""
    shown = [one for one in reports if _value(one.flattering) or _value(one.leakage_free)]
    if not shown:
        return None
    height = _ROW * len(shown)
    with canvas.style():
        figure = canvas.new_figure(_TOP + height + _BOTTOM)
        axes = canvas.axes_at(figure, _LEFT, _BOTTOM, canvas.WIDTH - _LEFT - 0.2, height)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        for row, report in enumerate(shown):
            _draw(axes, row - _BESIDE, report.flattering, canvas.ORANGE, "D")
            _draw(axes, row + _BESIDE, report.leakage_free, canvas.BLUE, "o")
        _name_rows(axes, [one.name for one in shown])
        axes.set_xlabel("accuracy of the suite's reference, %")
        axes.xaxis.set_major_formatter("{x:g}")
        canvas.lines_behind(axes, "x")
        key = [("flattering protocol", canvas.ORANGE), ("leakage-free protocol", canvas.BLUE)]
        canvas.heading(figure, "Accuracy with 95 % intervals", "", key)
        return canvas.save(figure, path)


def _value(estimate: Interval | None) -> bool:
    return estimate is not None and estimate.value is not None


def _draw(axes: Axes, y: float, estimate: Interval | None, colour: str, marker: str) -> None:
    if estimate is None or estimate.value is None:
        return
    limits = canvas.in_percent(estimate)
    if limits:
        canvas.bar(axes, limits[1:], y, colour, alpha=0.55)
    axes.plot(
        100 * estimate.value, y, marker=marker, color=colour, markersize=5.5, markeredgewidth=0,
        clip_on=False,
    )  # fmt: skip


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    for label in axes.get_yticklabels():
        canvas.fit(label, _LEFT - 0.2)
    axes.set_yticks(range(len(names)), [label.get_text() for label in axes.get_yticklabels()])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
