"""Metrics on counts of true nodes and predicted leaves.

Every function takes `counts` of shape (..., M, L): rows are the true node, leaves first, columns
the predicted leaf in the same order (`lcbench.statistics.tree`). The metrics here speak of leaves
and look at the first L rows only, so that (..., L, L) confusion counts do as well; those of coarser
nodes are shares of cells, see `lcbench.statistics.registry`. The leading axes are free, so that one
call scores a batch of bootstrap resamples; counts may be weighted, that is, not whole. A ratio with
an empty denominator is 0 and never NaN: whoever shows it also shows the number of images behind it.
"""

from __future__ import annotations

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
    n_nodes: int | None = None,
) -> NDArray[np.int64]:
    """Count true nodes and predicted leaves in each source group.

    Parameters
    ----------
    true, predicted
        (N,) codes of nodes and of leaves, 0 to `n_nodes` - 1 and 0 to `n_classes` - 1.
    groups
        (N,) group codes, 0 to G - 1.
    n_classes
        Number of leaves, L.
    n_groups
        G, where groups without an image here are to be kept (two prediction files that share
        their groups); by default the largest code plus one.
    n_nodes
        Number of nodes that labels can name, M; by default the leaves alone.

    Returns
    -------
    ndarray
        (G, M, L) whole counts; memory is linear in N + G * M * L.

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
    n_nodes = n_classes if n_nodes is None else n_nodes
    for name, codes, bound in (
        ("true", true, n_nodes),
        ("predicted", predicted, n_classes),
        ("groups", groups, n_groups),
    ):
        if codes.size and not (codes.min() >= 0 and codes.max() < bound):
            raise ValueError(f"{name} has codes outside 0 to {bound - 1}")
    cells = (groups * n_nodes + true) * n_classes + predicted
    counts = np.bincount(cells, minlength=n_groups * n_nodes * n_classes)
    return counts.reshape(n_groups, n_nodes, n_classes).astype(np.int64, copy=False)


def leaf_rows(counts: Counts) -> Values:
    """Return the (..., L, L) counts of images whose label is a leaf."""
    cells = np.asarray(counts, np.float64)
    return cells[..., : cells.shape[-1], :]


def true_support(counts: Counts) -> Values:
    """Return the number of images of each leaf, (..., L): the denominator of `recall`."""
    return np.asarray(leaf_rows(counts).sum(axis=-1))


def predicted_support(counts: Counts) -> Values:
    """Return the number of images predicted as each leaf, (..., L): that of `precision`."""
    return np.asarray(leaf_rows(counts).sum(axis=-2))


def support(counts: Counts) -> Values:
    """Return the number of images whose label is a leaf, (...): the denominator of `accuracy`."""
    return np.asarray(true_support(counts).sum(axis=-1))


def accuracy(counts: Counts) -> Values:
    """Return the share of images predicted as their leaf, (...); 0 without images."""
    return ratio(_hits(counts).sum(axis=-1), support(counts))


def precision(counts: Counts) -> Values:
    """Return, for each leaf, the share of its predictions that are right, (..., L); 0/0 is 0."""
    return ratio(_hits(counts), predicted_support(counts))


def recall(counts: Counts) -> Values:
    """Return, for each leaf, the share of its images that are found, (..., L); 0/0 is 0."""
    return ratio(_hits(counts), true_support(counts))


def f1(counts: Counts) -> Values:
    """Return, for each leaf, 2 TP / (2 TP + FP + FN), (..., L); 0/0 is 0."""
    return ratio(2.0 * _hits(counts), true_support(counts) + predicted_support(counts))


def balanced_accuracy(counts: Counts) -> Values:
    """Return the mean recall over the leaves that have images, (...); 0 without images."""
    return _mean_where(recall(counts), true_support(counts) > 0)


def macro_f1(counts: Counts) -> Values:
    """Return the mean F1 over the leaves that occur as truth or prediction, (...).

    This is scikit-learn's `f1_score(average="macro")` with its default labels.
    """
    return _mean_where(f1(counts), true_support(counts) + predicted_support(counts) > 0)


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


def cell_sum(counts: Counts, weights: NDArray[Any]) -> Values:
    """Return the sum of (..., M, L) counts times the (M, L) weights of their cells, (...)."""
    # No product in between, and no threads of a matrix product: a quarter of the time.
    cells, of_cells = np.asarray(counts, np.float64), np.asarray(weights, np.float64)
    return np.asarray(np.einsum("...ij,ij->...", cells, of_cells))


def cell_share(counts: Counts, part: NDArray[Any], whole: NDArray[Any]) -> Values:
    """Return one weighted sum of cells divided by another, (...); 0/0 is 0.

    Parameters
    ----------
    counts
        (..., M, L) counts.
    part, whole
        (M, L) weights of the cells in numerator and denominator.
    """
    return ratio(cell_sum(counts, part), cell_sum(counts, whole))


def ratio(part: Values, whole: Values) -> Values:
    """Return part / whole, 0 where the whole is not positive; the shapes are broadcast."""
    whole = np.broadcast_to(whole, np.shape(part))
    shares = np.zeros(np.shape(part))
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return shares


def _hits(counts: Counts) -> Values:
    return np.diagonal(leaf_rows(counts), axis1=-2, axis2=-1)


def _shares(counts: Counts) -> tuple[Values, Values]:
    """Return the share of each leaf among truths and among predictions, (..., L) each."""
    n = support(counts)[..., None]
    return ratio(true_support(counts), n), ratio(predicted_support(counts), n)


def _chance_agreement(counts: Counts) -> Values:
    true, predicted = _shares(counts)
    return np.asarray((true * predicted).sum(axis=-1))


def _where_defined(denominator: Values) -> Values:
    """Return a denominator between 0 and 1, with what is only rounding taken as 0."""
    return np.where(denominator > 1e-12, denominator, 0.0)


def _mean_where(values: Values, present: NDArray[np.bool_]) -> Values:
    return ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1) * 1.0)
