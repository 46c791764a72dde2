"""Confusion matrices of all baselines of one protocol, as small multiples."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.scores import ModelScores
from lcbench.rendering import formats
from lcbench.rendering.plots import canvas
from lcbench.rendering.words import baseline_title, data_words, node_words, protocol_short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT = 1.35
_DARK = 0.4


class _Look(NamedTuple):
    """How matrices of so many classes are drawn; a size of 0 writes nothing."""

    classes: float
    columns: int
    share_size: float
    count_size: float
    name_size: float


_LOOKS = (
    _Look(3, 4, 10, 7.5, 8),
    _Look(5, 3, 8, 6.5, 8),
    _Look(8, 2, 7, 6, 7.5),
    _Look(16, 2, 6, 0, 6.5),
    _Look(np.inf, 1, 0, 0, 5),
)


def draw_confusions(results: Results, protocol: ProtocolResult, path: Path) -> Path:
    """Draw one matrix a baseline: row percentages, and mean counts for one seed below them.

    Where there are many classes, counts are left out, and then percentages.
    """
    models = protocol.comparison.models
    look = next(look for look in _LOOKS if len(results.leaves) <= look.classes)
    columns = 3 if look.columns == 4 and len(models) <= 6 else look.columns
    names = [_label(leaf) for leaf in results.leaves]
    size = canvas.panel_width(columns, _LEFT)
    with canvas.style():
        figure, panels = canvas.small_multiples(
            len(models), columns, size, top=1.05, bottom=1.0, left=_LEFT, gap=0.48
        )
        for number, (axes, scores) in enumerate(zip(panels, models, strict=True)):
            _draw_matrix(axes, scores, look)
            bold = scores.model == results.reference
            canvas.name_panel(axes, baseline_title(results, scores.model), bold=bold)
            below = number + columns >= len(panels)
            axes.set_xticks(range(len(names)), names if below else [], size=look.name_size)
            # Upright above a last row that ends before: slanted names would lie under its panels.
            in_last_row = number // columns == (len(panels) - 1) // columns
            if look.count_size and in_last_row:
                for text in axes.get_xticklabels():
                    text.set(rotation=35, ha="right", rotation_mode="anchor")
            else:
                axes.tick_params(axis="x", labelrotation=90)
            left = number % columns == 0
            axes.set_yticks(range(len(names)), names if left else [], size=look.name_size)
        title = f"Confusion matrices, {protocol_short(protocol.protocol)}"
        canvas.heading(figure, title, data_words(results), note=_note(look))
        return canvas.save(figure, path)


def _note(look: _Look) -> str:
    written = (
        ", % of its images" if look.share_size else ", darker for a larger share of its images"
    )
    counts = "; below, mean count of a seed" if look.count_size else ""
    return f"rows: true class{written}; columns: predicted{counts}"


def _draw_matrix(axes: Axes, scores: ModelScores, look: _Look) -> None:
    counts = np.asarray(scores.confusion)
    shares = _row_shares(counts)
    # The square root lets rare confusions show beside the diagonal.
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, aspect="equal")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xticks(np.arange(len(counts) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(counts) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5 if look.count_size else 0.8)
    axes.tick_params(which="both", length=0)
    if look.share_size:
        for (row, column), value in np.ndenumerate(shares):
            _write_cell(axes, (row, column), float(value), float(counts[row, column]), look)


def _write_cell(axes: Axes, cell: tuple[int, int], share: float, count: float, look: _Look) -> None:
    row, column = cell
    colour = canvas.FAINT if count == 0 else "white" if share > _DARK else canvas.INK
    above = 0.12 if look.count_size and count else 0.0

    def write(text: str, y: float, size: float) -> None:
        axes.text(column, y, text, ha="center", va="center", color=colour, size=size)

    write(_percent(share, look) if count else "0", row - above, look.share_size)
    if above:
        write(formats.number(count, 0 if count.is_integer() else 1), row + 0.24, look.count_size)


def _percent(share: float, look: _Look) -> str:
    if look.count_size:
        return formats.share(share, unit=False)
    return formats.number(100 * share, 0) if share >= 0.01 else "<1"


def _row_shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.zeros_like(counts, dtype=np.float64)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares


def _label(leaf: str) -> str:
    return "\n".join(textwrap.wrap(node_words(leaf), 14))
