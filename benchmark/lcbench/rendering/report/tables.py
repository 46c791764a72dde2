"""The tables of a report whose columns depend on what was run: headers, and numbers as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.scores import EventComparison, ModelScores
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.report.events import pair_with, reference_pairs
from lcbench.rendering.words import (
    author,
    effect_cells,
    event_words,
    headline,
    label,
    metric_title,
    protocol_short,
    protocol_title,
    screening_node,
    verdict_words,
)
from lcbench.statistics.registry import METRICS

_UNBALANCED = 1.05
"""The largest class over the smallest: where balanced accuracy says something of its own."""


class MainColumn(NamedTuple):
    """A column of the main table."""

    header: str
    """What it is called on the page."""
    short: str
    """What it is called in the terminal; empty where it has no room there."""
    write: Callable[[str], str]
    """From a baseline's name to its cell."""


class _Column(NamedTuple):
    """A metric as a column."""

    header: str
    metric: str
    of: str
    unit: str
    decimals: int

    def cell(self, scores: ModelScores | None) -> str:
        """Return the number of a model."""
        found = scores.get(self.metric, self.of) if scores else None
        return formats.metric_interval(found, self.unit, self.decimals)


def main_table(results: Results) -> Table:
    """Return what most read: accuracy under each protocol, drop, ranking, confusions, cost."""
    columns = list(main_columns(results))
    names = [one.baseline for one in results.baselines]
    return Table(
        ["baseline", *(column.header for column in columns)],
        [[label(results, name), *(column.write(name) for column in columns)] for name in names],
    )


def main_columns(results: Results) -> Iterator[MainColumn]:
    """Yield the columns of the main table, without the names of the baselines."""
    (accuracy,) = _columns(results, [("accuracy", "")])
    for one in results.protocols:
        header = f"accuracy, {protocol_title(one.protocol)}, %"
        short = f"{protocol_short(one.protocol)}, %"
        yield MainColumn(header, short, _metric_under(one, accuracy))
    if results.drops:
        decimals = formats.points_decimals(one.drop.value for one in results.drops)
        drops = {
            one.baseline: formats.points_interval(one.drop, decimals=decimals)
            for one in results.drops
        }
        points = "drop, points"
        yield MainColumn(points, points, lambda name: drops.get(name, formats.NONE))
    for column in _columns(results, [("macro_auroc", "")]):
        yield MainColumn(column.header, "", _metric_under(results.strictest, column))
    node = headline(results)
    for column in _columns(results, [("confusion_rate", node)] if node else []):
        yield MainColumn(column.header, column.header, _metric_under(results.strictest, column))
    yield _cost(results)


def _metric_under(result: ProtocolResult, column: _Column) -> Callable[[str], str]:
    return lambda name: column.cell(result.comparison.scores(name))


def _cost(results: Results) -> MainColumn:
    """Return the speed of prediction, or the time of training where no image was looked at."""
    timed = is_timed(results)

    def write(name: str) -> str:
        found = [one for one in results.efficiency if one.baseline == name]
        texts = [
            formats.integer(one.images_per_second) if timed else formats.number(one.train_seconds)
            for one in found
        ]
        if len(found) > 1:
            pairs = zip(texts, found, strict=True)
            texts = [f"{text} ({one.device}, {one.precision})" for text, one in pairs]
        return "; ".join(texts) or formats.NONE

    return MainColumn("images/s" if timed else "training, s", "", write)


def is_timed(results: Results) -> bool:
    """Tell whether the speed of prediction was measured for any baseline."""
    return any(one.images_per_second is not None for one in results.efficiency)


def ensembles_table(results: Results) -> Table | None:
    """Return what ensembles gain over their members; None where there is none."""
    found = [(result, one) for result in results.protocols for one in result.ensembles]
    values = [gain.value for _, one in found for gain in (one.over_mean, one.over_best)]
    decimals = formats.points_decimals(values)
    rows = [
        [
            label(results, one.ensemble),
            protocol_short(result.protocol),
            formats.integer(len(one.members)),
            formats.points_interval(one.over_mean, decimals=decimals),
            one.best_member,
            formats.points_interval(one.over_best, decimals=decimals),
        ]
        for result, one in found
    ]
    headers = ["ensemble", "protocol", "members", "over the mean of its members, points"]
    headers += ["best member", "over the best member, points"]
    return Table(headers, rows, "llrrlr") if rows else None


