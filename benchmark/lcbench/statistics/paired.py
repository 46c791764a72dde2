"""Paired comparison of two classifiers on the same images, with the source group as the unit."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.events import Codes, Events


@dataclass(frozen=True)
class Discordance:
    """Images on which an event happens under one of two models only.

    Parameters
    ----------
    b, c
        Images with the event under A (the reference) only, and under B only.
    odds_ratio
        b / c: the odds that an image goes wrong under A only rather than under B only; above 1
        where B does better. 1 where b = c = 0, infinite where only c = 0.
    odds_low, odds_high
        Exact conditional limits, see `discordance`.
    n
        Images compared.
    groups
        Source groups compared.
    """

    b: int
    c: int
    odds_ratio: float
    odds_low: float
    odds_high: float
    n: int
    groups: int


def discordance(
    event_a: Events, event_b: Events, groups: Codes, *, confidence: float = 0.95
) -> Discordance:
    """Count discordant images and return their odds ratio.

    Given b + c, b is binomial with probability odds / (1 + odds); Clopper and Pearson's limits of
    that probability, transformed, are exact limits of the odds (Breslow and Day 1980, section
    5.2). They take images as independent: where groups hold many images they are too narrow,
    and `sign_flip` decides.

    Parameters
    ----------
    event_a, event_b
        (N,) whether the event happens under the reference A, and under B.
    groups
        (N,) codes of the source groups.
    confidence
        Coverage that is aimed at.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    only_a, only_b = _only(event_a, event_b, groups)
    b, c = int(only_a.sum()), int(only_b.sum())
    low, high = _odds_limits(b, c, confidence)
    ratio = b / c if c else (math.inf if b else 1.0)
    return Discordance(b, c, ratio, low, high, len(only_a), len(np.unique(groups)))


def mcnemar_exact(b: int, c: int) -> float:
    """Return the exact two-sided p-value of McNemar's test; 1 where b + c = 0.

    Parameters
    ----------
    b, c
        Images that go wrong under A only, and under B only. They are taken as independent: for
        images in source groups, use `sign_flip`.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    if b + c == 0:
        return 1.0
    return float(mcnemar([[0, b], [c, 0]], exact=True).pvalue)


def sign_flip(event_a: Events, event_b: Events, groups: Codes) -> float:
    """Return the exact two-sided p-value of the sign-flip test over source groups.

    If A and B are exchangeable within each group, the sign of a group's d = b - c is a fair coin
    toss, whatever the dependence of the images inside the group. The statistic is |sum of d|. Its
    distribution over all sign patterns is the convolution of the groups' +d and -d, computed in
    full: no sampling, no seed, for any number of groups. With one image a group it is McNemar's
    exact test.

    Parameters
    ----------
    event_a, event_b
        (N,) whether the event happens under A, and under B.
    groups
        (N,) codes of the source groups.

    Returns
    -------
    float
        The share of sign patterns with a sum at least as large; 1 where every d is 0. A share too
        small for a float is given as the smallest normal one, 2.2e-308: p is never 0.

    Raises
    ------
    ValueError
        If the lengths differ.

    References
    ----------
    Fisher, R. A. (1935). The Design of Experiments, section 21. Pagano, M. and Tritchler, D.
    (1983). On obtaining permutation distributions in polynomial time. JASA 78, 435-440.
    """
    only_a, only_b = _only(event_a, event_b, groups)
    _, codes = np.unique(groups, return_inverse=True)
    size = int(codes.max()) + 1 if codes.size else 0
    sums = np.bincount(codes[only_a], minlength=size) - np.bincount(codes[only_b], minlength=size)
    return _sign_flip_p(sums)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values of a family, in the order given.

    Raises
    ------
    ValueError
        If one is NaN or outside [0, 1].

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
    Journal of Statistics 6, 65-70.
    """
    from statsmodels.stats.multitest import multipletests

    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"not all p-values lie in [0, 1]: {list(p_values)}")
    if not p_values:
        return []
    return [float(p) for p in multipletests(list(p_values), method="holm")[1]]


def _only(event_a: Events, event_b: Events, groups: Codes) -> tuple[Events, Events]:
    event_a, event_b = np.asarray(event_a, np.bool_), np.asarray(event_b, np.bool_)
    if not event_a.shape == event_b.shape == np.shape(groups):
        raise ValueError("the events and the groups differ in length")
    return event_a & ~event_b, event_b & ~event_a


def _odds_limits(b: int, c: int, confidence: float) -> tuple[float, float]:
    from statsmodels.stats.proportion import proportion_confint

    if b + c == 0:
        return 0.0, math.inf
    low, high = proportion_confint(b, b + c, alpha=1.0 - confidence, method="beta")
    return (
        float(low) / (1.0 - float(low)) if b else 0.0,
        float(high) / (1.0 - float(high)) if c else math.inf,
    )


def _sign_flip_p(sums: NDArray[np.integer[Any]]) -> float:
    # The groups with a plus sign add up to a subset sum; the signed sum is twice that minus the
    # whole, so the distribution of subset sums is all that is needed.
    steps = np.sort(np.abs(sums[sums != 0]))
    whole = int(steps.sum())
    chances = np.zeros(whole + 1)
    chances[0] = 1.0
    reached = 0
    for step in steps.tolist():
        chances[: reached + 1] *= 0.5
        shifted = chances[: reached + 1].copy()
        reached += step
        chances[step : reached + 1] += shifted
    signed = 2 * np.arange(whole + 1) - whole
    share = float(chances[np.abs(signed) >= abs(int(sums.sum()))].sum())
    return min(1.0, max(share, sys.float_info.min))
