"""Sentences on what goes wrong under each baseline."""

from __future__ import annotations

from lcbench.rendering.report.events import same_answers_words

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
