"""What is said of pairs and of the best: verdicts, margins, simultaneous intervals."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from lcbench.analysis.paired import _verdict
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse
from lcbench.runs.plan_records import RolesRecord
from lcbench.runs.reading import read_suite
from lcbench.statistics.paired_groups import RowGroups
from lcbench.statistics.pairwise import compare_with_each

from .limits import Rate, difference_limits
from .runfolders import Shape, make_runs
from .truth import PROTOCOLS, comparison_of, right, rows_of

ROLES = RolesRecord(flattering="paper", leakage_free="grouped", floor=("majority",))
CANDIDATES = [
    "colour", "knn", "reference", "hierarchical-cascade", "hierarchical-two-head",
    "tf_efficientnet_lite1",
]  # fmt: skip


def verdict_of(one, margin, rate):
    """Return the verdict of a stored comparison, from its interval, adjusted p and a's rate."""
    low, high = one.difference.low, one.difference.high
    within = margin is not None and max(abs(low), abs(high)) < margin / 100
    if one.test("clustered-score").p_adjusted < 0.05:
        return "different within the margin" if within else "different"
    small = margin is not None and margin / 100 <= rate / 2 and not one.few_groups
    return "equivalent" if within and small else "not shown"


def rate_of_reference(comparison, one):
    """Return how often an event happens under the reference, from its stored scores."""
    scores = comparison.scores("reference")
    if one.event == "any_error":
        return 1 - scores.get("accuracy").value
    return scores.get("confusion_rate", one.node).value


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """What was run under the leakage-free protocol, read once."""
    shape = Shape(roles=ROLES, protocols=("grouped",))
    return read_suite(make_runs(tmp_path_factory.mktemp("grouped"), shape))


@pytest.mark.parametrize(
    ("margin", "verdicts"),
    [
        (None, {"different", "not shown"}),
        (1.0, {"different", "not shown"}),
        (9.0, None),
        (50.0, {"different", "different within the margin", "not shown"}),
    ],
)
def test_verdicts_follow_from_the_interval_and_the_margin_of_the_suite(grouped, margin, verdicts):
    roles = ROLES.model_copy(update={"margin": margin})
    suite = replace(grouped, plan=grouped.plan.model_copy(update={"roles": roles}))
    results = analyse(suite, AnalysisSettings(resamples=20), advance=lambda _: None)
    assert results.settings.margin == (None if margin is None else margin / 100)
    found = [
        (one, rate_of_reference(result.comparison, one))
        for result in results.protocols
        for pair in result.comparison.pairs
        for one in pair.events
    ]
    expected = [verdict_of(one, margin, rate) for one, rate in found]
    assert [one.verdict for one, _ in found] == expected
    assert verdicts is None or set(expected) == verdicts


def test_a_large_and_even_comparison_can_be_equivalent():
    wrong = np.arange(4000) % 7 == 0
    other = np.arange(4000) % 7 == np.where(np.arange(4000) % 14 < 7, 0, 1)
    groups = np.arange(4000) // 10
    found = compare_with_each(wrong, {"b": other}, RowGroups.of(groups), np.ones(4000, bool))["b"]
    assert not found.few_groups
    assert _verdict(found, 1.0, 0.05) == "equivalent"
    assert _verdict(found, 1.0, 0.2) == "not shown"  # more than half of the rate itself
    assert _verdict(found, 0.01, 0.05) == "different within the margin"
    assert _verdict(found, 0.01, None) == "different"


def test_the_floor_changes_no_number_of_the_others(tmp_path, analysed):
    shape = Shape(roles=ROLES, seeds=1)
    without = replace(shape, baselines=tuple(CANDIDATES))
    results = [
        analysed(make_runs(tmp_path / name, one)) for name, one in (("a", shape), ("b", without))
    ]
    for protocol in PROTOCOLS:
        with_it, alone = (one.protocol(protocol).comparison for one in results)
        assert with_it.scores("majority") is not None
        for model in alone.models:
            assert with_it.scores(model.model) == model
        assert with_it.best == alone.best
        assert with_it.omnibus == alone.omnibus


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_best_and_its_simultaneous_intervals(stored, core_predictions, protocol):
    rows = {name: rows_of(core_predictions, protocol, name) for name in CANDIDATES}
    rates = {name: Rate(right(part), part) for name, part in rows.items()}
    best = comparison_of(stored, protocol)["best"]
    assert rates[best["model"]].value == max(one.value for one in rates.values())
    names = [one["model"] for one in best["rivals"]]
    assert {*names, best["model"]} == set(CANDIDATES)
    assert [rates[name].value for name in names] == sorted(
        (rates[name].value for name in names), reverse=True
    )
    tail = norm.sf(largest_quantile(np.stack([rates[name].influence for name in CANDIDATES])))
    assert 0.025 / 15 < tail < 0.025
    wrong = {name: ~right(part) for name, part in rows.items()}
    for one in best["rivals"]:
        found, other = one["difference"], one["model"]
        sides = wrong[best["model"]], wrong[other], rows[other]
        plain, together = (difference_limits(*sides, each) for each in (0.025, tail))
        assert (found["low"], found["high"]) == pytest.approx(together, abs=2e-3), other
        assert found["low"] < plain[0] < plain[1] < found["high"]
        value = rates[best["model"]].value - rates[other].value
        assert found["value"] == pytest.approx(value)


def largest_quantile(influence):
    """Return the 95 % quantile of the largest standardised difference, from signs of groups."""
    models = len(influence)
    pairs = [(a, b) for b in range(models) for a in range(b)]
    apart = np.stack([influence[a] - influence[b] for a, b in pairs])
    errors = np.sqrt((apart**2).sum(axis=1))
    apart = apart[errors > 1e-12] / errors[errors > 1e-12, None]
    drawn = np.random.default_rng(5).standard_normal((40_000, influence.shape[1]))
    return np.quantile(np.abs(drawn @ apart.T).max(axis=1), 0.95)


def test_who_is_level_with_the_best(core_results):
    for protocol in PROTOCOLS:
        best = core_results.protocol(protocol).comparison.best
        expected = [one.model for one in best.rivals if one.difference.low <= 0]
        assert list(best.level_with) == expected
    level = core_results.protocol("grouped").comparison.best.level_with
    assert "colour" not in level
    assert "tf_efficientnet_lite1" in level


def test_one_candidate_is_not_called_best(tmp_path, shape, analysed):
    chosen = replace(shape, baselines=("majority", "reference"), roles=ROLES)
    for result in analysed(make_runs(tmp_path, chosen)).protocols:
        assert result.comparison.best is None
