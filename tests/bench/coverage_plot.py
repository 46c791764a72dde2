"""The default interval's coverage as a picture, docs/coverage.png.

Run by `make bench-statistics` after the study; it reads the cells in docs/study.csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from study_cells import COVERAGE

from lcbench.rendering.plots import canvas

DOCS = Path(__file__).resolve().parents[2] / "docs"
COLUMNS = 4
LOWEST = 85.0
# From light to dark: the more the images of a group agree.
_COLOURS = {0.0: "#56B4E9", 0.1: canvas.BLUE, 0.5: canvas.ORANGE, 1.0: "#7a3300"}


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, default=DOCS)
    docs = parser.parse_args().docs
    cells = pd.read_csv(docs / "study.csv")
    draw(cells[cells.table == "coverage"], docs / "coverage.png")


def draw(cells: pd.DataFrame, path: Path) -> Path:
    """Draw a panel for each statistic: coverage by groups, a line for each correlation."""
    names = list(dict.fromkeys(cells.row))
    with canvas.style():
        figure, places = canvas.small_multiples(
            len(names), COLUMNS, 1.05, top=0.95, bottom=0.6, left=0.5, gap=0.5, column_gap=0.2
        )
        for number, (axes, name) in enumerate(zip(places, names, strict=True)):
            _draw_panel(axes, name, cells[cells.row == name])
            axes.tick_params(
                labelleft=number % COLUMNS == 0, labelbottom=number + COLUMNS >= len(names)
            )
            if number + COLUMNS >= len(names):
                axes.set_xlabel("source groups")
        canvas.heading(
            figure,
            "Coverage of 95 % intervals",
            f"share that holds the true value, %; shaded: less than {100 * COVERAGE:.0f} %",
            [(f"ICC {icc:g}", colour) for icc, colour in _COLOURS.items()],
            f"a triangle: below {LOWEST:g} %",
        )
        return canvas.save(figure, path)


def _draw_panel(axes: Axes, name: str, cells: pd.DataFrame) -> None:
    groups = sorted(cells.groups.unique())
    axes.axhspan(LOWEST, 100 * COVERAGE, color="#f1f1f1", linewidth=0)
    axes.axhline(95, color=canvas.INK, linewidth=0.8)
    for icc, colour in _COLOURS.items():
        line = cells[cells.icc == icc].sort_values("groups")
        shares = 100 * line.share.to_numpy()
        shown = np.maximum(shares, LOWEST)
        axes.plot(line.groups, shown, "o-", color=colour, markersize=2.8, linewidth=1.2)
        far = shares < LOWEST
        # Above the edge, where a marker is seen whole.
        axes.plot(line.groups[far], shown[far] + 0.5, "v", color=colour, markersize=5)
    axes.set_xscale("log")
    axes.set_xticks(groups, [str(one) for one in groups], fontsize=7)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks((85, 90, 95, 100))
    axes.set_ylim(LOWEST, 100.6)
    title = axes.set_title(name, loc="left", pad=4, fontsize=8.5)
    canvas.fit(title, axes.get_position().width * canvas.WIDTH)


if __name__ == "__main__":
    main()
