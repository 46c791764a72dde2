"""A comparison in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from lcbench.analysis.compare_results import ComparisonResults, EffectRow
from lcbench.console import err, escape, out, warn
from lcbench.rendering import compare_words as words
from lcbench.statistics.events import Event

_FIRST = (
    "accuracy", "balanced_accuracy", "macro_f1", "cohen_kappa", "matthews_correlation",
    "sensitivity", "specificity", "subtype_accuracy", "subtype_confusion_rate", "macro_auroc",
    "macro_average_precision", "log_loss", "brier_score", "calibration_error",
)  # fmt: skip
_SIZES = ("relative\nreduction, %", "odds ratio")
_WIDE = 10_000


def show_comparison(results: ComparisonResults) -> None:
    """Print the metrics of each model, then a table of paired comparisons for each event."""
    for sentence in (*words.unmatched(results), *results.notes):
        warn(sentence)
    for table in _metrics(results):
        out.print(table)
    for event in Event:
        if any(effect.event == event for effect in results.effects):
            out.print(_pairs(results, event))
            for sentence in words.omnibus(results, event):
                out.print(escape(sentence), soft_wrap=True)
    err.print(escape(" ".join(words.basis(results))), soft_wrap=True)
    if results.pairs:
        err.print(escape(words.reading(results)), soft_wrap=True)


def _metrics(results: ComparisonResults) -> Iterator[Table]:
    """Yield one table, or several where the models do not stand side by side."""
    models = list(results.models)
    while models:
        sizes = range(len(models), 0, -1)
        tables = {size: _metrics_of(results, models[:size]) for size in sizes}
        size = next((size for size in sizes if _fits(tables[size])), 1)
        yield tables[size]
        models = models[size:]


def _metrics_of(results: ComparisonResults, models: Sequence[str]) -> Table:
    table = Table("metric", title="Metrics [95 % interval]", title_justify="left")
    for model in models:
        table.add_column(Text(model), justify="right")
    for name in _FIRST:
        rows = [results.metric(model, name) for model in models]
        if any(row is not None for row in rows):
            cells = (words.title(results, name), *map(words.metric_words, rows))
            table.add_row(*map(Text, cells))
    return table


def _pairs(results: ComparisonResults, event: Event) -> Table:
    """Return a table: a pair on one line, or where that is too wide, on two, with less in it."""
    tables = (
        _one_line(results, event),
        *(_two_lines(results, event, kept) for kept in (_SIZES, _SIZES[1:], ())),
    )
    return next((table for table in tables if _fits(table)), tables[-1])


def _one_line(results: ComparisonResults, event: Event) -> Table:
    table = _table(results, event)
    for header in ("first", "second"):
        table.add_column(header)
    for header in words.effect_headers(results):
        table.add_column(header, justify="right")
    for effect in _effects(results, event):
        table.add_row(*map(Text, (effect.a, effect.b, *words.effect_cells(results, effect))))
    return table


def _two_lines(results: ComparisonResults, event: Event, sizes: Sequence[str]) -> Table:
    table = _table(results, event, show_lines=True)
    test, adjusted = words.test_headers(results)
    table.add_column("first\nsecond")
    for header in ("only 1st\nonly 2nd", "difference,\npoints", *sizes, f"{test}\n{adjusted}"):
        table.add_column(header, justify="right")
    table.add_column("could\nshow", justify="right")
    for effect in _effects(results, event):
        cells = [cell.replace(" [", "\n[", 1) for cell in words.effect_cells(results, effect)]
        only_a, only_b, difference, reduction, ratio, p, p_adjusted, detectable = cells
        kept = dict(zip(_SIZES, (reduction, ratio), strict=True))
        row = (
            f"{effect.a}\n{effect.b}", f"{only_a}\n{only_b}", difference,
            *(kept[size] for size in sizes), f"{p}\n{p_adjusted}", detectable,
        )  # fmt: skip
        table.add_row(*map(Text, row))
    return table


def _table(results: ComparisonResults, event: Event, *, show_lines: bool = False) -> Table:
    title = escape(words.event_words(results, event))
    return Table(title=title, title_justify="left", show_lines=show_lines)


def _effects(results: ComparisonResults, event: Event) -> list[EffectRow]:
    return [effect for effect in results.effects if effect.event == event]


def _fits(table: Table) -> bool:
    wide = out.options.update(max_width=_WIDE)
    return out.measure(table, options=wide).maximum <= out.width
