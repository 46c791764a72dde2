"""The interval plot: accuracy of each baseline under each protocol, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.analysis.measures import Estimate
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering.findings import GROUPS_UNKNOWN, data_words
from lcbench.rendering.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.42
_TOP = 0.92
_BOTTOM = 0.62
_LEFT = 2.1
_COLUMN = 0.78
_COLOURS = {"paper": canvas.ORANGE, "grouped": canvas.BLUE}
_MARKERS = {"paper": "D", "grouped": "o"}
_MEANINGS = {
    "paper": "paper: random split of images",
    "grouped": "grouped: no source group on two sides",
}
Rows = list[tuple[str, dict[str, Estimate]]]


def draw_intervals(results: Results, path: Path) -> Path:
    """Draw the interval plot, best baseline at the top."""
    from matplotlib.ticker import MaxNLocator

    protocols = [result.protocol for result in results.protocols]
    rows = _rows(results)
    height = _TOP + _ROW * len(rows) + _BOTTOM
    with canvas.style():
        figure = canvas.new_figure(height)
        right = _COLUMN * len(protocols) + 0.2
        axes = figure.add_axes(
            (
                _LEFT / canvas.WIDTH,
                _BOTTOM / height,
                (canvas.WIDTH - _LEFT - right) / canvas.WIDTH,
                _ROW * len(rows) / height,
            )
        )
        left, end = _limits(rows)
        axes.set_xlim(left, end)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        for number, (_, estimates) in enumerate(rows):
            _draw_row(axes, number, estimates, protocols, left)
        _name_rows(axes, rows, results)
        _write_numbers(axes, rows, protocols)
        axes.set_xlabel("accuracy, %" + _warning(results))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.grid(axis="x", color=canvas.GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        key = [(_MEANINGS.get(name, name), _colour(name, protocols)) for name in protocols]
        canvas.heading(figure, "Accuracy with 95 % intervals", data_words(results), key)
        return canvas.save(figure, path)


def _warning(results: Results) -> str:
    known = all(result.groups_known for result in results.protocols)
    return "" if known else f" ({GROUPS_UNKNOWN})"


def _rows(results: Results) -> Rows:
    """Return each baseline's accuracies, sorted by the strictest protocol that it has."""
    found: dict[str, dict[str, Estimate]] = {}
    for result in results.protocols:
        for scores in result.baselines:
            found.setdefault(scores.baseline, {})[result.protocol] = scores.metrics.accuracy
    strict = max(
        (result.protocol for result in results.protocols), key=lambda name: name == "grouped"
    )

    def rank(row: tuple[str, dict[str, Estimate]]) -> tuple[bool, float]:
        estimate = row[1].get(strict)
        return estimate is None, -((estimate.value if estimate else None) or 0.0)

    return sorted(found.items(), key=rank)


def _limits(rows: Rows) -> tuple[float, float]:
    """Return the axis, without the weakest baseline where it would squeeze the rest."""
    lows = [min(_low(one) for one in estimates.values()) for _, estimates in rows]
    highs = [max(_high(one) for one in estimates.values()) for _, estimates in rows]
    weakest = lows.index(min(lows))
    others = [low for number, low in enumerate(lows) if number != weakest]
    start, end = min(lows), max(highs)
    if others and start < min(others) - (end - min(others)):
        start = min(others)
    pad = max(0.06 * (end - start), 0.3)
    return max(start - pad, 0.0), min(end + pad, 100.0 + pad / 2)


def _draw_row(
    axes: Axes, number: int, estimates: dict[str, Estimate], protocols: Sequence[str], left: float
) -> None:
    for place, protocol in enumerate(protocols):
        estimate = estimates.get(protocol)
        if estimate is None or estimate.value is None:
            continue
        y = number + 0.3 * (place - (len(protocols) - 1) / 2)
        colour = _colour(protocol, protocols)
        value = 100 * estimate.value
        if value < left:
            axes.plot(left, y, marker=4, color=colour, markersize=7, clip_on=False)
            text = f"     {wording.share(estimate.value)}, off the scale"
            axes.text(left, y, text, color=colour, size=8, va="center")
            continue
        axes.plot(
            [_low(estimate), _high(estimate)], [y, y], color=colour, linewidth=2.6, alpha=0.55,
            solid_capstyle="butt",
        )  # fmt: skip
        axes.plot(
            value, y, marker=_MARKERS.get(protocol, "o"), color=colour, markersize=5.5,
            markeredgewidth=0, clip_on=False,
        )  # fmt: skip


def _name_rows(axes: Axes, rows: Rows, results: Results) -> None:
    names = [results.title(name).replace(" (", "\n(") for name, _ in rows]
    axes.set_yticks(range(len(rows)), names)
    for label, (name, _) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontsize(8.5 if "\n" in label.get_text() else 10)
        if name == results.reference:
            label.set_fontweight("bold")
        canvas.fit(label, _LEFT - 0.2)


def _write_numbers(axes: Axes, rows: Rows, protocols: Sequence[str]) -> None:
    from matplotlib.transforms import blended_transform_factory

    width = axes.get_position().width * canvas.WIDTH
    place = blended_transform_factory(axes.transAxes, axes.transData)
    for column, protocol in enumerate(protocols):
        x = 1 + (_COLUMN * (column + 1)) / width
        colour = _colour(protocol, protocols)
        axes.text(
            x, -0.62, protocol, transform=place, color=colour, ha="right", va="bottom",
            weight="bold", size=9,
        )  # fmt: skip
        for number, (_, estimates) in enumerate(rows):
            estimate = estimates.get(protocol)
            text = wording.share(estimate.value, unit=False) if estimate else wording.NONE
            axes.text(x, number, text, transform=place, color=colour, ha="right", va="center")


def _colour(protocol: str, protocols: Sequence[str]) -> str:
    spare = ("#009E73", "#CC79A7", "#56B4E9")
    return _COLOURS.get(protocol) or spare[protocols.index(protocol) % len(spare)]


def _low(estimate: Estimate) -> float:
    return 100 * (estimate.low if estimate.low is not None else estimate.value or 0.0)


def _high(estimate: Estimate) -> float:
    return 100 * (estimate.high if estimate.high is not None else estimate.value or 0.0)
