"""What a test set is worth: its effective size, and the smallest difference that it can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.intervals import Interval
from lcbench.statistics.limits import degrees_of_freedom, wilson
from lcbench.statistics.paired_tests import PairedGroups

POWER = 0.8
ALPHA = 0.05


def effective_size(share: Interval) -> float | None:
    """Return as many independent images as would give a share the same standard error.

    The variance of a share of n independent images is s (1 - s) / n; the ratio of the variance
    over source groups to it, n divided by the effective size, is the design effect.

    Parameters
    ----------
    share
        A proportion with its interval.

    Returns
    -------
    float or None
        None where the bootstrap gave no standard error, such as without errors.

    References
    ----------
    Kish, L. (1965). Survey Sampling, section 8.2.
    """
    if share.value is None or share.error is None:
        return None
    spread = share.value * (1.0 - share.value)
    return spread / share.error**2 if spread > 0.0 and share.error > 0.0 else None


def kish_design_effect(
    sizes: Sequence[int] | NDArray[np.integer[Any]], correlation: float
) -> float:
    """Return by how much groups inflate a variance: 1 + (sum n^2 / sum n - 1) * correlation.

    Parameters
    ----------
    sizes
        (G,) images of each group.
    correlation
        Intra-group correlation.

    References
    ----------
    Kish, L. (1965). Survey Sampling, section 8.2.
    """
    n = np.asarray(sizes, np.float64)
    return 1.0 + (float((n**2).sum() / n.sum()) - 1.0) * correlation


def detectable_before(
    sizes: Sequence[int] | NDArray[np.integer[Any]],
    discordance: float,
    correlation: float,
    *,
    power: float = POWER,
    alpha: float = ALPHA,
) -> float | None:
    """Return the smallest difference in error rates that can be shown, before anything is run.

    Solves N difference^2 = design effect * (z_alpha sqrt(discordance) + z_power
    sqrt(discordance - difference^2))^2.

    Parameters
    ----------
    sizes
        (G,) images of each source group.
    discordance
        Expected share of images that go wrong under exactly one of the two models.
    correlation
        Intra-group correlation of the discordance.
    power, alpha
        Chance to show the difference; level of the two-sided test.

    Returns
    -------
    float or None
        The difference; None where even one model being right wherever they differ would not do,
        and without images or discordance.

    References
    ----------
    Connor, R. J. (1987). Sample size for testing differences in proportions for the paired-sample
    design. Biometrics 43, 207-211; the design effect is Kish's.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    if discordance <= 0.0 or not np.sum(sizes):
        return None
    effective = float(np.sum(sizes)) / kish_design_effect(sizes, correlation)
    z_alpha, z_power = float(norm.ppf(1.0 - alpha / 2.0)), float(norm.ppf(power))

    def shortfall(difference: float) -> float:
        spread = math.sqrt(max(discordance - difference**2, 0.0))
        return math.sqrt(effective) * difference - (
            z_alpha * math.sqrt(discordance) + z_power * spread
        )

    if shortfall(discordance) < 0.0:
        return None
    return float(brentq(shortfall, 0.0, discordance, xtol=1e-12))


def detectable_after(pairs: PairedGroups, *, power: float = POWER, alpha: float = ALPHA) -> float:
    """Return the smallest difference that this comparison could have shown, from its discordance.

    (t_alpha + t_power) times the standard error of the difference over source groups, with
    Satterthwaite's degrees of freedom. Where every group shows the same difference, such as none,
    the standard error is that of Wilson's upper limit for the share of groups with another one.

    Parameters
    ----------
    pairs
        Paired events of each group.
    power, alpha
        Chance to show the difference; level of the two-sided test.
    """
    from scipy.stats import t

    d, size, rows, groups = pairs.difference, pairs.size, pairs.rows, len(pairs.size)
    if groups < 2 or (d * rows == size * d.sum()).all():
        most = wilson(0, groups, 1.0 - alpha)[1]
        error, freedom = math.sqrt(most / max(groups, 1)), float(max(groups - 1, 1))
    else:
        influence = (d - size * (d.sum() / rows)) / rows
        error = math.sqrt(float((influence**2).sum()) * groups / (groups - 1))
        freedom = degrees_of_freedom(-influence)
    quantiles = float(t.ppf(1.0 - alpha / 2.0, freedom)) + float(t.ppf(power, freedom))
    return min(1.0, quantiles * error)
