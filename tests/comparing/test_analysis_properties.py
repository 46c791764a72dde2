"""What must hold of every comparison: order does not matter, and no case is undefined."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .foreign import Model, compare, random_model

SLOW = settings(
    max_examples=15, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def strict(results: Any) -> dict[str, Any]:
    """Return the JSON of results; NaN is refused."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    parsed: dict[str, Any] = json.loads(results.model_dump_json(), parse_constant=refuse)
    return parsed


def own(results: Any, model: str) -> list[Any]:
    return [row for row in results.metrics if row.model == model]


@st.composite
def two_models(draw: st.DrawFn) -> tuple[Model, Model]:
    """Draw two models for the same few images, with or without groups."""
    n = draw(st.integers(1, 12))
    codes = st.lists(st.integers(0, 2), min_size=n, max_size=n).map(lambda x: np.array(x, int))
    true = draw(codes)
    groups = draw(st.none() | codes)
    return Model(true, draw(codes), groups=groups), Model(true, draw(codes), groups=groups)


@SLOW
@given(models=two_models())
def test_every_case_is_defined(tmp_path: Path, models: tuple[Model, Model]) -> None:
    paths = [
        model.write(tmp_path / f"{name}.csv") for name, model in zip("ab", models, strict=True)
    ]
    results = compare(*paths)
    strict(results)
    for test in results.tests:
        assert 0 < test.p <= test.p_adjusted <= 1
        assert math.isfinite(test.statistic)
        if test.only_a == test.only_b == 0:
            assert test.p == 1
    for row in (*results.metrics, *results.differences):
        if row.value is None:
            assert (row.low, row.high, row.n) == (None, None, 0)
        else:
            low, high = (-math.inf if row.low is None else row.low), row.high
            assert low <= row.value <= (math.inf if high is None else high)


@SLOW
@given(models=two_models())
def test_swapping_the_models_flips_the_signs(tmp_path: Path, models: tuple[Model, Model]) -> None:
    paths = [
        model.write(tmp_path / f"{name}.csv") for name, model in zip("ab", models, strict=True)
    ]
    there, back = compare(*paths), compare(*reversed(paths))
    for one, other in zip(there.differences, back.differences, strict=True):
        assert (one.a, one.b, one.name) == (other.b, other.a, other.name)
        if one.value is None:
            assert other.value is None
        else:
            known = [-part for part in (other.value, other.high, other.low)]
            assert [one.value, one.low, one.high] == pytest.approx(known)
    for test, turned in zip(there.tests, back.tests, strict=True):
        assert (test.name, test.event) == (turned.name, turned.event)
        assert (test.only_a, test.only_b) == (turned.only_b, turned.only_a)
        assert test.p == pytest.approx(turned.p)
        assert test.statistic == pytest.approx(turned.statistic)
    for effect, turned_effect in zip(there.effects, back.effects, strict=True):
        assert effect.difference.value == pytest.approx(-turned_effect.difference.value)
        assert effect.difference.low == pytest.approx(-turned_effect.difference.high)
        assert effect.detectable == pytest.approx(turned_effect.detectable)
    for name in "ab":
        assert own(there, name) == own(back, name)


@pytest.mark.parametrize("groups", [0, 20])
def test_the_order_of_the_images_changes_nothing(tmp_path: Path, groups: int) -> None:
    first, second = (random_model(seed, groups=groups, chances=True).table() for seed in (1, 2))
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    found = []
    for seed in (None, 5):
        for path, table, shift in zip(paths, (first, second), (0, 1), strict=True):
            shuffled = table if seed is None else table.sample(frac=1, random_state=seed + shift)
            shuffled.to_csv(path, index=False)
        found.append(compare(*paths))
    assert found[0] == found[1]


@pytest.mark.parametrize("chances", [True, False])
def test_another_model_changes_no_interval(tmp_path: Path, chances: bool) -> None:
    one, two = (
        random_model(seed, groups=20, chances=True).write(tmp_path / f"{seed}.csv")
        for seed in (1, 2)
    )
    third = random_model(3, groups=20, chances=chances).write(tmp_path / "3.csv")
    few, many = compare(one, two), compare(one, third, two)
    for name in ("1", "2"):
        assert own(few, name)
        assert own(few, name) == own(many, name)
    assert [row for row in many.differences if (row.a, row.b) == ("1", "2")] == list(
        few.differences
    )
    for effect in few.effects:
        assert effect in many.effects
        for test in (row for row in few.tests if row.event == effect.event):
            same = many.test(effect, test.name)
            assert test.model_dump(exclude={"p_adjusted"}) == same.model_dump(
                exclude={"p_adjusted"}
            )


def test_a_model_without_probabilities_takes_none_from_the_others(tmp_path: Path) -> None:
    paths = [
        random_model(seed, chances=seed != 2).write(tmp_path / f"{seed}.csv") for seed in (1, 2, 3)
    ]
    found = compare(*paths)
    assert [row.model for row in found.metrics if row.name == "macro_auroc"] == ["1", "3"]
    assert [(row.a, row.b) for row in found.differences if row.name == "log_loss"] == [("1", "3")]
    assert len([row for row in found.differences if row.name == "accuracy"]) == 3
    assert any(note.startswith("2: no columns p:<class>") for note in found.notes)


DEGENERATE = {
    "perfect": (np.array([0, 1, 2] * 4), np.array([0, 1, 2] * 4)),
    "all wrong": (np.array([0, 1, 2] * 4), np.array([1, 2, 0] * 4)),
    "one class": (np.zeros(12, int), np.zeros(12, int)),
    "one image": (np.array([1]), np.array([2])),
}


@pytest.mark.parametrize("groups", ["none", "one", "each"])
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("interval", ["score", "percentile", "bca"])
def test_two_models_that_agree_differ_by_nothing(
    tmp_path: Path, case: str, groups: str, interval: str
) -> None:
    true, predicted = DEGENERATE[case]
    n = len(true)
    codes = {"none": None, "one": np.zeros(n, int), "each": np.arange(n)}[groups]
    chances = np.eye(3)[predicted]
    path = Model(true, predicted, chances, codes).write(tmp_path / "same.csv")
    found = compare(path, path, interval=interval)
    assert found.models == ("same", "same (2)")
    strict(found)
    for test in found.tests:
        assert (test.p, test.p_adjusted, test.only_a, test.only_b) == (1, 1, 0, 0)
    for effect in found.effects:
        assert effect.difference.value == 0
        assert effect.difference.low < 0 < effect.difference.high
        assert effect.odds_ratio.value is None
    for row in found.differences:
        assert row.value in (0, None)
    accuracy = found.metric("same", "accuracy")
    assert accuracy is not None
    assert accuracy.value in (0, 1)
    assert accuracy.low != accuracy.high


def test_a_perfect_model_against_one_that_is_always_wrong(tmp_path: Path) -> None:
    true = np.array([0, 1, 2] * 10)
    right = Model(true, true).write(tmp_path / "right.csv")
    wrong = Model(true, (true + 1) % 3).write(tmp_path / "wrong.csv")
    found = compare(right, wrong)
    effect = found.effects[0]
    assert effect.difference.value == 1
    assert (effect.odds_ratio.value, effect.relative_reduction.value) == (0, None)
    assert found.test(effect, found.default_test).p == pytest.approx(2 * 0.5**30)
    assert compare(wrong, right).effects[0].odds_ratio.value == math.inf
    assert strict(compare(wrong, right))["effects"][0]["odds_ratio"]["value"] == "Infinity"
