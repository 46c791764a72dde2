"""A readable summary for the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from lcbench.analysis.measures import Estimate, ProtocolResult
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering.findings import strictest, subtype_words


def summary_table(results: Results) -> Table:
    """Return the main numbers of a suite as a table for `rich`.

    One row a baseline: accuracy under each protocol, the drop from `paper` to `grouped`, and
    subtype confusions under the strictest protocol.
    """
    strict = strictest(results)
    table = Table(title=Text(f"{results.suite} on {results.dataset.name}"), title_justify="left")
    table.add_column("baseline")
    for result in results.protocols:
        table.add_column(Text(f"{result.protocol}, %"), justify="right")
    if results.drops:
        table.add_column("drop, points", justify="right")
    if results.taxonomy.subtypes_of is not None:
        header = f"{subtype_words(results)} confusions a seed, {strict.protocol}"
        table.add_column(Text(header), justify="right")
    for one in results.baselines:
        name = results.title(one.baseline)
        style = "bold" if one.baseline == results.reference else ""
        table.add_row(Text(name, style=style), *_numbers(results, strict, one.baseline))
    table.caption = _caption(results, strict)
    return table


def _numbers(results: Results, strict: ProtocolResult, name: str) -> list[str]:
    cells = [wording.share_interval(_accuracy(result, name)) for result in results.protocols]
    if results.drops:
        drop = next((one.drop for one in results.drops if one.baseline == name), None)
        cells.append(wording.points_interval(drop) if drop else wording.NONE)
    if results.taxonomy.subtypes_of is not None:
        scores = next((one for one in strict.baselines if one.baseline == name), None)
        cells.append(
            wording.count_interval(scores.metrics.subtype_confusions) if scores else wording.NONE
        )
    return cells


def _accuracy(result: ProtocolResult, name: str) -> Estimate | None:
    return next((one.metrics.accuracy for one in result.baselines if one.baseline == name), None)


def _caption(results: Results, strict: ProtocolResult) -> Text:
    units = "source groups" if strict.groups_known else "images (source groups unknown: too narrow)"
    synthetic = "synthetic demonstration data; " if results.dataset.synthetic else ""
    return Text(
        f"{synthetic}[95 % interval], {wording.integer(results.resamples)} bootstrap resamples "
        f"of {units}"
    )
