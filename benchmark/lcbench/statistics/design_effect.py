"""How much the images of a source group repeat each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lcbench.statistics.intervals import Interval


@dataclass(frozen=True)
class Effective:
    """What n predictions are worth.

    Parameters
    ----------
    n
        Effective sample size: as many independent images would give the same standard error.
    design_effect
        Predictions divided by the effective sample size.
    """

    n: float
    design_effect: float


def effective_sample(share: Interval) -> Effective | None:
    """Return the effective sample size behind a share, from its standard error over groups.

    The variance of a share of n independent images is s (1 - s) / n; the ratio of the variance
    over source groups to it is the design effect.

    Parameters
    ----------
    share
        A proportion with its interval.

    Returns
    -------
    Effective or None
        None where the bootstrap gave no standard error, such as without errors.

    References
    ----------
    Kish, L. (1965). Survey Sampling, section 8.2.
    """
    spread = share.value * (1.0 - share.value)
    if share.n == 0 or math.isnan(share.error) or spread <= 0.0 or share.error <= 0.0:
        return None
    size = spread / share.error**2
    return Effective(size, share.n / size)
