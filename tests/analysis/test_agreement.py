"""Two results side by side: what agrees, what does not, and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lcbench.analysis.agreement import Agreement, agreement_of
from lcbench.analysis.results import Results

from .runfolders import Shape, make_runs

ACCURACY = "scores/grouped/reference/accuracy/value"


def with_runs(results: Results, **changes: Any) -> Results:
    runs = tuple(run.model_copy(update=changes) for run in results.runs)
    return results.model_copy(update={"runs": runs})


def with_dataset(results: Results, **changes: Any) -> Results:
    return results.model_copy(update={"dataset": results.dataset.model_copy(update=changes)})


def with_accuracy(results: Results, shift: float) -> Results:
    """Move the reference's accuracy under `grouped`, as a share of its half-width."""
    values = results.model_dump()
    (protocol,) = (one for one in values["protocols"] if one["protocol"] == "grouped")
    (model,) = (m for m in protocol["comparison"]["models"] if m["model"] == "reference")
    (score,) = (one for one in model["scores"] if one["metric"] == "accuracy")
    estimate = score["estimate"]
    estimate["value"] += shift * (estimate["high"] - estimate["low"]) / 2
    return Results.model_validate(values)


@pytest.fixture(scope="module")
def small_results(
    tmp_path_factory: pytest.TempPathFactory, shape: Shape, analysed: Callable[..., Results]
) -> Results:
    """Few baselines: what is compared are tens of thousands of numbers even so."""
    chosen = replace(shape, seeds=2, external="chest-ct")
    return analysed(make_runs(tmp_path_factory.mktemp("agreement"), chosen))


@pytest.fixture(scope="module")
def known(small_results: Results) -> Results:
    """Results that say which processor computed them."""
    return with_runs(small_results, processor="A", device="cpu", precision="32", commit="abc")


def names(agreement: Agreement) -> list[str]:
    return [reason.name for reason in agreement.reasons]


def number(agreement: Agreement, place: str) -> Any:
    return next(one for one in agreement.numbers if one.place == place)


def test_a_report_agrees_with_itself_exactly(known: Results) -> None:
    found = agreement_of(known, known)
    assert found.exact
    assert found.verdict == "agree"
    assert not found.reasons
    assert all(one.outcome == "the same" for one in found.numbers)
    assert sum(one.numbers for one in found.sections) == len(found.numbers)


def test_on_the_same_processor_the_smallest_difference_is_none(known: Results) -> None:
    found = agreement_of(known, with_accuracy(known, 0.001))
    one = number(found, ACCURACY)
    assert (one.outcome, one.agrees, one.allowed) == ("close", False, 0.0)
    assert one.reasons == ("no reason found",)
    assert found.verdict == "agree in part"


def test_on_another_processor_a_number_may_move_within_its_interval(known: Results) -> None:
    other = with_runs(known, processor="B")
    near, far = (agreement_of(known, with_accuracy(other, shift)) for shift in (0.24, 0.26))
    assert not near.exact
    assert (number(near, ACCURACY).outcome, near.verdict) == ("close", "agree")
    assert number(far, ACCURACY).outcome == "different"
    assert number(far, ACCURACY).reasons == ("another processor",)


def test_the_last_digits_are_no_difference(known: Results) -> None:
    found = agreement_of(known, with_accuracy(known, 1e-11))
    assert number(found, ACCURACY).outcome == "the same"


def test_where_the_processor_is_not_recorded_numbers_may_move(small_results: Results) -> None:
    found = agreement_of(small_results, with_runs(small_results, processor="B"))
    assert not found.exact
    (reason,) = (one for one in found.reasons if one.name == "another processor")
    assert "not recorded in the report" in reason.words


