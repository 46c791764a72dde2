"""Metrics on confusion counts.

Every function takes `counts` of shape (..., L, L): rows are the true leaf, columns the predicted
leaf, in the same order. The leading axes are free, so that one call scores a batch of bootstrap
resamples; counts may be weighted, that is, not whole. A ratio with an empty denominator is 0 and
never NaN: whoever shows it also shows the number of images behind it (`support`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.number[Any]]
Values = NDArray[np.float64]


def confusion_by_group(
    true: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    groups: NDArray[np.integer[Any]],
    n_classes: int,
    n_groups: int | None = None,
) -> NDArray[np.int64]:
    """Count true and predicted leaves in each source group.

    Parameters
    ----------
    true, predicted
        (N,) leaf codes, 0 to `n_classes` - 1.
    groups
        (N,) group codes, 0 to G - 1.
    n_classes
        Number of leaves, L.
    n_groups
        G, where groups without an image here are to be kept (two prediction files that share
        their groups); by default the largest code plus one.

    Returns
    -------
    ndarray
        (G, L, L) whole counts; memory is linear in N + G * L * L.

    Raises
    ------
    ValueError
        If the lengths differ or a code is out of range.
    """
    true, predicted, groups = (np.asarray(codes, np.int64) for codes in (true, predicted, groups))
    if not true.shape == predicted.shape == groups.shape:
        raise ValueError("true, predicted and groups differ in length")
    if n_groups is None:
        n_groups = int(groups.max()) + 1 if groups.size else 0
    for name, codes, bound in (
        ("true", true, n_classes),
        ("predicted", predicted, n_classes),
        ("groups", groups, n_groups),
    ):
        if codes.size and not (codes.min() >= 0 and codes.max() < bound):
            raise ValueError(f"{name} has codes outside 0 to {bound - 1}")
    cells = (groups * n_classes + true) * n_classes + predicted
    counts = np.bincount(cells, minlength=n_groups * n_classes * n_classes)
    return counts.reshape(n_groups, n_classes, n_classes).astype(np.int64, copy=False)


def support(counts: Counts, leaves: Sequence[int] | None = None) -> Values:
    """Return the number of images whose true leaf is among `leaves` (default: all), (...).

    It is the denominator of `accuracy`, and, with the leaves in question, of `recall`,
    `sensitivity`, `specificity` and `subtype_accuracy`.
    """
    rows = np.asarray(counts, np.float64).sum(axis=-1)
    chosen: Values = rows if leaves is None else rows[..., _indices(leaves)]
    return np.asarray(chosen.sum(axis=-1))


def predicted_support(counts: Counts, leaves: Sequence[int]) -> Values:
    """Return the number of images predicted as one of `leaves`, (...).

    It is the denominator of `precision`.
    """
    return np.asarray(_predicted(counts)[..., _indices(leaves)].sum(axis=-1))


def accuracy(counts: Counts) -> Values:
    """Return the share of images predicted as their leaf, (...); 0 without images."""
    return ratio(_hits(counts).sum(axis=-1), support(counts))


def precision(counts: Counts) -> Values:
    """Return, for each leaf, the share of its predictions that are right, (..., L); 0/0 is 0."""
    return ratio(_hits(counts), _predicted(counts))


def recall(counts: Counts) -> Values:
    """Return, for each leaf, the share of its images that are found, (..., L); 0/0 is 0."""
    return ratio(_hits(counts), _true(counts))


def f1(counts: Counts) -> Values:
    """Return, for each leaf, 2 TP / (2 TP + FP + FN), (..., L); 0/0 is 0."""
    return ratio(2.0 * _hits(counts), _true(counts) + _predicted(counts))


def balanced_accuracy(counts: Counts) -> Values:
    """Return the mean recall over the leaves that have images, (...); 0 without images."""
    return _mean_where(recall(counts), _true(counts) > 0)


def macro_f1(counts: Counts) -> Values:
    """Return the mean F1 over the leaves that occur as truth or prediction, (...).

    This is scikit-learn's `f1_score(average="macro")` with its default labels.
    """
    return _mean_where(f1(counts), _true(counts) + _predicted(counts) > 0)


def cohen_kappa(counts: Counts) -> Values:
    """Return Cohen's kappa, (...): agreement beyond chance; 0 where chance explains everything.

    References
    ----------
    Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological
    Measurement 20, 37-46.
    """
    return ratio(accuracy(counts) - _chance_agreement(counts), beyond_chance(counts))


def beyond_chance(counts: Counts) -> Values:
    """Return the denominator of `cohen_kappa`, (...): 0 where it is not defined."""
    return np.where(support(counts) > 0, _where_defined(1.0 - _chance_agreement(counts)), 0.0)


def matthews_correlation(counts: Counts) -> Values:
    """Return Matthews' correlation coefficient for any number of classes, (...); 0/0 is 0.

    References
    ----------
    Gorodkin, J. (2004). Comparing two K-category assignments by a K-category correlation
    coefficient. Computational Biology and Chemistry 28, 367-374.
    """
    true, predicted = _shares(counts)
    covariance = accuracy(counts) - (true * predicted).sum(axis=-1)
    # Rounding can leave a coefficient 1e-16 beyond 1.
    return np.clip(ratio(covariance, matthews_scale(counts)), -1.0, 1.0)


def matthews_scale(counts: Counts) -> Values:
    """Return the denominator of `matthews_correlation`, (...): 0 where it is not defined."""
    true, predicted = (_where_defined(1.0 - (part**2).sum(axis=-1)) for part in _shares(counts))
    return np.where(support(counts) > 0, np.sqrt(true * predicted), 0.0)


def sensitivity(counts: Counts, positive: Sequence[int]) -> Values:
    """Return the share of positive images predicted as any positive leaf, (...); 0/0 is 0.

    Parameters
    ----------
    counts
        (..., L, L) confusion counts.
    positive
        Indices of the leaves that together form the positive class.
    """
    return _block_share(counts, _indices(positive))


def specificity(counts: Counts, positive: Sequence[int]) -> Values:
    """Return the share of negative images predicted as any negative leaf, (...); 0/0 is 0.

    Parameters
    ----------
    counts
        (..., L, L) confusion counts.
    positive
        Indices of the leaves that together form the positive class; the rest are negative.
    """
    leaves = np.arange(np.shape(counts)[-1])
    return _block_share(counts, np.setdiff1d(leaves, _indices(positive)))


def subtype_accuracy(counts: Counts, subtypes: Sequence[int]) -> Values:
    """Return the share of images of the given leaves predicted as exactly their leaf, (...).

    Parameters
    ----------
    counts
        (..., L, L) confusion counts.
    subtypes
        Indices of the subtype leaves. Their images that are predicted outside the subtypes count
        as wrong. 0 without such images.
    """
    return ratio(_hits(counts)[..., _indices(subtypes)].sum(axis=-1), support(counts, subtypes))


def subtype_confusion_rate(counts: Counts, subtypes: Sequence[int]) -> Values:
    """Return the share of images of the given leaves predicted as another of them, (...).

    Parameters
    ----------
    counts
        (..., L, L) confusion counts.
    subtypes
        Indices of the subtype leaves. 0 without such images.
    """
    return ratio(subtype_confusions(counts, subtypes), support(counts, subtypes))


def subtype_confusions(counts: Counts, subtypes: Sequence[int]) -> Values:
    """Return the number of images of one subtype that are predicted as another, (...).

    Parameters
    ----------
    counts
        (..., L, L) confusion counts.
    subtypes
        Indices of the subtype leaves.
    """
    block = _block(counts, _indices(subtypes))
    return np.asarray(block.sum(axis=(-2, -1)) - _hits(block).sum(axis=-1))


def ratio(part: Values, whole: Values) -> Values:
    """Return part / whole, 0 where the whole is not positive; the shapes are broadcast."""
    whole = np.broadcast_to(whole, np.shape(part))
    shares = np.zeros(np.shape(part))
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return shares


def _indices(leaves: Sequence[int]) -> NDArray[np.intp]:
    return np.asarray(leaves, dtype=np.intp)


def _hits(counts: Counts) -> Values:
    return np.diagonal(np.asarray(counts, np.float64), axis1=-2, axis2=-1)


def _true(counts: Counts) -> Values:
    return np.asarray(np.asarray(counts, np.float64).sum(axis=-1))


def _predicted(counts: Counts) -> Values:
    return np.asarray(np.asarray(counts, np.float64).sum(axis=-2))


def _block(counts: Counts, leaves: NDArray[np.intp]) -> Values:
    return np.asarray(counts, np.float64)[..., leaves[:, None], leaves[None, :]]


def _block_share(counts: Counts, leaves: NDArray[np.intp]) -> Values:
    inside = _block(counts, leaves).sum(axis=(-2, -1))
    return ratio(inside, _true(counts)[..., leaves].sum(axis=-1))


def _shares(counts: Counts) -> tuple[Values, Values]:
    """Return the share of each leaf among truths and among predictions, (..., L) each."""
    n = support(counts)[..., None]
    return ratio(_true(counts), n), ratio(_predicted(counts), n)


def _chance_agreement(counts: Counts) -> Values:
    true, predicted = _shares(counts)
    return np.asarray((true * predicted).sum(axis=-1))


def _where_defined(denominator: Values) -> Values:
    """Return a denominator between 0 and 1, with what is only rounding taken as 0."""
    return np.where(denominator > 1e-12, denominator, 0.0)


def _mean_where(values: Values, present: NDArray[np.bool_]) -> Values:
    return ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1) * 1.0)
