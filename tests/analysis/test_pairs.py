"""The paired comparisons against computations that share no code with them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, chi2, false_discovery_control, norm
from statsmodels.stats import contingency_tables

from lcbench.analysis import scoring
from lcbench.statistics.models import model_intervals
from lcbench.statistics.registry import MetricKey

from .limits import difference_limits, training_limits
from .runfolders import make_runs
from .truth import EVENTS, PROTOCOLS, comparison_of, happens, pairs_on, rows_of, scores_of

TESTS = [
    "mcnemar-exact", "mcnemar-mid-p", "mcnemar-corrected", "obuchowski", "durkalski", "yang",
    "sign-flip", "clustered-score",
]  # fmt: skip
ON_EVERY_EVENT = pytest.mark.parametrize(
    ("protocol", "event"), [(one, event) for one in PROTOCOLS for event in EVENTS]
)


def test_of(comparison, name):
    (found,) = [one for one in comparison["tests"] if one["name"] == name]
    return found


test_of.__test__ = False


@pytest.fixture
def pair(core_predictions):
    """Return where an event happens under a baseline and under the reference, and the rows."""

    def read(protocol, baseline, event):
        ours = rows_of(core_predictions, protocol, baseline)
        theirs = rows_of(core_predictions, protocol, "reference")
        under, against = happens(ours, event), happens(theirs, event)
        assert under.index.equals(against.index)
        return under, against, ours.loc[under.index]

    return read


@ON_EVERY_EVENT
def test_who_is_compared(stored, protocol, event):
    others = [one["model"] for one in comparison_of(stored, protocol)["models"]]
    others.remove("reference")
    found = pairs_on(stored, protocol, event)
    assert [baseline for baseline, _ in found] == others
    assert all([test["name"] for test in one["tests"]] == TESTS for _, one in found)


@ON_EVERY_EVENT
def test_discordant_predictions_and_n(stored, pair, protocol, event):
    for baseline, one in pairs_on(stored, protocol, event):
        ours, theirs, rows = pair(protocol, baseline, event)
        groups = rows["group"]
        assert one["groups"] == groups.nunique()
        for test in one["tests"]:
            # McNemar's tests count an image once: those of the first seed.
            part = slice(0, 0) if test["name"].startswith("mcnemar") else slice(None)
            a, b = theirs.loc[part], ours.loc[part]
            assert test["only_a"] == int((a & ~b).sum()), test["name"]
            assert test["only_b"] == int((b & ~a).sum()), test["name"]
            assert test["n"] == len(a), test["name"]


@ON_EVERY_EVENT
def test_effects(stored, pair, protocol, event):
    for baseline, one in pairs_on(stored, protocol, event):
        ours, theirs, rows = pair(protocol, baseline, event)
        groups = rows["group"]
        difference, reduction, odds = (
            one[key] for key in ("difference", "relative_reduction", "odds_ratio")
        )
        assert difference["value"] == pytest.approx(ours.mean() - theirs.mean())
        assert (difference["n"], difference["groups"]) == (len(ours), groups.nunique())
        only_theirs, only_ours = (theirs & ~ours).sum(), (ours & ~theirs).sum()
        if only_theirs + only_ours == 0:
            assert (odds["value"], odds["n"]) == (None, 0)
        else:
            expected = only_theirs / only_ours if only_ours else np.inf
            assert float(odds["value"]) == pytest.approx(expected)
            assert odds["n"] == only_theirs + only_ours
        if theirs.any():
            assert reduction["value"] == pytest.approx(1 - ours.sum() / theirs.sum())
            assert reduction["n"] == theirs.sum()
        else:
            assert (reduction["value"], reduction["n"]) == (None, 0)
        for found in (difference, reduction, odds):
            if found["groups"] == 1:
                assert (found["low"], found["high"]) == (None, None)
                assert found["method"] == "no interval from one group"
            elif found["value"] is not None:
                low, value, high = (float(found[key]) for key in ("low", "value", "high"))
                assert low <= value <= high


@ON_EVERY_EVENT
def test_mcnemar_p_values(stored, protocol, event):
    for _, one in pairs_on(stored, protocol, event):
        exact = test_of(one, "mcnemar-exact")
        b, c = exact["only_a"], exact["only_b"]
        expected = contingency_tables.mcnemar([[0, b], [c, 0]], exact=True).pvalue
        assert exact["p"] == pytest.approx(expected)
        half = 0.5 * binom.pmf(min(b, c), b + c, 0.5) * 2 if b + c else 0
        assert test_of(one, "mcnemar-mid-p")["p"] == pytest.approx(min(1, expected - half))
        squared = max(abs(b - c) - 1, 0) ** 2 / max(b + c, 1)
        assert test_of(one, "mcnemar-corrected")["p"] == pytest.approx(chi2.sf(squared, 1))


@ON_EVERY_EVENT
def test_clustered_p_values(stored, pair, protocol, event):
    for baseline, one in pairs_on(stored, protocol, event):
        ours, theirs, rows = pair(protocol, baseline, event)
        groups = rows["group"]
        gap = theirs.astype(int) - ours.astype(int)
        d, count = gap.groupby(groups).sum().to_numpy(), groups.nunique()
        if not d.any():
            assert {test["p"] for test in one["tests"][3:]} == {1.0}
            continue
        statistic = d.sum() ** 2 / (d**2).sum() * (count - 1) / count
        assert test_of(one, "obuchowski")["p"] == pytest.approx(chi2.sf(statistic, 1))
        means = gap.groupby(groups).mean()
        statistic = means.sum() ** 2 / (means**2).sum()
        assert test_of(one, "durkalski")["p"] == pytest.approx(chi2.sf(statistic, 1))
        flipped = np.random.default_rng(1).choice([-1, 1], (20_000, len(d))) @ d
        share = (np.abs(flipped) >= abs(d.sum())).mean()
        assert test_of(one, "sign-flip")["p"] == pytest.approx(share, abs=0.015)


@ON_EVERY_EVENT
def test_holm_is_over_the_baselines_of_one_event_and_test(stored, protocol, event):
    found = pairs_on(stored, protocol, event)
    for name in TESTS:
        family = [test_of(one, name) for _, one in found]
        p = np.sort([test["p"] for test in family])
        steps = p * np.arange(len(p), 0, -1)
        for test in family:
            expected = min(1, steps[p <= test["p"]].max())
            assert test["p_adjusted"] == pytest.approx(expected)


@ON_EVERY_EVENT
def test_limits_of_the_difference(stored, pair, protocol, event):
    for baseline, one in pairs_on(stored, protocol, event):
        ours, theirs, rows = pair(protocol, baseline, event)
        found = one["difference"]
        expected = difference_limits(theirs, ours, rows, 0.025)
        assert (found["low"], found["high"]) == pytest.approx(expected, abs=1e-9), baseline


@ON_EVERY_EVENT
def test_limits_for_the_way_of_training(stored, pair, protocol, event):
    wider = 0
    for baseline, one in pairs_on(stored, protocol, event):
        ours, theirs, rows = pair(protocol, baseline, event)
        found = one["difference"]
        training, value = found["training"], found["value"]
        assert training["seeds"] == 2
        assert training["low"] <= found["low"] <= found["high"] <= training["high"]
        deviations = (ours.astype(float) - theirs - value) / len(rows)
        plain = found["low"], found["high"]
        low, high = training_limits(plain, deviations, rows, value)
        expected = max(low, -1), min(high, 1)
        assert (training["low"], training["high"]) == pytest.approx(expected, abs=1e-7), baseline
        wider += training["low"] < found["low"] - 1e-9
    assert wider > 0


@ON_EVERY_EVENT
def test_p_values_and_intervals_agree(stored, protocol, event):
    for baseline, one in pairs_on(stored, protocol, event):
        found = one["difference"]
        for limits, p in (
            (found, test_of(one, "clustered-score")["p"]),
            (found["training"], one["training"]["p"]),
        ):
            assert (p < 0.05) == (not limits["low"] <= 0 <= limits["high"]), baseline
        assert one["training"]["p"] >= test_of(one, "clustered-score")["p"] - 1e-12


@ON_EVERY_EVENT
def test_p_is_the_level_at_which_the_limits_reach_0(stored, pair, protocol, event):
    for baseline, one in pairs_on(stored, protocol, event):
        ours, theirs, rows = pair(protocol, baseline, event)
        p = test_of(one, "clustered-score")["p"]
        if one["difference"]["value"] == 0:
            assert p == 1
        elif 1e-12 < p < 1:
            low, high = difference_limits(theirs, ours, rows, p / 2)
            at = low if one["difference"]["value"] > 0 else high
            assert at == pytest.approx(0, abs=1e-6), baseline


@ON_EVERY_EVENT
def test_holm_for_the_way_of_training(stored, protocol, event):
    family = [one["training"] for _, one in pairs_on(stored, protocol, event)]
    p = np.sort([one["p"] for one in family])
    steps = p * np.arange(len(p), 0, -1)
    for one in family:
        assert one["p_adjusted"] == pytest.approx(min(1, steps[p <= one["p"]].max()))


@ON_EVERY_EVENT
def test_detectable_difference_at_the_first_step_of_holm(stored, pair, protocol, event):
    compared = pairs_on(stored, protocol, event)
    for baseline, one in compared:
        ours, theirs, rows = pair(protocol, baseline, event)
        assert one["level"] == pytest.approx(0.05 / len(compared))
        low, high = difference_limits(theirs, ours, rows, one["level"] / 2)
        more = norm.ppf(0.8) / norm.isf(one["level"] / 2)
        assert one["detectable"] == pytest.approx(min(1, (high - low) / 2 * (1 + more))), baseline


@ON_EVERY_EVENT
def test_few_groups_are_those_that_err_in_fewer_than_four(stored, pair, protocol, event):
    for baseline, one in pairs_on(stored, protocol, event):
        ours, theirs, rows = pair(protocol, baseline, event)
        alone = [theirs & ~ours, ours & ~theirs]
        if any(rows["group"][which].nunique() < 4 for which in alone):
            assert one["few_groups"], baseline


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_difference_of_accuracies_is_minus_that_of_the_errors(stored, protocol):
    for pair in comparison_of(stored, protocol)["pairs"]:
        of_metrics = scores_of(pair["differences"])
        for key, node in (("accuracy", ""), ("decision_accuracy", "root")):
            event = "confusion" if node else "any_error"
            (errors,) = [
                one["difference"]
                for one in pair["events"]
                if (one["event"], one["node"]) == (event, node)
            ]
            accuracy = of_metrics[key, node]
            for one, other in ((accuracy, errors), (accuracy["training"], errors["training"])):
                assert (one["low"], one["high"]) == pytest.approx((-other["high"], -other["low"]))
            assert accuracy["value"] == pytest.approx(-errors["value"])
            assert (accuracy["n"], accuracy["groups"]) == (errors["n"], errors["groups"])
        confusions = scores_of(pair["differences"])["confusion_rate", "malignant"]
        (errors,) = [one["difference"] for one in pair["events"] if one["node"] == "malignant"]
        assert confusions == errors


@ON_EVERY_EVENT
def test_cochrans_q(stored, core_predictions, protocol, event):
    result = comparison_of(stored, protocol)
    (one,) = [found for found in result["omnibus"] if (found["event"], found["node"]) == event]
    # That floor and shortcut differ from the rest is no news.
    columns = [
        happens(rows_of(core_predictions, protocol, found["model"]), event)
        for found in result["models"]
        if found["model"] not in ("majority", "colour")
    ]
    assert len(columns) == 5
    expected = contingency_tables.cochrans_q(np.stack(columns, axis=1).astype(int))
    assert one["statistic"] == pytest.approx(expected.statistic)
    assert one["p_independent"] == pytest.approx(expected.pvalue)
    assert one["n"] == len(columns[0])
    assert one["groups"] == pairs_on(stored, protocol, event)[0][1]["groups"]
    assert 1 / 2001 <= one["p"] <= 1


def test_permuted_groups_are_weaker_evidence_than_independent_images(stored):
    omnibus = comparison_of(stored, "paper")["omnibus"]
    (one,) = [found for found in omnibus if found["node"] == "malignant"]
    assert one["p_independent"] < one["p"] == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_differences_stand_in_the_order_of_the_scores(stored, protocol):
    comparison = comparison_of(stored, protocol)
    order = [(one["metric"], one["of"]) for one in comparison["models"][0]["scores"]]
    for pair in comparison["pairs"]:
        assert [(one["metric"], one["of"]) for one in pair["differences"]] == order


def test_each_difference_is_computed_once(tmp_path, shape, analysed, monkeypatch):
    apart = []

    def noted(*panels, **options):
        apart.append(options["apart"])
        return model_intervals(*panels, **options)

    monkeypatch.setattr(scoring, "model_intervals", noted)
    analysed(make_runs(tmp_path, shape))
    assert len(apart) == 2  # one of each protocol
    assert all(MetricKey("accuracy") in one for one in apart)


@pytest.mark.parametrize(
    ("baselines", "compared", "omnibus"),
    [(("reference",), 0, 0), (("colour", "reference"), 3, 0), (("majority", "colour"), 0, 0)],
)
def test_few_baselines(tmp_path, shape, analysed, baselines, compared, omnibus):
    results = analysed(make_runs(tmp_path, replace(shape, baselines=baselines)))
    for result in results.protocols:
        assert sum(len(pair.events) for pair in result.comparison.pairs) == compared
        assert len(result.comparison.omnibus) == omnibus


def test_the_false_discovery_rate_on_request(tmp_path, shape, analysed):
    results = analysed(make_runs(tmp_path, shape), adjustment="bh")
    assert results.settings.adjustment == "bh"
    for result in results.protocols:
        tests = [pair.on("any_error").test() for pair in result.comparison.pairs]
        expected = false_discovery_control([test.p for test in tests])
        assert [test.p_adjusted for test in tests] == pytest.approx(expected)
