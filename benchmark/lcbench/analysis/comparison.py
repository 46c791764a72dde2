"""Paired comparisons: each baseline against the reference, and `paper` against `grouped`."""

from __future__ import annotations

import numpy as np

from lcbench.analysis.context import Context, estimate
from lcbench.analysis.measures import (
    BaselineScores,
    Comparison,
    Drop,
    Omnibus,
    PairedTest,
    ProtocolResult,
)
from lcbench.analysis.pools import Pool
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.cochran import cochran_q, cochran_q_permuted
from lcbench.statistics.events import EventRows, event_rows
from lcbench.statistics.multiplicity import adjust
from lcbench.statistics.pairwise import PairedComparison, TestName, compare_with_each
from lcbench.statistics.panel import difference
from lcbench.statistics.standard import accuracy_panel


def compare_with_reference(pool: Pool, reference: str, context: Context) -> tuple[Comparison, ...]:
    """Return the comparison of every other baseline with the reference on every event.

    The comparisons on one event are one family of tests. Empty where there is no reference or no
    other baseline.
    """
    others = [name for name in pool.predicted if name != reference]
    if reference not in pool.predicted or not others:
        return ()
    return tuple(
        one
        for event in event_rows(pool.true, context.roles)
        for one in _family(pool, reference, others, event, context)
    )


def omnibus_tests(pool: Pool, context: Context) -> tuple[Omnibus, ...]:
    """Return Cochran's Q over all baselines for each event; empty with fewer than three."""
    if len(pool.predicted) < 3:
        return ()
    return tuple(_omnibus(pool, event) for event in event_rows(pool.true, context.roles))


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


def _family(
    pool: Pool, reference: str, others: list[str], event: EventRows, context: Context
) -> list[Comparison]:
    clusters = pool.clusters[event.rows]
    first_seed = pool.rows["seed"].to_numpy()[event.rows] == pool.seeds[0]
    found = compare_with_each(
        event.happens(pool.predicted[reference]),
        {name: event.happens(pool.predicted[name]) for name in others},
        clusters,
        first_seed,
        resamples=context.resamples,
    )
    adjusted = {
        test: adjust([found[name].tests[test].p for name in others], context.adjustment)
        for test in TestName
    }
    return [
        _comparison(name, event, found[name], {test: p[k] for test, p in adjusted.items()})
        for k, name in enumerate(others)
    ]


def _comparison(
    name: str, event: EventRows, found: PairedComparison, adjusted: dict[TestName, float]
) -> Comparison:
    return Comparison(
        baseline=name,
        event=event.event,
        groups=found.groups,
        difference=estimate(found.effects.difference),
        odds_ratio=estimate(found.effects.odds_ratio),
        relative_reduction=estimate(found.effects.relative_reduction),
        detectable=found.detectable,
        tests=tuple(
            PairedTest(
                name=test,
                statistic=result.statistic,
                p=result.p,
                p_adjusted=adjusted[test],
                only_reference=found.rows_of(test).only_a,
                only_baseline=found.rows_of(test).only_b,
                n=found.rows_of(test).rows,
            )
            for test, result in found.tests.items()
        ),
    )


def _omnibus(pool: Pool, event: EventRows) -> Omnibus:
    events = np.stack([event.happens(predicted) for predicted in pool.predicted.values()], axis=1)
    clusters = pool.clusters[event.rows]
    clustered = cochran_q_permuted(events, clusters)
    return Omnibus(
        event=event.event,
        statistic=clustered.statistic,
        p=clustered.p,
        p_independent=cochran_q(events).p,
        n=len(events),
        groups=len(np.unique(clusters)),
    )


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
    first, second = (
        accuracy_panel(
            pool.true,
            pool.predicted[paper.baseline],
            codes,
            Design(size),
            len(context.roles.leaves),
        )
        for pool, codes in (
            (paper_pool, shared[: len(paper_pool.rows)]),
            (grouped_pool, shared[len(paper_pool.rows) :]),
        )
    )
    drop = context.estimates(difference(first, second))["accuracy"]
    return Drop(
        baseline=paper.baseline,
        paper=paper.metrics.accuracy,
        grouped=grouped.metrics.accuracy,
        drop=drop.model_copy(update={"n": len(clusters), "groups": size}),
    )
