"""The accuracies on an external folder, as the terminal shows them."""

from __future__ import annotations

from lcbench.analysis.external_results import (
    ExternalCounts,
    ExternalLevel,
    ExternalResult,
    ExternalScore,
)
from lcbench.rendering.report.external import best_at, level_words
from lcbench.rendering.report.external_summary import accuracy_table, unscored_words
from lcbench.runs.external_records import ExternalRecord, OptionsRecord
from lcbench.statistics.interval_model import Interval


def interval(value: float) -> Interval:
    return Interval(value=value, low=value - 0.1, high=value + 0.1, n=12, groups=8, method="score")


def score(baseline: str, protocol: str, value: float) -> ExternalScore:
    return ExternalScore(
        baseline=baseline,
        protocol=protocol,
        runs=1,
        accuracy=interval(value),
        difference=interval(0.1),
        simultaneous=interval(0.1),
    )


def result(*levels: ExternalLevel, unlabelled: bool = False, **counted: int) -> ExternalResult:
    counts = {
        "answered": 20, "scored": 12, "groups": 8, "contaminated": 0, "calibration": 0,
        "unscored": 0, "contaminated_known": True,
    } | counted  # fmt: skip
    record = ExternalRecord(
        name="ct", command="", created="", labels=(), images=20, scored=12, copies=0,
        contradictions=(), unreadable=(), left_out=(),
        options=OptionsRecord(unlabelled=unlabelled),
    )  # fmt: skip
    return ExternalResult(
        record=record, groups_known=True, levels=levels, counts=ExternalCounts(**counts)
    )


def level(number: int, classes: tuple[str, ...], images: int) -> ExternalLevel:
    return ExternalLevel(
        level=number,
        classes=classes,
        images=images,
        majority_class=classes[0],
        majority_rate=0.75,
        scores=(score("colour", "paper", 0.5), score("colour", "grouped", 0.625)),
    )


def test_a_row_a_model_and_a_column_a_level_stand_above_the_majority_rate() -> None:
    found = accuracy_table(
        result(level(1, ("a_b", "c"), 12), level(2, ("a_b", "d", "e"), 9), contaminated=3)
    )
    assert found is not None
    assert [column.header for column in found.columns[:2]] == ["baseline", "training"]
    assert [str(column.header) for column in found.columns[2:]] == ["a b / c", "a b / d / e"]
    cells = [[str(cell) for cell in column.cells] for column in found.columns]
    assert cells[0] == ["colour", "colour", "always the commonest class"]
    assert cells[2] == cells[3]
    assert cells[2][0].startswith("50.0")
    assert "[52.5, 72.5]" in cells[2][1]
    assert cells[2][2].startswith("75")
    assert str(found.caption) == (
        "[95 % limits]: score interval; 12 images of 8 independent groups without those that "
        "show training tissue"
    )


def test_a_difference_that_the_numbers_of_the_classes_fix_has_no_limits() -> None:
    fixed = Interval(value=-0.2, low=-0.2, high=-0.2, n=12, groups=8, method="score")
    one = score("majority", "paper", 0.5).model_copy(
        update={"difference": fixed, "simultaneous": fixed}
    )
    at = level(1, ("a", "b"), 12).model_copy(update={"scores": (one,)})
    found = result(at)
    words = level_words(found, best_at(at, ()))
    assert "is 20.0 points below the majority rate" in words


def test_where_nothing_is_scored_the_reason_is_said() -> None:
    assert accuracy_table(result()) is None
    assert "all images that carry a label show it" in unscored_words(
        result(scored=0, contaminated=12)
    )
    assert unscored_words(result(scored=0)) == "No image carries a label that could be scored."
    assert unscored_words(result(unlabelled=True)) == ""
    assert unscored_words(result(level(1, ("a", "b"), 3))) == ""
