"""Coverage, risk and area on weighted groups: values, derivatives, intervals, differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import UNDEFINED, WILSON
from lcbench.statistics.intervals import all_intervals, intervals
from lcbench.statistics.limits import wilson
from lcbench.statistics.models import model_intervals
from lcbench.statistics.selective import Chosen, risk_coverage
from lcbench.statistics.selective_panels import area_panel, chosen_panel

from .helpers import slopes

seeds = st.integers(0, 10**6)


def some_rows(seed, n=60, groups=12, digits=2):
    """Return confidences with ties, errors and groups."""
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.beta(4, 1, n), digits)
    return confidence, rng.random(n) > confidence, rng.integers(0, groups, n)


def area_of(confidence, wrong, units, design, models=None):
    models = np.zeros(len(wrong), int) if models is None else models
    return area_panel("area", confidence, wrong, units, models, design)


def mean_of_risks(confidence, wrong):
    """The usual loop: the mean of the risks of the first 1, 2, ... images."""
    order = np.argsort(-confidence)
    return np.mean(wrong[order].cumsum() / np.arange(1, len(wrong) + 1))


@given(seeds)
def test_without_ties_it_is_the_mean_of_the_risks_from_the_surest_image_on(seed) -> None:
    confidence, wrong, units = some_rows(seed, digits=12)
    (found,) = area_of(confidence, wrong, units, Design(12)).on_all()
    assert found == pytest.approx(mean_of_risks(confidence, wrong))


def test_an_example_by_hand() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.5])
    wrong = np.array([False, True, False, True])
    # Risks when everything as sure is answered: 0 of 1, 1 of 3 twice, 2 of 4.
    (found,) = area_of(confidence, wrong, np.arange(4), Design(4)).on_all()
    assert found == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 2) / 4)


@given(seeds, st.integers(1, 3))
def test_a_weight_is_so_many_copies_of_the_images(seed, n_models) -> None:
    confidence, wrong, units = some_rows(seed, digits=1)
    models = np.random.default_rng(seed).integers(0, n_models, len(wrong))
    weights = np.random.default_rng(seed + 1).integers(0, 3, 12)
    weights[0] += 1
    (found,) = area_of(confidence, wrong, units, Design(12), models).evaluate(weights[None])[0]
    copies = np.repeat(np.arange(len(wrong)), weights[units])
    total = 0.0
    for model in np.unique(models[copies]):
        rows = copies[models[copies] == model]
        coverage, risk = risk_coverage(confidence[rows], wrong[rows])
        total += float((np.diff(coverage, prepend=0.0) * risk).sum()) * len(rows)
    assert found == pytest.approx(total / max(1, len(copies)))


@given(seeds, st.integers(1, 4), st.integers(1, 2))
def test_the_influence_is_the_derivative(seed, n_models, n_seeds) -> None:
    confidence, wrong, groups = some_rows(seed, digits=1)
    rng = np.random.default_rng(seed)
    models = rng.integers(0, n_models, len(wrong))
    units = groups * n_seeds + rng.integers(0, n_seeds, len(wrong))
    panel = area_of(confidence, wrong, units, Design(12, n_seeds), models)
    np.testing.assert_allclose(panel.influence(), slopes(panel), atol=2e-6)


@given(seeds)
def test_the_influences_of_coverage_and_risk_are_derivatives(seed) -> None:
    confidence, wrong, units = some_rows(seed)
    parts = {("coverage", "risk"): Chosen(confidence >= 0.8, wrong)}
    panel = chosen_panel(parts, units, Design(12))
    np.testing.assert_allclose(panel.influence(), slopes(panel), atol=1e-5)
    coverage, risk = panel.on_all()
    assert coverage == pytest.approx((confidence >= 0.8).mean())
    assert risk == pytest.approx(wrong[confidence >= 0.8].mean())


def test_the_order_of_the_rows_never_matters() -> None:
    rows = some_rows(5, digits=1)
    order = np.random.default_rng(0).permutation(60)
    weights = np.random.default_rng(1).exponential(size=(4, 12))
    panel = area_of(*rows, Design(12))
    other = area_of(*(one[order] for one in rows), Design(12))
    np.testing.assert_allclose(panel.evaluate(weights), other.evaluate(weights))
    np.testing.assert_allclose(panel.influence(), other.influence())


def test_a_model_without_an_error_has_an_interval_and_one_without_an_answer_no_risk() -> None:
    confidence, _, units = some_rows(3)
    right = np.zeros(60, bool)
    area = intervals(area_of(confidence, right, units, Design(12)))["area"]
    assert (area.value, area.method) == (0.0, WILSON)
    assert area.high == pytest.approx(wilson(0, 12)[1])
    nothing = {("coverage", "risk"): Chosen(np.zeros(60, bool), right)}
    found = intervals(chosen_panel(nothing, units, Design(12)))
    assert found["risk"].method == UNDEFINED
    assert found["coverage"].count == 0


def test_the_score_interval_of_the_area_is_near_the_bootstraps() -> None:
    rng = np.random.default_rng(8)
    units = np.repeat(np.arange(150), 8)
    shared = np.repeat(rng.normal(size=150), 8)
    confidence = 1 / (1 + np.exp(-(1.5 + shared + rng.normal(size=1200))))
    wrong = rng.random(1200) > confidence
    every = all_intervals(area_of(confidence, wrong, units, Design(150)), resamples=1000)
    ends = {name: (one["area"].low, one["area"].high) for name, one in every.items()}
    np.testing.assert_allclose(ends["score"], ends["percentile"], rtol=0.15)


def test_the_difference_of_a_model_from_itself_is_nothing() -> None:
    rows = some_rows(4)
    panels = {name: area_of(*rows, Design(12)) for name in "ab"}
    found = model_intervals(panels, [("a", "b")])
    assert found.differences["a", "b"]["area"].value == 0.0
