"""Scores of predicted probabilities, log loss and Brier score, and bins of confidence.

The scores are means over images, so a resample of source groups is a matrix product here too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values

BINS = 15


def log_losses(probabilities: Values, true: NDArray[np.integer[Any]]) -> Values:
    """Return minus the logarithm of the probability of the true leaf, (N,).

    Probabilities are cut at the smallest step of a float (2.2e-16), as scikit-learn does: a
    certain and wrong answer costs 36.0 and not infinity.

    Parameters
    ----------
    probabilities
        (N, L), each row summing to 1.
    true
        (N,) leaf codes.
    """
    chosen = probabilities[np.arange(len(true)), true]
    return np.asarray(-np.log(np.clip(chosen, np.finfo(np.float64).eps, 1.0)))


def brier_scores(probabilities: Values, true: NDArray[np.integer[Any]]) -> Values:
    """Return the squared distance from the truth summed over all leaves, (N,), 0 to 2.

    References
    ----------
    Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly
    Weather Review 78, 1-3: his original score, twice the usual one where there are two leaves.
    """
    off = probabilities.copy()
    off[np.arange(len(true)), true] -= 1.0
    return np.asarray((off**2).sum(axis=1))


def equal_mass_bins(confidence: Values, bins: int = BINS) -> NDArray[np.int64]:
    """Return the bin of each confidence, (N,), with about as many images in each.

    Edges are quantiles of the confidences. Equal confidences stay together, so that the order of
    images never matters; bins can therefore be empty. What differs by rounding alone is equal.

    References
    ----------
    Nixon, J. et al. (2019). Measuring calibration in deep learning. CVPR workshops.
    """
    if not len(confidence):
        return np.zeros(0, np.int64)
    confidence = np.round(confidence, 12)
    ranks = (np.arange(1, bins) * len(confidence) - 1) // bins
    edges = np.sort(confidence)[ranks]
    return np.searchsorted(edges, confidence, side="left").astype(np.int64)
