"""A comparison in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from lcbench.analysis.results import ComparisonResults
from lcbench.analysis.scores import EventKind
from lcbench.console import err, escape, out, warn
from lcbench.rendering.comparison import words
from lcbench.rendering.words import EffectCells, effect_cells, unmatched_words

_SIZES = ("relative\nreduction, %", "odds ratio")
_METRIC = 28
"""Columns for the names of metrics: a decision's is long, and models stand side by side."""
_WIDE = 10_000


def show_comparison(results: ComparisonResults) -> None:
    """Print the metrics of each model, then a table of paired comparisons for each event."""
    for sentence in (*unmatched_words(results.comparison), *words.notes(results)):
        warn(sentence)
    for table in _metrics(results):
        out.print(table)
    for kind, node in results.comparison.events:
        out.print(_pairs(results, kind, node))
        for sentence in words.omnibus(results, kind, node):
            out.print(escape(sentence), soft_wrap=True)
    err.print(escape(" ".join(words.basis(results))), soft_wrap=True)
    if results.comparison.pairs:
        err.print(escape(words.reading(results)), soft_wrap=True)


def _metrics(results: ComparisonResults) -> Iterator[Table]:
    """Yield one table, or several where the models do not stand side by side."""
    models = [one.model for one in results.comparison.models]
    while models:
        sizes = range(len(models), 0, -1)
        tables = {size: _metrics_of(results, models[:size]) for size in sizes}
        size = next((size for size in sizes if _fits(tables[size])), 1)
        yield tables[size]
        models = models[size:]


def _metrics_of(results: ComparisonResults, models: Sequence[str]) -> Table:
    table = Table(title="Metrics [95 % interval]", title_justify="left")
    table.add_column("metric", max_width=_METRIC)
    for model in models:
        table.add_column(Text(model), justify="right")
    for key in filter(words.is_read_first, words.every_key(results)):
        if any(one is not None for one in words.estimates(results, key, models)):
            table.add_row(*map(Text, words.metric_row(results, key, models)))
    return table


def _pairs(results: ComparisonResults, kind: EventKind, node: str) -> Table:
    """Return a table: a pair on one line, or where that is too wide, on two, with less in it."""
    tables = (
        _one_line(results, kind, node),
        *(_two_lines(results, kind, node, kept) for kept in (_SIZES, _SIZES[1:], ())),
    )
    return next((table for table in tables if _fits(table)), tables[-1])


def _one_line(results: ComparisonResults, kind: EventKind, node: str) -> Table:
    table = _table(results, kind, node)
    for header in ("first", "second"):
        table.add_column(header)
    for header in _without_training(words.effect_headers(results)):
        table.add_column(header, justify="right")
    for pair, effect in words.effects_on(results, kind, node):
        cells = effect_cells(effect, results.settings, words.points_decimals(results))
        table.add_row(*map(Text, (pair.a, pair.b, *_without_training(cells))))
    return table


def _without_training(cells: EffectCells) -> list[str]:
    """Return what has room in a terminal; the page has the way of training, too."""
    kept = cells._asdict()
    return [kept[name] for name in kept if not name.startswith("training")]


def _two_lines(
    results: ComparisonResults, kind: EventKind, node: str, sizes: Sequence[str]
) -> Table:
    table = _table(results, kind, node, show_lines=True)
    test, adjusted = words.test_headers(results)
    table.add_column("first\nsecond")
    for header in ("only 1st\nonly 2nd", "difference,\npoints", *sizes, f"{test}\n{adjusted}"):
        table.add_column(header, justify="right")
    table.add_column("could\nshow", justify="right")
    for pair, effect in words.effects_on(results, kind, node):
        whole = effect_cells(effect, results.settings, words.points_decimals(results))
        cells = EffectCells(*(cell.replace(" [", "\n[", 1) for cell in whole))
        kept = dict(zip(_SIZES, (cells.reduction, cells.odds_ratio), strict=True))
        row = (
            f"{pair.a}\n{pair.b}", f"{cells.only_a}\n{cells.only_b}", cells.difference,
            *(kept[size] for size in sizes), f"{cells.p}\n{cells.p_adjusted}", cells.detectable,
        )  # fmt: skip
        table.add_row(*map(Text, row))
    return table


def _table(
    results: ComparisonResults, kind: EventKind, node: str, *, show_lines: bool = False
) -> Table:
    title = escape(words.event_title(results, kind, node))
    return Table(title=title, title_justify="left", show_lines=show_lines)


def _fits(table: Table) -> bool:
    wide = out.options.update(max_width=_WIDE)
    return out.measure(table, options=wide).maximum <= out.width
