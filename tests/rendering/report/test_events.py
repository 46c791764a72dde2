"""Sentences on what goes wrong under each baseline."""

from __future__ import annotations

from lcbench.rendering.report.events import same_answers_words
from lcbench.rendering.words import effect_cells, verdict_words

from .. import suites


def test_models_that_answer_alike_are_named_protocol_by_protocol() -> None:
    results = suites.lung()
    assert same_answers_words(results) == []
    paper, grouped = results.protocols
    alike = {"same_answers": (("reference", "stain"), ("knn", "colour", "tree"))}
    comparison = grouped.comparison.model_copy(update=alike)
    grouped = grouped.model_copy(update={"comparison": comparison})
    assert same_answers_words(results.model_copy(update={"protocols": (paper, grouped)})) == [
        "Leakage-free: reference and stain give every image the same answer.",
        "Leakage-free: knn, colour and tree give every image the same answer.",
    ]


def test_what_the_numbers_of_each_class_fix_is_not_tested() -> None:
    results = suites.lung()
    (pair, *_) = results.strictest.comparison.pairs
    event = pair.events[0]
    width = {"low": 0.16393442622950818, "high": 0.1639344262295082, "training": None}
    fixed = event.difference.model_copy(update={"value": 0.16393442622950818, **width})
    whole = event.model_copy(update={"difference": fixed})
    cells = effect_cells(whole, results.settings)
    assert cells.difference == "+16.4"
    assert {cells.p, cells.p_adjusted, cells.training_p, cells.detectable} == {"–"}
    assert verdict_words(whole, results.settings) == "fixed by the numbers of each class"
