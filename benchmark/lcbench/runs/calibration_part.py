"""The part of an external folder that is set aside to calibrate on, in whole groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.errors import wrong_usage
from lcbench.storage.hashes import content_hash
from lcbench.taxonomy import ROOT


def calibration_part(
    images: pd.DataFrame, contaminated: NDArray[np.bool_], fraction: float
) -> NDArray[np.bool_]:
    """Return which images to calibrate on; which ones depends on the names of their groups alone.

    Of the groups of each label that share is set aside, one at least and never all; a group of
    several labels counts for its most frequent one. Images without a label, and groups that show
    tissue of the training data, are left where they are.

    Parameters
    ----------
    images
        One row an image, with label (the root where there is none) and group.
    contaminated
        (images,) which of them show tissue of the training data.
    fraction
        The share of the groups, between 0 and 1.

    Returns
    -------
    ndarray
        (images,) True for those that are set aside.

    Raises
    ------
    UserError
        If no label has two groups, so that none can be set aside.
    """
    usable = ((images["label"] != ROOT) & ~contaminated).to_numpy()
    labels = images["label"][usable].groupby(images["group"][usable]).agg(_most_frequent)
    chosen: set[str] = set()
    for _, groups in labels.groupby(labels):
        names = sorted(groups.index, key=content_hash)
        count = min(max(round(fraction * len(names)), 1), len(names) - 1)
        chosen.update(names[:count])
    if not chosen:
        raise wrong_usage(
            f"--calibrate-on {fraction:g}: no label has two groups of images that could be divided",
            "Leave the option out, or say with --groups or --group-pattern which images belong "
            "together.",
        )
    return usable & images["group"].isin(chosen).to_numpy()


def _most_frequent(labels: pd.Series) -> str:
    return str(labels.mode().iloc[0])
