"""Confidence and truth in bins of confidence: the reliability curve and how far it is off."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lcbench.statistics.calibration import Confidences, Linear
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.metrics import Values
from lcbench.statistics.probabilities import BINS, equal_mass_bins
from lcbench.statistics.rates import grouped_share

# Standard errors of groups that are alike can differ from 0 by rounding.
_NO_ERROR = 1e-12


@dataclass(frozen=True)
class Bin:
    """The images whose confidences lie in one bin, summed over each source group.

    Parameters
    ----------
    images, right, confidence
        (G,) images, right answers and summed confidences of the groups with an image in the bin.
    """

    images: Values
    right: Values
    confidence: Values

    @property
    def n(self) -> int:
        """Number of images."""
        return round(float(self.images.sum()))

    def mean(self, sums: Values) -> float:
        """Return the mean over images of what was summed."""
        return float(sums.sum()) / self.n

    def influences(self, sums: Values) -> Values:
        """Return the (G,) influences of the groups on that mean."""
        return (sums - self.images * self.mean(sums)) / self.n

    def error(self, sums: Values) -> float:
        """Return the standard error of that mean over groups; 0 with one group."""
        groups = len(sums)
        squares = float((self.influences(sums) ** 2).sum())
        return math.sqrt(squares * groups / (groups - 1)) if groups > 1 else 0.0


def confidence_bins(of: Confidences, bins: int = BINS) -> tuple[Bin, ...]:
    """Return the bins of about as many images each that hold any, by ascending confidence."""
    cells = of.groups * bins + equal_mass_bins(of.confidence, bins)

    def summed(values: Values | None) -> Values:
        sums = np.bincount(cells, weights=values, minlength=of.design.groups * bins)
        return sums.reshape(of.design.groups, bins).astype(np.float64).T

    images, right, confidence = (
        summed(None),
        summed(of.right.astype(np.float64)),
        summed(of.confidence),
    )
    entering = images > 0
    return tuple(
        Bin(images[one, inside], right[one, inside], confidence[one, inside])
        for one, inside in enumerate(entering)
        if inside.any()
    )


def calibration_error(of: Confidences) -> Linear:
    """Return the expected calibration error over 15 bins of equal mass, less what noise adds.

    The mean distance between confidence and accuracy of the bins, each replaced by the distance
    that is seen as this one on average where a normal error is added, the standard error over
    source groups (see `_true_distance`): noise alone keeps the plain mean above 0. A bin with a
    single group counts as it is. Never below 0; undefined with fewer than two source groups.

    The correction removes most of the bias, not all of it: about 40 % of what noise adds stays
    where calibration is perfect. As the absolute value has no derivative at 0, neither the
    bootstrap nor a linear approximation covers; there is no interval.

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks. ICML, equation 3: top-label
    confidence. Kumar, A., Liang, P. and Ma, T. (2019). Verified uncertainty calibration. NeurIPS:
    how noise biases the plain estimate.
    """
    if of.groups_with() < 2:
        return Linear(math.nan, None)
    total = 0.0
    for one in confidence_bins(of):
        gaps = one.confidence - one.right
        total += one.n * _true_distance(abs(one.mean(gaps)), one.error(gaps))
    return Linear(max(0.0, total / len(of.right)), None)


def _true_distance(seen: float, error: float) -> float:
    """Return the distance whose mean absolute value under a normal error is the one seen.

    Even no distance is seen as sqrt(2 / pi) errors on average. What falls short of that counts
    below 0 by as much, so that it balances the bins that exceed it by chance.

    References
    ----------
    Leone, F. C., Nelson, L. S. and Nottingham, R. B. (1961). The folded normal distribution.
    Technometrics 3, 543-550: the mean.
    """
    from scipy.optimize import brentq

    if error < _NO_ERROR:
        return seen
    ratio, least = seen / error, math.sqrt(2.0 / math.pi)
    if ratio <= least:
        return seen - error * least

    def excess(distance: float) -> float:
        folded = least * math.exp(-(distance**2) / 2.0)
        return folded + distance * math.erf(distance / math.sqrt(2.0)) - ratio

    return error * float(brentq(excess, 0.0, ratio + 1.0))


def reliability_curve(of: Confidences) -> tuple[tuple[float, Interval], ...]:
    """Return the mean confidence of each bin, and the share of right answers in it.

    The intervals are pointwise, over source groups, see `lcbench.statistics.rates.GroupedRate`.
    """
    return tuple(
        (one.mean(one.confidence), grouped_share(one.right, one.images))
        for one in confidence_bins(of)
    )
