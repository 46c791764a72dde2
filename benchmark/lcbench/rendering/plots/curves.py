"""Learning curves of the baselines that train in epochs, as small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lcbench.analysis.results import Results
from lcbench.rendering.findings import data_words
from lcbench.rendering.plots import canvas
from lcbench.runs.finished_suite import Suite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_LOSSES = {"train_loss": canvas.ORANGE, "validation_loss": canvas.BLUE}
_LOG_ABOVE = 15.0
_MANY_DECADES = 200.0
_FLOOR = 1e-4
Panel = tuple[str, list[pd.DataFrame]]


def draw_curves(suite: Suite, results: Results, protocol: str, path: Path) -> Path | None:
    """Draw loss by epoch, one thin line a run; None where no baseline has epochs."""
    panels = _panels(suite, results, protocol)
    if not panels:
        return None
    columns = min(_COLUMNS, max(2, len(panels)))
    with canvas.style():
        figure, places = canvas.small_multiples(
            len(panels), columns, 1.75, top=1.0, bottom=0.6, left=0.85, gap=0.68
        )
        for axes, (title, histories) in zip(places, panels, strict=True):
            canvas.name_panel(axes, title)
            _draw_panel(axes, histories)
        _share_axes(places, panels, columns)
        key = [("training", canvas.ORANGE), ("validation", canvas.BLUE)]
        note = _note(panels)
        title = f"Learning curves, {protocol} protocol"
        canvas.heading(figure, title, data_words(results), key, note)
        return canvas.save(figure, path)


def _note(panels: Sequence[Panel]) -> str:
    runs = max(len(histories) for _, histories in panels)
    below = "; losses below 0.0001 leave the panel" if _loss_range(panels)[0] < _FLOOR else ""
    if runs == 1:
        return f"one run a baseline{below}"
    return f"one line a run, up to {runs} a baseline{below}"


def _panels(suite: Suite, results: Results, protocol: str) -> list[Panel]:
    """Return a panel for each network of each baseline."""
    found: list[Panel] = []
    for baseline in suite.baselines:
        by_network: dict[str, list[pd.DataFrame]] = {}
        for run in suite.runs_of(protocol=protocol, baseline=baseline):
            if run.history is not None:
                for network, part in run.history.groupby("network", sort=False):
                    by_network.setdefault(str(network), []).append(part)
        for network, parts in by_network.items():
            place = "" if len(by_network) == 1 else f", at {network}"
            title = results.title(baseline, place)
            found.append((title, parts))
    return found


def _draw_panel(axes: Axes, histories: Sequence[pd.DataFrame]) -> None:
    opacity = 0.9 if len(histories) <= 3 else 0.45
    for column, colour in _LOSSES.items():
        for history in histories:
            axes.plot(
                history["epoch"],
                history[column],
                color=colour,
                linewidth=1.0,
                alpha=opacity,
                marker="o" if len(history) == 1 else "",
                markersize=3,
            )
    axes.grid(color=canvas.GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _share_axes(places: Sequence[Axes], panels: Sequence[Panel], columns: int) -> None:
    """Give all panels the same axes; name them at the left and at the bottom only."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    low, high = _loss_range(panels)
    logarithmic = high / low > _LOG_ABOVE
    low = min(max(low, _FLOOR), high)
    steps = (1.0, 2.0, 5.0) if high / low < _MANY_DECADES else (1.0,)
    last = max(int(history["epoch"].max()) for _, parts in panels for history in parts)
    for number, axes in enumerate(places):
        if logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=steps))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.tick_params(axis="y", which="minor", length=0)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylim(low / 1.2 if logarithmic else 0.0, high * 1.1)
        axes.set_xlim(0, last + 1)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        if number % columns == 0:
            axes.set_ylabel("loss (log scale)" if logarithmic else "loss")
        else:
            axes.tick_params(labelleft=False)
        if number + columns >= len(places):
            axes.set_xlabel("epoch")


def _loss_range(panels: Sequence[Panel]) -> tuple[float, float]:
    """Return the smallest and the largest loss above zero."""
    parts = [history[list(_LOSSES)].to_numpy() for _, histories in panels for history in histories]
    values = np.concatenate([part.ravel() for part in parts])
    values = values[np.isfinite(values) & (values > 0)]
    return (float(values.min()), float(values.max())) if values.size else (1.0, 1.0)
