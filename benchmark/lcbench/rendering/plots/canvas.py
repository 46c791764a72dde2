"""The look that all pictures share: one style, one palette, files that depend on the data alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lcbench.analysis.results import Results
from lcbench.rendering.series import series
from lcbench.rendering.words import baseline_title
from lcbench.statistics.interval_model import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

WIDTH = 8.4
"""Inches; at 100 points of screen an inch, the width of a page on GitHub."""
INK = "#222222"
FAINT = "#8a8a8a"
GRID = "#e4e4e4"
QUIET = "#555555"
"""Of text that says what is drawn."""
BLUE = "#0072B2"
ORANGE = "#D55E00"
"""Blue and vermilion of Okabe and Ito: told apart with every kind of colour vision."""
SPARE = ("#009E73", "#CC79A7", "#56B4E9")

_STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of the report, whatever the user's own settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(height: float) -> Figure:
    """Return an empty figure of the report's width."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=180)
    FigureCanvasAgg(figure)
    return figure


def small_multiples(
    count: int,
    columns: int,
    panel_height: float,
    *,
    top: float,
    bottom: float,
    left: float,
    gap: float = 0.5,
    column_gap: float = 0.22,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a grid of panels; margins and the gaps are in inches."""
    rows = -(-count // columns)
    height = top + rows * panel_height + (rows - 1) * gap + bottom
    figure = new_figure(height)
    width = panel_width(columns, left, column_gap)
    panels = []
    for number in range(count):
        row, column = divmod(number, columns)
        x = left + column * (width + column_gap)
        y = height - top - (row + 1) * panel_height - row * gap
        panels.append(
            figure.add_axes((x / WIDTH, y / height, width / WIDTH, panel_height / height))
        )
    return figure, panels


def panel_width(columns: int, left: float, column_gap: float = 0.22) -> float:
    """Return the width of one panel of `small_multiples`, in inches."""
    return (WIDTH - left - 0.15 - (columns - 1) * column_gap) / columns


def axes_at(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return axes at a place that is given in inches from the lower left corner."""
    tall = figure.get_figheight()
    return figure.add_axes((left / WIDTH, bottom / tall, width / WIDTH, height / tall))


def protocol_colour(results: Results, protocol: str) -> str:
    """Return the colour of a protocol, by its role in the suite."""
    return (ORANGE, BLUE, *SPARE)[series(results, protocol)]


def name_rows(axes: Axes, results: Results, baselines: Sequence[str], width: float) -> None:
    """Write a baseline's name beside each row, the reference in bold, in `width` inches."""
    names = [baseline_title(results, name).replace(" (", "\n(") for name in baselines]
    axes.set_yticks(range(len(names)), names)
    labels = axes.get_yticklabels()
    for label, name in zip(labels, baselines, strict=True):
        label.set_fontsize(8.5 if "\n" in label.get_text() else 10)
        if name == results.reference:
            label.set_fontweight("bold")
        fit(label, width)
    axes.set_yticks(range(len(names)), [label.get_text() for label in labels])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def heading(
    figure: Figure, title: str, data: str, key: Sequence[tuple[str, str]] = (), note: str = ""
) -> None:
    """Write a title with its data, words in their colours that serve as a key, and a note."""
    height = figure.get_figheight()
    top = figure.text(0.012, 1 - 0.2 / height, title, size=12, weight="bold", va="center")
    x = 0.012 + _width(top) + 0.015
    beside = figure.text(x, 1 - 0.2 / height, data, color=QUIET, size=9, va="center")
    fit(beside, (0.99 - x) * WIDTH)
    x = 0.012
    for text, colour in key:
        word = figure.text(x, 1 - 0.47 / height, text, color=colour, weight="bold", va="center")
        x += _width(word) + 0.02
    below = figure.text(x, 1 - 0.47 / height, note, color=QUIET, size=9, va="center")
    fit(below, (0.99 - x) * WIDTH)


def foot(figure: Figure, text: str) -> None:
    """Write below everything how the picture is read."""
    fit(figure.text(0.012, 0.02, text, color=QUIET, size=9), WIDTH - 0.2)


def lines_behind(axes: Axes, axis: Literal["both", "x", "y"] = "both") -> None:
    """Draw faint lines at the ticks, behind the data."""
    axes.grid(axis=axis, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def in_percent(estimate: Interval) -> tuple[float, float, float] | None:
    """Return value, low and high in per cent, or None where one of them is not defined.

    One source group gives no interval: its limits are the value.
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    if estimate.groups == 1:
        return 100 * estimate.value, 100 * estimate.value, 100 * estimate.value
    return 100 * estimate.value, 100 * estimate.low, 100 * estimate.high


def bar(axes: Axes, limits: tuple[float, float], y: float, colour: str, alpha: float = 1) -> None:
    """Draw an interval as a horizontal bar."""
    axes.plot(limits, (y, y), color=colour, linewidth=2.6, alpha=alpha, solid_capstyle="butt")


def name_panel(axes: Axes, name: str, *, bold: bool = False) -> None:
    """Write a baseline's name over its panel, with what stands in brackets on a line below."""
    lines = name.replace(" (", "\n(")
    text = axes.set_title(lines, loc="left", pad=5, weight="bold" if bold else "normal")
    text.set_linespacing(1.05)
    if "\n" in lines:
        text.set_fontsize(8.5)
    fit(text, axes.get_position().width * WIDTH)


def fit(text: Text, width: float, smallest: float = 6.5) -> None:
    """Shrink a text until it is at most `width` inches wide; a long name loses its middle too."""
    wide = _width(text) * WIDTH
    if wide <= width:
        return
    text.set_fontsize(max(smallest, float(text.get_fontsize()) * width / wide))
    whole = max(text.get_text().split("\n"), key=len)
    shown, kept = whole, len(whole)
    while kept > 2 and _width(text) * WIDTH > 1.02 * width:
        kept -= 1 + kept // 20
        shorter = f"{whole[: kept - kept // 2]}…{whole[len(whole) - kept // 2 :]}"
        text.set_text(text.get_text().replace(shown, shorter))
        shown = shorter


def save(figure: Figure, path: Path, *, photographs: bool = False) -> Path:
    """Write a PNG without date or version, so that the same data give the same bytes.

    A plot needs no more than 256 colours, which make it a third of the size; photographs do.
    """
    from io import BytesIO

    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    if photographs:
        figure.savefig(path, metadata={"Software": None})
        return path
    drawn = BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def _width(text: Text) -> float:
    """Return the share of the figure's width that a text takes."""
    figure = text.get_figure(root=True)
    return float(text.get_window_extent().width / figure.bbox.width) if figure else 0.0
