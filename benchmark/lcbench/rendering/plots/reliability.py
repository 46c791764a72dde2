"""Reliability curves as small multiples: how often the baselines are right, how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.analysis.results import Results
from lcbench.analysis.scores import ModelComparison, ReliabilityBin
from lcbench.rendering.plots import canvas
from lcbench.rendering.words import (
    GROUPS_UNKNOWN,
    baseline_title,
    data_words,
    protocol_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_COLUMN_GAP = 0.62
_TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
_LEAST, _MOST = 0.0005, 0.9999
Curve = Sequence[ReliabilityBin]


def draw_reliability(
    results: Results,
    path: Path,
    comparisons: Mapping[str, ModelComparison] | None = None,
    title: str = "Reliability",
) -> Path | None:
    """Draw the share of right answers by mean confidence, a panel a baseline, without the floor.

    Both axes are logits, as most confidences are close to 1. Returns None where no baseline has
    probabilities.

    Parameters
    ----------
    results
        Baselines, their order and colours.
    path
        Where the picture goes.
    comparisons
        The models by protocol; by default those on the suite's own images.
    title
        What the picture is called.
    """
    if comparisons is None:
        comparisons = {one.protocol: one.comparison for one in results.protocols}
    panels = {
        one.baseline: curves
        for one in results.baselines
        if one.baseline not in results.roles.floor
        and (curves := _curves(comparisons, one.baseline))
    }
    if not panels:
        return None
    limits = _limits([curve for curves in panels.values() for curve in curves.values()])
    columns = min(_COLUMNS, max(2, len(panels)))
    size = canvas.panel_width(_COLUMNS, 0.85, _COLUMN_GAP)
    with canvas.style():
        figure, places = canvas.small_multiples(
            len(panels), columns, size,
            top=1.0, bottom=0.78, left=0.85, gap=0.68, column_gap=_COLUMN_GAP,
        )  # fmt: skip
        for number, (axes, (name, curves)) in enumerate(zip(places, panels.items(), strict=True)):
            canvas.name_panel(axes, baseline_title(results, name), bold=name == results.reference)
            _fit_axes(axes, limits)
            for protocol, curve in curves.items():
                _draw_curve(axes, curve, canvas.protocol_colour(results, protocol))
            if number % columns == 0:
                axes.set_ylabel("right, %")
            if number + columns >= len(places):
                axes.set_xlabel("confidence, %")
        shown = {protocol for curves in panels.values() for protocol in curves}
        key = [
            (protocol_title(one.protocol), canvas.protocol_colour(results, one.protocol))
            for one in results.protocols
            if one.protocol in shown
        ]
        data = data_words(results)
        canvas.heading(figure, title, data, key, "below the line: too sure")
        canvas.foot(figure, _below(comparisons))
        return canvas.save(figure, path)


def _below(comparisons: Mapping[str, ModelComparison]) -> str:
    known = all(one.groups_known for one in comparisons.values())
    unknown = "" if known else f"; {GROUPS_UNKNOWN}"
    return (
        "dots: bins of about as many images each, bars: 95 % intervals; what is above "
        f"{100 * _MOST:g} %, such as no error at all, is drawn there{unknown}"
    )


def _curves(comparisons: Mapping[str, ModelComparison], baseline: str) -> dict[str, Curve]:
    """Return the curves of a baseline by protocol."""
    found = {protocol: one.scores(baseline) for protocol, one in comparisons.items()}
    return {name: one.reliability for name, one in found.items() if one and one.reliability}


def _logit(share: float) -> float:
    cut = min(max(share, _LEAST), _MOST)
    return math.log(cut / (1 - cut))


def _limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the ends of both axes: every dot is inside, and long bars are cut."""
    dots = [
        share
        for curve in curves
        for one in curve
        for share in (one.confidence, one.right.value)
        if share is not None
    ]
    low, high = _logit(min(dots)), _logit(max(dots))
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def _fit_axes(axes: Axes, limits: tuple[float, float]) -> None:
    ticks = [share for share in _TICKS if limits[0] <= _logit(share) <= limits[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([_logit(share) for share in ticks], [f"{100 * one:g}" for one in ticks])
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.plot(limits, limits, color=canvas.FAINT, linewidth=0.8, zorder=1)
    canvas.lines_behind(axes)


def _draw_curve(axes: Axes, curve: Curve, colour: str) -> None:
    x = [_logit(one.confidence) for one in curve]
    y = [_logit(one.right.value or 0.0) for one in curve]
    low = [_logit(one.right.low or 0.0) for one in curve]
    high = [_logit(1.0 if one.right.high is None else one.right.high) for one in curve]
    axes.vlines(x, low, high, color=colour, linewidth=1.6, alpha=0.35)
    axes.plot(x, y, "o-", color=colour, linewidth=1.0, markersize=3.5, markeredgecolor="white",
              markeredgewidth=0.5, zorder=3)  # fmt: skip
