"""The picture of external folders: how far above the majority rate each model is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lcbench.analysis.external_results import ExternalLevel, ExternalResult, ExternalScore
from lcbench.analysis.results import Results
from lcbench.rendering import formats
from lcbench.rendering.plots import canvas
from lcbench.rendering.report.external import broadest, classes_words, plural_of, unit_words
from lcbench.rendering.words import GROUPS_UNKNOWN, data_words, protocol_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.36
_TITLE = 0.38
_TOP = 0.62
_BOTTOM = 0.75
_LEFT = 2.1
_RIGHT = 0.2
Panels = list[tuple[ExternalResult, ExternalLevel, dict[str, list[ExternalScore]]]]
"""Folders with the level to draw, and its scores by baseline."""


def draw_external(results: Results, path: Path) -> Path | None:
    """Draw the differences from the majority rate, one panel a folder; None without any.

    The limits are those of the tables: for the way of training and for all models of a folder.
    """
    panels = _panels(results)
    if not panels:
        return None
    limits = _limits([score for *_, rows in panels for of in rows.values() for score in of])
    size = sum(_TITLE + _ROW * len(rows) for *_, rows in panels)
    with canvas.style():
        figure = canvas.new_figure(_TOP + size + _BOTTOM)
        bottom = _BOTTOM + size
        for folder, level, rows in panels:
            tall = _ROW * len(rows)
            bottom -= _TITLE + tall
            axes = canvas.axes_at(figure, _LEFT, bottom, canvas.WIDTH - _LEFT - _RIGHT, tall)
            axes.set(xlim=limits, ylim=(len(rows) - 0.5, -0.5))
            _draw_panel(axes, results, rows)
            canvas.name_panel(axes, _title(folder, level))
        axes.tick_params(axis="x", labelbottom=True, length=3)
        unknown = any(not folder.groups_known for folder, *_ in panels)
        axis = "accuracy minus the majority rate, points"
        axes.set_xlabel(f"{axis}\n({GROUPS_UNKNOWN})" if unknown else axis)
        canvas.fit(axes.xaxis.label, canvas.WIDTH - _LEFT)
        key = [
            (protocol_title(one.protocol), canvas.protocol_colour(results, one.protocol))
            for one in results.protocols
        ]
        canvas.heading(figure, "External folders", data_words(results), key)
        return canvas.save(figure, path)


def _panels(results: Results) -> Panels:
    """Return the level of each folder that most labels fix, the floor left out beside others."""
    found: Panels = []
    for folder in results.external:
        level = broadest(folder)
        if level is None:
            continue
        models = [one for one in level.scores if one.baseline not in results.roles.floor]
        rows: dict[str, list[ExternalScore]] = {}
        for score in models or level.scores:
            rows.setdefault(score.baseline, []).append(score)
        found.append((folder, level, rows))
    return found


def _title(folder: ExternalResult, level: ExternalLevel) -> str:
    unit = unit_words(folder)
    groups = max(score.accuracy.groups for score in level.scores)
    return (
        f"{folder.record.name}: {classes_words(level.classes)}, "
        f"{formats.plural(level.images, 'image')}, "
        f"{formats.plural(groups, unit, plural_of(unit))}, "
        f"majority {formats.share(level.majority_rate)}"
    )


def _drawn(score: ExternalScore) -> tuple[float, float, float] | None:
    judged = formats.of_training(score.simultaneous) or score.simultaneous
    return canvas.in_percent(judged)


def _limits(scores: list[ExternalScore]) -> tuple[float, float]:
    known = [found for one in scores if (found := _drawn(one))]
    low = min((one[1] for one in known), default=0.0)
    high = max((one[2] for one in known), default=0.0)
    pad = max(0.06 * (high - low), 0.5)
    return min(low, 0.0) - pad, max(high, 0.0) + pad


def _draw_panel(axes: Axes, results: Results, rows: dict[str, list[ExternalScore]]) -> None:
    axes.axvline(0, color=canvas.FAINT, linewidth=1)
    protocols = [one.protocol for one in results.protocols]
    for number, scores in enumerate(rows.values()):
        for score in scores:
            found = _drawn(score)
            if found is None:
                continue
            place = protocols.index(score.protocol) if score.protocol in protocols else 0
            y = number + 0.3 * (place - (len(protocols) - 1) / 2)
            colour = canvas.protocol_colour(results, score.protocol)
            canvas.bar(axes, found[1:], y, colour, alpha=0.55)
            axes.plot(
                found[0], y, marker="Dos^v"[place % 5], color=colour, markersize=5.5,
                markeredgewidth=0,
            )  # fmt: skip
    canvas.name_rows(axes, results, list(rows), _LEFT - 0.2)
    axes.tick_params(axis="x", labelbottom=False, length=0)
    canvas.lines_behind(axes, "x")
