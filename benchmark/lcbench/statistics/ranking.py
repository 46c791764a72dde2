"""One-vs-rest AUROC and average precision on weighted source groups, within trained models.

Each trained model ranks its own test images; scores of different models are never compared, since
their scales differ (Forman and Scholz 2010, "Apples-to-apples in cross-validation studies",
SIGKDD Explorations 12, 49-57). What follows is done for the images of each trained model.

Scores are sorted once. Equal scores form a step; the weight of a step is the sum of its images'
group weights, a product of a sparse (steps x units) matrix with the weights. Cumulative sums over
the steps then give both metrics of every resample: time and memory are linear in the images.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.design import Design
from lcbench.statistics.hierarchy import summed
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import SHARE, Measure, Panel, trials_of_mean
from lcbench.statistics.registry import MetricKey

# Step weights held at once by a thread: 2 MiB, which stay in its cache.
_BLOCK_CELLS = 2**18
_TINY = np.finfo(np.float64).tiny
_SURE = 1e-6
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class _Steps:
    """Images of one class against the rest, by falling score of one trained model.

    Parameters
    ----------
    positive, negative
        Sparse (T, U): images of each unit in each step.
    """

    positive: Any
    negative: Any

    @property
    def positives(self) -> Values:
        """(U,) images of the class of each unit."""
        return np.asarray(self.positive.sum(axis=0), np.float64)

    @property
    def negatives(self) -> Values:
        """(U,) other images of each unit."""
        return np.asarray(self.negative.sum(axis=0), np.float64)


_Cells = Sequence[_Steps]
"""The steps of each trained model that has images of the class and others."""


def ranking_panel(
    probabilities: Values,
    true: NDArray[np.integer[Any]],
    units: NDArray[np.integer[Any]],
    models: NDArray[np.integer[Any]],
    design: Design,
    leaves: Sequence[str],
) -> Panel[MetricKey]:
    """Return AUROC and average precision of each leaf against the rest, and their means.

    AUROC is the chance that an image of the leaf scores above another image that the same trained
    model answered, ties counting half: the pairs ranked right over the pairs, so that a trained
    model counts by the product of its images of the leaf and its others. As a function of the
    group weights w it is w' K w / w' J w, where K and J hold the pairs ranked right and all pairs
    within trained models. Average precision is the sum over thresholds of the gain in recall
    times the precision, without interpolation, of each trained model, and their mean weighted by
    the images of the leaf. With one trained model both are scikit-learn's. A trained model
    without images of the leaf, or without others, drops out, in each resample anew. The macro
    means are over the leaves that are defined.

    Pooled over trained models, two that rank all their images right can have an AUROC of 3/4.

    Parameters
    ----------
    probabilities
        (N, L) scores, such as `log_odds`.
    true, units
        (N,) leaf codes and unit codes.
    models
        (N,) code of the trained model that answered each row.
    design
        Groups, seeds, strata and sizes.
    leaves
        The L names.

    Returns
    -------
    Panel
        Measures auroc and average_precision of each leaf, macro_auroc, macro_average_precision;
        undefined where no trained model has images of the leaf and others.
    """
    steps = [
        _cells(probabilities[:, leaf], true == leaf, units, models, design.units)
        for leaf in range(len(leaves))
    ]

    def with_means(pairs: Values) -> Values:
        aurocs, precisions = pairs[:, 0], pairs[:, 1]  # (L, B) each
        means = np.stack([_mean_defined(aurocs), _mean_defined(precisions)])
        return np.concatenate([aurocs, precisions, means]).T

    by_leaf = [
        _measure(MetricKey(name, leaf), one, design)
        for name in ("auroc", "average_precision")
        for leaf, one in zip(leaves, steps, strict=True)
    ]
    defined = [measure for measure in by_leaf if measure.images]
    images = max((measure.images for measure in defined), default=0)
    groups = max((measure.groups for measure in defined), default=0)
    shares = [measure.trials for measure in by_leaf[: len(leaves)] if measure.images]
    # Of two leaves, one is right where the other is: their scores are no two independent ones.
    trials = trials_of_mean(np.array(shares)) if len(shares) > 2 else min(shares, default=0)
    means = [
        Measure(MetricKey(name), SHARE, Scale.bounded, images, groups, trials)
        for name in ("macro_auroc", "macro_average_precision")
    ]
    return Panel(
        design,
        (*by_leaf, *means),
        lambda weights: with_means(_evaluate_all(steps, weights)),
        lambda: with_means(np.stack([_influence(one, design) for one in steps])),
    )


def log_odds(probabilities: Values) -> Values:
    """Return the (N, L) logarithms of the odds of (N, L) probabilities: each against all others.

    They rank as the probabilities do, with the same ties, up to where numbers of 32 bits end: what
    is surer than 1 - 1e-6 ranks by what is left to the others, which floats hold down to nearly 0.
    """
    leaves = np.arange(probabilities.shape[1])
    sides = [summed(probabilities, (leaves != leaf).astype(np.int64)) for leaf in leaves]
    own, others = np.moveaxis(np.stack(sides, axis=1), 2, 0)
    rest = np.where(own < 1.0 - _SURE, 1.0 - own, others)
    return np.asarray(np.log(np.maximum(own, _TINY)) - np.log(np.maximum(rest, _TINY)))


def _cells(
    scores: Values,
    positive: NDArray[np.bool_],
    units: NDArray[np.integer[Any]],
    models: NDArray[np.integer[Any]],
    n_units: int,
) -> _Cells:
    order = np.argsort(models, kind="stable")
    cells = np.split(order, np.flatnonzero(np.diff(models[order])) + 1)
    return [
        _steps(scores[rows], positive[rows], units[rows], n_units)
        for rows in cells
        if positive[rows].any() and not positive[rows].all()
    ]


def _steps(
    scores: Values, positive: NDArray[np.bool_], units: NDArray[np.integer[Any]], n_units: int
) -> _Steps:
    from scipy.sparse import csr_array

    _, codes = np.unique(-scores, return_inverse=True)
    step = _merge_steps(codes, positive)
    size = int(step.max()) + 1

    def matrix(rows: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - scipy has no types
        ones = np.ones(int(rows.sum()))
        return csr_array((ones, (step[rows], units[rows])), shape=(size, n_units))

    return _Steps(matrix(positive), matrix(~positive))


def _merge_steps(codes: NDArray[np.intp], positive: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Put neighbouring steps together where no threshold between them can matter.

    Neighbours that hold negatives only, and the positives above the first negative (precision 1),
    give the same sums as one step: what a good classifier separates costs nothing to resample.
    """
    size = int(codes.max()) + 1 if codes.size else 0
    has_positive = np.bincount(codes, weights=positive, minlength=size) > 0
    has_negative = np.bincount(codes, weights=~positive, minlength=size) > 0
    kind = np.where(has_positive & has_negative, 2, np.where(has_positive, 1, 0))
    before_negatives = np.cumsum(has_negative) == 0
    same = kind[1:] == kind[:-1]
    mergeable = (kind[1:] == 0) | before_negatives[1:]
    new = np.concatenate([[0], np.cumsum(~(same & mergeable))]) if size else np.zeros(0, np.intp)
    return np.asarray(new, np.intp)[codes]


