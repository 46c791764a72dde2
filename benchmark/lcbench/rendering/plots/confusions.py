"""Confusion matrices of all baselines of one protocol, as small multiples."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lcbench.analysis.measures import BaselineScores, ProtocolResult
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering.findings import data_words
from lcbench.rendering.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY = 5
_DARK = 0.4


def draw_confusions(results: Results, protocol: ProtocolResult, path: Path) -> Path:
    """Draw one matrix a baseline: row percentages, and mean counts for one seed below them."""
    names = [_label(leaf) for leaf in results.leaves]
    columns = _columns(len(names), len(protocol.baselines))
    left = 1.35
    panel = (canvas.WIDTH - left - 0.15 - (columns - 1) * 0.22) / columns
    with canvas.style():
        figure, panels = canvas.small_multiples(
            len(protocol.baselines), columns, panel, top=1.05, bottom=1.0, left=left, gap=0.48
        )
        for number, (axes, scores) in enumerate(zip(panels, protocol.baselines, strict=True)):
            _draw_matrix(axes, scores, names)
            _name(axes, results, scores.baseline)
            below = number + columns >= len(panels)
            axes.set_xticks(range(len(names)), names if below else [])
            for text in axes.get_xticklabels():
                text.set(rotation=35, ha="right", rotation_mode="anchor")
            axes.set_yticks(range(len(names)), names if number % columns == 0 else [])
        note = "rows: true class, % of its images; columns: predicted; below, mean count of a seed"
        title = f"Confusion matrices, {protocol.protocol} protocol"
        canvas.heading(figure, title, data_words(results), note=note)
        return canvas.save(figure, path)


def _name(axes: Axes, results: Results, baseline: str) -> None:
    canvas.name_panel(axes, results.title(baseline), bold=baseline == results.reference)


def _draw_matrix(axes: Axes, scores: BaselineScores, names: list[str]) -> None:
    counts = np.asarray(scores.confusion)
    shares = _row_shares(counts)
    # The square root lets rare confusions show beside the diagonal.
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, aspect="equal")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=8)
    axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    for (row, column), value in np.ndenumerate(shares):
        colour = "white" if value > _DARK else canvas.INK
        _write_cell(axes, row, column, float(value), float(counts[row, column]), colour, len(names))


def _write_cell(
    axes: Axes, row: int, column: int, value: float, count: float, colour: str, size: int
) -> None:
    large, small = (10, 7.5) if size <= 3 else (8, 6.5) if size <= _MANY else (7, 6)
    if count == 0:
        axes.text(column, row, "0", ha="center", va="center", color=canvas.FAINT, size=large)
        return
    text = wording.share(value, unit=False)
    axes.text(column, row - 0.12, text, ha="center", va="center", color=colour, size=large)
    below = wording.number(count, 0 if float(count).is_integer() else 1)
    axes.text(column, row + 0.24, below, ha="center", va="center", color=colour, size=small)


def _columns(classes: int, baselines: int) -> int:
    if classes > 2 * _MANY:
        return 1
    if classes > _MANY:
        return 2
    return 4 if baselines > 6 else 3


def _row_shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.zeros_like(counts)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares


def _label(leaf: str) -> str:
    return "\n".join(textwrap.wrap(leaf.replace("_", " "), 14))
