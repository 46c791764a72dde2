"""Every score of every baseline, with its interval: a table by metric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.analysis.scores import MetricInfo
from lcbench.rendering import formats, words
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.places import (
    external_key,
    metric_key,
    numbers,
    places,
    shared_names,
)
from lcbench.rendering.explorer.section import Section
from lcbench.statistics.interval_model import Interval

LEVELS = {
    "model": "whole model",
    "leaf": "one class",
    "node": "one node of the class tree",
    "decision": "one decision of the class tree",
    "level": "one level of the class tree",
    "gate": "one gate of the class tree",
}
"""What metrics speak of, as the headings of their list."""


class _Row(NamedTuple):
    place: str
    protocol: str
    baseline: str
    metric: str
    of: str
    estimate: Interval


def scores_section(results: Results) -> Section:
    """Return the part with all scores."""
    rows = list(_rows(results))
    known = {info.metric: info for info in results.metrics}
    wanted = list(dict.fromkeys((row.metric, row.of) for row in rows if row.metric in known))
    decimals = {
        key: formats.share_decimals(
            row.estimate.value for row in rows if (row.metric, row.of) == key
        )
        for key in wanted
    }
    data: dict[str, JsonValue] = {
        "names": shared_names(results),
        "whats": [_metric(results, known[metric], of) for metric, of in wanted],
        "rows": [
            _cells(row, known[row.metric].unit, decimals[row.metric, row.of])
            for row in rows
            if row.metric in known
        ],
    }
    html = render_html(
        "explorer-scores.html.j2",
        drawn=words.units(results.strictest.comparison),
        one_group=words.ONE_GROUP,
        unknown=bool(words.unknown_groups(results)),
        groups_unknown=words.GROUPS_UNKNOWN,
        several_seeds=len(results.strictest.comparison.seeds) > 1,
    )
    return Section("scores", "Scores", html, data)


def _rows(results: Results) -> Iterator[_Row]:
    for place in places(results):
        for model in place.comparison.models:
            for one in model.scores:
                yield _Row(place.key, place.protocol, model.model, one.metric, one.of, one.estimate)
    for folder in results.external:
        for level in folder.levels:
            if not level.comparisons:  # older reports have accuracies alone
                key = external_key(folder.record.name, level.level)
                for score in level.scores:
                    yield _Row(key, score.protocol, score.baseline, "accuracy", "", score.accuracy)


def _metric(results: Results, info: MetricInfo, of: str) -> JsonValue:
    return {
        "key": metric_key(info.metric, of),
        "title": words.metric_title(results.tree, info, of),
        "group": LEVELS[info.level],
        "what": info.what,
        "higher": info.higher_is_better,
        "share": info.unit == "share",
    }


def _cells(row: _Row, unit: str, decimals: int) -> JsonValue:
    estimate = row.estimate
    trained = formats.of_training(estimate)
    return [
        row.place,
        row.protocol,
        row.baseline,
        metric_key(row.metric, row.of),
        formats.metric_interval(estimate, unit, decimals),
        formats.metric_interval(trained, unit, decimals),
        numbers(estimate),
        estimate.n,
        estimate.groups,
    ]
