"""The section on the class tree: levels, gates, parts of the errors, paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lcbench.analysis.results import Results
from lcbench.analysis.scores import ModelScores
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.words import baseline_title, label, node_words
from lcbench.statistics.answers import Basis
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.tree import ClassTree

_Estimates = Sequence[Interval | None]
_Key = tuple[str, str]
_BY_A_RULE = "by a rule that does not always take the most probable class"
_ANSWERS: dict[Basis, tuple[str, str]] = {
    "own rule": (f"decides {_BY_A_RULE}", f"decide {_BY_A_RULE}"),
    "no probabilities": ("gives no probabilities", "give no probabilities"),
}
"""Why a model does not answer by summed probabilities, of one model and of several."""


class _Column(NamedTuple):
    """A column of a table whose rows are places of the tree and models."""

    header: str
    key: Callable[[str], _Key]
    """From the name of a place to the metric and what it speaks of."""
    write: Callable[[_Estimates], list[str]]
    """From the estimates of all rows to their cells."""


class TreeTables(NamedTuple):
    """The tables of the section; without rows where the results have nothing to say there."""

    levels: Table
    gates: Table
    errors: Table
    paths: Table


def tree_tables(results: Results) -> TreeTables:
    """Return what each model reached along the class tree, under the strictest protocol."""
    tree = ClassTree.of(results.tree)
    detections = {one.node: node_words(one.node) for one in tree.detections}
    return TreeTables(
        _table(results, "level", _levels(results, tree), list(_level_columns())),
        _table(results, "node", detections, list(_gate_columns())),
        _table(results, "node", detections, list(_error_columns(tree))),
        _table(results, "", {"": ""}, list(_path_columns())),
    )


def answers_words(results: Results) -> list[str]:
    """Return which models do not answer by summed probabilities, and how they do, in sentences."""
    found: dict[Basis, list[str]] = {}
    for model in results.strictest.comparison.models:
        if model.level_answers is not None:
            title = baseline_title(results, model.model)
            found.setdefault(model.level_answers, []).append(title)
    return [
        f"{formats.listing(names)} {_ANSWERS[basis][len(names) > 1]}: the answer at a level is "
        "where the predicted class lies."
        for basis, names in found.items()
        if basis in _ANSWERS
    ]


def _levels(results: Results, tree: ClassTree) -> dict[str, str]:
    """Return the levels by name, with the nodes to choose among; the leaves are the empty name."""
    found = {
        level.node: f"{number}: {' / '.join(map(node_words, level.options))}"
        for number, level in enumerate(tree.levels, start=1)
    }
    return {**found, "": f"{results.tree.height}: the classes"}


def _level_columns() -> Iterator[_Column]:
    def at(metric: str) -> Callable[[str], _Key]:
        return lambda level: (f"level_{metric}" if level else metric, level)

    yield _Column("accuracy, %", at("accuracy"), _shares)
    yield _Column("balanced accuracy, %", at("balanced_accuracy"), _shares)
    yield _Column("macro F1, %", at("macro_f1"), _shares)
    yield _Column("log loss", at("log_loss"), _numbers)
    yield _Column("ECE", at("calibration_error"), _numbers)
    yield _Column("n", at("accuracy"), _images)


def _gate_columns() -> Iterator[_Column]:
    for header, metric, counted in (
        ("sensitivity, %", "gate_sensitivity", "found / images"),
        ("specificity, %", "gate_specificity", "kept out / images"),
        ("accuracy below, true gate, %", "true_gate_accuracy", "right / below it"),
        (
            "accuracy below, predicted gate, %",
            "predicted_gate_accuracy",
            "right / called below it",
        ),
        ("accuracy, perfect gate, %", "perfect_gate_accuracy", "right / all"),
    ):
        yield _Column(header, _of_place(metric), _shares)
        yield _Column(counted, _of_place(metric), _counts_of)


def _error_columns(tree: ClassTree) -> Iterator[_Column]:
    gates = {gate.node for gate in tree.gates}

    def confused(place: str) -> _Key:
        # Elsewhere the two sides are the options: such confusions are the missed and false alarms.
        return ("confusions_of_errors" if place in gates else "", place)

    yield _Column("errors", _of_place("missed_of_errors"), _images)
    for header, key in (
        ("missed", _of_place("missed_of_errors")),
        ("false alarms", _of_place("false_alarms_of_errors")),
        ("confused at it", confused),
        ("other errors", _of_place("other_errors_of_errors")),
    ):
        yield _Column(header, key, _counts)
        yield _Column(f"{header}, % of errors", key, _shares)


def _path_columns() -> Iterator[_Column]:
    for suffix, kind in (("", "micro"), ("_macro", "macro")):
        for key, title in (("precision", "precision"), ("recall", "recall"), ("f", "F")):
            yield _Column(f"{title}, {kind}, %", _of_place(f"hierarchical_{key}{suffix}"), _shares)
    yield _Column("mean LCA height", _of_place("lca_height"), _numbers)
    yield _Column("of errors", _of_place("mistake_severity"), _numbers)
    yield _Column("expected cost", _of_place("expected_cost"), _numbers)
    yield _Column("answers on one path, %", _of_place("path_consistency"), _shares)
    yield _Column("n", _of_place("lca_height"), _images)


def _of_place(metric: str) -> Callable[[str], _Key]:
    return lambda place: (metric, place)


def _table(
    results: Results, header: str, places: dict[str, str], columns: Sequence[_Column]
) -> Table:
    """Return a row for each place and model; what no model has is left out."""
    models = results.strictest.comparison.models
    entries = [(place, model) for place in places for model in models]
    found = [(column, _estimates(column, entries)) for column in columns]
    kept = [
        (column, of_rows) for column, of_rows in found if any(one is not None for one in of_rows)
    ]
    cells = [column.write(of_rows) for column, of_rows in kept]
    first = [header] if header else []
    return Table(
        [*first, "baseline", *(column.header for column, _ in kept)],
        [
            [*([places[place]] if header else []), label(results, model.model), *row]
            for (place, model), *row in zip(entries, *cells, strict=True)
        ]
        if kept
        else [],
        "llr" if header else "lr",
    )


def _estimates(column: _Column, entries: Sequence[tuple[str, ModelScores]]) -> _Estimates:
    return [model.get(*column.key(place)) for place, model in entries]


def _shares(estimates: _Estimates) -> list[str]:
    decimals = formats.share_decimals(None if one is None else one.value for one in estimates)
    return [formats.share_interval(one, decimals=decimals) for one in estimates]


def _numbers(estimates: _Estimates) -> list[str]:
    return [formats.value_interval(one) for one in estimates]


def _images(estimates: _Estimates) -> list[str]:
    return [formats.integer(None if one is None else one.n) for one in estimates]


def _counts(estimates: _Estimates) -> list[str]:
    return [formats.integer(None if one is None else one.count) for one in estimates]


def _counts_of(estimates: _Estimates) -> list[str]:
    return [
        formats.NONE
        if one is None or one.count is None
        else f"{formats.integer(one.count)} / {formats.integer(one.n)}"
        for one in estimates
    ]
