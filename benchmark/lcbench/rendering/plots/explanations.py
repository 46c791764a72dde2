"""The checks of explanations as pictures: randomisation, insertion and deletion, tissue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lcbench.explanations.checks import Band, MethodChecks, PerturbationCheck, TissueCheck
from lcbench.explanations.judging import ALIKE
from lcbench.explanations.tissue import COMPARTMENTS
from lcbench.rendering.explanation_words import stage_words, verdict_count
from lcbench.rendering.plots import canvas
from lcbench.rendering.words import capital

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_COLUMN_GAP = 0.55
_OF_IMAGES = (canvas.INK, canvas.ORANGE, canvas.BLUE, *canvas.SPARE)
_ROW = 0.3
"""Inches for an estimate."""


def draw_randomisation(methods: Sequence[MethodChecks], data: str, path: Path) -> Path | None:
    """Draw how alike maps stay while a network forgets, a panel a method.

    Parameters
    ----------
    methods
        Their checks, of one model.
    data
        What was explained: the data and the model.
    path
        Where the picture goes.

    Returns
    -------
    Path or None
        None where no method was checked so.
    """
    shown = [one for one in methods if one.randomisation is not None]
    if not shown:
        return None
    with canvas.style():
        figure, places = canvas.small_multiples(
            len(shown), _columns(shown), 1.9,
            top=1.0, bottom=1.35, left=0.85, gap=1.3, column_gap=_COLUMN_GAP,
        )  # fmt: skip
        for number, (axes, one) in enumerate(zip(places, shown, strict=True)):
            _name(axes, one)
            _draw_stages(axes, one)
            if number % _columns(shown) == 0:
                axes.set_ylabel("rank correlation")
        key = [("trained against randomised", canvas.BLUE), ("two seeds", canvas.ORANGE)]
        canvas.heading(figure, "Randomised networks", data, key)
        note = (
            f"bars, band: 95 % intervals over source groups; dotted: {ALIKE}, where a method fails"
        )
        canvas.foot(figure, note)
        return canvas.save(figure, path)


def draw_perturbation(methods: Sequence[MethodChecks], data: str, path: Path) -> Path | None:
    """Draw the score while parts are put back and taken away, two panels a method.

    Parameters and result are those of `draw_randomisation`.
    """
    shown = [(one, one.perturbation) for one in methods if one.perturbation is not None]
    if not shown:
        return None
    with canvas.style():
        figure, places = canvas.small_multiples(
            2 * len(shown), 2, 1.9,
            top=1.05, bottom=0.85, left=0.85, gap=0.95, column_gap=_COLUMN_GAP,
        )  # fmt: skip
        for row, (one, check) in enumerate(shown):
            left, right = places[2 * row : 2 * row + 2]
            _name(left, one, ": put back")
            _name(right, one, ": taken away")
            _draw_curves(left, check, check.insertion, check.random_insertion)
            _draw_curves(right, check, check.deletion, check.random_deletion)
            left.set_ylabel(check.score)
        for axes in places[-2:]:
            axes.set_xlabel("share of the image, %")
        key = [("the method's order", canvas.BLUE), ("random order", canvas.FAINT)]
        canvas.heading(figure, "Insertion and deletion", data, key)
        note = (
            "bands: 95 % intervals over source groups; a good map lies above random order on the "
            "left, below on the right"
        )
        canvas.foot(figure, note)
        return canvas.save(figure, path)


def draw_tissue(methods: Sequence[MethodChecks], data: str, path: Path) -> Path | None:
    """Draw how much each compartment is looked at for its area, a panel a method.

    Parameters and result are those of `draw_randomisation`; None too where no image is stained.
    """
    shown = [(one, one.tissue) for one in methods if one.tissue is not None and one.tissue.looks]
    if not shown:
        return None
    names = list(dict.fromkeys(look.images for _, check in shown for look in check.looks))
    rows = len(COMPARTMENTS) * len(names)
    with canvas.style():
        figure, places = canvas.small_multiples(
            len(shown), min(2, len(shown)), _ROW * rows + 0.35,
            top=1.0, bottom=0.85, left=1.15, gap=0.95, column_gap=1.15,
        )  # fmt: skip
        for number, (axes, (one, check)) in enumerate(zip(places, shown, strict=True)):
            _name(axes, one)
            _draw_shares(axes, check, names)
            if number + 2 >= len(shown):
                axes.set_xlabel("share, %")
        key = list(zip(names, _OF_IMAGES, strict=False))
        canvas.heading(figure, "Where the attribution lies", data, key)
        note = (
            "dots and bars: share of the attribution, 95 % intervals over source groups; rings: "
            "share of the area"
        )
        canvas.foot(figure, note)
        return canvas.save(figure, path)


def _columns(shown: Sequence[MethodChecks]) -> int:
    return min(_COLUMNS, max(2, len(shown)))


def _name(axes: Axes, checks: MethodChecks, what: str = "") -> None:
    """Write the method over its panel, and how it fared: no picture is without its checks."""
    canvas.name_panel(axes, f"{capital(checks.title)}{what} ({verdict_count(checks)})")


def _draw_stages(axes: Axes, checks: MethodChecks) -> None:
    check = checks.randomisation
    if check is None:
        return
    names = [stage_words(one, first=number == 0) for number, one in enumerate(check.stages)]
    for number, stage in enumerate(check.stages):
        rank = stage.likeness["rank"]
        if rank.value is None:
            continue
        if rank.low is not None and rank.high is not None:
            axes.vlines(number, rank.low, rank.high, color=canvas.BLUE, linewidth=2.6)
        axes.plot(number, rank.value, "o", color=canvas.BLUE, markeredgecolor="white", zorder=3)
    if check.seeds is not None and check.seeds.value is not None:
        axes.axhline(check.seeds.value, color=canvas.ORANGE, linewidth=1.4)
        if check.seeds.low is not None and check.seeds.high is not None:
            axes.axhspan(check.seeds.low, check.seeds.high, color=canvas.ORANGE, alpha=0.15, lw=0)
    axes.axhline(ALIKE, color=canvas.FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    for text in axes.get_xticklabels():
        canvas.fit(text, 1.3)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(min(-0.05, axes.get_ylim()[0]), 1.05)
    canvas.lines_behind(axes, "y")


def _draw_curves(axes: Axes, check: PerturbationCheck, own: Band, random: Band) -> None:
    shares = [100 * share for share in check.shares]
    for band, colour in ((random, canvas.FAINT), (own, canvas.BLUE)):
        low, high = (np.array(one, np.float64) for one in (band.low, band.high))  # None is NaN
        axes.fill_between(shares, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(shares, band.value, color=colour, linewidth=1.6)
    axes.set_xlim(0, 100)
    canvas.lines_behind(axes)


def _draw_shares(axes: Axes, check: TissueCheck, names: Sequence[str]) -> None:
    looks = {look.images: look for look in check.looks}
    count = len(names)
    for place, compartment in enumerate(COMPARTMENTS):
        for number, name in enumerate(names):
            if name not in looks:
                continue
            y, colour = place * count + number, _OF_IMAGES[number % len(_OF_IMAGES)]
            part = next(one for one in looks[name].parts if one.compartment == compartment)
            share, area = canvas.in_percent(part.share), part.area.value
            if share is not None:
                canvas.bar(axes, share[1:], y, colour)
                axes.plot(share[0], y, "o", color=colour, markersize=4.5, zorder=3)
            if area is not None:
                axes.plot(100 * area, y, "o", color="none", markeredgecolor=colour, markersize=7)
    middles = [place * count + (count - 1) / 2 for place in range(len(COMPARTMENTS))]
    axes.set_yticks(middles, COMPARTMENTS)
    axes.tick_params(axis="y", length=0)
    for place in range(1, len(COMPARTMENTS)):
        axes.axhline(place * count - 0.5, color=canvas.GRID, linewidth=0.8)
    axes.set_ylim(len(COMPARTMENTS) * count - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.spines["left"].set_visible(False)
    canvas.lines_behind(axes, "x")
