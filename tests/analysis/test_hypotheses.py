"""The question of a suite: every arm judged by hand, and what is no arm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from statsmodels.stats.multitest import multipletests

from lcbench.analysis.hypothesis_results import HypothesisResult
from lcbench.analysis.results import Results
from lcbench.rerun.suite import suite_of
from lcbench.runs.plan_records import EnsembleRecord, HypothesisRecord, PlanRecord, RolesRecord
from lcbench.runs.reading import read_suite
from lcbench.runs.records import read_record, write_record

from .limits import difference_limits
from .runfolders import Recipe, Shape, make_runs
from .truth import PROTOCOLS

RECIPES = {
    "majority": Recipe(0.0, 0.0, backbone=False),
    "reference": Recipe(0.3, 0.3),
    "better": Recipe(0.05, 0.02),
    "worse": Recipe(0.8, 0.8),
    "alike": Recipe(0.29, 0.3),
}
ROLES = RolesRecord(
    flattering="paper", leakage_free="grouped", floor=("majority",), margin=1.0,
)  # fmt: skip
SHAPE = Shape(tiles=20, copies=3, recipes=RECIPES, baselines=tuple(RECIPES))
Analysed = Callable[..., Results]


def asking(**asked: object) -> RolesRecord:
    question = HypothesisRecord.model_validate({"text": "Is it so?", "reduction": 0.0, **asked})
    return ROLES.model_copy(update={"hypothesis": question})


def judged(folder: Path, analysed: Analysed, shape: Shape = SHAPE, **asked: object) -> Results:
    return analysed(make_runs(folder, replace(shape, roles=asking(**asked))))


def under(results: Results, protocol: str) -> HypothesisResult:
    found = results.protocol(protocol)
    assert found is not None
    assert found.hypothesis is not None
    return found.hypothesis


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("hypothesis")
    return make_runs(runs, replace(SHAPE, roles=asking(event="any_error", holds="accuracy")))


@pytest.fixture(scope="module")
def results(folder: Path, analysed: Analysed) -> Results:
    return analysed(folder)


def errors(folder: Path, protocol: str, names: tuple[str, str]) -> tuple[pd.DataFrame, ...]:
    """Return the rows of two baselines, indexed by seed and image, with whether they err."""
    found = {model.name: model.table for model in read_suite(folder).models(protocol)}
    tables = [found[name].set_index(["seed", "image"]).sort_index() for name in names]
    return tuple(table.assign(wrong=table["true"] != table["predicted"]) for table in tables)


def tail_of(limit: Callable[[float], float]) -> float:
    """Return the tail at which a limit passes 0."""
    return float(np.exp(brentq(lambda log: limit(np.exp(log)), np.log(1e-12), np.log(0.4999))))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_p_values_are_those_of_the_limits_by_hand(
    folder: Path, results: Results, protocol: str
) -> None:
    arms = {arm.baseline: arm for arm in under(results, protocol).arms}
    assert list(arms) == ["better", "worse", "alike"]
    a, b = errors(folder, protocol, ("reference", "better"))

    def upper(tail: float) -> float:
        return difference_limits(a["wrong"], b["wrong"], a, tail)[1]

    test = arms["better"].networks
    assert test.p_holds is not None
    if test.p_reduction > 1e-11:
        assert test.p_reduction == pytest.approx(tail_of(upper), rel=1e-4)
    assert test.p_holds <= test.p_reduction
    assert test.p == max(test.p_reduction, test.p_holds)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_arms_are_one_family_and_verdicts_follow_from_their_p(
    results: Results, protocol: str
) -> None:
    found = under(results, protocol)
    assert found.level == 0.025
    assert found.margin == 0.01
    for tests in ([arm.networks for arm in found.arms], [arm.training for arm in found.arms]):
        every = [test for test in tests if test is not None]
        assert len(every) == len(found.arms)
        _, adjusted, *_ = multipletests([test.p for test in every], method="holm")
        assert [test.p_adjusted for test in every] == pytest.approx(list(adjusted))
        for test in every:
            expected = "not shown"
            if test.p_reduction_adjusted < 0.025:
                expected = "accuracy not shown to hold"
            if test.p_refuted_adjusted < 0.025:
                expected = "refuted"
            if test.p_adjusted < 0.025:
                expected = "shown"
            assert test.verdict == expected


def test_a_better_arm_is_shown_and_a_worse_one_refuted(results: Results) -> None:
    for protocol in PROTOCOLS:
        found = under(results, protocol)
        verdicts = {arm.baseline: arm.networks.verdict for arm in found.arms}
        assert verdicts == {"better": "shown", "worse": "refuted", "alike": "not shown"}
        assert found.verdict == "shown"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_intervals_are_those_of_the_comparison(results: Results, protocol: str) -> None:
    result = results.protocol(protocol)
    assert result is not None
    for arm in under(results, protocol).arms:
        (pair,) = [one for one in result.comparison.pairs if one.b == arm.baseline]
        event = pair.on("any_error")
        assert event is not None
        assert arm.reduction == event.relative_reduction
        assert arm.difference == event.difference
        assert arm.accuracy == pair.get("accuracy")


def test_a_stated_reduction_is_judged_by_the_interval_of_the_ratio(
    tmp_path: Path, analysed: Analysed
) -> None:
    results = judged(tmp_path, analysed, event="any_error", reduction=0.5, arms=["better"])
    for protocol in PROTOCOLS:
        (arm,) = under(results, protocol).arms
        assert arm.reduction.low is not None
        assert (arm.networks.verdict == "shown") == (arm.reduction.low > 0.5)
        assert arm.networks.p_holds is None
        assert arm.detectable is None or arm.detectable > 0.5


def test_without_an_event_it_is_the_confusion_of_the_subtypes(
    tmp_path: Path, analysed: Analysed
) -> None:
    found = under(judged(tmp_path, analysed), "grouped")
    assert (found.event, found.node) == ("confusion", "malignant")
    other = under(judged(tmp_path / "other", analysed, of="root"), "grouped")
    assert (other.event, other.node) == ("confusion", "root")


def test_one_seed_says_nothing_of_training_and_no_question_nothing_at_all(
    tmp_path: Path, analysed: Analysed
) -> None:
    one = judged(tmp_path, analysed, replace(SHAPE, seeds=1))
    assert all(arm.training is None for arm in under(one, "paper").arms)
    none = analysed(make_runs(tmp_path / "none", replace(SHAPE, roles=ROLES)))
    assert all(result.hypothesis is None for result in none.protocols)
    gone = judged(tmp_path / "gone", analysed, arms=["convnext_tiny"])
    assert all(result.hypothesis is None for result in gone.protocols)


def test_an_ensemble_over_seeds_is_an_arm_without_a_way_of_training(
    tmp_path: Path, analysed: Analysed
) -> None:
    folder = make_runs(tmp_path, replace(SHAPE, roles=asking(arms=["seeds", "better"])))
    plan = read_record(folder / "plan.json", PlanRecord)
    seeds = EnsembleRecord(name="seeds", purpose="all", over="seeds", members=("reference",))
    write_record(folder / "plan.json", plan.model_copy(update={"ensembles": (seeds,)}))
    trained = {
        arm.baseline: arm.training is not None for arm in under(analysed(folder), "grouped").arms
    }
    assert trained == {"better": True, "seeds": False}


def test_a_report_is_done_again_with_its_question(tmp_path: Path, analysed: Analysed) -> None:
    results = judged(tmp_path, analysed, arms=["better", "convnext_tiny"], holds="accuracy")
    bare = results.model_copy(
        update={
            "baselines": tuple(
                one.model_copy(update={"kind": "majority", "recipe": {}, "backbone": None})
                for one in results.baselines
            )
        }
    )
    asked = suite_of(bare).hypothesis
    assert asked is not None
    assert asked.arms == ("better",)
