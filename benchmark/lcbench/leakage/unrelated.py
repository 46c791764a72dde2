"""What images of one folder that do not belong together reach when they are laid on each other.

Images of one kind are alike: any two chests lie on each other, more or less. How far unrelated
images of the folder itself get is what a pair has to exceed to prove anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lcbench.console import Advance, no_progress
from lcbench.features.decoding import ahead
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.laying import Laid
from lcbench.leakage.registration import MIN_OVERLAP

PAIRS = 200
MIN_PAIRS = 20
"""Fewer say nothing about how far chance gets."""

MAX_RATE = 0.001
"""No pair is joined that more than this share of the joins as weak as it would be false."""

MOSTLY = 0.98

_SEED = 0
_DRAWS = 20


@dataclass(frozen=True)
class Unrelated:
    """Local correlations of pairs of images from different source groups.

    Parameters
    ----------
    local
        (pairs,) of each pair, the better of its two orientations.
    """

    local: NDArray[np.float64]

    @property
    def high(self) -> float:
        """What all but 2 % of them stay below; 0 without any.

        The drawn pairs may hold a few related ones that nothing proves.
        """
        return float(np.quantile(self.local, MOSTLY)) if len(self.local) else 0.0

    def rate(self, local: float) -> float | None:
        """Return the share of unrelated pairs that would reach a local correlation.

        A normal tail on Fisher's z, fitted to the pairs by median and median deviation: a share
        far below one over their number cannot be counted.
        It is an order of magnitude: at 4.5 deviations, 200 other pairs give ten times as much or
        as little, and a thousand pairs of chests under different labels, surely of different
        patients, had 5 beyond 3 deviations where 1.3 were expected, and none beyond 3.5.

        Returns
        -------
        float or None
            None where there are fewer than `MIN_PAIRS`.

        References
        ----------
        Fisher, R. A. (1921). On the "probable error" of a coefficient of correlation deduced from
        a small sample. Metron 1, 3-32.
        """
        from scipy.stats import norm

        if len(self.local) < MIN_PAIRS:
            return None
        middle, deviation = self._fit()
        return float(norm.sf((_fisher_z(local) - middle) / deviation))

    def reached_by(self, share: float) -> float:
        """Return the local correlation that a share of unrelated pairs would reach.

        -1 where there are fewer than `MIN_PAIRS`.
        """
        from scipy.stats import norm

        if len(self.local) < MIN_PAIRS:
            return -1.0
        middle, deviation = self._fit()
        return float(np.tanh(middle + deviation * norm.isf(share)))

    def _fit(self) -> tuple[float, float]:
        from scipy.stats import median_abs_deviation

        z = _fisher_z(self.local)
        return float(np.median(z)), max(float(median_abs_deviation(z, scale="normal")), 1e-6)


def _fisher_z(correlation: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.arctanh(np.clip(correlation, -0.999, 0.999)), dtype=np.float64)


def false_discovery_rates(
    local: Sequence[float], unrelated: Unrelated, chances: int
) -> NDArray[np.float64] | None:
    """Return for each joined pair the expected share of false ones among those at least as alike.

    Parameters
    ----------
    local
        (pairs,) local correlations of the pairs that were joined.
    unrelated
        What unrelated pairs of the same images reach.
    chances
        Pairs that the candidates were chosen from, as the most alike: false ones among them are
        the most alike of so many.

    Returns
    -------
    (pairs,) array or None
        None where too few unrelated pairs were found.

    References
    ----------
    Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal
    Statistical Society B 57, 289-300 (the adjusted p-values of its procedure).
    """
    shares = [unrelated.rate(one) for one in local]
    known = np.array([share for share in shares if share is not None], dtype=np.float64)
    if len(known) < len(shares):
        return None
    order = np.argsort(-np.array(local), kind="stable")
    expected = known[order] * chances / np.arange(1, len(order) + 1)
    rates = np.empty(len(order))
    rates[order] = np.minimum(np.minimum.accumulate(expected[::-1])[::-1], 1.0)
    return rates


def least_local(unrelated: Unrelated, chances: int, joins: int) -> float:
    """Return the local correlation below which pairs of these images prove nothing.

    That is: above all but 2 % of the unrelated pairs, and with a false-discovery rate of at most
    `MAX_RATE`.

    Parameters
    ----------
    unrelated, chances
        See `false_discovery_rates`.
    joins
        Pairs that are joined for certain; more of them make the rate lower.
    """
    expected = MAX_RATE * max(joins, 1) / max(chances, 1)
    return max(unrelated.high, unrelated.reached_by(min(expected, 0.5)))


@dataclass(frozen=True)
class DrawnPairs:
    """Pairs of images from different groups, and how well they lie on each other.

    Parameters
    ----------
    pairs
        (pairs, 2) numbers of the images.
    local
        (pairs,) their local correlations.
    """

    pairs: NDArray[np.intp]
    local: NDArray[np.float64]

    def apart(self, groups: NDArray[np.intp]) -> Unrelated:
        """Return those whose images are in different groups, (images,) the group of each."""
        first, second = groups[self.pairs].T
        return Unrelated(self.local[first != second])


def lay_pairs(
    images: Sequence[ImageFeatures], groups: NDArray[np.intp], advance: Advance = no_progress
) -> DrawnPairs:
    """Lay pairs of images from different groups on each other, as well as they fit.

    Parameters
    ----------
    images
        Features of all images.
    groups
        (images,) group of each: of what is clearly the same.
    advance
        Takes the number of pairs done, of `PAIRS`.
    """
    pairs = list(_draw_pairs(groups))
    with threadpool_limits(1, "blas"):
        found = []
        for local in ahead(lambda pair: _lay(images[pair[0]], images[pair[1]]), pairs):
            found.append(local)
            advance(1)
    advance(PAIRS - len(pairs))
    return DrawnPairs(
        np.array(pairs, dtype=np.intp).reshape(-1, 2), np.array(found, dtype=np.float64)
    )


def _draw_pairs(groups: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Yield pairs of images from different groups, each group as often as any other."""
    random = np.random.default_rng(_SEED)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    if len(members) < 2:
        return
    drawn: set[tuple[int, int]] = set()
    for _ in range(_DRAWS * PAIRS):
        if len(drawn) == PAIRS:
            return
        chosen = random.choice(len(members), 2, replace=False)
        first, second = sorted(int(random.choice(members[group])) for group in chosen)
        if (first, second) not in drawn:
            drawn.add((first, second))
            yield first, second


def _lay(first: ImageFeatures, second: ImageFeatures) -> float:
    """Return the local correlation that the better of both orientations reaches."""
    height, width = first.pixels.shape
    other_height, other_width = second.pixels.shape
    x, y = other_width / width, other_height / height
    frame_on_frame = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
    best = -1.0
    for template in (first.pixels, np.ascontiguousarray(first.pixels[:, ::-1])):
        laid = Laid(template, second.pixels, frame_on_frame).refined()
        if max(laid.shares) >= MIN_OVERLAP:
            best = max(best, laid.local_correlation)
    return best
