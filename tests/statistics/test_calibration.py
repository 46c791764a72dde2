"""Calibration slope and intercept, against statsmodels and by what they mean."""

import math
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from lcbench.statistics.calibration import (
    CLIP,
    FEWEST,
    Confidences,
    calibration_intercept,
    calibration_panel,
    calibration_slope,
)
from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import NO_COVERAGE, NO_INTERVAL, NOT_DEFINED
from lcbench.statistics.intervals import intervals
from lcbench.statistics.panels import difference

ANY = (-math.inf, math.inf)
BOTH = {"slope": (calibration_slope, ANY), "intercept": (calibration_intercept, ANY)}
FUNCTIONS = [calibration_slope, calibration_intercept]
seeds = st.integers(0, 10**6)


def some_rows(seed=0, groups=30, slope=0.7, intercept=0.2, images=8):
    """Return confidences and answers of groups that are right, or wrong, together."""
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(groups), rng.integers(1, 2 * images, groups))
    shared = rng.normal(size=groups)[units]
    logits = 1.5 + shared + rng.normal(size=len(units))
    right = rng.random(len(units)) < expit(intercept + slope * logits + shared / 2)
    return Confidences(expit(logits), right, units, Design(groups))


def found(of, **options):
    return intervals(calibration_panel(of, BOTH), resamples=50, **options)


def clustered(of, *, slope, model="glm"):
    """Return statsmodels' estimate and its standard error over groups, without small factors."""
    logits = logit(of.confidence)
    one = np.ones(len(logits))
    columns = np.stack([one, logits], axis=1) if slope else one
    options = {"family": sm.families.Binomial(), "offset": None if slope else logits}
    hits = of.right.astype(float)
    if model == "gee":
        fit = sm.GEE(hits, columns, groups=of.units, **options).fit()
    else:
        kinds = {"groups": of.units, "use_correction": False}
        fit = sm.GLM(hits, columns, **options).fit(cov_type="cluster", cov_kwds=kinds, tol=1e-12)
    return fit.params[-1], fit.bse[-1]


