"""Operating thresholds of a yes-or-no question: chosen on some images, applied to others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values

SENSITIVITY = 0.95
"""Sensitivity that thresholds are chosen for."""
# Of a count: what a product with the target loses to rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Operating:
    """A threshold, and what it gives on the images that it was chosen on.

    Parameters
    ----------
    threshold
        What is at least as probable is called so.
    sensitivity
        Share of what is so that is called so.
    specificity
        Share of the rest that is not called so; None without any.
    """

    threshold: float
    sensitivity: float
    specificity: float | None


def operating_threshold(
    chances: Values, positive: NDArray[np.bool_], target: float = SENSITIVITY
) -> Operating | None:
    """Return the largest threshold whose sensitivity reaches a target; None without a positive.

    It is a choice and no promise: what it holds on other images is measured there.

    Parameters
    ----------
    chances
        (N,) probabilities of the node that is looked for.
    positive
        (N,) whether the image is of that node.
    target
        Least share of the positives that shall be called so, within (0, 1].
    """
    found = np.sort(chances[positive])[::-1]
    if not len(found):
        return None
    needed = max(1, math.ceil(target * len(found) - _ROUNDING))
    threshold = float(found[needed - 1])
    called = chances >= threshold
    others = called[~positive]
    return Operating(
        threshold,
        float(called[positive].mean()),
        float(1.0 - others.mean()) if len(others) else None,
    )
