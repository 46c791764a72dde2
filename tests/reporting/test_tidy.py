"""results.csv: a row a number, the same ones as in results.json."""

import re

import pandas as pd
import pytest

from .truth import EVENTS, protocol_of, scores


@pytest.fixture(scope="module")
def table(core_report):
    return pd.read_csv(core_report.results_csv)


def pick(table, **wanted):
    chosen = table
    for name, value in wanted.items():
        chosen = chosen[chosen[name] == value]
    return chosen


def same(row, estimate):
    """Tell whether a row holds an estimate; an empty cell stands for null."""
    for key in ("value", "low", "high", "n", "count", "groups"):
        expected, found = estimate[key], getattr(row, key)
        if expected is None:
            assert pd.isna(found), key
        else:
            assert found == pytest.approx(float(expected)), key
    assert row.method == estimate["method"]


def test_columns_and_sections(table):
    assert list(table.columns) == [
        "section", "protocol", "baseline", "metric", "value", "low", "high", "n", "count",
        "groups", "method", "extra",
    ]  # fmt: skip
    assert set(table["section"]) == {
        "scores", "classes", "against_reference", "comparison", "drop", "efficiency", "claims",
        "external:chest-ct",
    }  # fmt: skip


def test_whole_numbers_are_written_whole(core_report):
    written = pd.read_csv(core_report.results_csv, dtype=str, keep_default_na=False)
    for name in ("n", "count", "groups"):
        assert all(re.fullmatch(r"\d*", text) for text in written[name])


def test_scores(table, stored):
    for result in stored["protocols"]:
        for one in result["baselines"]:
            place = {"protocol": result["protocol"], "baseline": one["baseline"]}
            rows = pick(table, section="scores", **place)
            for metric, estimate in one["metrics"].items():
                (row,) = pick(rows, metric=metric).itertuples()
                same(row, estimate)


def test_an_undefined_score_is_an_empty_cell(table):
    (row,) = pick(
        table, section="scores", protocol="grouped", baseline="majority",
        metric="matthews_correlation",
    ).itertuples()  # fmt: skip
    assert pd.isna(row.value)
    assert row.n == 0


def test_classes(table, stored):
    rows = pick(table, section="classes", protocol="grouped", baseline="colour")
    for one in scores(stored, "grouped", "colour")["classes"]:
        for metric in ("precision", "recall", "f1", "auroc", "average_precision"):
            (row,) = pick(rows, metric=metric, extra=one["leaf"]).itertuples()
            same(row, one[metric])


def test_differences_from_the_reference(table, stored):
    rows = pick(table, section="against_reference", protocol="paper")
    assert "reference" not in set(rows["baseline"])
    for metric, estimate in scores(stored, "paper", "colour")["against_reference"].items():
        (row,) = pick(rows, baseline="colour", metric=metric).itertuples()
        same(row, estimate)


def test_effective_sample_size_and_seeds(table, stored):
    one = scores(stored, "grouped", "reference")
    rows = pick(table, section="scores", protocol="grouped", baseline="reference")
    values = dict(zip(rows["metric"], rows["value"], strict=True))
    assert values["effective_sample_size"] == pytest.approx(one["effective"]["n"])
    assert values["design_effect"] == pytest.approx(one["effective"]["design_effect"])
    (row,) = pick(rows, metric="accuracy_over_groups_and_seeds").itertuples()
    same(row, one["seeds"]["two_way"])
    seeds = pick(rows, metric="accuracy_of_seed")
    assert dict(zip(seeds["extra"], seeds["value"], strict=True)) == pytest.approx(
        {f"seed={seed}": value for seed, value in one["seeds"]["accuracies"].items()}
    )


@pytest.mark.parametrize("event", EVENTS)
def test_comparisons(table, stored, event):
    rows = pick(table, section="comparison", protocol="grouped")
    rows = rows[rows["extra"].str.split(" ").str[0] == event]
    found = [one for one in protocol_of(stored, "grouped")["comparisons"] if one["event"] == event]
    for one in found:
        own = pick(rows, baseline=one["baseline"])
        assert len(own) == 3 + 1 + 7
        for metric in ("difference", "odds_ratio", "relative_reduction"):
            (row,) = pick(own, metric=metric).itertuples()
            same(row, one[metric])
        (row,) = pick(own, metric="detectable_difference").itertuples()
        assert (row.value, row.groups) == (pytest.approx(one["detectable"]), one["groups"])
        for test in one["tests"]:
            (row,) = pick(own, metric=f"p:{test['name']}").itertuples()
            assert (row.value, row.n) == (pytest.approx(test["p"]), test["n"])
            assert row.extra == (
                f"{event} statistic={test['statistic']!r} p_adjusted={test['p_adjusted']!r} "
                f"only_reference={test['only_reference']} only_baseline={test['only_baseline']}"
            )


def test_omnibus_tests(table, stored):
    for result in stored["protocols"]:
        rows = pick(table, protocol=result["protocol"], metric="p:cochran-q")
        assert len(rows) == len(result["omnibus"]) == 3
        for row, one in zip(rows.itertuples(), result["omnibus"], strict=True):
            assert (row.value, row.n, row.groups) == (one["p"], one["n"], one["groups"])
            assert row.extra.startswith(f"{one['event']} Q={one['statistic']!r} p_independent=")


def test_drops_and_claims(table, stored):
    rows = pick(table, section="drop")
    for row, drop in zip(rows.itertuples(), stored["drops"], strict=True):
        assert row.baseline == drop["baseline"]
        same(row, drop["drop"])
    assert len(pick(table, section="claims")) == len(stored["claims"]) == 10
