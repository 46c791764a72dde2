"""What a test set is worth: its effective size, and the smallest difference that it can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.limits import normal_quantile
from lcbench.statistics.paired_groups import PairedGroups

POWER = 0.8
ALPHA = 0.05


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

    if discordance <= 0.0 or not np.sum(sizes):
        return None
    effective = float(np.sum(sizes)) / kish_design_effect(sizes, correlation)
    z_alpha, z_power = normal_quantile(alpha / 2.0), normal_quantile(1.0 - power)

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

    Half the width of the interval at the level of the test, and as many of its standard errors
    more as the power asks for.

    Parameters
    ----------
    pairs
        Paired events of each group.
    power, alpha
        Chance to show the difference; level of the two-sided test.
    """
    if len(pairs.size) < 2:
        return 1.0
    tail = alpha / 2.0
    low, high = pairs.rates.limits(tail)
    more = normal_quantile(1.0 - power) / normal_quantile(tail)
    return min(1.0, (high - low) / 2.0 * (1.0 + more))
