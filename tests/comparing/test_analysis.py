"""The numbers of a comparison, from prediction files to results."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import cochrans_q, mcnemar
from statsmodels.stats.multitest import multipletests

from lcbench.analysis.compare_results import ComparisonResults

from .foreign import LEAVES, Model, compare, happens, random_model

SHARED = Path(__file__).resolve().parents[3] / "shared"
NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """Three models with groups and probabilities."""
    seeds = dict(zip(NAMES, (1, 2, 3), strict=True))
    errors = dict(zip(NAMES, (0.1, 0.2, 0.35), strict=True))
    return {
        name: random_model(seeds[name], error=errors[name], groups=30, chances=True)
        for name in NAMES
    }


@pytest.fixture(scope="module")
def results(models, tmp_path_factory) -> ComparisonResults:
    folder = tmp_path_factory.mktemp("three")
    return compare(*(model.write(folder / f"{name}.csv") for name, model in models.items()))


def table_of(models, a, b, event):
    """Return the counts: only a, only b, rows."""
    rows, first = happens(models[a], event)
    second = happens(models[b], event)[1]
    return int((first & ~second)[rows].sum()), int((second & ~first)[rows].sum()), int(rows.sum())


def values(results, model):
    return {row.name: row.value for row in results.metrics if row.model == model}


# Metrics


@pytest.mark.parametrize("name", NAMES)
def test_metrics_of_labels_are_those_of_scikit_learn(results, models, name):
    true, predicted = models[name].true, models[name].predicted
    found = values(results, name)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(true, predicted)
    expected = {
        "accuracy": sk.accuracy_score(true, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(true, predicted),
        "macro_f1": sk.f1_score(true, predicted, average="macro"),
        "cohen_kappa": sk.cohen_kappa_score(true, predicted),
        "matthews_correlation": sk.matthews_corrcoef(true, predicted),
        "sensitivity": sk.recall_score(true == 0, predicted == 0),
        "specificity": sk.recall_score(true != 0, predicted != 0),
        "subtype_accuracy": (true == predicted)[true > 0].mean(),
        "subtype_confusion_rate": ((predicted > 0) & (predicted != true))[true > 0].mean(),
    }
    for leaf, *scores in zip(LEAVES, precision, recall, f1, strict=True):
        for metric, score in zip(("precision", "recall", "f1"), scores, strict=True):
            expected[f"{metric}:{leaf}"] = score
    assert {key: found[key] for key in expected} == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_metrics_of_probabilities_are_those_of_scikit_learn(results, models, name):
    true, chances = models[name].true, models[name].chances
    found = values(results, name)
    expected = {
        "macro_auroc": sk.roc_auc_score(true, chances, multi_class="ovr"),
        "macro_average_precision": sk.average_precision_score(np.eye(3)[true], chances),
        "log_loss": sk.log_loss(true, chances),
        "brier_score": ((chances - np.eye(3)[true]) ** 2).sum(axis=1).mean(),
    }
    for code, leaf in enumerate(LEAVES):
        expected[f"auroc:{leaf}"] = sk.roc_auc_score(true == code, chances[:, code])
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert 0 < found["calibration_error"] < 1


def test_each_metric_says_what_it_counts(results, models):
    model = models["one"]
    accuracy = results.metric("one", "accuracy")
    assert (accuracy.n, accuracy.groups) == (120, 30)
    assert accuracy.count == (model.true == model.predicted).sum()
    precision = results.metric("one", "precision:benign")
    assert precision.n == (model.predicted == 0).sum()
    assert results.metric("one", "macro_f1").count is None
    for row in results.metrics:
        assert row.low <= row.value <= row.high, row
        assert row.low < row.high, row
        assert row.method


def test_percentile_intervals_are_those_of_groups_drawn_with_numpy(models, tmp_path):
    paths = [model.write(tmp_path / f"{name}.csv") for name, model in models.items()]
    found = compare(*paths, interval="percentile", resamples=2_000)
    right = {name: model.true == model.predicted for name, model in models.items()}
    groups = models["one"].groups
    drawn = np.random.default_rng(7).integers(0, 30, (4_000, 30))

    def limits(values):
        sums, sizes = np.bincount(groups, values), np.bincount(groups)
        shares = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
        return pytest.approx(np.quantile(shares, [0.025, 0.975]), abs=0.012)

    for name in NAMES:
        row = found.metric(name, "accuracy")
        assert [row.low, row.high] == limits(right[name])
    for row in (row for row in found.differences if row.name == "accuracy"):
        assert [row.low, row.high] == limits(right[row.b].astype(float) - right[row.a])


def test_differences_are_the_second_minus_the_first(results):
    assert {(row.a, row.b) for row in results.differences} == set(combinations(NAMES, 2))
    for row in results.differences:
        known = values(results, row.b)[row.name] - values(results, row.a)[row.name]
        assert row.value == pytest.approx(known)
        assert row.low < row.value < row.high


# Paired tests


EVENTS = ("any-error", "subtype-confusion", "benign-malignant")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("pair", list(combinations(NAMES, 2)))
def test_plain_tests_are_those_of_statsmodels(results, models, pair, event):
    only_a, only_b, n = table_of(models, *pair, event)
    known = [row for row in results.tests if (row.a, row.b) == pair and row.event == event]
    found = {row.name.value: row for row in known}
    assert {(row.only_a, row.only_b, row.n) for row in known} == {(only_a, only_b, n)}
    table = [[n, only_a], [only_b, n]]
    exact = mcnemar(table, exact=True)
    corrected = mcnemar(table, exact=False, correction=True)
    assert found["mcnemar-exact"].p == pytest.approx(exact.pvalue)
    assert found["mcnemar-corrected"].p == pytest.approx(corrected.pvalue)
    assert found["mcnemar-corrected"].statistic == pytest.approx(corrected.statistic)
    half = binom.pmf(min(only_a, only_b), only_a + only_b, 0.5)
    assert found["mcnemar-mid-p"].p == pytest.approx(exact.pvalue - half)


@pytest.mark.parametrize(("option", "method"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_p_values_are_adjusted_for_the_pairs_of_each_event_and_test(
    models, tmp_path, option, method
):
    paths = [model.write(tmp_path / f"{name}.csv") for name, model in models.items()]
    found = compare(*paths, adjustment=option)
    families = {(row.event, row.name) for row in found.tests}
    assert len(families) == 21
    for family in families:
        rows = [row for row in found.tests if (row.event, row.name) == family]
        known = multipletests([row.p for row in rows], method=method)[1]
        assert [row.p_adjusted for row in rows] == pytest.approx(known)


def test_effects_are_those_of_the_counts(results, models):
    for effect in results.effects:
        only_a, only_b, n = table_of(models, effect.a, effect.b, effect.event)
        first = int((happens(models[effect.a], effect.event)[1]).sum())
        assert effect.difference.value == pytest.approx((only_b - only_a) / n)
        assert effect.odds_ratio.value == pytest.approx(only_a / only_b)
        assert effect.relative_reduction.value == pytest.approx((only_a - only_b) / first)
        assert 0 < effect.detectable < 1


def test_cochrans_q_needs_three_models_and_is_that_of_statsmodels(results, models, tmp_path):
    assert [row.event for row in results.omnibus] == list(EVENTS)
    for row in results.omnibus:
        rows = happens(models["one"], row.event)[0]
        columns = [happens(models[name], row.event)[1][rows] for name in NAMES]
        known = cochrans_q(np.stack(columns, axis=1))
        assert row.statistic == pytest.approx(known.statistic)
        assert row.p_independent == pytest.approx(known.pvalue)
    assert (
        compare(*[model.write(tmp_path / "x.csv") for model in models.values()][:2]).omnibus == ()
    )


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
    found = {row.name.value: row for row in compare(*paths).tests if row.event == "any-error"}
    assert {row.n for row in found.values()} == {known["pairs"]}
    assert {row.groups for row in found.values()} == {known["clusters"]}
    assert {(row.only_a, row.only_b) for row in found.values()} == {(7, 1)}
    for name in ("obuchowski", "durkalski", "yang"):
        assert found[name].statistic == pytest.approx(known[name]["statistic"], abs=6e-5)
        assert found[name].p == pytest.approx(known[name]["p"], abs=6e-5)
    assert found["sign-flip"].p == known["exact_cluster_sign_flip"]["p"]
    assert found["mcnemar-exact"].p == pytest.approx(2 * 9 / 2**8)


def test_without_groups_the_sign_flip_test_is_the_exact_one(tmp_path):
    paths = [random_model(seed).write(tmp_path / f"{seed}.csv") for seed in (1, 2)]
    found = compare(*paths)
    assert not found.groups_known
    assert (found.groups, found.units) == (120, "images")
    for effect in found.effects:
        exact, flip = (found.test(effect, name).p for name in ("mcnemar-exact", "sign-flip"))
        assert flip == pytest.approx(exact)


def test_numbers_are_finite_or_null(results):
    for row in (*results.metrics, *results.differences):
        for value in (row.value, row.low, row.high):
            assert value is None or math.isfinite(value)
