"""The numbers of a comparison of prediction files, and what must hold of every one."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import cochrans_q, mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from lcbench.analysis.results import ComparisonResults
from lcbench.errors import UserError
from lcbench.taxonomy import Taxonomy

from .foreign import LEAVES, Model, compare, happens, random_model
from .truth import EVENTS

SHARED = Path(__file__).resolve().parents[3] / "shared"
NAMES = ("one", "two", "three")
SLOW = settings(
    max_examples=15, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """Three models with groups and probabilities."""
    errors = dict(zip(NAMES, (0.1, 0.2, 0.35), strict=True))
    return {
        name: random_model(seed, error=errors[name], groups=30, chances=True)
        for seed, name in enumerate(NAMES, start=1)
    }


@pytest.fixture(scope="module")
def results(models, tmp_path_factory) -> ComparisonResults:
    folder = tmp_path_factory.mktemp("three")
    return compare(*(model.write(folder / f"{name}.csv") for name, model in models.items()))


def counts_of(first: Model, second: Model, event: tuple[str, str]) -> tuple[int, int, int]:
    """Return the counts: only under the first, only under the second, rows."""
    rows, one = happens(first, event)
    other = happens(second, event)[1]
    return int((one & ~other)[rows].sum()), int((other & ~one)[rows].sum()), int(rows.sum())


def events_of(results: ComparisonResults) -> list[tuple[Any, Any]]:
    """Return every pair with each of its events."""
    return [(pair, one) for pair in results.comparison.pairs for one in pair.events]


def strict(results: ComparisonResults) -> dict[str, Any]:
    """Return the JSON of results; NaN is refused."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    parsed: dict[str, Any] = json.loads(results.model_dump_json(), parse_constant=refuse)
    return parsed


def test_percentile_intervals_are_those_of_groups_drawn_with_numpy(models, tmp_path):
    paths = [model.write(tmp_path / f"{name}.csv") for name, model in models.items()]
    found = compare(*paths, interval="percentile", resamples=2_000).comparison
    right = {name: (model.true == model.predicted).astype(float) for name, model in models.items()}
    groups = models["one"].groups
    # 29 of the 30 groups, which makes the variance unbiased; all are of several classes.
    drawn = np.random.default_rng(7).integers(0, 30, (4_000, 29))

    def limits(values):
        sums, sizes = np.bincount(groups, values), np.bincount(groups)
        shares = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
        return pytest.approx(np.quantile(shares, [0.025, 0.975]), abs=0.012)

    for model in found.models:
        assert [model.accuracy.low, model.accuracy.high] == limits(right[model.model])
    for pair in found.pairs:
        row = pair.get("accuracy")
        assert [row.low, row.high] == limits(right[pair.b] - right[pair.a])


def test_every_pair_reads_the_second_against_the_first(results, models):
    pairs = results.comparison.pairs
    assert [(pair.a, pair.b) for pair in pairs] == list(combinations(NAMES, 2))
    for pair in pairs:
        own, base = (results.comparison.scores(name) for name in (pair.b, pair.a))
        for one in pair.differences:
            known = own.get(one.metric, one.of).value - base.get(one.metric, one.of).value
            assert one.estimate.value == pytest.approx(known)
        assert [(one.event, one.node) for one in pair.events] == EVENTS
        for one in pair.events:
            first, second = models[pair.a], models[pair.b]
            only_a, only_b, n = counts_of(first, second, (one.event, one.node))
            rate = int(happens(first, (one.event, one.node))[1].sum())
            assert one.difference.value == pytest.approx((only_b - only_a) / n)
            assert one.odds_ratio.value == pytest.approx(only_a / only_b)
            assert one.relative_reduction.value == pytest.approx((only_a - only_b) / rate)
            exact, corrected = one.test("mcnemar-exact"), one.test("mcnemar-corrected")
            assert (exact.only_a, exact.only_b, exact.n) == (only_a, only_b, n)
            table = [[n, only_a], [only_b, n]]
            assert exact.p == pytest.approx(mcnemar(table, exact=True).pvalue)
            known = mcnemar(table, exact=False, correction=True)
            assert corrected.statistic == pytest.approx(known.statistic)