@pytest.mark.parametrize("model", ["glm", "gee"])
@pytest.mark.parametrize("slope", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_estimate_and_standard_error_are_statsmodels(model, slope, seed):
    of = some_rows(seed)
    one = calibration_slope(of) if slope else calibration_intercept(of)
    value, error = clustered(of, slope=slope, model=model)
    assert one.value == pytest.approx(value, rel=1e-5)
    assert np.sqrt((one.influence**2).sum()) == pytest.approx(error, rel=1e-5)


def test_the_interval_has_that_error_with_the_factor_of_the_groups():
    of = some_rows()
    panel = calibration_panel(of, BOTH)
    every = intervals(panel, resamples=20_000)
    for key, slope in (("slope", True), ("intercept", False)):
        value, error = clustered(of, slope=slope)
        one = every[key]
        assert one.value == pytest.approx(value, rel=1e-5)
        # 20,000 resamples: off by 0.5 % or so. The bootstrap of a sum over G groups has the
        # variance of the sandwich; the factor is that of `standard_error`.
        assert one.error == pytest.approx(error * math.sqrt(30 / 29), rel=0.02)
        assert one.high - one.value == pytest.approx(one.value - one.low)
        assert 1.96 * one.error < one.high - one.value < 2.6 * one.error


def test_influences_are_the_change_without_each_group():
    of = some_rows(3, groups=60, images=20)
    for function in FUNCTIONS:
        one = function(of)
        exact = []
        for group in range(60):
            rows = of.units != group
            rest = Confidences(of.confidence[rows], of.right[rows], of.units[rows], of.design)
            exact.append(one.value - function(rest).value)
        assert np.corrcoef(exact, one.influence)[0, 1] > 0.99
        np.testing.assert_allclose(exact, one.influence, atol=0.1 * np.abs(exact).max())


def test_units_of_several_seeds_are_told_apart():
    of = some_rows()
    panel = calibration_panel(of, BOTH)
    twice = Confidences(of.confidence, of.right, of.units, Design(15, 2))
    wider = calibration_panel(twice, BOTH)
    np.testing.assert_allclose(wider.influence(), panel.influence())
    assert [one.groups for one in wider.measures] == [15, 15]


# what they mean


@pytest.mark.parametrize("temperature", [0.5, 0.8, 2.0])
def test_logits_times_a_factor_give_the_inverse_slope(temperature):
    rng = np.random.default_rng(0)
    logits = np.abs(rng.normal(0, 2, 100_000))
    right = rng.random(len(logits)) < expit(logits)
    of = Confidences(expit(logits * temperature), right, np.arange(len(logits)), Design(100_000))
    assert calibration_slope(of).value == pytest.approx(1 / temperature, rel=0.03)
    assert np.sign(calibration_intercept(of).value) == np.sign(1 - temperature)


def test_a_calibrated_model_has_slope_1_and_intercept_0():
    of = some_rows(5, groups=40_000, slope=1, intercept=0)
    rng = np.random.default_rng(0)
    right = rng.random(len(of.confidence)) < of.confidence
    calibrated = Confidences(of.confidence, right, of.units, of.design)
    assert calibration_slope(calibrated).value == pytest.approx(1, abs=0.02)
    assert calibration_intercept(calibrated).value == pytest.approx(0, abs=0.02)


@settings(max_examples=15)
@given(seeds)
def test_the_order_of_rows_does_not_matter(seed):
    of = some_rows(seed)
    order = np.random.default_rng(seed).permutation(len(of.right))
    shuffled = Confidences(of.confidence[order], of.right[order], of.units[order], of.design)
    for function in FUNCTIONS:
        one, other = function(of), function(shuffled)
        assert one.value == pytest.approx(other.value, nan_ok=True)
        np.testing.assert_allclose(one.influence, other.influence, atol=1e-9)


@settings(max_examples=40)
@given(seeds, st.integers(2, 12))
@example(208, 5)  # all as sure as can be, and most of them wrong: a long way down
def test_any_small_sample_is_fitted_or_undefined_without_a_warning(seed, n):
    rng = np.random.default_rng(seed)
    confidence = rng.choice([1 / 3, 0.5, 0.9, 0.9 + 1e-9, 1 - 1e-9, 1.0], n)
    of = Confidences(confidence, rng.random(n) < 0.7, np.arange(n) % 4, Design(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        slope, intercept = (function(of) for function in FUNCTIONS)
    assert math.isnan(intercept.value) == (of.right.all() or not of.right.any())
    hits, misses = of.logits[of.right], of.logits[~of.right]
    apart = not len(hits) or not len(misses) or not (
        hits.min() < misses.max() and misses.min() < hits.max()
    )  # fmt: skip
    close = len(set(of.logits.round(6).tolist())) < len(set(of.logits.tolist()))
    assert math.isnan(slope.value) == apart or (close and math.isnan(slope.value))
    assert slope.influence is None or math.isnan(slope.value)
    assert np.isfinite(intercept.influence).all()
    largest = np.abs(intercept.influence).max()
    assert intercept.influence.sum() == pytest.approx(0, abs=1e-5 * (1 + largest))


# damage

UNITS = np.repeat(np.arange(4), 3)
CONFIDENCE = np.linspace(0.4, 0.99, 12)
DAMAGED = {
    "all right": (CONFIDENCE, np.ones(12, bool), {"slope", "intercept"}),
    "all wrong": (CONFIDENCE, np.zeros(12, bool), {"slope", "intercept"}),
    "separated": (CONFIDENCE, CONFIDENCE > 0.7, {"slope"}),
    "separated the other way": (CONFIDENCE, CONFIDENCE < 0.7, {"slope"}),
    "separated up to ties": (np.repeat([0.5, 0.7, 0.9], 4), np.arange(12) > 5, {"slope"}),
    "one confidence": (np.full(12, 0.8), np.arange(12) % 3 > 0, {"slope"}),
    "one confidence up to rounding": (
        np.where(np.arange(12) % 2, 0.8, np.nextafter(0.8, 1)), np.arange(12) % 3 > 0, {"slope"},
    ),
    "certain": (np.ones(12), np.arange(12) % 3 > 0, {"slope"}),
    "no rows": (CONFIDENCE[:0], np.zeros(0, bool), {"slope", "intercept"}),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_what_cannot_be_estimated_is_undefined(case):
    confidence, right, undefined = DAMAGED[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        of = Confidences(confidence, right, UNITS[: len(right)], Design(4))
        every = found(of)
    assert {key for key, one in every.items() if one == NOT_DEFINED} == undefined
    for key in set(every) - undefined:
        assert -math.inf < every[key].low <= every[key].value <= every[key].high < math.inf
        assert (every[key].n, every[key].groups) == (12, 4)


def test_confidence_1_is_cut():
    of = Confidences(np.array([1.0, 1.0, 0.5]), np.array([True, False, True]), UNITS[:3], Design(1))
    assert of.logits == pytest.approx([logit(1 - CLIP), logit(1 - CLIP), 0])
    # Half of the certain ones wrong, the middle one right: expected hits are 2 of 3.
    assert expit(of.logits + calibration_intercept(of).value).sum() == pytest.approx(2)


def test_one_group_has_no_interval():
    rows = some_rows()
    of = Confidences(rows.confidence, rows.right, rows.units * 0, Design(1))
    every = found(of)
    assert all(math.isfinite(one.value) for one in every.values())
    one = every["intercept"]
    assert (one.low, one.high, one.method) == (None, None, NO_INTERVAL)


@pytest.mark.parametrize("turned", [False, True])
def test_a_slope_from_few_groups_with_errors_has_no_interval(turned):
    rows = some_rows(groups=40, images=20)
    wrong = np.unique(rows.units[~rows.right])
    for groups in (FEWEST - 1, FEWEST):
        right = (rows.right | ~np.isin(rows.units, wrong[:groups])) ^ turned
        of = Confidences(rows.confidence, right, rows.units, rows.design)
        assert of.groups_with(right if turned else ~right) == groups
        one = found(of)["slope"]
        assert math.isfinite(one.value)
        assert (one.low is None, one.high is None) == (groups < FEWEST, groups < FEWEST)
        assert (one.method == NO_COVERAGE) == (groups < FEWEST)


def test_a_difference_is_paired():
    of = some_rows()
    sharper = Confidences(expit(2 * logit(of.confidence)), of.right, of.units, of.design)
    one, other = (calibration_panel(x, BOTH) for x in (of, sharper))
    every = intervals(difference(one, other), resamples=2000)
    own = intervals(one, resamples=2000)
    # Twice the logits, half the slope: the difference is half of it, and so is its error.
    assert every["slope"].value == pytest.approx(own["slope"].value / 2, rel=1e-6)
    assert every["slope"].error == pytest.approx(own["slope"].error / 2, rel=1e-6)
