"""The picture of paired comparisons: subtype confusions minus the reference's, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.analysis.measures import Comparison
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering.findings import GROUPS_UNKNOWN, data_words, subtype_words
from lcbench.rendering.plots import canvas
from lcbench.statistics.events import Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.36
_TITLE = 0.3
_TOP = 0.7
_BOTTOM = 0.6
_LEFT = 2.1
_RIGHT = 1.75
_BAND = "#ececec"


def draw_differences(results: Results, path: Path) -> Path | None:
    """Draw the differences of every protocol, one panel each; None without comparisons."""
    panels = {
        result.protocol: found
        for result in results.protocols
        if (found := result.comparisons_on(Event.subtype_confusion))
    }
    if not panels:
        return None
    rows = sum(len(found) for found in panels.values())
    height = _TOP + len(panels) * _TITLE + _ROW * rows + _BOTTOM
    limit = _limit([one for found in panels.values() for one in found])
    with canvas.style():
        figure = canvas.new_figure(height)
        top = height - _TOP
        for number, (protocol, found) in enumerate(panels.items()):
            size = _ROW * len(found)
            bottom = top - _TITLE - size
            axes = figure.add_axes(
                (
                    _LEFT / canvas.WIDTH,
                    bottom / height,
                    (canvas.WIDTH - _LEFT - _RIGHT) / canvas.WIDTH,
                    size / height,
                )
            )
            _draw_panel(axes, protocol, found, results, limit)
            last = number == len(panels) - 1
            axes.tick_params(axis="x", labelbottom=last, length=3 if last else 0)
            if last:
                axes.set_xlabel(_axis(results))
            top = bottom
        canvas.heading(
            figure,
            f"Subtype confusions minus those of {results.reference}",
            data_words(results),
            note="left of 0: fewer confusions; grey: below the smallest difference that could have "
            "been shown",
        )
        return canvas.save(figure, path)


def _axis(results: Results) -> str:
    known = all(result.groups_known for result in results.protocols)
    unknown = "" if known else f" ({GROUPS_UNKNOWN})"
    return f"{subtype_words(results)} confusion rate, difference in points{unknown}"


def _limit(comparisons: list[Comparison]) -> float:
    """Return the end of the axis, without the widest where it would squeeze the rest."""
    ends = sorted(_reach(one) for one in comparisons)
    largest = ends[-1]
    near = [end for end in ends if end <= 4 * ends[len(ends) // 2]]
    return 1.12 * max(near or [largest])


def _reach(one: Comparison) -> float:
    parts = (one.difference.low, one.difference.high)
    return max([100 * one.detectable, *(abs(100 * part) for part in parts if part is not None)])


def _draw_panel(
    axes: Axes,
    protocol: str,
    comparisons: tuple[Comparison, ...],
    results: Results,
    limit: float,
) -> None:
    axes.set_xlim(-limit, limit)
    axes.set_ylim(len(comparisons) - 0.5, -0.5)
    canvas.name_panel(axes, f"{protocol} protocol", bold=True)
    axes.axvline(0, color=canvas.FAINT, linewidth=0.8)
    for number, one in enumerate(comparisons):
        _draw_row(axes, number, one, limit)
    axes.set_yticks(range(len(comparisons)), [results.title(one.baseline) for one in comparisons])
    for label in axes.get_yticklabels():
        canvas.fit(label, _LEFT - 0.2)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_row(axes: Axes, number: int, one: Comparison, limit: float) -> None:
    from matplotlib.transforms import blended_transform_factory

    value, low, high = (
        100 * (part or 0.0)
        for part in (one.difference.value, one.difference.low, one.difference.high)
    )
    shown = min(100 * one.detectable, limit)
    axes.barh(number, 2 * shown, left=-shown, height=0.72, color=_BAND, zorder=0)
    if abs(value) > limit:
        side = 1 if value > 0 else -1
        marker = 5 if value > 0 else 4
        axes.plot(side * limit, number, marker=marker, color=canvas.INK, clip_on=False)
    else:
        ends = [max(low, -limit), min(high, limit)]
        axes.plot(ends, [number, number], color=canvas.BLUE, linewidth=2.6, solid_capstyle="butt")
        axes.plot(value, number, "o", color=canvas.BLUE, markersize=5.5, markeredgewidth=0)
    place = blended_transform_factory(axes.transAxes, axes.transData)
    text = axes.text(
        1.02, number, wording.points_interval(one.difference), transform=place, va="center", size=9
    )
    canvas.fit(text, _RIGHT - 0.2)
