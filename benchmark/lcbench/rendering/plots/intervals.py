"""The interval plot: accuracy of each baseline under each protocol, with its interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.analysis.results import Results
from lcbench.rendering import formats
from lcbench.rendering.plots import canvas
from lcbench.rendering.words import (
    GROUPS_UNKNOWN,
    data_words,
    protocol_short,
    protocol_title,
    unknown_groups,
)
from lcbench.statistics.interval_model import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.42
_TOP = 0.92
_BOTTOM = 0.62
_LEFT = 2.1
_COLUMN = 1.08
Rows = dict[str, dict[str, Interval]]
"""Accuracies by baseline and protocol."""


def draw_intervals(results: Results, path: Path) -> Path:
    """Draw the interval plot: the baseline that is best under the strictest protocol on top."""
    from matplotlib.ticker import MaxNLocator

    rows = accuracy_rows(results)
    height = _ROW * len(rows)
    with canvas.style():
        figure = canvas.new_figure(_TOP + height + _BOTTOM)
        right = _COLUMN * len(results.protocols) + 0.2
        axes = canvas.axes_at(figure, _LEFT, _BOTTOM, canvas.WIDTH - _LEFT - right, height)
        axes.set_xlim(*_limits(rows, results.roles.floor))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        _draw_rows(axes, rows, results)
        canvas.name_rows(axes, results, list(rows), _LEFT - 0.2)
        _write_numbers(axes, rows, results)
        unknown = f" ({GROUPS_UNKNOWN})" if unknown_groups(results) else ""
        canvas.fit(axes.set_xlabel(f"accuracy, %{unknown}"), canvas.WIDTH - _LEFT)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter("{x:g}")
        canvas.lines_behind(axes, "x")
        key = [
            (protocol_title(one.protocol), canvas.protocol_colour(results, one.protocol))
            for one in results.protocols
        ]
        canvas.heading(figure, "Accuracy with 95 % intervals", data_words(results), key)
        return canvas.save(figure, path)


def accuracy_rows(results: Results) -> Rows:
    """Return each baseline's accuracies, sorted by the strictest protocol that was run."""
    found: Rows = {}
    for result in results.protocols:
        for scores in result.comparison.models:
            found.setdefault(scores.model, {})[result.protocol] = scores.accuracy
    strict = results.strictest.protocol

    def rank(name: str) -> tuple[bool, float]:
        estimate = found[name].get(strict)
        return estimate is None, -((estimate.value if estimate else None) or 0.0)

    return {name: found[name] for name in sorted(found, key=rank)}


def _limits(rows: Rows, floor: tuple[str, ...]) -> tuple[float, float]:
    """Return the axis in per cent, without the floor where it would squeeze the rest."""
    ends = {name: _ends(estimates) for name, estimates in rows.items()}
    told = [both for name, both in ends.items() if name not in floor] or list(ends.values())
    start, end = min(low for low, _ in told), max(high for _, high in told)
    width = end - start
    near = [low for low, _ in ends.values() if low >= start - width]
    start, end = min(near), max(end, *(high for _, high in ends.values()))
    pad = max(0.06 * (end - start), 0.3)
    return max(start - pad, 0.0), min(end + pad, 100.0 + pad / 2)


def _ends(estimates: dict[str, Interval]) -> tuple[float, float]:
    known = [found for one in estimates.values() if (found := canvas.in_percent(one))]
    lows, highs = [low for _, low, _ in known], [high for _, _, high in known]
    return min(lows, default=0.0), max(highs, default=100.0)


def _draw_rows(axes: Axes, rows: Rows, results: Results) -> None:
    names = [one.protocol for one in results.protocols]
    for number, estimates in enumerate(rows.values()):
        for place, protocol in enumerate(names):
            found = canvas.in_percent(estimates[protocol]) if protocol in estimates else None
            if found:
                y = number + 0.3 * (place - (len(names) - 1) / 2)
                _draw_interval(axes, y, found, canvas.protocol_colour(results, protocol), place)


def _draw_interval(
    axes: Axes, y: float, found: tuple[float, float, float], colour: str, place: int
) -> None:
    value, low, high = found
    left = axes.get_xlim()[0]
    if value < left:
        axes.plot(left, y, marker=4, color=colour, markersize=7, clip_on=False)
        text = f"     {formats.share(value / 100)}, off the scale"
        axes.text(left, y, text, color=colour, size=8, va="center")
        return
    canvas.bar(axes, (low, high), y, colour, alpha=0.55)
    axes.plot(
        value, y, marker="Dos^v"[place % 5], color=colour, markersize=5.5, markeredgewidth=0,
        clip_on=False,
    )  # fmt: skip


def _write_numbers(axes: Axes, rows: Rows, results: Results) -> None:
    from matplotlib.transforms import blended_transform_factory

    width = axes.get_position().width * canvas.WIDTH
    place = blended_transform_factory(axes.transAxes, axes.transData)
    for column, result in enumerate(results.protocols, start=1):
        x = 1 + _COLUMN * column / width
        colour = canvas.protocol_colour(results, result.protocol)
        header = axes.text(
            x, -0.62, protocol_short(result.protocol), transform=place, color=colour, ha="right",
            va="bottom", weight="bold", size=9,
        )  # fmt: skip
        canvas.fit(header, _COLUMN - 0.08)
        for number, estimates in enumerate(rows.values()):
            estimate = estimates.get(result.protocol)
            value = estimate.value if estimate else None
            text = formats.share(value, unit=False, decimals=2)
            axes.text(x, number, text, transform=place, color=colour, ha="right", va="center")
