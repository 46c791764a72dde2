"""One-vs-rest AUROC and average precision on weighted source groups.

Scores are sorted once. Equal scores form a step; the weight of a step is the sum of its images'
group weights, a product of a sparse (steps x units) matrix with the weights. Cumulative sums over
the steps then give both metrics of every resample: time and memory are linear in the images.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.bootstrap import Design
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import SHARE, Measure, Panel
from lcbench.statistics.registry import MetricKey

# Step weights held at once by a thread: 2 MiB, which stay in its cache.
_BLOCK_CELLS = 2**18
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class _Steps:
    """Images of one class against the rest, by falling score.

    Parameters
    ----------
    positive, negative
        Sparse (T, U): images of each unit in each step.
    positives, negatives
        (U,) images of each unit.
    """

    positive: Any
    negative: Any
    positives: Values
    negatives: Values


def ranking_panel(
    probabilities: Values,
    true: NDArray[np.integer[Any]],
    units: NDArray[np.integer[Any]],
    design: Design,
    leaves: Sequence[str],
) -> Panel[MetricKey]:
    """Return AUROC and average precision of each leaf against the rest, and their means.

    AUROC is the chance that an image of the leaf scores above another image, ties counting half;
    as a function of the group weights w it is the quadratic form w' K w / (w'p w'q). Average
    precision is the sum over thresholds of the gain in recall times the precision, without
    interpolation. Both are scikit-learn's. The means are over the leaves that have images.

    Parameters
    ----------
    probabilities
        (N, L) scores.
    true, units
        (N,) leaf codes and unit codes.
    design
        What is drawn.
    leaves
        The L names.

    Returns
    -------
    Panel
        Measures auroc and average_precision of each leaf, macro_auroc, macro_average_precision;
        undefined without images of the leaf or without others.
    """
    steps = [
        _steps(probabilities[:, leaf], true == leaf, units, design.units)
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
    trials = min((measure.trials for measure in defined), default=0)
    means = [
        Measure(MetricKey(name), SHARE, Scale.bounded, images, groups, trials)
        for name in ("macro_auroc", "macro_average_precision")
    ]
    return Panel(
        design,
        (*by_leaf, *means),
        lambda weights: with_means(_evaluate_all(steps, weights)),
        lambda: with_means(np.stack([_leave_one_out(one, design) for one in steps])),
    )


def _steps(
    scores: Values, positive: NDArray[np.bool_], units: NDArray[np.integer[Any]], n_units: int
) -> _Steps:
    from scipy.sparse import csr_array

    _, codes = np.unique(-scores, return_inverse=True)
    step = _merge_steps(codes, positive)
    size = int(step.max()) + 1 if step.size else 0

    def matrix(rows: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - scipy has no types
        ones = np.ones(int(rows.sum()))
        return csr_array((ones, (step[rows], units[rows])), shape=(size, n_units))

    counts = (np.bincount(units[rows], minlength=n_units) for rows in (positive, ~positive))
    first, second = (one.astype(np.float64) for one in counts)
    return _Steps(matrix(positive), matrix(~positive), first, second)


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


def _evaluate_all(steps: Sequence[_Steps], weights: Values) -> Values:
    """Return (L, 2, B): AUROC and average precision of each leaf and resample, NaN if undefined."""
    columns = np.ascontiguousarray(weights.T)
    tasks = [
        (leaf, slice(start, start + block))
        for leaf, one in enumerate(steps)
        for block in [max(1, _BLOCK_CELLS // max(1, one.positive.shape[0]))]
        for start in range(0, len(weights), block)
    ]
    found = np.empty((len(steps), 2, len(weights)))

    def work(task: tuple[int, slice]) -> None:
        leaf, rows = task
        found[leaf, :, rows] = _evaluate(steps[leaf], columns[:, rows])

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, tasks))
    return found


def _evaluate(steps: _Steps, columns: Values) -> Values:
    """Return (2, B): AUROC and average precision of each column of weights."""
    columns = np.ascontiguousarray(columns)
    hits, misses = steps.positive @ columns, steps.negative @ columns  # (T, B)
    positives, negatives = (part @ columns for part in (steps.positives, steps.negatives))
    defined = (positives > 0) & (negatives > 0)
    positives, negatives = (np.where(defined, part, 1.0) for part in (positives, negatives))
    found, missed = np.cumsum(hits, axis=0), np.cumsum(misses, axis=0)
    # A positive beats every negative below its step, and half of those within.
    misses *= -0.5
    misses += missed
    misses *= hits
    lost = misses.sum(axis=0)
    missed += found
    np.divide(found, missed, out=found, where=missed > 0)
    found *= hits
    gained = found.sum(axis=0)
    both = np.stack([1.0 - lost / (positives * negatives), gained / positives])
    return np.where(defined, both, np.nan)


def _leave_one_out(steps: _Steps, design: Design) -> Values:
    """Return (2, G): both metrics without each group, to first order in its weight.

    The derivatives with respect to the weights of the units, from cumulative sums over the steps:
    linear in the images, where leaving out each group in turn would be quadratic.
    """
    whole = _evaluate(steps, np.ones((design.units, 1)))
    if np.isnan(whole).any():
        return np.full((2, design.groups), np.nan)
    ones = np.ones(design.units)
    hits, misses = steps.positive @ ones, steps.negative @ ones
    p, n = hits.sum(), misses.sum()
    found, missed = np.cumsum(hits), np.cumsum(misses)
    called = found + missed
    above, below = missed - 0.5 * misses, p - found + 0.5 * hits
    lost = float((hits * above).sum())
    change_lost = steps.positive.T @ above + steps.negative.T @ below
    auroc = -(change_lost - lost * (steps.positives / p + steps.negatives / n)) / (p * n)
    gain = _from_below(hits * missed / called**2)
    loss = _from_below(hits * found / called**2)
    reached = steps.positive.T @ (found / called + gain) - steps.negative.T @ loss
    precision = (reached - whole[1] * steps.positives) / p
    change = np.stack([auroc, precision]).reshape(2, design.groups, design.seeds).sum(axis=2)
    return np.asarray(whole - change)


def _from_below(values: Values) -> Values:
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


def _measure(key: MetricKey, steps: _Steps, design: Design) -> Measure[MetricKey]:
    shape = (design.groups, design.seeds)
    positive, negative = (
        part.reshape(shape).sum(axis=1) for part in (steps.positives, steps.negatives)
    )
    defined = bool(positive.sum() and negative.sum())
    images = round(float((positive + negative).sum())) if defined else 0
    groups = int((positive + negative > 0).sum()) if defined else 0
    # The scarcer side decides how much is known.
    trials = min(int((positive > 0).sum()), int((negative > 0).sum()))
    return Measure(key, SHARE, Scale.bounded, images, groups, trials)