def _evaluate_all(leaves: Sequence[_Cells], weights: Values) -> Values:
    """Return (L, 2, B): AUROC and average precision of each leaf and resample, NaN if undefined."""
    columns = np.ascontiguousarray(weights.T)
    tasks = [
        (leaf, slice(start, start + block))
        for leaf, cells in enumerate(leaves)
        for steps in [max((one.positive.shape[0] for one in cells), default=1)]
        for block in [max(1, _BLOCK_CELLS // steps)]
        for start in range(0, len(weights), block)
    ]
    found = np.empty((len(leaves), 2, len(weights)))

    def work(task: tuple[int, slice]) -> None:
        leaf, rows = task
        found[leaf, :, rows] = _evaluate(leaves[leaf], columns[:, rows])

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, tasks))
    return found


def _evaluate(cells: _Cells, columns: Values) -> Values:
    """Return (2, B): AUROC and average precision of each column of weights."""
    columns = np.ascontiguousarray(columns)
    sums = np.zeros((4, columns.shape[1]))
    for one in cells:
        sums += _sums(one, columns)
    defined = sums[1] > 0
    lost, pairs, gained, positives = np.where(defined, sums, 1.0)
    return np.where(defined, np.stack([1.0 - lost / pairs, gained / positives]), np.nan)


def _sums(steps: _Steps, columns: Values) -> Values:
    """Return (4, B) sums of one trained model, 0 where it has no pair.

    They are the pairs ranked wrong, the pairs, the precision at each positive, and the positives.
    """
    hits, misses = steps.positive @ columns, steps.negative @ columns  # (T, B)
    found, missed = np.cumsum(hits, axis=0), np.cumsum(misses, axis=0)
    positives, pairs = found[-1].copy(), found[-1] * missed[-1]
    # A positive beats every negative below its step, and half of those within.
    misses *= -0.5
    misses += missed
    misses *= hits
    lost = misses.sum(axis=0)
    missed += found
    np.divide(found, missed, out=found, where=missed > 0)
    found *= hits
    gained = found.sum(axis=0)
    return np.where(pairs > 0, np.stack([lost, pairs, gained, positives]), 0.0)


def _influence(cells: _Cells, design: Design) -> Values:
    """Return (2, U): derivatives of both metrics with respect to the weight of each unit.

    At weights 1, from cumulative sums over the steps: linear in the images, where leaving out each
    unit in turn would be quadratic. NaN where the metrics are undefined.
    """
    if not cells:
        return np.full((2, design.units), np.nan)
    ones = np.ones((design.units, 1))
    totals, changes = np.zeros(4), np.zeros((4, design.units))
    for one in cells:
        totals += _sums(one, ones)[:, 0]
        changes += _changes(one)
    lost, pairs, gained, positives = totals
    auroc = (lost / pairs * changes[1] - changes[0]) / pairs
    precision = (changes[2] - gained / positives * changes[3]) / positives
    return np.stack([auroc, precision])


def _changes(steps: _Steps) -> Values:
    """Return (4, U): derivatives of `_sums` with respect to the weight of each unit."""
    hits, misses = (np.asarray(part.sum(axis=1)) for part in (steps.positive, steps.negative))
    found, missed = np.cumsum(hits), np.cumsum(misses)
    called, p, n = found + missed, found[-1], missed[-1]
    above, below = missed - 0.5 * misses, p - found + 0.5 * hits
    lost = steps.positive.T @ above + steps.negative.T @ below
    pairs = n * steps.positives + p * steps.negatives
    gain = from_below(hits * missed / called**2)
    loss = from_below(hits * found / called**2)
    gained = steps.positive.T @ (found / called + gain) - steps.negative.T @ loss
    return np.stack([lost, pairs, gained, steps.positives])


def from_below(values: Values) -> Values:
    """Return the sum of each value and all after it."""
    return np.asarray(np.cumsum(values[::-1])[::-1])


def _mean_defined(values: Values) -> Values:
    """Return the mean over the first axis without NaN, NaN where all are."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=0)
    total = np.where(defined, values, 0.0).sum(axis=0)
    means = np.full(total.shape, np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means


def _measure(key: MetricKey, cells: _Cells, design: Design) -> Measure[MetricKey]:
    def by_group(parts: Iterable[Values]) -> Values:
        units = sum(parts, start=np.zeros(design.units))
        return np.asarray(units.reshape(design.groups, design.seeds).sum(axis=1))

    positive = by_group(one.positives for one in cells)
    negative = by_group(one.negatives for one in cells)
    images = round(float((positive + negative).sum()))
    groups = int((positive + negative > 0).sum())
    # The scarcer side decides how much is known.
    trials = min(int((positive > 0).sum()), int((negative > 0).sum()))
    return Measure(key, SHARE, Scale.bounded, images, groups, trials)
