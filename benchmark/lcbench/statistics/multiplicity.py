"""Families of p-values: Holm's and Benjamini and Hochberg's adjustment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lcbench.statistics.choices import Adjustment
from lcbench.statistics.metrics import Values
from lcbench.statistics.result import bounded_p


def adjust(p_values: Sequence[float], how: Adjustment = Adjustment.holm) -> list[float]:
    """Return the adjusted p-values of a family, in the order given.

    Raises
    ------
    ValueError
        If one is NaN or outside [0, 1].

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
    Journal of Statistics 6, 65-70. Benjamini, Y. and Hochberg, Y. (1995). Controlling the false
    discovery rate. JRSS B 57, 289-300.
    """
    from scipy.stats import false_discovery_control

    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"not all p-values lie in [0, 1]: {list(p_values)}")
    if not p_values:
        return []
    family = np.array(p_values, np.float64)
    # statsmodels' multipletests collects garbage in every call: a tenth of a second and more.
    adjusted = (
        _holm(family) if Adjustment(how) is Adjustment.holm else false_discovery_control(family)
    )
    return [bounded_p(p) for p in adjusted]


def _holm(family: Values) -> Values:
    order = np.argsort(family, kind="stable")
    steps = family[order] * np.arange(len(family), 0, -1)
    adjusted = np.empty_like(family)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted
