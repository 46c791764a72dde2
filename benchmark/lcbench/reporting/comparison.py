"""Paired comparisons: each baseline against the reference, and `paper` against `grouped`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.reporting.context import Context, accuracy_difference, estimate
from lcbench.reporting.measures import (
    BaselineScores,
    Comparison,
    Drop,
    Estimate,
    McNemar,
    ProtocolResult,
)
from lcbench.reporting.pools import Pool
from lcbench.statistics.events import subtype_confusion
from lcbench.statistics.intervals import difference_interval
from lcbench.statistics.metrics import confusion_by_group
from lcbench.statistics.paired import Discordance, discordance, holm, mcnemar_exact, sign_flip


def compare_with_reference(pool: Pool, reference: str, context: Context) -> tuple[Comparison, ...]:
    """Return the comparison of every other baseline with the reference on subtype confusions.

    Empty where there is no reference, no other baseline, or no subtype.
    """
    others = [name for name in pool.predicted if name != reference]
    if reference not in pool.predicted or not others or not context.subtypes:
        return ()
    rows = _subtype_rows(pool, context)
    if not rows.mask.any():
        return ()
    found = [_compare(rows, reference, name, context) for name in others]
    first = holm([one.first_seed.p for one in found])
    flips = holm([one.p for one in found])
    return tuple(
        one.model_copy(
            update={
                "first_seed": one.first_seed.model_copy(update={"p_holm": p_first}),
                "p_holm": p_flip,
            }
        )
        for one, p_first, p_flip in zip(found, first, flips, strict=True)
    )


def drops(
    paper: tuple[Pool, ProtocolResult], grouped: tuple[Pool, ProtocolResult], context: Context
) -> tuple[Drop, ...]:
    """Return the accuracy under `paper` beside `grouped` of each baseline that has both."""
    grouped_scores = {scores.baseline: scores for scores in grouped[1].baselines}
    return tuple(
        _drop(scores, grouped_scores[scores.baseline], paper[0], grouped[0], context)
        for scores in paper[1].baselines
        if scores.baseline in grouped_scores
    )


@dataclass(frozen=True)
class _SubtypeRows:
    """The rows of a pool whose true leaf is a subtype."""

    pool: Pool
    mask: NDArray[np.bool_]
    true: NDArray[np.int64]
    clusters: NDArray[np.int64]
    first_seed: NDArray[np.bool_]

    def predicted(self, baseline: str) -> NDArray[np.int64]:
        return self.pool.predicted[baseline][self.mask]


def _subtype_rows(pool: Pool, context: Context) -> _SubtypeRows:
    mask = np.isin(pool.true, context.subtypes)
    seeds = pool.rows["seed"].to_numpy()[mask]
    clusters = np.unique(pool.clusters[mask], return_inverse=True)[1]
    return _SubtypeRows(pool, mask, pool.true[mask], clusters, seeds == pool.seeds[0])


def _compare(rows: _SubtypeRows, reference: str, name: str, context: Context) -> Comparison:
    events = {
        one: subtype_confusion(rows.true, rows.predicted(one), context.subtypes)
        for one in (reference, name)
    }
    first = rows.first_seed
    pairs = discordance(events[reference][first], events[name][first], rows.clusters[first])
    difference = _rate_difference(rows, name, reference, context)
    return Comparison(
        baseline=name,
        first_seed=_mcnemar(pairs, rows.pool.seeds[0]),
        difference=difference,
        p=sign_flip(events[reference], events[name], rows.clusters),
        p_holm=1.0,
        smallest_visible=_half_width(difference),
    )


def _mcnemar(pairs: Discordance, seed: int) -> McNemar:
    return McNemar(
        seed=seed,
        b=pairs.b,
        c=pairs.c,
        odds_ratio=pairs.odds_ratio,
        odds_low=pairs.odds_low,
        odds_high=pairs.odds_high,
        p=mcnemar_exact(pairs.b, pairs.c),
        p_holm=1.0,
        n=pairs.n,
        groups=pairs.groups,
    )


def _rate_difference(rows: _SubtypeRows, name: str, reference: str, context: Context) -> Estimate:
    ours, theirs = (
        context.group_counts(rows.true, rows.predicted(one), rows.clusters)
        for one in (name, reference)
    )
    return estimate(
        difference_interval(
            ours,
            theirs,
            context.confusion_rate,
            n=len(rows.true),
            resamples=context.resamples,
            denominator=context.subtype_images,
        )
    )


def _half_width(difference: Estimate) -> float | None:
    if difference.low is None or difference.high is None:
        return None
    return (difference.high - difference.low) / 2


def _drop(
    paper: BaselineScores,
    grouped: BaselineScores,
    paper_pool: Pool,
    grouped_pool: Pool,
    context: Context,
) -> Drop:
    clusters = np.concatenate([paper_pool.clusters, grouped_pool.clusters])
    shared = np.unique(clusters, return_inverse=True)[1]
    size = int(shared.max()) + 1
    sides = (
        (paper_pool, shared[: len(paper_pool.rows)]),
        (grouped_pool, shared[len(paper_pool.rows) :]),
    )
    first, second = (
        confusion_by_group(
            pool.true, pool.predicted[paper.baseline], codes, context.size, n_groups=size
        )
        for pool, codes in sides
    )
    return Drop(
        baseline=paper.baseline,
        paper=paper.metrics.accuracy,
        grouped=grouped.metrics.accuracy,
        drop=accuracy_difference(first, second, n=len(clusters), resamples=context.resamples),
    )
