"""Accuracy against cost: what each baseline reaches, and what it computes for an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lcbench.analysis.results import Results
from lcbench.rendering.plots import canvas
from lcbench.rendering.words import baseline_title, data_words, protocol_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEWEST = 3
"""Different costs from which a picture shows more than the table."""
_LEFT, _BOTTOM, _TOP, _NAMES = 0.8, 0.62, 0.72, 2.5
_ROW = 0.21
_LOWEST = 3.2


class _Point(NamedTuple):
    """A baseline in the picture."""

    name: str
    gmacs: float
    accuracy: tuple[float, float, float]
    """Value, low and high, in per cent."""


def draw_cost(results: Results, path: Path) -> Path | None:
    """Draw accuracy under the strictest protocol over multiply-accumulates an image.

    Names stand in a column beside the picture, in the order of the accuracies, each with a line to
    its point, so that they are readable however close the points lie. None where fewer than three
    costs are there to compare.
    """
    points = _points(results)
    if len({point.gmacs for point in points}) < _FEWEST:
        return None
    height = max(_LOWEST, _ROW * len(points))
    with canvas.style():
        figure = canvas.new_figure(_TOP + height + _BOTTOM)
        width = canvas.WIDTH - _LEFT - _NAMES - 0.1
        axes = canvas.axes_at(figure, _LEFT, _BOTTOM, width, height)
        _draw_points(axes, points)
        _write_names(axes, points, results)
        axes.set_xlabel("billions of multiply-accumulates an image (logarithmic)")
        axes.set_ylabel("accuracy, %")
        canvas.lines_behind(axes)
        key = [(protocol_title(results.strictest.protocol), canvas.BLUE)]
        note = "bars: 95 % intervals; an ensemble costs the sum of its members"
        canvas.heading(figure, "Accuracy against cost", data_words(results), key, note)
        return canvas.save(figure, path)


def _points(results: Results) -> list[_Point]:
    """Return the baselines with a network, the most accurate one first."""
    costs = {one.baseline: one.gmacs for one in reversed(results.efficiency)}
    found = []
    for scores in results.strictest.comparison.models:
        gmacs, accuracy = costs.get(scores.model), canvas.in_percent(scores.accuracy)
        if gmacs and accuracy:
            found.append(_Point(scores.model, gmacs, accuracy))
    return sorted(found, key=lambda point: (-point.accuracy[0], point.gmacs, point.name))


def _draw_points(axes: Axes, points: list[_Point]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    for point in points:
        value, low, high = point.accuracy
        axes.plot((point.gmacs, point.gmacs), (low, high), color=canvas.BLUE, alpha=0.3, lw=1.6)
        axes.plot(point.gmacs, value, marker="o", color=canvas.BLUE, markersize=5)
    lows, highs = [one.accuracy[1] for one in points], [one.accuracy[2] for one in points]
    pad = max(0.05 * (max(highs) - min(lows)), 0.2)
    axes.set_ylim(max(min(lows) - pad, 0.0), min(max(highs) + pad, 100.0 + pad))
    axes.set_xlim(min(one.gmacs for one in points) / 1.3, max(one.gmacs for one in points) * 1.3)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _write_names(axes: Axes, points: list[_Point], results: Results) -> None:
    for place, point in enumerate(points):
        y = 1 - (place + 0.5) / len(points)
        weight = "bold" if point.name == results.reference else "normal"
        name = baseline_title(results, point.name)
        text = axes.text(
            1.06, y, name, transform=axes.transAxes, va="center", size=8.5, weight=weight
        )
        axes.annotate(
            "",
            xy=(point.gmacs, point.accuracy[0]),
            xytext=(1.05, y),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": canvas.FAINT, "lw": 0.5, "shrinkB": 3},
        )
        canvas.fit(text, _NAMES - 0.35)
