"""How metrics are computed: from counts of true node x predicted leaf, probabilities or ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics import metrics
from lcbench.statistics.calibration import Estimate
from lcbench.statistics.metrics import Counts, Values
from lcbench.statistics.panel import Count, CountStatistic, trials_of_mean
from lcbench.statistics.tree import ClassTree, Codes, Decision

Cells = Callable[[ClassTree, Any], NDArray[Any]]
"""Takes what the two parameters of `OfCounts.count` are and returns (M, L) weights of cells."""


@dataclass(frozen=True)
class OfCounts:
    """A metric of counts.

    Parameters
    ----------
    count
        Takes the class tree and what the metric speaks of: None for the whole model, the code of
        a leaf, else a `Decision` (for a node see `ClassTree.detections`).
    bounds
        Takes the class tree and returns the bounds, where the tree narrows those of the metric.
    rate
        Takes the same as `count` and returns the (M, L) cells of its numerator and of its
        denominator, where the metric is a share of images.
    """

    count: Callable[[ClassTree, Any], Count]
    bounds: Callable[[ClassTree], tuple[float, float]] | None = None
    rate: Callable[[ClassTree, Any], tuple[NDArray[Any], NDArray[Any]]] | None = None


@dataclass(frozen=True)
class MeanOfImages:
    """The mean over images of a score of their probabilities.

    Parameters
    ----------
    values
        Takes (N, L) probabilities and (N,) true leaf codes and returns (N,).
    """

    values: Callable[[Values, Codes], Values]


@dataclass(frozen=True)
class OfConfidence:
    """How well the probability of the most probable leaf tells whether it is the true one.

    Parameters
    ----------
    estimate
        Takes the confidences and returns the estimate with its linear approximation.
    """

    estimate: Estimate


@dataclass(frozen=True)
class OfRanks:
    """Made from the ranks of the probabilities by `lcbench.statistics.ranking`, by the key."""


def of_images(function: CountStatistic) -> OfCounts:
    """Return a share of all images whose label is a leaf."""
    one = Count(function, metrics.support, proportion=True)

    def rate(tree: ClassTree, _of: None) -> tuple[NDArray[Any], NDArray[Any]]:
        leaves = _leaf_cells(tree)
        return tree.under & leaves, leaves

    return OfCounts(lambda _tree, _of: one, rate=rate)


def of_classes(function: CountStatistic, defined: CountStatistic | None = None) -> OfCounts:
    """Return a metric that is the mean over the classes, or as sure as one.

    Parameters
    ----------
    function, defined
        See `lcbench.statistics.panel.Count`.
    """
    one = Count(function, metrics.support, defined=defined, trials=_of_mean)
    return OfCounts(lambda _tree, _of: one)


def of_options(function: CountStatistic) -> OfCounts:
    """Return a metric that is the mean over the options of a decision, as `of_classes`.

    Parameters
    ----------
    function
        Takes (..., K, K) counts of true and answered options and returns (...).
    """

    def count(_tree: ClassTree, decision: Decision) -> Count:
        options = range(len(decision.options))
        rows, columns = (
            np.stack([codes == option for option in options]).astype(np.float64)
            for codes in (decision.true_option, decision.leaf_option)
        )

        def grouped(counts: Counts) -> Values:
            return np.asarray(rows @ np.asarray(counts, np.float64) @ columns.T)

        return Count(
            lambda counts: function(grouped(counts)),
            lambda counts: metrics.support(grouped(counts)),
            trials=lambda by_group: _of_mean(grouped(by_group)),
        )

    return OfCounts(count)


def of_leaf(
    function: CountStatistic, images: Callable[[Counts, int], Values], *, proportion: bool = True
) -> OfCounts:
    """Return a metric of each leaf.

    Parameters
    ----------
    function
        Takes counts and returns (..., L).
    images
        Takes counts and the code of a leaf and returns the (...) images that enter.
    proportion
        Whether it is a share of these images.
    """

    def count(_tree: ClassTree, leaf: int) -> Count:
        return Count(
            lambda counts: np.asarray(function(counts)[..., leaf]),
            lambda counts: images(counts, leaf),
            proportion=proportion,
        )

    return OfCounts(count)


def _leaf_cells(tree: ClassTree) -> NDArray[np.bool_]:
    """Return the (M, L) cells whose label is a leaf."""
    return np.broadcast_to(np.arange(len(tree.nodes))[:, None] < len(tree.leaves), tree.under.shape)


def of_cells(
    part: Cells,
    whole: Cells,
    *,
    images: Cells | None = None,
    bounds: Callable[[ClassTree], tuple[float, float]] | None = None,
) -> OfCounts:
    """Return one weighted sum of cells divided by another.

    Parameters
    ----------
    part, whole
        Weights of the cells.
    images
        Cells of the images that enter. By default those of `whole`: the metric is then a share of
        these images, and the cells of `part` are among them.
    bounds
        See `OfCounts`.
    """

    def count(tree: ClassTree, of: Any) -> Count:  # noqa: ANN401 - see `OfCounts`
        share = partial(metrics.cell_share, part=part(tree, of), whole=whole(tree, of))
        entering = partial(metrics.cell_sum, weights=(images or whole)(tree, of))
        return Count(share, entering, proportion=images is None)

    def rate(tree: ClassTree, of: Any) -> tuple[NDArray[Any], NDArray[Any]]:  # noqa: ANN401 - see `OfCounts`
        return part(tree, of), whole(tree, of)

    return OfCounts(count, bounds, rate if images is None else None)


def of_right() -> OfCounts:
    """Return the share of a decision's images that are answered in the right option."""
    return of_cells(lambda _, decision: decision.right, lambda _, decision: decision.asked)


def of_option(option: int) -> OfCounts:
    """Return the share of the images of one option of a decision that are answered so."""
    return of_cells(
        lambda _, decision: decision.rows_of(option) & decision.right,
        lambda _, decision: decision.rows_of(option),
    )


def every_cell(tree: ClassTree, _of: object = None) -> NDArray[np.bool_]:
    """Return (M, L) all cells."""
    return np.ones_like(tree.under)


def error_cells(tree: ClassTree, _of: object = None) -> NDArray[np.bool_]:
    """Return the (M, L) cells of errors: the predicted leaf does not lie under the label."""
    return ~tree.under


def true_images(counts: Counts, leaf: int) -> Values:
    """Return the images of a leaf, (...)."""
    return np.asarray(metrics.true_support(counts)[..., leaf])


def predicted_images(counts: Counts, leaf: int) -> Values:
    """Return the images predicted as a leaf, (...)."""
    return np.asarray(metrics.predicted_support(counts)[..., leaf])


def true_or_predicted(counts: Counts, leaf: int) -> Values:
    """Return the images of a leaf and those predicted as it, no image twice, (...)."""
    both = metrics.leaf_rows(counts)[..., leaf, leaf]
    return true_images(counts, leaf) + predicted_images(counts, leaf) - both


def _of_mean(by_group: Values) -> float:
    return trials_of_mean((metrics.true_support(by_group) > 0).sum(axis=0))