@pytest.mark.parametrize(
    ("changed", "name", "said"),
    [
        (lambda r: with_dataset(r, sha256="0" * 16), "other images", "0" * 16),
        (lambda r: with_dataset(r, groups_sha256="0", source_groups=7), "other source groups", "7"),
        (lambda r: with_runs(r, precision="bf16"), "another precision", "bf16 here"),
        (lambda r: with_runs(r, device="cuda"), "another device", "cuda here"),
        (lambda r: with_runs(r, commit="def"), "other code of lcbench", "def here"),
        (lambda r: r.model_copy(update={"lcbench_version": "9"}), "other versions", "lcbench"),
    ],
)  # fmt: skip
def test_whatever_differs_is_a_reason(known: Results, changed: Any, name: str, said: str) -> None:
    other = changed(with_accuracy(known, 9.0))
    found = agreement_of(known, other)
    (reason,) = (one for one in found.reasons if one.name == name)
    assert said in reason.words
    assert name in number(found, ACCURACY).reasons


def test_versions_are_named_with_both_numbers(known: Results) -> None:
    versions = known.runs[0].versions | {"numpy": "1.0"}
    other = with_runs(known, versions=versions)
    (reason,) = agreement_of(known, other).reasons
    theirs = known.runs[0].versions.get("numpy", "not recorded")
    assert reason.words == f"numpy {theirs} in the report, 1.0 here"


def test_other_weights_concern_the_baselines_that_have_them(known: Results) -> None:
    weights = {"weights_sha256": "f" * 16}
    baselines = tuple(
        one.model_copy(update={"backbone": one.backbone.model_copy(update=weights)})
        if one.baseline == "reference" and one.backbone
        else one
        for one in known.baselines
    )
    other = with_accuracy(known, 9.0).model_copy(update={"baselines": baselines})
    found = agreement_of(known, other)
    (reason,) = found.reasons
    assert (reason.name, reason.baselines) == ("other weights", ("reference",))
    assert number(found, ACCURACY).reasons == ("other weights",)


def test_a_missing_protocol_leaves_its_numbers_on_one_side(known: Results) -> None:
    protocols = tuple(one for one in known.protocols if one.protocol == "paper")
    found = agreement_of(known, known.model_copy(update={"protocols": protocols}))
    one = number(found, ACCURACY)
    assert (one.outcome, one.here) == ("only in the report", None)
    assert one.reasons == ("missing protocol",)
    assert number(found, ACCURACY.replace("grouped", "paper")).agrees


def test_other_seeds_are_named(known: Results) -> None:
    protocols = tuple(
        one.model_copy(update={"splits": tuple(s for s in one.splits if s.seed == 0)})
        for one in known.protocols
    )
    found = agreement_of(known, known.model_copy(update={"protocols": protocols}))
    assert names(found) == ["other seeds"] * 2
    assert "seeds 0, 1" in found.reasons[0].words
    assert "seeds 0 (" in found.reasons[0].words


def test_a_missing_external_folder_concerns_its_own_numbers(known: Results) -> None:
    found = agreement_of(known, known.model_copy(update={"external": ()}))
    apart = {one.section for one in found.apart}
    assert apart == {"external"}
    assert {one.reasons for one in found.apart} == {("other external images",)}


def test_infinity_is_equal_to_itself(known: Results) -> None:
    found = agreement_of(known, known)
    endless = [one for one in found.numbers if one.report == math.inf]
    assert endless
    assert all(one.agrees for one in endless)


def test_a_number_that_is_not_defined_here_does_not_agree(known: Results) -> None:
    values = with_runs(known, processor="B").model_dump()
    (protocol,) = (one for one in values["protocols"] if one["protocol"] == "grouped")
    (model,) = (m for m in protocol["comparison"]["models"] if m["model"] == "reference")
    (score,) = (one for one in model["scores"] if one["metric"] == "accuracy")
    score["estimate"]["error"] = None
    one = number(
        agreement_of(known, Results.model_validate(values)), ACCURACY.replace("value", "error")
    )
    assert (one.outcome, one.agrees) == ("only in the report", False)


def test_less_than_half_is_no_agreement(known: Results) -> None:
    other = known.model_copy(update={"protocols": (), "external": ()})
    assert agreement_of(known, other).verdict == "do not agree"
    assert Agreement.model_validate_json(agreement_of(known, known).model_dump_json())
