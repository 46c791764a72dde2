"""Learning curves of the baselines that train in epochs, as small multiples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lcbench.analysis.results import Results
from lcbench.rendering.plots import canvas
from lcbench.rendering.words import baseline_title, data_words, node_words, protocol_short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lcbench.runs.finished import FinishedSuite

_COLUMNS = 3
_COLUMN_GAP = 0.62
_TRAINING = "train_loss"
_VALIDATION = "validation_loss"
_COLOURS = {_TRAINING: canvas.ORANGE, _VALIDATION: canvas.BLUE}
_LOG_ABOVE = 15.0
_MANY_DECADES = 200.0
_FLOOR = 1e-4


@dataclass(frozen=True)
class _Panel:
    """The histories of one network, one a run."""

    title: str
    runs: tuple[pd.DataFrame, ...]

    def by_epoch(self, loss: str) -> pd.DataFrame:
        """Return a loss by epoch (rows) and run (columns); NaN after a run has ended."""
        columns = [run.set_index("epoch")[loss] for run in self.runs]
        losses = pd.concat(columns, axis=1, keys=range(len(columns))).sort_index()
        return losses.where(np.isfinite(losses))

    def restored(self) -> Iterator[tuple[int, float]]:
        """Yield each run's epoch with the lowest validation loss, and that loss."""
        for run in self.runs:
            known = run[np.isfinite(run[_VALIDATION])]
            if len(known):
                best = known.loc[known[_VALIDATION].idxmin()]
                yield int(best["epoch"]), float(best[_VALIDATION])

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest loss above zero; 1 and 1 where there is none."""
        values = np.concatenate([self.by_epoch(loss).to_numpy().ravel() for loss in _COLOURS])
        values = values[np.isfinite(values) & (values > 0)]
        return (float(values.min()), float(values.max())) if values.size else (1.0, 1.0)


def draw_curves(suite: FinishedSuite, results: Results, protocol: str, path: Path) -> Path | None:
    """Draw loss by epoch: the median of the runs and their range, and every restored epoch.

    Returns None where no baseline has epochs.
    """
    panels = list(_panels(suite, results, protocol))
    if not panels:
        return None
    columns = min(_COLUMNS, max(2, len(panels)))
    with canvas.style():
        figure, places = canvas.small_multiples(
            len(panels), columns, 1.75,
            top=1.0, bottom=0.6, left=0.85, gap=0.68, column_gap=_COLUMN_GAP,
        )  # fmt: skip
        for number, (axes, panel) in enumerate(zip(places, panels, strict=True)):
            canvas.name_panel(axes, panel.title)
            _draw_panel(axes, panel)
            _fit_axes(axes, panel)
            if number % columns == 0:
                axes.set_ylabel("loss")
            if number + columns >= len(places):
                axes.set_xlabel("epoch")
        key = [("training", canvas.ORANGE), ("validation", canvas.BLUE)]
        title = f"Learning curves, {protocol_short(protocol)}"
        canvas.heading(figure, title, data_words(results), key, _note(panels))
        return canvas.save(figure, path)


def _panels(suite: FinishedSuite, results: Results, protocol: str) -> Iterator[_Panel]:
    """Yield a panel for each network of each baseline."""
    for one in results.baselines:
        networks: dict[str, list[pd.DataFrame]] = {}
        for run in suite.runs:
            config = (run.config.protocol, run.config.baseline)
            if run.history is not None and config == (protocol, one.baseline):
                for network, part in run.history.groupby("network", sort=False):
                    networks.setdefault(str(network), []).append(part)
        title = baseline_title(results, one.baseline)
        for network, parts in networks.items():
            place = f", at {node_words(network)}" if len(networks) > 1 else ""
            yield _Panel(f"{title}{place}", tuple(parts))


def _note(panels: Sequence[_Panel]) -> str:
    leaves = any(panel.range[0] < _FLOOR for panel in panels)
    below = "; losses below 0.0001 leave the panel" if leaves else ""
    if max(len(panel.runs) for panel in panels) == 1:
        return f"dot: the restored epoch{below}"
    return f"line: median of the runs; band: their range; dots: restored epochs{below}"


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    for loss, colour in _COLOURS.items():
        losses = panel.by_epoch(loss)
        epochs = losses.index.to_numpy()
        axes.fill_between(
            epochs, losses.min(axis=1), losses.max(axis=1), color=colour, alpha=0.2, linewidth=0.6
        )
        # Fewer than half of the runs have no median to speak of: the longest would pull it.
        median = losses.median(axis=1).where(2 * losses.notna().sum(axis=1) >= len(panel.runs))
        marker = "o" if median.notna().sum() == 1 else ""
        axes.plot(epochs, median, color=colour, linewidth=1.4, marker=marker, markersize=3)
    for epoch, loss_there in panel.restored():
        axes.plot(epoch, loss_there, "o", color=canvas.BLUE, markersize=4.5, alpha=0.6,
                  markeredgecolor="white", markeredgewidth=0.6, zorder=3)  # fmt: skip


def _fit_axes(axes: Axes, panel: _Panel) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    low, high = panel.range
    logarithmic = high / low > _LOG_ABOVE
    low = min(max(low, _FLOOR), high)
    if logarithmic:
        steps = (1.0, 2.0, 5.0) if high / low < _MANY_DECADES else (1.0,)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=steps))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(axis="y", which="minor", length=0)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylim(low / 1.3 if logarithmic else 0.0, high * 1.1)
    last = max(int(run["epoch"].max()) for run in panel.runs)
    axes.set_xlim(1 - min(0.04 * last, 0.5), last + 0.04 * last)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    canvas.lines_behind(axes)
