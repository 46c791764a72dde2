"""The bins of confidence: calibration error and reliability curve."""

import math

import numpy as np
import pytest
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from lcbench.statistics.calibration import Confidences, calibration_panel
from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import NO_COVERAGE, NO_INTERVAL, NOT_DEFINED
from lcbench.statistics.intervals import intervals
from lcbench.statistics.panels import difference
from lcbench.statistics.reliability import calibration_error, confidence_bins, reliability_curve

ERROR = {"error": (calibration_error, (0.0, 1.0))}


def calibrated(seed, groups, images=20, sharper=1.0):
    """Return a model whose groups are independent images; its logits may be too sharp."""
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(groups), images)
    logits = np.abs(rng.normal(3, 2, len(units)))
    right = rng.random(len(units)) < expit(logits)
    return Confidences(expit(logits * sharper), right, units, Design(groups))


def plain(of):
    """Return the calibration error without correction."""
    bins = confidence_bins(of)
    return sum(abs(one.confidence.sum() - one.right.sum()) for one in bins) / len(of.right)


def test_noise_is_taken_off():
    noisy, corrected = (
        np.mean([function(calibrated(seed, 100)) for seed in range(30)])
        for function in (plain, lambda of: calibration_error(of).value)
    )
    assert 0 < corrected < 0.55 * noisy


def test_a_large_error_is_that_of_the_definition():
    of = calibrated(0, 3000, sharper=4.0)
    sure = np.sort(of.confidence)
    order = np.argsort(of.confidence)
    expected = sum(
        abs(sure[part].mean() - of.right[order][part].mean()) / 15
        for part in np.array_split(np.arange(len(sure)), 15)
    )
    assert plain(of) == pytest.approx(expected, rel=1e-3)
    assert calibration_error(of).value == pytest.approx(expected, rel=0.02)
    assert expected > 0.04


def test_more_groups_than_images_of_one_source_take_less_noise_off():
    """The noise is that of groups: with copies it is larger than images would say."""
    of = calibrated(1, 400, images=1, sharper=1.5)
    tens = Confidences(
        np.repeat(of.confidence, 10), np.repeat(of.right, 10), np.repeat(of.units, 10), of.design
    )
    apart = Confidences(tens.confidence, tens.right, np.arange(4000), Design(4000))
    assert calibration_error(tens).value == pytest.approx(calibration_error(of).value)
    assert calibration_error(apart).value > calibration_error(tens).value


def test_the_error_has_no_interval_and_neither_has_its_difference():
    panel = calibration_panel(calibrated(0, 30, sharper=3.0), ERROR)
    one = intervals(panel, resamples=20)["error"]
    assert one.value > 0
    assert (one.low, one.high, one.error, one.method) == (None, None, None, NO_COVERAGE)
    assert (one.n, one.groups) == (600, 30)
    other = calibration_panel(calibrated(0, 30), ERROR)
    gap = intervals(difference(panel, other), resamples=20)["error"]
    assert gap.value == pytest.approx(panel.on_all()[0] - other.on_all()[0])
    assert (gap.low, gap.high, gap.method) == (None, None, NO_COVERAGE)


def test_one_group_and_no_rows_have_no_error_to_correct():
    of = calibrated(0, 1)
    empty = Confidences(of.confidence[:0], of.right[:0], of.units[:0], of.design)
    for some in (of, empty):
        assert math.isnan(calibration_error(some).value)
        assert intervals(calibration_panel(some, ERROR), resamples=20)["error"] == NOT_DEFINED
    assert reliability_curve(empty) == ()


def test_all_wrong_and_certain_is_1():
    of = Confidences(np.ones(8), np.zeros(8, bool), np.arange(8) // 2, Design(4))
    assert calibration_error(of).value == 1
    ((confidence, right),) = reliability_curve(of)
    assert (confidence, right.value, right.low) == (1, 0, 0)
    assert right.high == pytest.approx(proportion_confint(0, 4, method="wilson")[1])


# reliability curve


def test_the_curve_is_that_of_sorted_images():
    of = calibrated(0, 90)
    order = np.argsort(of.confidence)
    curve = reliability_curve(of)
    assert len(curve) == 15
    for (confidence, right), part in zip(
        curve, np.array_split(order, 15), strict=True
    ):  # fmt: skip
        assert confidence == pytest.approx(of.confidence[part].mean())
        assert right.value == pytest.approx(of.right[part].mean())
        assert (right.n, right.count) == (120, of.right[part].sum())
        assert right.groups == len(set(of.units[part].tolist()))
        assert 0 <= right.low <= right.value <= right.high <= 1


def test_bands_cover_and_know_groups():
    covered = []
    for seed in range(60):
        of = calibrated(seed, 100)
        for confidence, right in reliability_curve(of):
            covered.append(right.low <= confidence <= right.high)
    assert 0.93 < np.mean(covered) < 0.99
    of = calibrated(0, 300, images=1)
    copies = Confidences(
        np.repeat(of.confidence, 9), np.repeat(of.right, 9), np.repeat(of.units, 9), of.design
    )
    for (_, one), (_, other) in zip(reliability_curve(of), reliability_curve(copies), strict=True):
        assert (one.value, other.n) == (other.value, 9 * one.n)
        assert (other.low, other.high) == pytest.approx((one.low, one.high))


def test_a_bin_of_one_group_has_no_interval():
    of = Confidences(
        np.full(6, 0.9), np.array([1, 1, 1, 1, 0, 1], bool), np.zeros(6, int), Design(1)
    )
    ((_, right),) = reliability_curve(of)
    assert (right.groups, right.n, right.count, right.method) == (1, 6, 5, NO_INTERVAL)
    assert (right.low, right.high) == (None, None)
