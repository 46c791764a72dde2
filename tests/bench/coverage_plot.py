"""The study's coverage table as a picture, docs/coverage.png.

Run by `make bench-statistics` after the study; it reads the table in docs/statistics.md.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes

from lcbench.rendering.plots import canvas

DOCS = Path(__file__).resolve().parents[2] / "docs"
LOWEST = 78.0
_TOP, _BOTTOM, _LEFT, _ROW = 0.75, 0.6, 3.0, 0.155
_MARKS = {
    "score": (canvas.BLUE, "o", "score (default)"),
    "percentile": (canvas.ORANGE, "D", "percentile"),
    "bca": ("#009E73", "s", "BCa"),
}


def main() -> None:
    """Draw the picture."""
    rows = coverage_rows((DOCS / "statistics.md").read_text(encoding="utf-8"))
    height = _TOP + _ROW * len(rows) + _BOTTOM
    with canvas.style():
        figure = canvas.new_figure(height)
        width = canvas.WIDTH - _LEFT - 0.3
        axes = figure.add_axes(
            (
                _LEFT / canvas.WIDTH,
                _BOTTOM / height,
                width / canvas.WIDTH,
                _ROW * len(rows) / height,
            )
        )
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(LOWEST, 100.5)
        axes.axvline(95, color=canvas.INK, linewidth=0.9)
        names = [_draw_row(axes, number, rows) for number in range(len(rows))]
        axes.set_yticks(range(len(rows)), names)
        for label in axes.get_yticklabels():
            label.set_fontsize(7.5)
            canvas.fit(label, _LEFT - 0.15)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=canvas.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("intervals that hold the true value, %; each should be 95")
        key = [(words, colour) for colour, _, words in _MARKS.values()]
        canvas.heading(
            figure, "Coverage of 95 % intervals", "by intra-group correlation: 0, 0.1, 0.5, 1", key
        )
        canvas.save(figure, DOCS / "coverage.png")


def _draw_row(axes: Axes, number: int, rows: list[dict[str, str]]) -> str:
    """Draw one row and return its name; a statistic is named where its rows begin."""
    row = rows[number]
    for method, (colour, marker, _) in _MARKS.items():
        axes.plot(
            float(row[method]), number, marker, color=colour, markersize=4.5, markeredgewidth=0,
            alpha=0.9,
        )  # fmt: skip
    if number and rows[number - 1]["statistic"] == row["statistic"]:
        return row["ICC"]
    if number:
        axes.axhline(number - 0.5, color=canvas.GRID, linewidth=0.8, zorder=0)
    return f"{row['statistic']}   {row['ICC']}"


def coverage_rows(page: str) -> list[dict[str, str]]:
    """Return the rows of the coverage table by column."""
    lines = page.split("hold the true value, %**")[1].split("**Share")[0].splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|") and not line.startswith("| :")
    ]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


if __name__ == "__main__":
    main()
