"""Plots of an audit: they hold numbers only, no tissue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lcbench.audit.results import AuditResults, Pair
from lcbench.leakage.grouping import CERTAIN, DOUBTFUL
from lcbench.rendering import formats as wording
from lcbench.rendering.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 3.4
_DOT = 5
_MANY = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.8, 0.2, 0.75, 0.6


def draw_correlations(
    results: AuditResults, pairs: Sequence[Pair], rejected: NDArray[np.float64], path: Path
) -> Path:
    """Draw how well registered pairs correlate, those that were accepted and those that were not.

    Parameters
    ----------
    results
        For the words.
    pairs
        Every pair.
    rejected
        Correlations of registered candidates that prove nothing.
    path
        The PNG file.
    """
    registered = [pair for pair in pairs if pair.inliers is not None]
    joined = [pair.correlation for pair in registered if pair.joined]
    other = [*rejected.tolist(), *(p.correlation for p in registered if not p.joined)]
    with canvas.style():
        figure, axes = _axes()
        bins = np.linspace(-0.5, 1, 76).tolist()
        for values, colour in ((other, canvas.ORANGE), (joined, canvas.BLUE)):
            axes.hist(np.clip(values, -0.5, 1), bins=bins, color=colour, alpha=0.85)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        for threshold in (DOUBTFUL, CERTAIN):
            axes.axvline(threshold, color=canvas.FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set_xlabel("correlation of the overlapping area after registration")
        axes.set_ylabel("pairs")
        key = [
            (f"joined: {wording.integer(len(joined))}", canvas.BLUE),
            (f"not joined: {wording.integer(len(other))}", canvas.ORANGE),
        ]
        note = f"lines: {DOUBTFUL}, doubtful, and {CERTAIN}, certain"
        canvas.heading(figure, "Registered pairs", _data(results), key, note)
        return canvas.save(figure, path)


def draw_group_sizes(results: AuditResults, groups: NDArray[np.intp], path: Path) -> Path:
    """Draw how many source groups there are of each size."""
    sizes = np.unique(groups, return_counts=True)[1]
    with canvas.style():
        figure, axes = _axes()
        limit = max(10, int(sizes.max()))
        step = max(1, limit // 60)
        axes.hist(sizes, bins=np.arange(0.5, limit + step + 0.5, step).tolist(), color=canvas.BLUE)
        axes.set_xlabel("images in a source group")
        axes.set_ylabel("source groups")
        axes.grid(axis="y", color=canvas.GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        facts = results.groups
        note = (
            f"{wording.plural(facts.groups, 'source group')}, {wording.integer(facts.single)} of "
            f"one image; median {facts.median:g}, largest {wording.integer(facts.largest)}"
        )
        canvas.heading(figure, "Sizes of the source groups", _data(results), note=note)
        return canvas.save(figure, path)


def draw_overlaps(results: AuditResults, pairs: Sequence[Pair], path: Path) -> Path:
    """Draw overlap and correlation of registered pairs; those of two published groups larger."""
    registered = [pair for pair in pairs if pair.inliers is not None and pair.joined]
    merges = [merge.pair for merge in results.published.merges] if results.published else []
    with canvas.style():
        figure, axes = _axes()
        small = _DOT if len(registered) > _MANY else 3 * _DOT
        for some, colour, size in ((registered, canvas.BLUE, small), (merges, canvas.ORANGE, 26)):
            x = [100 * pair.overlap for pair in some]
            y = [pair.correlation for pair in some]
            axes.scatter(x, y, s=size, color=colour, linewidths=0, alpha=0.5 if size == _DOT else 1)
        axes.set_xlim(0, 102)
        axes.set_xlabel("overlap, % of the smaller image")
        axes.set_ylabel("correlation")
        axes.grid(color=canvas.GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        key = [(f"joined: {wording.integer(len(registered))}", canvas.BLUE)]
        if merges:
            words = f"of them between published groups: {wording.integer(len(merges))}"
            key.append((words, canvas.ORANGE))
        canvas.heading(figure, "How much the pairs share", _data(results), key)
        return canvas.save(figure, path)


def _axes() -> tuple[Figure, Axes]:
    figure = canvas.new_figure(_HEIGHT)
    axes = figure.add_axes(
        (
            _LEFT / canvas.WIDTH,
            _BOTTOM / _HEIGHT,
            (canvas.WIDTH - _LEFT - _RIGHT) / canvas.WIDTH,
            (_HEIGHT - _TOP - _BOTTOM) / _HEIGHT,
        )
    )
    return figure, axes


def _data(results: AuditResults) -> str:
    names = wording.listing([folder.name for folder in results.folders])
    return f"{names}, {wording.plural(results.images, 'image')}"
