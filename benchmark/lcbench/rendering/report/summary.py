"""The main numbers for the terminal: the same numbers and limits as on the page."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from lcbench.analysis.results import Results
from lcbench.rendering.report.tables import main_columns
from lcbench.rendering.words import baseline_title, data_words, units


def summary_table(results: Results) -> Table:
    """Return the main numbers of a suite as a table for `rich`, one row a baseline."""
    columns = [column for column in main_columns(results) if column.short]
    table = Table(title=Text(f"{results.suite} on {data_words(results)}"), title_justify="left")
    table.add_column("baseline")
    for column in columns:
        table.add_column(Text(column.short), justify="right")
    for one in results.baselines:
        style = "bold" if one.baseline == results.reference else ""
        cells = (column.write(one.baseline) for column in columns)
        table.add_row(Text(baseline_title(results, one.baseline), style=style), *map(Text, cells))
    table.caption = _caption(results)
    return table


def _caption(results: Results) -> Text:
    comparison = results.strictest.comparison
    unknown = "" if comparison.groups_known else " (source groups unknown: too narrow)"
    return Text(f"[95 % limits]: score interval over {units(comparison)}{unknown}")