def scores_table(results: Results) -> Table:
    """Return the scores under all protocols, those of one baseline below each other."""
    columns = _columns(results, _score_metrics(results))
    rows = [
        [label(results, name), protocol_short(result.protocol), *(c.cell(scores) for c in columns)]
        for name in (one.baseline for one in results.baselines)
        for result in results.protocols
        if (scores := result.comparison.scores(name)) is not None
    ]
    return Table(["baseline", "protocol", *(column.header for column in columns)], rows, "llr")


def _score_metrics(results: Results) -> list[tuple[str, str]]:
    """Return what the registry shows first, each at the place of the tree that is read first."""
    counts = results.dataset.images_by_class.values()
    balanced = not counts or max(counts) <= _UNBALANCED * min(counts)
    places = {"model": "", "node": screening_node(results.tree), "decision": headline(results)}
    wanted = []
    for info in results.metrics:
        metric, of = METRICS.get(info.metric), places.get(info.level)
        main = metric is not None and metric.shown == "main"
        if of is not None and (main or (info.metric == "balanced_accuracy" and not balanced)):
            wanted.append((info.metric, of))
    return wanted


def _columns(results: Results, wanted: Iterable[tuple[str, str]]) -> list[_Column]:
    """Return the columns of the metrics that some model has."""
    known = {info.metric: info for info in results.metrics}
    models = [one for result in results.protocols for one in result.comparison.models]
    found = []
    for metric, of in wanted:
        scores = [score for model in models if (score := model.get(metric, of))]
        if metric in known and scores:
            title = metric_title(results.tree, known[metric], of)
            decimals = formats.share_decimals(score.value for score in scores)
            found.append(_Column(title, metric, of, known[metric].unit, decimals))
    return found


def events_table(results: Results) -> Table:
    """Return what goes wrong, each baseline against the reference.

    All effects stand under the strictest protocol; under the others the difference and its p. The
    floor is compared on errors of any kind only: what it does not answer it cannot confuse.
    """
    strict = results.strictest
    others = [one for one in results.protocols if one is not strict]
    seeds, rows, decimals = len(strict.comparison.seeds), [], _event_decimals(results)
    for kind, node in strict.comparison.events:
        what = event_words(results.tree, kind, node)
        for pair in reference_pairs(results, strict):
            event = pair.on(kind, node)
            if event is None or (kind == "confusion" and pair.b in results.roles.floor):
                continue
            row = [what, label(results, pair.b)]
            for other in others:
                beside = pair_with(results, other, pair.b)
                row += _short_effects(results, beside.on(kind, node) if beside else None, decimals)
            cells = effect_cells(event, results.settings, decimals)
            row += [cells.difference, cells.reduction, cells.p, cells.p_adjusted]
            row.append(verdict_words(event, results.settings))
            if seeds > 1:
                row += [cells.training, cells.training_p]
            rows.append([*row, cells.detectable])
    adjusted = f"p ({author(results.settings)})"
    headers = ["what goes wrong", "baseline"]
    for other in others:
        name = protocol_short(other.protocol)
        headers += [f"{name}: difference, points", f"{name}: {adjusted}"]
    headers += ["difference, points", "fewer, %", "p", adjusted, "verdict"]
    if seeds > 1:
        headers += ["way of training: difference, points", f"way of training: {adjusted}"]
    headers.append("smallest difference, points")
    return Table(headers, rows, "llr")


def _event_decimals(results: Results) -> int:
    """Return the decimals of all differences of the table: they are read side by side."""
    pairs = [pair for one in results.protocols for pair in reference_pairs(results, one)]
    events = [event for pair in pairs for event in pair.events]
    values = [(event.difference.value, event.detectable) for event in events]
    return formats.points_decimals(value for both in values for value in both)


def _short_effects(results: Results, event: EventComparison | None, decimals: int) -> list[str]:
    if event is None:
        return [formats.NONE, formats.NONE]
    cells = effect_cells(event, results.settings, decimals)
    few = " (few groups)" if event.few_groups else ""
    return [cells.difference, f"{cells.p_adjusted}{few}"]
