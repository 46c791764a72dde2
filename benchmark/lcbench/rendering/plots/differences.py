"""The picture of paired comparisons: the headline confusions minus the reference's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.scores import EventComparison
from lcbench.rendering import formats
from lcbench.rendering.plots import canvas
from lcbench.rendering.words import (
    GROUPS_UNKNOWN,
    data_words,
    event_words,
    headline_event,
    node_words,
    protocol_title,
    unknown_groups,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.36
_TITLE = 0.36
_TOP = 0.7
_BOTTOM = 0.75
_LEFT = 2.1
_RIGHT = 1.75
_BAND = "#ececec"
_FEW = 3
Rows = dict[str, EventComparison]
"""Comparisons with the reference, by baseline."""


def draw_differences(results: Results, path: Path) -> Path | None:
    """Draw the differences of every protocol, one panel each; None without comparisons.

    Floor baselines are left out: one that answers the same always confuses nothing, for nothing.
    """
    found = {one.protocol: _rows(results, one) for one in results.protocols}
    panels = {protocol: rows for protocol, rows in found.items() if rows}
    if not panels:
        return None
    limits = _limits([one for rows in panels.values() for one in rows.values()])
    size = sum(_TITLE + _ROW * len(rows) for rows in panels.values())
    with canvas.style():
        figure = canvas.new_figure(_TOP + size + _BOTTOM)
        bottom = _BOTTOM + size
        for protocol, rows in panels.items():
            tall = _ROW * len(rows)
            bottom -= _TITLE + tall
            axes = canvas.axes_at(figure, _LEFT, bottom, canvas.WIDTH - _LEFT - _RIGHT, tall)
            axes.set(xlim=limits, ylim=(len(rows) - 0.5, -0.5))
            _draw_panel(axes, protocol, rows, results)
        axes.tick_params(axis="x", labelbottom=True, length=3)
        canvas.fit(axes.set_xlabel(_axis(results)), canvas.WIDTH - _RIGHT)
        canvas.heading(
            figure,
            f"{_title(results)} minus those of {results.reference}",
            _data(results),
            note="left of 0: fewer; grey: smaller than what had a chance of 80 % to be shown",
        )
        return canvas.save(figure, path)


def _rows(results: Results, result: ProtocolResult) -> Rows:
    event = headline_event(results)
    return {
        pair.b: compared
        for pair in result.comparison.pairs
        if pair.a == results.reference
        and pair.b not in results.roles.floor
        and (compared := pair.on(*event))
    }


def _title(results: Results) -> str:
    return "Errors" if headline_event(results)[0] == "any_error" else "Confusions"


def _axis(results: Results) -> str:
    kind, node = headline_event(results)
    options = results.tree.children(node)
    what = f"confusions among the {len(options)} kinds of {node_words(node)}"
    if kind == "any_error" or len(options) <= _FEW:
        what = event_words(results.tree, kind, node)
    unknown = f"\n({GROUPS_UNKNOWN})" if unknown_groups(results) else ""
    return f"{what}, difference in points{unknown}"


def _data(results: Results) -> str:
    """Return the data's name and the baselines that are left out."""
    compared = {pair.b for one in results.protocols for pair in one.comparison.pairs}
    out = [name for name in results.roles.floor if name in compared]
    return data_words(results) + (f", without {formats.listing(out)}" if out else "")


def _limits(comparisons: list[EventComparison]) -> tuple[float, float]:
    """Return the axis in points: 0 and every interval but those that would squeeze the rest."""
    found = [one for two in comparisons if (one := canvas.in_percent(two.difference))]
    reach = sorted(max(abs(low), abs(high)) for _, low, high in found) or [1.0]
    widest = 4 * reach[len(reach) // 2]
    near = [one[1:] for one in found if max(map(abs, one[1:])) <= widest]
    start = min((0.0, *(low for low, _ in near)))
    end = max((0.0, *(high for _, high in near)))
    pad = 0.08 * (end - start) or 1.0
    return start - pad, end + pad


def _draw_panel(axes: Axes, protocol: str, rows: Rows, results: Results) -> None:
    axes.set_title(protocol_title(protocol), loc="left", pad=5, weight="bold")
    axes.axvline(0, color=canvas.FAINT, linewidth=0.8)
    for number, one in enumerate(rows.values()):
        _draw_row(axes, number, one)
    canvas.name_rows(axes, results, list(rows), _LEFT - 0.2)
    axes.tick_params(axis="x", labelbottom=False, length=0)


def _draw_row(axes: Axes, number: int, one: EventComparison) -> None:
    from matplotlib.transforms import blended_transform_factory

    start, end = axes.get_xlim()
    shown = 100 * one.detectable
    axes.barh(number, 2 * shown, left=-shown, height=0.72, color=_BAND, zorder=0)
    found = canvas.in_percent(one.difference)
    if found and not start <= found[0] <= end:
        place, marker = (end, 5) if found[0] > end else (start, 4)
        axes.plot(place, number, marker=marker, color=canvas.INK, clip_on=False)
    elif found:
        canvas.bar(axes, found[1:], number, canvas.BLUE)
        axes.plot(found[0], number, "o", color=canvas.BLUE, markersize=5.5, markeredgewidth=0)
    axes.set_xlim(start, end)
    across = blended_transform_factory(axes.transAxes, axes.transData)
    words = formats.points_interval(one.difference, decimals=2)
    canvas.fit(axes.text(1.02, number, words, transform=across, va="center", size=9), _RIGHT - 0.2)
