"""Every number of a report has an address, and an allowance that fits its own interval."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lcbench.analysis.numbers import PART, SECTIONS, numbers_of
from lcbench.analysis.results import Results
from lcbench.analysis.scores import find_score

# What says how numbers were made, what they mean, or what the machine was.
NOT_NUMBERS = {
    "schema_version", "settings", "metrics", "invocations", "roles", "taxonomy", "aliases", "runs",
    "efficiency", "baselines", "missing", "not_compared", "unmatched", "seeds", "incomplete",
    "training_images", "seed", "fold", "level", "n", "groups", "images",
}  # fmt: skip


def leaves(value: Any, key: str = "") -> Iterator[float]:
    """Every number of a parsed JSON file, but for those of keys that are no results."""
    if key in NOT_NUMBERS:
        return
    if isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(below, name)
    elif isinstance(value, list):
        for below in value:
            yield from leaves(below)
    elif isinstance(value, float) and not value.is_integer():
        yield value


def test_no_number_of_a_report_is_forgotten(core_results: Results) -> None:
    wanted = set(leaves(json.loads(core_results.model_dump_json())))
    found = {one.value for one in numbers_of(core_results).values()}
    assert len(wanted) > 2000
    assert wanted <= found


def test_an_address_says_section_protocol_baseline_and_metric(core_results: Results) -> None:
    found = numbers_of(core_results)
    scores = core_results.strictest.comparison.scores("reference")
    assert scores is not None
    number = found["scores/grouped/reference/accuracy/value"]
    assert number.value == scores.accuracy.value
    assert (number.section, number.protocol) == ("scores", "grouped")
    assert number.baselines == {"reference"}
    recall = find_score(scores.scores, "recall", "benign")
    assert recall is not None
    assert found["scores/grouped/reference/recall/benign/count"].value == recall.count
    assert {one.section for one in found.values()} <= set(SECTIONS)
    assert all(place.split("/")[0] == one.section for place, one in found.items())


def test_the_allowance_is_a_quarter_of_the_half_width(core_results: Results) -> None:
    found = numbers_of(core_results)
    scores = core_results.strictest.comparison.scores("reference")
    assert scores is not None
    accuracy = scores.accuracy
    assert accuracy.low is not None
    assert accuracy.high is not None
    step = PART * (accuracy.high - accuracy.low) / 2
    for place in ("scores/{}/value", "scores/{}/low", "scores/{}/high"):
        number = found[place.format("grouped/reference/accuracy")]
        assert number.allowed == pytest.approx(step)


def test_images_splits_and_verdicts_allow_nothing(core_results: Results) -> None:
    found = numbers_of(core_results)
    for one in found.values():
        fixed = one.section in ("data", "models") or one.place.endswith(("/verdict", "/model"))
        assert not fixed or one.allowed == 0
    assert any("/splits/seed0/fold0/sha256" in place for place in found)


def test_p_values_may_move_by_half_a_standard_error(core_results: Results) -> None:
    found = [one for one in numbers_of(core_results).values() if one.place.endswith("/p")]
    assert found
    assert all(one.scale == "p-value" and one.allowed >= PART * 1.96 for one in found)


def test_speeds_are_no_numbers_to_compare(core_results: Results) -> None:
    named = " ".join(numbers_of(core_results))
    assert "seconds" not in named
    assert "memory" not in named
    assert "images_per_second" not in named