@pytest.mark.parametrize(("option", "method"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_p_values_are_adjusted_for_the_pairs_of_each_event_and_test(
    models, tmp_path, option, method
):
    paths = [model.write(tmp_path / f"{name}.csv") for name, model in models.items()]
    found = events_of(compare(*paths, adjustment=option))
    for event in EVENTS:
        family = [one.tests for _, one in found if (one.event, one.node) == event]
        assert len(family) == 3
        for tests in zip(*family, strict=True):
            known = multipletests([test.p for test in tests], method=method)[1]
            assert [test.p_adjusted for test in tests] == pytest.approx(known)


def test_cochrans_q_needs_three_models_and_is_that_of_statsmodels(results, models, tmp_path):
    for one in results.comparison.omnibus:
        event = (one.event, one.node)
        rows = happens(models["one"], event)[0]
        columns = [happens(models[name], event)[1][rows] for name in NAMES]
        known = cochrans_q(np.stack(columns, axis=1))
        assert one.statistic == pytest.approx(known.statistic)
        assert one.p_independent == pytest.approx(known.pvalue)
    path = models["one"].write(tmp_path / "x.csv")
    assert compare(path, path).comparison.omnibus == ()


def test_the_thyroid_table_gives_the_published_clustered_tests(tmp_path):
    """The statistics of Obuchowski 1998, Durkalski 2003 and Yang 2010, from files to results."""
    path = SHARED / "oracles" / "clustered_mcnemar.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    known = json.loads(path.read_text())["thyroids"]
    right = [(True, True), (True, False), (False, True), (False, False)]
    cells = [
        (group, first, second)
        for (first, second), counts in zip(right, (known[key] for key in "abcd"), strict=True)
        for group, count in enumerate(counts)
        for _ in range(count)
    ]
    groups, first, second = map(np.array, zip(*cells, strict=True))
    true = np.zeros(len(cells), np.int64)
    paths = [
        Model(true, np.where(answers, 0, 1), groups=groups).write(tmp_path / name)
        for name, answers in (("one.csv", first), ("two.csv", second))
    ]
    one = compare(*paths).comparison.pairs[0].on("any_error")
    assert {(test.n, test.only_a, test.only_b) for test in one.tests} == {(known["pairs"], 7, 1)}
    assert one.groups == known["clusters"]
    for name in ("obuchowski", "durkalski", "yang"):
        assert one.test(name).statistic == pytest.approx(known[name]["statistic"], abs=6e-5)
        assert one.test(name).p == pytest.approx(known[name]["p"], abs=6e-5)
    assert one.test("sign-flip").p == known["exact_cluster_sign_flip"]["p"]
    assert one.test("mcnemar-exact").p == pytest.approx(2 * 9 / 2**8)


def test_without_groups_the_sign_flip_test_is_the_exact_one(tmp_path):
    found = compare(*(random_model(seed).write(tmp_path / f"{seed}.csv") for seed in (1, 2)))
    assert (found.comparison.groups, found.comparison.groups_known) == (120, False)
    for _, one in events_of(found):
        assert one.test("sign-flip").p == pytest.approx(one.test("mcnemar-exact").p)


def test_mcnemar_looks_at_the_first_seed_and_the_others_at_all(tmp_path):
    pairs = [(random_model(seed), random_model(seed + 10)) for seed in (1, 2)]
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path, same in zip(paths, zip(*pairs, strict=True), strict=True):
        tables = [model.table(seed=seed) for seed, model in zip((4, 7), same, strict=True)]
        path.write_text("".join(t.to_csv(index=False, header=not i) for i, t in enumerate(tables)))
    found = compare(*paths).comparison
    assert (found.images, found.predictions, found.seeds, found.groups) == (120, 240, (4, 7), 120)
    counts = [counts_of(*pair, EVENTS[0]) for pair in pairs]
    for test in found.pairs[0].on("any_error").tests:
        known = counts[0] if test.assumes_independent_images else np.add(*counts)
        assert (test.only_a, test.only_b, test.n) == tuple(known), test.name


def test_a_model_without_probabilities_takes_none_from_the_others(tmp_path):
    paths = [
        random_model(seed, chances=seed != 2).write(tmp_path / f"{seed}.csv") for seed in (1, 2, 3)
    ]
    found = compare(*paths)
    scored = [one.model for one in found.comparison.models if one.get("macro_auroc")]
    assert scored == ["1", "3"]
    with_loss = [(one.a, one.b) for one in found.comparison.pairs if one.get("log_loss")]
    assert with_loss == [("1", "3")]
    assert all(pair.get("accuracy") for pair in found.comparison.pairs)
    assert any(note.startswith("2: no columns p:<class>") for note in found.notes)


@pytest.mark.parametrize("chances", [True, False])
def test_another_model_changes_no_difference_and_no_rate_whose_spread_is_known(tmp_path, chances):
    one, two = (
        random_model(seed, groups=20, chances=True).write(tmp_path / f"{seed}.csv")
        for seed in (1, 2)
    )
    third = random_model(3, groups=20, chances=chances).write(tmp_path / "3.csv")
    few, many = compare(one, two).comparison, compare(one, third, two).comparison
    for name in ("1", "2"):
        own, other = few.scores(name), many.scores(name)
        assert (own.seeds, own.effective, own.confusion) == (
            other.seeds, other.effective, other.confusion,
        )  # fmt: skip
        for score in own.scores:
            same = other.get(score.metric, score.of)
            # What others' failures say of a group can move limits near 0 or 100 %, and no more.
            assert (same.value, same.error) == (score.estimate.value, score.estimate.error)
            if 0.15 < same.value < 0.85 and not same.few_groups:
                assert same == score.estimate, (score.metric, score.of)
        assert not own.accuracy.few_groups
        assert own.accuracy == other.accuracy
    (pair,) = few.pairs
    (same,) = [one for one in many.pairs if (one.a, one.b) == ("1", "2")]
    assert pair.differences == same.differences
    for event, other in zip(pair.events, same.events, strict=True):
        assert event.difference == other.difference
        assert [test.p for test in event.tests] == [test.p for test in other.tests]


def test_errors_of_others_show_what_a_perfect_score_is_worth(tmp_path):
    """What a group is worth shows in the others' errors: heaped ones widen, spread ones narrow."""
    true, groups = np.tile(np.array([0, 1, 2]), 80), np.arange(240) // 12
    perfect = Model(true, true, groups=groups).write(tmp_path / "perfect.csv")

    def lower(wrong):
        other = Model(true, np.where(wrong, (true + 1) % 3, true), groups=groups)
        path = other.write(tmp_path / "other.csv")
        return compare(perfect, path).comparison.scores("perfect").accuracy

    alone = lower(np.zeros(240, bool))
    heaped, spread = lower(groups < 2), lower(np.arange(240) % 12 == 0)
    assert alone.low == pytest.approx(proportion_confint(20, 20, method="wilson")[0])
    # Two of twenty groups wrong altogether: variance p (1 - p) / 20 * 20 / 19.
    weights, sizes = np.array([0.1, 0.1]), np.array([20, 19])
    trials = weights.sum() / (weights / sizes).sum()
    assert heaped.low == pytest.approx(proportion_confint(trials, trials, method="wilson")[0])
    # One error in every group: no variance at all, which tells nothing.
    assert spread.low == pytest.approx(alone.low)
    uneven = lower((np.arange(240) % 12 == 0) & (groups < 10))
    assert heaped.low < alone.low < uneven.low
    assert {one.method for one in (alone, heaped, spread, uneven)} == {"Wilson on groups"}


@pytest.mark.parametrize("groups", [0, 20])
def test_the_order_of_the_images_changes_nothing(tmp_path, groups):
    tables = [random_model(seed, groups=groups, chances=True).table() for seed in (1, 2)]
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    found = []
    for seed in (None, 5):
        for path, table, shift in zip(paths, tables, (0, 1), strict=True):
            shuffled = table if seed is None else table.sample(frac=1, random_state=seed + shift)
            shuffled.to_csv(path, index=False)
        found.append(compare(*paths))
    assert found[0] == found[1]


# Class trees and labels


def test_coarse_labels_enter_the_decisions_that_they_fix(tmp_path):
    models = [random_model(seed) for seed in (1, 2)]
    coarse = (models[0].true > 0) & (np.arange(120) % 2 == 0)
    paths = [
        model.write(
            tmp_path / f"{number}.csv",
            true=np.where(coarse, "malignant", np.array(LEAVES)[model.true]),
        )
        for number, model in enumerate(models)
    ]
    found = compare(*paths).comparison
    kept = 120 - int(coarse.sum())
    subtypes = int(((models[0].true > 0) & ~coarse).sum())
    (pair,) = found.pairs
    n = {(one.event, one.node): one.test().n for one in pair.events}
    assert n == dict(zip(EVENTS, (kept, subtypes, 120), strict=True))
    assert found.models[0].accuracy.n == kept
    assert found.models[0].get("sensitivity", "malignant").n == int((models[0].true > 0).sum())
    assert found.coarse == {"malignant": int(coarse.sum())}
    test = pair.on("confusion", "root").test()
    assert (test.only_a, test.only_b, test.n) == counts_of(*models, EVENTS[2])


def test_coarse_labels_alone_are_one_clear_error(tmp_path):
    path = random_model(1).write(tmp_path / "one.csv", true="malignant")
    with pytest.raises(UserError, match="all are labelled malignant"):
        compare(path, path)


def test_a_tree_without_a_negative_class_compares_its_decisions(tmp_path):
    parents = {"a": "root", "in": "root", "b": "in", "c": "in"}
    tree = Taxonomy("plain", parents, {}, (), None)
    path = tmp_path / "one.csv"
    path.write_text("image,true,predicted\n1,a,b\n2,b,b\n3,in,c\n")
    found = compare(path, path, taxonomy=tree)
    assert found.comparison.events == (
        ("any_error", ""), ("confusion", "root"), ("confusion", "in"),
    )  # fmt: skip
    assert found.leaves == ("a", "b", "c")
    assert found.comparison.models[0].get("sensitivity", "in").n == 2


# What holds of every comparison


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
def test_every_case_is_defined_and_swapping_flips_the_signs(tmp_path, models):
    paths = [
        model.write(tmp_path / f"{name}.csv") for name, model in zip("ab", models, strict=True)
    ]
    there, back = compare(*paths), compare(*reversed(paths))
    strict(there)
    for name in "ab":
        assert there.comparison.scores(name) == back.comparison.scores(name)
    for model in there.comparison.models:
        for score in model.scores:
            require_defined(score.estimate)
    (pair,), (turned,) = there.comparison.pairs, back.comparison.pairs
    for one, other in zip(pair.differences, turned.differences, strict=True):
        require_defined(one.estimate)
        require_turned(one.estimate, other.estimate)
    for one, other in zip(pair.events, turned.events, strict=True):
        require_turned(one.difference, other.difference)
        assert one.detectable == pytest.approx(other.detectable)
        for test, same in zip(one.tests, other.tests, strict=True):
            assert 0 < test.p <= test.p_adjusted <= 1
            assert math.isfinite(test.statistic)
            assert (test.only_a, test.only_b) == (same.only_b, same.only_a)
            assert test.p == pytest.approx(same.p)
            if test.only_a == test.only_b == 0:
                assert test.p == 1


def require_defined(one):
    if one.value is None:
        assert (one.low, one.high, one.n) == (None, None, 0)
    elif one.groups == 1:
        assert (one.low, one.high, one.method) == (None, None, "no interval from one group")
    elif one.low is None:
        assert one.method.startswith("no interval: ")
    else:
        assert one.low <= one.value <= one.high


def require_turned(one, other):
    if one.value is None or one.low is None:
        assert (other.value is None, other.low) == (one.value is None, None)
    else:
        known = [-part for part in (other.value, other.high, other.low)]
        assert [one.value, one.low, one.high] == pytest.approx(known)


DEGENERATE = {
    "perfect": (np.array([0, 1, 2] * 4), np.array([0, 1, 2] * 4)),
    "all wrong": (np.array([0, 1, 2] * 4), np.array([1, 2, 0] * 4)),
    "one class": (np.zeros(12, int), np.zeros(12, int)),
    "one image": (np.array([1]), np.array([2])),
}


@pytest.mark.parametrize("groups", ["none", "one", "each"])
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("interval", ["score", "percentile", "bca"])
def test_two_models_that_agree_differ_by_nothing(tmp_path, case, groups, interval):
    true, predicted = DEGENERATE[case]
    n = len(true)
    codes = {"none": None, "one": np.zeros(n, int), "each": np.arange(n)}[groups]
    path = Model(true, predicted, np.eye(3)[predicted], codes).write(tmp_path / "same.csv")
    found = compare(path, path, interval=interval)
    strict(found)
    (pair,) = found.comparison.pairs
    assert (pair.a, pair.b) == ("same", "same (2)")
    assert found.comparison.same_answers == (("same", "same (2)"),)
    assert {one.estimate.value for one in pair.differences} <= {0, None}
    for one in pair.events:
        assert {(test.p, test.p_adjusted, test.only_a) for test in one.tests} == {(1, 1, 0)}
        assert one.difference.value == 0
        assert one.odds_ratio.value is None
    estimates = [found.comparison.models[0].accuracy, *(one.difference for one in pair.events)]
    assert estimates[0].value in (0, 1)
    if groups == "one" or n == 1:
        assert {(one.low, one.high) for one in estimates} == {(None, None)}
        return
    assert estimates[0].low != estimates[0].high
    for one in estimates[1:]:
        assert one.low < 0 < one.high
        assert one.method == "no difference seen: Wilson on groups"


def test_a_perfect_model_against_one_that_is_always_wrong(tmp_path):
    true = np.array([0, 1, 2] * 10)
    right = Model(true, true).write(tmp_path / "right.csv")
    wrong = Model(true, (true + 1) % 3).write(tmp_path / "wrong.csv")
    found = compare(right, wrong).comparison
    assert found.same_answers == ()
    one = found.pairs[0].events[0]
    assert one.difference.value == 1
    assert (one.odds_ratio.value, one.relative_reduction.value) == (0, None)
    assert one.test("sign-flip").p == pytest.approx(2 * 0.5**30)
    # 30 of 30 against Wilson: the limit of the discordant rate of 1 never reaches 0.
    assert 0 < one.test().p < 1e-9
    turned = compare(wrong, right)
    assert turned.comparison.pairs[0].events[0].odds_ratio.value == math.inf
    stored = strict(turned)["comparison"]["pairs"][0]["events"][0]
    assert stored["odds_ratio"]["value"] == "Infinity"
