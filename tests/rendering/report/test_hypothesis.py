"""The question of a suite in words, for each verdict."""

from __future__ import annotations

import pytest

from lcbench.analysis.results import Results
from lcbench.rendering.report.hypothesis import (
    asked_words,
    hypothesis_finding,
    hypothesis_parts,
)

from .. import suites

QUESTION = suites.HYPOTHESIS.text


def asking(verdicts: dict[str, str], **changes: object) -> Results:
    """Results under the leakage-free protocol alone."""
    accuracies = {"reference": 0.9, **dict.fromkeys(verdicts, 0.92)}
    results = suites.suite(suites.LUNG, {"grouped": accuracies})
    return suites.asking(results, {"grouped": verdicts}, **changes)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({"a": "shown", "b": "shown", "c": "refuted"}, "shown for a and b"),
        ({"a": "refuted"}, "refuted, as the only arm is shown to make less than 50 % fewer"),
        ({"a": "refuted", "b": "refuted"}, "refuted, as each of 2 arms is shown to make less"),
        (
            {"a": "accuracy not shown to hold", "b": "not shown"},
            "squamous cell carcinoma confusions are shown, but not that accuracy holds",
        ),
        (
            {"a": "not shown", "b": "not shown"},
            "not shown for any arm; with a chance of 80 % this test could have shown 62 to 70 % "
            "fewer, which depends on the arm",
        ),
    ],
)
def test_the_finding_answers_the_question(verdicts: dict[str, str], words: str) -> None:
    found = hypothesis_finding(asking(verdicts))
    assert found.startswith(
        f"{QUESTION} Asked of each arm: more than 50 % fewer adenocarcinoma / squamous cell "
        "carcinoma confusions than the reference, with an accuracy that is lower by less than 1 "
        "point. Leakage-free: "
    )
    assert words in found


def test_what_is_shown_on_images_of_training_tissue_says_nothing_of_new_tissue() -> None:
    results = suites.lung()
    assert "(which says nothing about new tissue)" in hypothesis_finding(results)
    strict, leaky = hypothesis_parts(results)
    assert "share their tissue with training images" in leaky.sentences[-1]
    assert not any("share their tissue" in one for one in strict.sentences)
    assert "new tissue" not in hypothesis_finding(asking({"a": "shown"}))


def test_an_arm_that_answers_as_the_reference_does_shows_no_reach() -> None:
    results = asking({"a": "not shown", "b": "not shown"}, detectable=(0.6, 0.9))
    (protocol,) = results.protocols
    for names, words in (
        (("reference", "b"), "could have shown 60 % fewer."),
        (("a", "b"), "could have shown 60 to 90 % fewer, which depends on the arm."),
    ):
        same = protocol.comparison.model_copy(update={"same_answers": (names,)})
        changed = protocol.model_copy(update={"comparison": same})
        found = hypothesis_finding(results.model_copy(update={"protocols": (changed,)}))
        assert found.endswith(words)


def test_arms_of_all_seeds_are_not_judged_for_the_way_of_training() -> None:
    results = asking({"a": "shown", "b": "shown"})
    (protocol,) = results.protocols
    assert protocol.hypothesis is not None
    first, second = protocol.hypothesis.arms
    arms = (first, second.model_copy(update={"training": None}))
    judged = protocol.hypothesis.model_copy(update={"arms": arms})
    changed = protocol.model_copy(update={"hypothesis": judged})
    (part,) = hypothesis_parts(results.model_copy(update={"protocols": (changed,)}))
    assert any(one.endswith("; not known of b, which hold all seeds.") for one in part.sentences)


@pytest.mark.parametrize(
    ("detectable", "words"),
    [
        ((None,), "this test could not have shown it of any."),
        ((0.6, None), "60 % fewer, and of 1 none."),
    ],
)
def test_a_blind_test_says_so(detectable: tuple[float | None, ...], words: str) -> None:
    results = asking({"a": "not shown", "b": "not shown"}, detectable=detectable)
    assert hypothesis_finding(results).endswith(words)


def test_every_arm_is_named_with_its_verdict() -> None:
    verdicts = {
        "a": "shown", "b": "refuted", "c": "accuracy not shown to hold", "d": "not shown",
    }  # fmt: skip
    (part,) = hypothesis_parts(asking(verdicts))
    said = "\n".join(part.sentences)
    assert "and accuracy holds: a (70 % fewer [60, 80])." in said
    assert "Refuted, shown to make less than 50 % fewer: b." in said
    assert "not that accuracy is lower by less than 1 point: c." in said
    assert "Not shown either way: d;" in said
    assert "with other seeds: shown for no arm." in said
    place = list(part.table.headers).index("verdict")
    assert [row[place].removesuffix(" (few groups)") for row in part.table.rows] == list(
        verdicts.values()
    )


def test_any_reduction_at_all() -> None:
    results = asking({"a": "refuted"}, reduction=0.0, margin=None, node="", training=False)
    assert asked_words(results) == "fewer errors than the reference"
    assert "refuted, as the only arm makes more errors." in hypothesis_finding(results)
    (part,) = hypothesis_parts(results)
    assert "way of training: verdict" not in part.table.headers


def test_what_was_not_judged_says_so_and_what_was_not_asked_is_silent() -> None:
    results = suites.asking(suites.suite(suites.LUNG, {"grouped": {"reference": 0.9}}), {})
    assert hypothesis_finding(results) == (
        f"{QUESTION} Not judged: no arm could be compared with the reference."
    )
    assert asked_words(results) == ""
    silent = suites.suite(suites.LUNG, {"grouped": {"reference": 0.9, "knn": 0.9}})
    assert hypothesis_finding(silent) == ""
