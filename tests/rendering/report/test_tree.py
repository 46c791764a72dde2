"""The section of a report on the class tree."""

from __future__ import annotations

from lcbench.analysis.results import Results
from lcbench.analysis.scores import ModelScores
from lcbench.rendering import formats
from lcbench.rendering.report.tree import answers_words, tree_tables
from lcbench.rendering.words import node_words
from lcbench.statistics.tree import ClassTree

from .. import suites
from .test_page import column, page_of, table_with


def with_models(results: Results, **changes: object) -> Results:
    """Return the results with something else about each model of the strictest protocol."""
    strict = results.strictest
    models = tuple(one.model_copy(update=changes) for one in strict.comparison.models)
    comparison = strict.comparison.model_copy(update={"models": models})
    changed = strict.model_copy(update={"comparison": comparison})
    return results.model_copy(
        update={"protocols": tuple(changed if one is strict else one for one in results.protocols)}
    )


def without(results: Results, *metrics: str) -> Results:
    """Return the results as if no model had these metrics."""
    model = results.strictest.comparison.models[0]
    kept = tuple(one for one in model.scores if one.metric not in metrics)
    return with_models(results, scores=kept)


def test_every_level_and_model_has_a_row_and_the_leaves_have_their_own_metrics() -> None:
    table = tree_tables(suites.deep()).levels
    levels = ["1: normal / cancer", "2: normal / small cell / nsclc", "3: the classes"]
    assert [row[0] for row in table.rows] == [level for level in levels for _ in range(2)]
    accuracies = [row[table.headers.index("accuracy, %")] for row in table.rows]
    # The level above is 2 points better in these results.
    assert accuracies[-2:] == ["90.0 [88.0, 92.0]", "84.0 [82.0, 86.0]"]
    assert accuracies[:2] == ["92.0 [90.0, 94.0]", "86.0 [84.0, 88.0]"]


def test_a_tree_with_one_level_has_no_section() -> None:
    assert "## Along the class tree" not in page_of(suites.flat())


def test_results_without_these_metrics_have_no_rows() -> None:
    results = with_models(suites.lung(), scores=())
    assert not any(table.rows for table in tree_tables(results))


def test_the_parts_of_the_errors_stand_with_their_counts() -> None:
    page = page_of(suites.deep())
    errors = table_with(page, "node", "baseline", "errors")
    assert column(errors, "errors") == ["24", "38"] * 2
    assert column(errors, "missed") == ["6", "10"] * 2
    assert column(errors, "other errors") == ["2", "4"] * 2
    assert "Other errors:" in page
    lung = page_of(suites.lung())
    assert "other errors" not in table_with(lung, "node", "baseline", "errors")[0]
    assert "Other errors:" not in lung


def test_where_no_node_decides_what_is_negative_its_confusions_are_not_counted_twice() -> None:
    """They are the missed and the false alarms: each error stands in one column."""
    several = suites.DEEP.model_copy(update={"negative": ("normal", "adeno")})
    errors = tree_tables(suites.suite(several, suites.ACCURACIES)).errors
    confused = errors.headers.index("confused at it")
    found = {row[0]: (row[confused], row[confused + 1]) for row in errors.rows}
    nodes = ClassTree.of(several.tree()).gates
    told = {place for place, cells in found.items() if cells != (formats.NONE, formats.NONE)}
    assert told == {node_words(gate.node) for gate in nodes}
    assert len(found) == len(nodes) + 1


def test_what_costs_are_stated_only_where_they_are() -> None:
    results = suites.lung()
    assert "Expected cost" not in page_of(results)
    stated = results.taxonomy.model_copy(update={"costs": {"malignant": {"benign": 5.0}}})
    page = page_of(suites.suite(stated, suites.ACCURACIES))
    assert "Expected cost" in page
    costs = column(table_with(page, "baseline", "precision, micro, %"), "expected cost")
    assert costs[0] == "0.870 [0.850, 0.890]"


def test_models_that_do_not_answer_by_sums_are_named() -> None:
    results = suites.lung()
    assert answers_words(results) == [
        "tree-cascade decides by a rule that does not always take the most probable class: the "
        "answer at a level is where the predicted class lies."
    ]
    (sentence,) = answers_words(with_models(results, level_answers="no probabilities"))
    assert sentence.startswith("majority, stain, reference and tree-cascade give no probabilities:")
    assert not answers_words(with_models(results, level_answers="sums"))
    assert not answers_words(with_models(results, level_answers=None))


def test_a_model_without_probabilities_has_dashes_behind_the_gates() -> None:
    results = without(suites.lung(), "true_gate_accuracy", "perfect_gate_accuracy")
    gates = table_with(page_of(results), "node", "baseline", "sensitivity, %")
    assert not [header for header in gates[0] if "true gate" in header or "perfect" in header]
    strict = suites.lung().strictest.comparison
    one: ModelScores = strict.models[0].model_copy(update={"scores": strict.models[0].scores[:1]})
    comparison = strict.model_copy(update={"models": (one, *strict.models[1:])})
    some = suites.lung().strictest.model_copy(update={"comparison": comparison})
    page = page_of(suites.lung().model_copy(update={"protocols": (some,)}))
    gates = table_with(page, "node", "baseline", "sensitivity, %")
    assert set(gates[1][2:]) == {"–"}
    assert "–" not in gates[2]
