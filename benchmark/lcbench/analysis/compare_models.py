"""From matched predictions to metrics, intervals and paired tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lcbench import __version__
from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.compare_results import (
    ComparisonResults,
    DifferenceRow,
    EffectRow,
    MetricRow,
    OmnibusRow,
    TestRow,
    UnmatchedRow,
)
from lcbench.analysis.context import estimate
from lcbench.predictions.matching.alignment import Matched
from lcbench.statistics.bootstrap import RESAMPLES, Design, Tick
from lcbench.statistics.choices import Adjustment, Method
from lcbench.statistics.cochran import cochran_q, cochran_q_permuted
from lcbench.statistics.events import EventRows
from lcbench.statistics.intervals import Interval, intervals
from lcbench.statistics.multiplicity import adjust
from lcbench.statistics.pairwise import (
    DEFAULT_TEST,
    PairedComparison,
    TestName,
    compare_with_each,
)
from lcbench.statistics.panel import Panel, difference_name, join_with_differences, own_name
from lcbench.statistics.standard import standard_panel
from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class Settings:
    """How a comparison is computed.

    Parameters
    ----------
    interval
        Method of the intervals.
    resamples
        Bootstrap resamples of each interval.
    adjustment
        How p-values are adjusted.
    """

    interval: Method = Method.score
    resamples: int = RESAMPLES
    adjustment: Adjustment = Adjustment.holm


def compare(
    matched: Matched, taxonomy: Taxonomy, settings: Settings, advance: Callable[[str], Tick | None]
) -> ComparisonResults:
    """Compare models on the images that all of them have.

    Parameters
    ----------
    matched
        Their predictions, side by side.
    taxonomy
        The class tree.
    settings
        How intervals and p-values are computed.
    advance
        Called with the name of each step before it begins.

    Raises
    ------
    UserError
        If no image's label is a class that models can answer.
    """
    table = CodedPredictions.of(matched, taxonomy)
    tick = advance("metrics and intervals")
    found = _intervals(table, settings, tick)
    advance("paired tests")
    pairs = [one for event in table.events for one in _paired(table, event, settings)]
    return ComparisonResults(
        lcbench_version=__version__,
        models=matched.names,
        images=int(matched.rows["image"].nunique()),
        predictions=len(matched.rows),
        seeds=int(matched.rows["seed"].nunique()),
        groups=table.clusters.count,
        groups_known=table.clusters.known,
        images_without_group=int(matched.rows["image"][matched.rows["group"] == ""].nunique()),
        matched_by=matched.identity,
        unmatched=tuple(
            UnmatchedRow(model=one.model, images=one.count, examples=one.examples)
            for one in matched.unmatched
        ),
        notes=(*matched.notes, *table.notes),
        classes=taxonomy.leaves,
        negative=taxonomy.negative,
        interval=settings.interval,
        resamples=settings.resamples,
        adjustment=settings.adjustment,
        default_test=DEFAULT_TEST,
        metrics=tuple(_metrics(table, found)),
        differences=tuple(_differences(table, found)),
        tests=tuple(_tests(table, pairs, settings)),
        effects=tuple(_effect(one) for one in pairs),
        omnibus=tuple(_omnibus(table)),
    )


@dataclass(frozen=True)
class _Pair:
    """Two models on one event."""

    a: str
    b: str
    event: EventRows
    found: PairedComparison


def _intervals(
    table: CodedPredictions, settings: Settings, tick: Tick | None
) -> dict[str, Interval]:
    """Return every metric and every difference of metrics.

    What needs probabilities is computed for the models that have them, so that no model takes
    anything from another.
    """
    scored = [name for name in table.names if table.probabilities[name] is not None]
    found = {}
    if len(scored) < len(table.names):
        found.update(_intervals_of(table, table.names, settings, tick, probabilities=False))
    if scored:
        found.update(_intervals_of(table, scored, settings, tick, probabilities=True))
    return found


def _intervals_of(
    table: CodedPredictions,
    names: Sequence[str],
    settings: Settings,
    tick: Tick | None,
    *,
    probabilities: bool,
) -> dict[str, Interval]:
    rows = table.true >= 0
    codes = np.unique(table.clusters.codes[rows], return_inverse=True)[1]
    design = Design(int(codes.max()) + 1)

    def panel(name: str) -> Panel:
        chances = table.probabilities[name] if probabilities else None
        return standard_panel(
            table.true[rows],
            table.predicted[name][rows],
            None if chances is None else chances[rows],
            codes,
            design,
            table.roles,
        )

    panels = {name: panel(name) for name in names}
    backwards = [(b, a) for a, b in table.pairs if a in panels and b in panels]
    return intervals(
        join_with_differences(panels, backwards),
        method=settings.interval,
        resamples=settings.resamples,
        tick=tick,
    )


def _paired(table: CodedPredictions, event: EventRows, settings: Settings) -> Iterator[_Pair]:
    happens = {name: event.happens(table.predicted[name]) for name in table.names}
    for number, a in enumerate(table.names[:-1]):
        others = {b: happens[b] for b in table.names[number + 1 :]}
        found = compare_with_each(
            happens[a],
            others,
            table.clusters.codes[event.rows],
            table.once[event.rows],
            method=settings.interval,
            resamples=settings.resamples,
        )
        yield from (_Pair(a, b, event, found[b]) for b in others)


def _metrics(table: CodedPredictions, found: dict[str, Interval]) -> Iterator[MetricRow]:
    for model in table.names:
        for name, one in _of(found, own_name(model, "")):
            yield MetricRow(
                model=model, name=name, count=one.count, method=one.method, **_numbers(one)
            )


def _differences(table: CodedPredictions, found: dict[str, Interval]) -> Iterator[DifferenceRow]:
    for a, b in table.pairs:
        for name, one in _of(found, difference_name(b, a, "")):
            yield DifferenceRow(a=a, b=b, name=name, **_numbers(one))


def _numbers(interval: Interval) -> dict[str, Any]:
    """Return what every row says of an interval."""
    known = estimate(interval)
    return {
        "value": known.value,
        "low": _finite(known.low),
        "high": _finite(known.high),
        "n": known.n,
        "groups": known.groups,
    }


def _of(found: dict[str, Interval], start: str) -> Iterator[tuple[str, Interval]]:
    """Yield what stands under a name that begins so, but for what has a longer beginning."""
    for key, one in found.items():
        name = key.removeprefix(start)
        if name != key and "\0" not in name:
            yield name, one


def _finite(value: float | None) -> float | None:
    """Return None for infinity: JSON has none."""
    return value if value is not None and np.isfinite(value) else None


def _tests(table: CodedPredictions, pairs: list[_Pair], settings: Settings) -> Iterator[TestRow]:
    for event in table.events:
        family = [one for one in pairs if one.event.event == event.event]
        adjusted = {
            test: adjust([one.found.tests[test].p for one in family], settings.adjustment)
            for test in TestName
        }
        for number, one in enumerate(family):
            for test, result in one.found.tests.items():
                looked_at = one.found.rows_of(test)
                yield TestRow(
                    a=one.a,
                    b=one.b,
                    event=event.event,
                    name=test,
                    statistic=result.statistic,
                    p=result.p,
                    p_adjusted=adjusted[test][number],
                    only_a=looked_at.only_a,
                    only_b=looked_at.only_b,
                    n=looked_at.rows,
                    groups=one.found.groups,
                    assumes_independent_images=test.assumes_independent_images,
                )


def _effect(pair: _Pair) -> EffectRow:
    found = pair.found.effects
    return EffectRow(
        a=pair.a,
        b=pair.b,
        event=pair.event.event,
        difference=estimate(found.difference),
        odds_ratio=estimate(found.odds_ratio),
        relative_reduction=estimate(found.relative_reduction),
        detectable=pair.found.detectable,
    )


def _omnibus(table: CodedPredictions) -> Iterator[OmnibusRow]:
    if len(table.names) < 3:
        return
    for event in table.events:
        events = np.stack([event.happens(table.predicted[name]) for name in table.names], axis=1)
        clustered = cochran_q_permuted(events, table.clusters.codes[event.rows])
        yield OmnibusRow(
            event=event.event,
            statistic=clustered.statistic,
            p=clustered.p,
            p_independent=cochran_q(events).p,
        )
