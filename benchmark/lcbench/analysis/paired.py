"""Pairs of models on the same images: differences, and tests on the errors of the class tree."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.scores import (
    AnalysisSettings,
    Best,
    EventComparison,
    Omnibus,
    PairedTest,
    PairResult,
    PairVerdict,
    Rival,
    Score,
    TrainingTest,
)
from lcbench.statistics.effects import difference_panel
from lcbench.statistics.events import EventRows, event_rows
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.models import Pair
from lcbench.statistics.paired_groups import RowGroups
from lcbench.statistics.pairwise import PairedComparison, TestName, compare_with_each
from lcbench.statistics.power import ALPHA
from lcbench.statistics.registry import METRICS, MetricKey
from lcbench.statistics.several import adjust, cochran_q, cochran_q_permuted, simultaneous_tail
from lcbench.statistics.standard import rate_cells

Pairs = Sequence[Pair]


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
    adjusted_training: dict[tuple[str, str], float]
    settings: AnalysisSettings

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
            level=ALPHA / len(self.found),
            verdict=_verdict(
                one,
                self.adjusted[self.settings.default_test][pair],
                self.settings.margin,
            ),
            few_groups=one.few_groups,
            training=None
            if one.training is None
            else TrainingTest(p=one.training.p, p_adjusted=self.adjusted_training[pair]),
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
    differences: Mapping[Pair, Mapping[MetricKey, Interval]],
    settings: AnalysisSettings,
) -> tuple[PairResult, ...]:
    """Return each pair with its differences, and its paired tests on every event of the tree."""
    if not pairs:
        return ()
    families = [
        _family(coded, event, pairs, settings) for event in event_rows(coded.true, coded.tree)
    ]
    return tuple(
        PairResult(
            a=a,
            b=b,
            differences=scores_of(differences[a, b]),
            events=tuple(family.comparison((a, b)) for family in families),
        )
        for a, b in pairs
    )


def rate_differences(
    coded: CodedPredictions, pairs: Pairs, settings: AnalysisSettings
) -> dict[Pair, dict[MetricKey, Interval]]:
    """Return the differences of the metrics that are rates, as the paired events have them.

    Only images on which the models differ tell about them, which two separate rates do not show.
    A share of what goes right is compared by what goes wrong, A's rate minus B's: how failures heap
    is what the events look at, too.
    """
    found: dict[Pair, dict[MetricKey, Interval]] = {(a, b): {} for a, b in pairs}
    names = dict.fromkeys(name for pair in pairs for name in pair)
    for key, (question, cells, labels) in rate_cells(coded.tree).items():
        rows = labels[coded.true].astype(bool)
        if not pairs or not rows.any():
            continue
        groups, true = coded.row_groups(rows), coded.true[rows]
        answers = {name: coded.answers[name].to(question) for name in names}
        happens = {
            name: cells[true, codes[rows]].astype(bool)
            for name, codes in answers.items()
            if codes is not None
        }
        for a, b in pairs:
            if a not in happens or b not in happens:
                continue
            one, other = happens[a], happens[b]
            if METRICS[key.metric].higher_is_better:
                one, other = ~other, ~one
            panel = difference_panel(groups.pair(one, other))
            found[a, b][key] = intervals(
                panel, method=settings.interval, resamples=settings.resamples
            )["rate"]
    return found


def _family(
    coded: CodedPredictions, event: EventRows, pairs: Pairs, settings: AnalysisSettings
) -> _Family:
    rows = coded.row_groups(event.rows)
    once = coded.seed[event.rows] == coded.seeds[0]
    happens = {name: event.happens(coded.aligned.predicted[name]) for name in coded.aligned.names}
    found: dict[tuple[str, str], PairedComparison] = {}
    for a in dict.fromkeys(a for a, _ in pairs):
        others = [b for first, b in pairs if first == a]
        compared = compare_with_each(
            happens[a],
            {b: happens[b] for b in others},
            rows,
            once,
            family=len(pairs),
            method=settings.interval,
            resamples=settings.resamples,
        )
        found |= {(a, b): compared[b] for b in others}

    def adjusted(p_values: list[float]) -> dict[tuple[str, str], float]:
        return dict(zip(found, adjust(p_values, settings.adjustment), strict=True))

    training = [one.training.p for one in found.values() if one.training is not None]
    return _Family(
        event,
        found,
        {test: adjusted([one.tests[test].p for one in found.values()]) for test in TestName},
        adjusted(training) if training else {},
        settings,
    )


def _verdict(one: PairedComparison, p_adjusted: float, margin: float | None) -> PairVerdict:
    """Return what a comparison shows.

    Within a margin that is more than half of A's own rate nearly everything would be equivalent,
    and so would it be where the interval only supposes how errors spread.
    """
    low, high = one.effects.difference.low, one.effects.difference.high
    within = (
        margin is not None
        and low is not None
        and high is not None
        and -margin < low
        and high < margin
    )
    if p_adjusted < ALPHA:
        return "different within the margin" if within else "different"
    says = margin is not None and margin <= one.rate_a / 2.0 and not one.few_groups
    return "equivalent" if within and says else "not shown"


def best_model(coded: CodedPredictions, floor: Collection[str]) -> Best | None:
    """Return who scores highest in accuracy, with simultaneous intervals against all others.

    Parameters
    ----------
    coded
        What the models say of the same images.
    floor
        Models that are no candidates.
    """
    names = [name for name in coded.aligned.names if name not in floor]
    if len(names) < 2:
        return None
    rates = {name: coded.accuracy_rate(name) for name in names}
    ranked = sorted(names, key=lambda name: -rates[name].value)
    tail = simultaneous_tail(np.stack([rates[name].influence for name in names], axis=1))
    rows = coded.has_leaf
    groups = RowGroups.of(coded.clusters.codes[rows], None, coded.strata)
    wrong = {name: (coded.aligned.predicted[name] != coded.true)[rows] for name in names}

    def against(name: str) -> Rival:
        pairs = groups.pair(wrong[ranked[0]], wrong[name])
        found = intervals(difference_panel(pairs), confidence=1.0 - 2.0 * tail)["rate"]
        return Rival(model=name, difference=found)

    return Best(model=ranked[0], rivals=tuple(against(name) for name in ranked[1:]))


def omnibus_tests(coded: CodedPredictions, aside: Collection[str] = ()) -> tuple[Omnibus, ...]:
    """Return Cochran's Q of three models or more on every event of the tree; else nothing.

    Parameters
    ----------
    coded
        What the models say of the same images.
    aside
        Models that are left out: that a floor differs from all others is no news.
    """
    names = [name for name in coded.aligned.names if name not in aside]
    if len(names) < 3:
        return ()
    return tuple(_omnibus(coded, event, names) for event in event_rows(coded.true, coded.tree))


def _omnibus(coded: CodedPredictions, event: EventRows, names: Sequence[str]) -> Omnibus:
    events = np.stack([event.happens(coded.aligned.predicted[name]) for name in names], axis=1)
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
