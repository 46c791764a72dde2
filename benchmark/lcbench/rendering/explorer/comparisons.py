"""Every paired comparison: what goes wrong under a baseline against another, and every metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.analysis.scores import EventComparison, MetricInfo, PairResult, Score
from lcbench.rendering import formats, words
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.embedding import number
from lcbench.rendering.explorer.places import metric_key, numbers, places, shared_names
from lcbench.rendering.explorer.section import Section


class _Pair(NamedTuple):
    place: str
    protocol: str
    pair: PairResult

    def cells(self, what: str) -> list[JsonValue]:
        """Return what is compared."""
        return [self.place, self.protocol, self.pair.a, self.pair.b, what]


def comparisons_section(results: Results) -> Section | None:
    """Return the part with all paired comparisons; None where nothing was compared."""
    pairs = [
        _Pair(place.key, place.protocol, pair)
        for place in places(results)
        for pair in place.comparison.pairs
    ]
    if not pairs:
        return None
    events = list(_events(results, pairs))
    metrics = list(_metrics(results, pairs))
    data: dict[str, JsonValue] = {
        "names": shared_names(results),
        "whats": [*_event_names(results, pairs), *_metric_names(results, pairs)],
        "rows": [*events, *metrics],
        "adjusted": f"p ({words.author(results.settings)})",
    }
    html = render_html(
        "explorer-comparisons.html.j2",
        settings=results.settings,
        null_hypotheses=words.null_hypotheses(words.units(results.strictest.comparison)),
    )
    return Section("comparisons", "Comparisons", html, data)


def _event_key(event: EventComparison) -> str:
    return f"event {event.event} {event.node}".strip()


def _metric_key(score: Score) -> str:
    return f"metric {metric_key(score.metric, score.of)}"


def _event_names(results: Results, pairs: Iterable[_Pair]) -> list[JsonValue]:
    found = {
        _event_key(event): words.event_words(results.tree, event.event, event.node)
        for one in pairs
        for event in one.pair.events
    }
    return [
        {
            "key": key,
            "title": title,
            "column": "difference, points",
            "group": "what goes wrong",
            "what": "How often it happens under the baseline minus how often under the other, in "
            "points. Below 0 the baseline does better.",
            "directed": True,
            "share": True,
            "higher": False,
            "event": True,
        }
        for key, title in found.items()
    ]


def _metric_names(results: Results, pairs: Iterable[_Pair]) -> list[JsonValue]:
    known = {info.metric: info for info in results.metrics}
    found = {
        _metric_key(score): (known[score.metric], score.of)
        for one in pairs
        for score in one.pair.differences
        if score.metric in known
    }
    return [
        {
            "key": key,
            "title": words.metric_title(results.tree, info, of, share="points"),
            "group": "difference of a metric",
            "what": info.what,
            "share": info.unit == "share",
            "higher": info.higher_is_better,
            "event": False,
        }
        for key, (info, of) in found.items()
    ]


def _events(results: Results, pairs: list[_Pair]) -> Iterator[JsonValue]:
    found = [(one, event) for one in pairs for event in one.pair.events]
    decimals = formats.points_decimals(
        value for _, event in found for value in (event.difference.value, event.detectable)
    )
    for one, event in found:
        cells = words.effect_cells(event, results.settings, decimals)
        test = event.test(results.settings.default_test)
        yield [
            *one.cells(_event_key(event)),
            cells.difference,
            cells.training,
            numbers(event.difference),
            test.n,
            event.groups,
            {
                "fewer": cells.reduction,
                "p": cells.p,
                "adjusted": cells.p_adjusted,
                "verdict": words.verdict_words(event, results.settings),
                "training_p": cells.training_p,
                "detectable": cells.detectable,
                "order": [
                    number(event.relative_reduction.value),
                    number(test.p, 12),
                    number(test.p_adjusted, 12),
                    number(event.training.p_adjusted, 12) if event.training else None,
                    number(event.detectable),
                ],
            },
        ]


def _metrics(results: Results, pairs: list[_Pair]) -> Iterator[JsonValue]:
    known: dict[str, MetricInfo] = {info.metric: info for info in results.metrics}
    found = [
        (one, score) for one in pairs for score in one.pair.differences if score.metric in known
    ]
    values: dict[str, list[float | None]] = {}
    for _, score in found:
        values.setdefault(_metric_key(score), []).append(score.estimate.value)
    decimals = {key: formats.points_decimals(ones) for key, ones in values.items()}
    for one, score in found:
        key, unit, estimate = _metric_key(score), known[score.metric].unit, score.estimate
        trained = formats.of_training(estimate)
        yield [
            *one.cells(key),
            formats.difference_interval(estimate, unit, decimals[key]),
            formats.difference_interval(trained, unit, decimals[key]) if trained else formats.NONE,
            numbers(estimate),
            estimate.n,
            estimate.groups,
            None,
        ]
