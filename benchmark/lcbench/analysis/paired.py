"""Pairs of models on the same images: differences, and tests on the errors of the class tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.scores import (
    AnalysisSettings,
    EventComparison,
    Omnibus,
    PairedTest,
    PairResult,
    Score,
)
from lcbench.statistics.events import EventRows, event_rows
from lcbench.statistics.intervals import Interval
from lcbench.statistics.models import ModelIntervals
from lcbench.statistics.pairwise import PairedComparison, TestName, compare_with_each
from lcbench.statistics.registry import MetricKey
from lcbench.statistics.several import adjust, cochran_q, cochran_q_permuted

Pairs = Sequence[tuple[str, str]]


def scores_of(found: Mapping[MetricKey, Interval]) -> tuple[Score, ...]:
    """Return intervals as stored scores."""
    return tuple(
        Score(metric=key.metric, of=key.of, estimate=interval) for key, interval in found.items()
    )


@dataclass(frozen=True)
class _Family:
    """Every pair on one event: one family of tests."""

    event: EventRows
    found: dict[tuple[str, str], PairedComparison]
    adjusted: dict[TestName, dict[tuple[str, str], float]]

    def comparison(self, pair: tuple[str, str]) -> EventComparison:
        """Return one pair of the family."""
        one = self.found[pair]
        return EventComparison(
            event=self.event.event.kind,
            node=self.event.event.node,
            groups=one.groups,
            difference=one.effects.difference,
            odds_ratio=one.effects.odds_ratio,
            relative_reduction=one.effects.relative_reduction,
            detectable=one.detectable,
            tests=tuple(
                PairedTest(
                    name=test,
                    statistic=result.statistic,
                    p=result.p,
                    p_adjusted=self.adjusted[test][pair],
                    only_a=one.rows_of(test).only_a,
                    only_b=one.rows_of(test).only_b,
                    n=one.rows_of(test).rows,
                    assumes_independent_images=test.assumes_independent_images,
                )
                for test, result in one.tests.items()
            ),
        )


def pair_results(
    coded: CodedPredictions,
    pairs: Pairs,
    found: ModelIntervals[MetricKey],
    settings: AnalysisSettings,
) -> tuple[PairResult, ...]:
    """Return the differences of each pair, and its paired tests on every event of the tree."""
    if not pairs:
        return ()
    families = [
        _family(coded, event, pairs, settings) for event in event_rows(coded.true, coded.tree)
    ]
    return tuple(
        PairResult(
            a=a,
            b=b,
            differences=scores_of(found.differences[a, b]),
            events=tuple(family.comparison((a, b)) for family in families),
        )
        for a, b in pairs
    )


def _family(
    coded: CodedPredictions, event: EventRows, pairs: Pairs, settings: AnalysisSettings
) -> _Family:
    clusters = coded.clusters.codes[event.rows]
    once = coded.seed[event.rows] == coded.seeds[0]
    happens = {name: event.happens(coded.aligned.predicted[name]) for name in coded.aligned.names}
    found: dict[tuple[str, str], PairedComparison] = {}
    for a in dict.fromkeys(a for a, _ in pairs):
        others = [b for first, b in pairs if first == a]
        compared = compare_with_each(
            happens[a],
            {b: happens[b] for b in others},
            clusters,
            once,
            method=settings.interval,
            resamples=settings.resamples,
        )
        found |= {(a, b): compared[b] for b in others}
    adjusted = {
        test: dict(
            zip(
                found,
                adjust([one.tests[test].p for one in found.values()], settings.adjustment),
                strict=True,
            )
        )
        for test in TestName
    }
    return _Family(event, found, adjusted)


def omnibus_tests(coded: CodedPredictions) -> tuple[Omnibus, ...]:
    """Return Cochran's Q of three models or more on every event of the tree; else nothing."""
    if len(coded.aligned.names) < 3:
        return ()
    return tuple(_omnibus(coded, event) for event in event_rows(coded.true, coded.tree))


def _omnibus(coded: CodedPredictions, event: EventRows) -> Omnibus:
    events = np.stack(
        [event.happens(coded.aligned.predicted[name]) for name in coded.aligned.names], axis=1
    )
    clusters = coded.clusters.codes[event.rows]
    clustered = cochran_q_permuted(events, clusters)
    return Omnibus(
        event=event.event.kind,
        node=event.event.node,
        statistic=clustered.statistic,
        p=clustered.p,
        p_independent=cochran_q(events).p,
        n=len(events),
        groups=len(np.unique(clusters)),
    )
