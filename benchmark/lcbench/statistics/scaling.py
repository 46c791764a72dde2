"""Temperature scaling: one number a model that makes its probabilities as sure as it is right."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values

TEMPERATURES = (0.02, 50.0)
"""Smallest and largest temperature that is looked for: at either end, no finite one is best."""
_SMALLEST = 1e-12


def tempered(probabilities: Values, temperature: float) -> Values:
    """Return the probabilities at a temperature, (N, L): their logarithms divided by it.

    Above 1 they become less extreme; the most probable class stays so, though a sum of several may
    overtake another sum.

    Parameters
    ----------
    probabilities
        (N, L), each row summing to 1.
    temperature
        Above 0.
    """
    logits = np.log(np.maximum(probabilities, _SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Values, possible: NDArray[np.bool_]) -> float:
    """Return the temperature of the largest likelihood of some labels.

    Parameters
    ----------
    probabilities
        (N, L), each row summing to 1.
    possible
        (N, L) leaves that each label allows: one for a leaf, several for an inner node.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern neural
    networks. ICML 70, 1321-1330: one parameter, fitted by the negative log-likelihood of images
    that were held out.
    """
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        chances = (tempered(probabilities, math.exp(logarithm)) * possible).sum(axis=1)
        return float(-np.log(np.maximum(chances, np.finfo(np.float64).eps)).mean())

    ends = tuple(math.log(one) for one in TEMPERATURES)
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-5})
    return math.exp(float(found.x))
