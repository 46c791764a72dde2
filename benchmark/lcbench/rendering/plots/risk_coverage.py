"""Risk-coverage curves of the main baselines, a panel for each protocol and level of the tree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcbench.analysis.results import Results
from lcbench.analysis.selective_scores import SelectiveLevel, SelectiveResult, SelectiveScores
from lcbench.rendering.plots import canvas
from lcbench.rendering.report.selective import level_words
from lcbench.rendering.words import (
    GROUPS_UNKNOWN,
    baseline_title,
    capital,
    data_words,
    protocol_short,
    unknown_groups,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 4
"""Baselines beside the reference: the smallest areas."""
_KEY_WIDTH = 2.1
"""Inches for a name in the key, of which three stand in a row."""
_LOOKS: tuple[tuple[str, Any], ...] = (
    (canvas.INK, "-"),
    (canvas.BLUE, (0, (6, 2))),
    (canvas.ORANGE, (0, (2, 1.5))),
    ("#009E73", (0, (6, 2, 1.5, 2))),
    ("#CC79A7", (0, (1, 2.5))),
)
"""A colour and a pattern of the line, which tells curves apart in grey."""
_LEAST = 0.015
"""The least range of risks: a panel without errors has one too."""


def draw_risk_coverage(results: Results, path: Path) -> Path | None:
    """Draw risk by coverage, with a mark where the thresholds came out on test images.

    Returns None where no protocol has curves.
    """
    parts = [(one.protocol, one.selective) for one in results.protocols if one.selective]
    levels = sorted({level.level for _, part in parts for level in part.levels}, reverse=True)
    names = _main(results)
    if not levels or not names:
        return None
    columns = _columns(len(levels))
    gaps = -len(levels) % columns
    with canvas.style():
        figure, places = canvas.small_multiples(
            len(parts) * (len(levels) + gaps), columns, 2.1,
            top=1.28, bottom=0.95, left=0.85, gap=0.8, column_gap=0.62,
        )  # fmt: skip
        cells = product(parts, [*levels, *[None] * gaps])
        for axes, ((protocol, part), number) in zip(places, cells, strict=True):
            level = next((one for one in part.levels if one.level == number), None)
            if level is None:
                axes.set_visible(False)
                continue
            title = f"{capital(protocol_short(protocol))}:\n{level_words(results.tree, level)}"
            canvas.name_panel(axes, title)
            _draw_panel(axes, names, level, part)
        canvas.heading(figure, "Risk and coverage", data_words(results))
        _draw_key(figure, results, names)
        canvas.foot(figure, _below(results))
        return canvas.save(figure, path)


def _columns(levels: int) -> int:
    """Return how many panels stand side by side: no title fits above more than three."""
    return 3 if levels > 2 and levels % 3 != 1 else 2


def _main(results: Results) -> list[str]:
    """Return the reference, and the best others that are neither floor nor shortcut."""
    part = results.strictest.selective
    if part is None or not part.levels:
        return []
    areas = {
        one.model: one.area.value
        for one in part.levels[-1].models
        if one.model not in results.roles.aside and one.area.value is not None
    }
    others = sorted((one for one in areas if one != results.reference), key=lambda one: areas[one])
    first = [results.reference] if results.reference in areas else []
    return [*first, *others[:_SHOWN]]


def _draw_panel(
    axes: Axes, names: Sequence[str], level: SelectiveLevel, part: SelectiveResult
) -> None:
    from matplotlib.ticker import MaxNLocator

    coverages = [100 * coverage for coverage in part.coverages]
    shown = {name: found for name in names if (found := level.scores(name)) is not None}
    for target in part.targets:
        axes.axhline(100 * target, color=canvas.FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
    for name, (colour, pattern) in zip(names, _LOOKS, strict=False):
        if name in shown:
            risks = [100 * risk for risk in shown[name].curve]
            width = 1.9 if name == names[0] else 1.4
            axes.plot(coverages, risks, color=colour, linestyle=pattern, linewidth=width)
            _draw_points(axes, shown[name], colour)
    canvas.lines_behind(axes)
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 107 * max([_LEAST, *(_highest(one) for one in shown.values())]))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("answered, %")
    axes.set_ylabel("wrong, %")


def _highest(scores: SelectiveScores) -> float:
    return max([*scores.curve, *(point.risk.value or 0.0 for point in scores.points)])


def _draw_points(axes: Axes, scores: SelectiveScores, colour: str) -> None:
    for point, marker in zip(scores.points, ("o", "s", "D", "^"), strict=False):
        if point.coverage.value is not None and point.risk.value is not None:
            axes.plot(
                100 * point.coverage.value, 100 * point.risk.value, marker,
                color=colour, markersize=6, markeredgecolor="white", zorder=3, clip_on=False,
            )  # fmt: skip


def _draw_key(figure: Any, results: Results, names: Sequence[str]) -> None:  # noqa: ANN401 - matplotlib is lazy
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linestyle=pattern, label=baseline_title(results, name))
        for name, (colour, pattern) in zip(names, _LOOKS, strict=False)
    ]
    legend = figure.legend(
        handles=handles, loc="upper left", ncols=3, frameon=False, handlelength=3.2, fontsize=8.5,
        bbox_to_anchor=(0.012, 1 - 0.42 / figure.get_figheight()), borderaxespad=0.0, borderpad=0.0,
    )  # fmt: skip
    for text in legend.get_texts():
        canvas.fit(text, _KEY_WIDTH)


def _below(results: Results) -> str:
    targets = next(one.selective.targets for one in results.protocols if one.selective)
    words = " and ".join(f"{100 * target:g} %" for target in targets)
    unknown = f"; {GROUPS_UNKNOWN}" if unknown_groups(results) else ""
    return (
        f"circle and square: where the thresholds for {words} came out on test images; dotted: "
        f"these risks{unknown}"
    )
