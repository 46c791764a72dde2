"""Scores of every baseline under one protocol, all from the same resamples of source groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lcbench.reporting.context import Context, estimate
from lcbench.reporting.measures import BaselineScores, ClassScores, Estimate, Metrics
from lcbench.reporting.pools import Pool
from lcbench.statistics import metrics
from lcbench.statistics.intervals import Statistic, many_intervals
from lcbench.statistics.metrics import Counts, Values

_Pair = tuple[Statistic, Statistic]


def score_baselines(pool: Pool, context: Context) -> tuple[BaselineScores, ...]:
    """Return the scores of each baseline of a protocol."""
    names = list(pool.predicted)
    clusters = pool.own_clusters
    counts = np.stack(
        [context.group_counts(pool.true, pool.predicted[name], clusters) for name in names], axis=1
    )
    wanted = _statistics(context)
    intervals = many_intervals(
        counts,
        {
            f"{number}:{key}": partial(_of_baseline, pair[0], number)
            for number in range(len(names))
            for key, pair in wanted.items()
        },
        denominators={
            f"{number}:{key}": partial(_of_baseline, pair[1], number)
            for number in range(len(names))
            for key, pair in wanted.items()
        },
        resamples=context.resamples,
    )
    totals = counts.sum(axis=0)
    seeds = len(pool.seeds)
    return tuple(
        _scores(
            name,
            {key: estimate(intervals[f"{number}:{key}"]) for key in wanted},
            totals[number],
            seeds,
            context,
        )
        for number, name in enumerate(names)
    )


def per_seed_count(rate: Estimate, images: float) -> Estimate:
    """Return a rate as a count among the images of one seed; the interval goes with it."""
    if rate.value is None or rate.low is None or rate.high is None:
        return rate
    scaled = {key: images * getattr(rate, key) for key in ("value", "low", "high")}
    return rate.model_copy(update=scaled)


def _of_baseline(statistic: Statistic, number: int, counts: NDArray[np.float64]) -> Values:
    return np.asarray(statistic(counts[:, number]))


def _statistics(context: Context) -> dict[str, _Pair]:
    """Return each statistic with its denominator."""
    found: dict[str, _Pair] = {
        "accuracy": (metrics.accuracy, metrics.support),
        "balanced_accuracy": (metrics.balanced_accuracy, metrics.support),
        "macro_f1": (metrics.macro_f1, metrics.support),
    }
    if context.negative:
        negative = context.negative
        others = sorted(set(range(context.size)) - set(negative))
        found["sensitivity"] = (
            partial(metrics.sensitivity, positive=negative),
            partial(metrics.support, leaves=negative),
        )
        found["specificity"] = (
            partial(metrics.specificity, positive=negative),
            partial(metrics.support, leaves=others),
        )
    if context.subtypes:
        found["subtype_accuracy"] = (
            partial(metrics.subtype_accuracy, subtypes=context.subtypes),
            context.subtype_images,
        )
        found["subtype_confusion_rate"] = (context.confusion_rate, context.subtype_images)
    for leaf in range(context.size):
        found |= _class_statistics(leaf)
    return found


def _class_statistics(leaf: int) -> dict[str, _Pair]:
    support = partial(metrics.support, leaves=[leaf])
    predicted: Statistic = lambda counts: counts[..., leaf].sum(axis=-1)  # noqa: E731
    either: Statistic = lambda counts: support(counts) + predicted(counts)  # noqa: E731
    return {
        f"precision:{leaf}": (_column(metrics.precision, leaf), predicted),
        f"recall:{leaf}": (_column(metrics.recall, leaf), support),
        f"f1:{leaf}": (_column(metrics.f1, leaf), either),
    }


def _column(function: Callable[[Counts], Values], leaf: int) -> Statistic:
    return lambda counts: function(counts)[..., leaf]


def _scores(
    name: str,
    found: dict[str, Estimate],
    totals: NDArray[np.int64],
    seeds: int,
    context: Context,
) -> BaselineScores:
    rate = found.get("subtype_confusion_rate")
    images = float(context.subtype_images(totals)) / seeds if context.subtypes else 0.0
    return BaselineScores(
        baseline=name,
        metrics=Metrics(
            accuracy=found["accuracy"],
            balanced_accuracy=found["balanced_accuracy"],
            macro_f1=found["macro_f1"],
            sensitivity=found.get("sensitivity"),
            specificity=found.get("specificity"),
            subtype_accuracy=found.get("subtype_accuracy"),
            subtype_confusion_rate=rate,
            subtype_confusions=None if rate is None else per_seed_count(rate, images),
        ),
        classes=tuple(
            ClassScores(
                leaf=leaf,
                images=int(totals[number].sum()),
                precision=found[f"precision:{number}"],
                recall=found[f"recall:{number}"],
                f1=found[f"f1:{number}"],
            )
            for number, leaf in enumerate(context.taxonomy.leaves)
        ),
        confusion=tuple(tuple(float(count) / seeds for count in row) for row in totals),
    )
