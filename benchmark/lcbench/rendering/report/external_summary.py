"""What the runs reach on one external folder, for the terminal: the numbers of the report."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from lcbench.analysis.external_results import ExternalLevel, ExternalResult
from lcbench.rendering.formats import plural, share, share_interval
from lcbench.rendering.words import node_words, protocol_short


def accuracy_table(result: ExternalResult) -> Table | None:
    """Return the accuracy of every model at every level; None where nothing is scored."""
    if not result.levels:
        return None
    table = Table(title=Text(f"accuracy on {result.record.name}, %"), title_justify="left")
    table.add_column("baseline")
    table.add_column("training")
    for level in result.levels:
        table.add_column(Text(_title(level)), justify="right")
    by_model = [{(one.baseline, one.protocol): one for one in at.scores} for at in result.levels]
    for model in by_model[0]:
        cells = (share_interval(scores[model].accuracy, unit=False) for scores in by_model)
        table.add_row(Text(model[0]), Text(protocol_short(model[1])), *map(Text, cells))
    rates = (share(level.majority_rate, unit=False) for level in result.levels)
    table.add_row(Text("always the commonest class", style="italic"), "", *map(Text, rates))
    table.caption = Text(_caption(result))
    return table


def _title(level: ExternalLevel) -> str:
    return " / ".join(node_words(node) for node in level.classes)


def _caption(result: ExternalResult) -> str:
    counts = result.counts
    scored = plural(max(level.images for level in result.levels), "image")
    words = f"[95 % limits]: score interval; {scored}"
    if counts is None:
        return words
    without = " without those that show training tissue" if counts.contaminated else ""
    return f"{words} of {plural(counts.groups, 'independent group')}{without}"


def unscored_words(result: ExternalResult) -> str:
    """Return why nothing is scored; empty where something is, or where nothing was to be."""
    counts, record = result.counts, result.record
    if result.levels or counts is None or record.options.unlabelled:
        return ""
    if counts.contaminated and not counts.scored:
        return "No score without training tissue: all images that carry a label show it."
    if result.one_class:
        return "No accuracy: all scored images are of one class; the report has what was answered."
    return "No image carries a label that could be scored."
