"""What can go wrong with an image, as booleans: the events that paired tests compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.integer[Any]]
Events = NDArray[np.bool_]


def any_error(true: Codes, predicted: Codes) -> Events:
    """Return, for (N,) leaf codes, where the predicted leaf is not the true one."""
    return np.not_equal(true, predicted)


def subtype_confusion(true: Codes, predicted: Codes, subtypes: Sequence[int]) -> Events:
    """Return, for (N,) leaf codes, where an image of one subtype is predicted as another.

    Parameters
    ----------
    true, predicted
        (N,) leaf codes.
    subtypes
        Codes of the subtype leaves.
    """
    both = np.isin(true, subtypes) & np.isin(predicted, subtypes)
    return np.asarray(both & any_error(true, predicted))
