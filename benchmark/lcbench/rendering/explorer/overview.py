"""The first screen: the findings, the intervals, what was compared and where it comes from."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup, escape
from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.rendering import formats, words
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.places import numbers
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.plots.intervals import Rows, accuracy_rows
from lcbench.rendering.report.leakage import leaks
from lcbench.rendering.report.page import classes_words, groups_words
from lcbench.rendering.report.provenance import commands, provenance_rows
from lcbench.rendering.series import series
from lcbench.statistics.interval_model import Interval


def overview_section(results: Results) -> Section:
    """Return the first part of the page."""
    strict = results.strictest
    names = [one.protocol for one in results.protocols]
    rows = accuracy_rows(results)
    html = render_html(
        "explorer-overview.html.j2",
        results=results,
        dataset=results.dataset,
        classes=classes_words(results),
        groups=groups_words(results),
        protocols=[_Protocol(name, str(series(results, name))) for name in names],
        drawn=words.units(strict.comparison),
        unknown=bool(words.unknown_groups(results)),
        groups_unknown=words.GROUPS_UNKNOWN,
        leaky=[words.protocol_short(one.protocol) for one in results.protocols if leaks(one)],
        rows=_cells(results, rows, names),
        provenance=provenance_rows(results),
        commands=list(commands(results)),
    )
    data: JsonValue = [
        [
            {**_limits(found.get(name)), "series": series(results, name), "floor": is_floor}
            for name in names
        ]
        for baseline, found in rows.items()
        for is_floor in [baseline in results.roles.floor]
    ]
    return Section("overview", "Findings", html, data)


class _Protocol(NamedTuple):
    name: str
    series: str


class _Row(NamedTuple):
    title: str
    is_reference: bool
    accuracies: tuple[Markup, ...]
    drop: Markup


def _cells(results: Results, rows: Rows, protocols: list[str]) -> list[_Row]:
    """Return the numbers beside the picture, as the main table writes them."""
    decimals = formats.share_decimals(
        one.value for found in rows.values() for one in found.values()
    )
    points = formats.points_decimals(one.drop.value for one in results.drops)
    drops = {
        one.baseline: formats.points_interval(one.drop, decimals=points) for one in results.drops
    }
    return [
        _Row(
            words.baseline_title(results, baseline),
            baseline == results.reference,
            tuple(
                _whole(formats.share_interval(found.get(name), decimals=decimals))
                for name in protocols
            ),
            _whole(drops.get(baseline, formats.NONE)),
        )
        for baseline, found in rows.items()
    ]


def _whole(text: str) -> Markup:
    """Keep an interval on one line; the number may stand on the line above."""
    return escape(text).replace(", ", Markup(",&nbsp;"))


def _limits(estimate: Interval | None) -> dict[str, JsonValue]:
    value, low, high, *_ = numbers(estimate)
    return {"value": value, "low": low, "high": high}
