"""Plots of an audit: they hold numbers only, no tissue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lcbench.audit.results import AuditResults, Pair
from lcbench.leakage.laying import MIN_CORRELATION
from lcbench.rendering.formats import integer, listing, plural
from lcbench.rendering.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL = 2.05
_DOT = 5
_MANY = 300
_BIN = 0.02
_LEFT, _TOP, _BOTTOM = 0.8, 0.75, 0.6


def draw_correlations(
    results: AuditResults, pairs: Sequence[Pair], rejected: NDArray[np.float64], path: Path
) -> None:
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
    registered = [pair for pair in pairs if pair.registered]
    joined = [pair.correlation for pair in registered if pair.joined]
    other = [*rejected.tolist(), *(p.correlation for p in registered if not p.joined)]
    key = [
        (f"joined: {integer(len(joined))}", canvas.BLUE),
        (f"not joined: {integer(len(other))}", canvas.ORANGE),
    ]
    note = f"line: {MIN_CORRELATION}, from which images are alike as a whole"
    with _plot(results, path, "Registered pairs", key, note) as axes:
        lowest = min(MIN_CORRELATION - _BIN, *other, *joined)
        bins = np.arange(np.floor(lowest / _BIN), round(1 / _BIN) + 1) * _BIN
        for values, colour in ((other, canvas.ORANGE), (joined, canvas.BLUE)):
            axes.hist(np.minimum(values, 1), bins=bins.tolist(), color=colour, alpha=0.85)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.axvline(MIN_CORRELATION, color=canvas.FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set_xlabel("correlation of the overlapping area after registration")
        axes.set_ylabel("pairs")


def draw_group_sizes(results: AuditResults, groups: NDArray[np.intp], path: Path) -> None:
    """Draw how many source groups there are of each size."""
    sizes = np.unique(groups, return_counts=True)[1]
    facts = results.groups
    note = (
        f"{plural(facts.groups, 'source group')}, {integer(facts.single)} of "
        f"one image; median {facts.median:g}, largest {integer(facts.largest)}"
    )
    with _plot(results, path, "Sizes of the source groups", note=note) as axes:
        limit = int(sizes.max())
        step = max(1, limit // 60)
        axes.hist(sizes, bins=np.arange(0.5, limit + step + 0.5, step).tolist(), color=canvas.BLUE)
        axes.locator_params(integer=True)
        axes.set_xlabel("images in a source group")
        axes.set_ylabel("source groups")
        canvas.lines_behind(axes, "y")


def draw_overlaps(results: AuditResults, pairs: Sequence[Pair], path: Path) -> None:
    """Draw overlap and correlation of registered pairs; those of two published groups larger."""
    registered = [pair for pair in pairs if pair.registered and pair.joined]
    merges = [merge.pair for merge in results.published.merges] if results.published else []
    key = [(f"joined: {integer(len(registered))}", canvas.BLUE)]
    if merges:
        key.append((f"of them between published groups: {integer(len(merges))}", canvas.ORANGE))
    with _plot(results, path, "How much the pairs share", key) as axes:
        small = _DOT if len(registered) > _MANY else 3 * _DOT
        for some, colour, size in ((registered, canvas.BLUE, small), (merges, canvas.ORANGE, 26)):
            x = [100 * pair.overlap for pair in some]
            y = [pair.correlation for pair in some]
            axes.scatter(x, y, s=size, color=colour, linewidths=0, alpha=0.5 if size == _DOT else 1)
        axes.set_xlabel("overlap, % of the smaller image")
        axes.set_ylabel("correlation")
        canvas.lines_behind(axes)


@contextmanager
def _plot(
    results: AuditResults,
    path: Path,
    title: str,
    key: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> Iterator[Axes]:
    """Give axes to draw in, below a heading, and save them."""
    names = listing([folder.name for folder in results.folders])
    with canvas.style():
        figure, (axes,) = canvas.small_multiples(1, 1, _PANEL, top=_TOP, bottom=_BOTTOM, left=_LEFT)
        yield axes
        canvas.heading(figure, title, f"{names}, {plural(results.images, 'image')}", key, note)
        canvas.save(figure, path)
