import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from lcbench.statistics import ranking
from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import UNDEFINED, WILSON
from lcbench.statistics.intervals import all_intervals
from lcbench.statistics.limits import wilson
from lcbench.statistics.ranking import log_odds, ranking_panel

LEAVES = ("a", "b", "c")
seeds = st.integers(0, 10**6)


def some_rows(seed, n=60, groups=12, digits=1):
    """Return probabilities with ties, labels and groups."""
    rng = np.random.default_rng(seed)
    probabilities = np.round(rng.dirichlet([0.7, 0.7, 0.7], n), digits)
    true = np.where(rng.random(n) < 0.5, probabilities.argmax(axis=1), rng.integers(0, 3, n))
    return probabilities, true, rng.integers(0, groups, n)


def panel_of(probabilities, true, units, design, models=None):
    """Return the panel of trained models, by default of one."""
    models = np.zeros(len(true), int) if models is None else models
    return ranking_panel(probabilities, true, units, models, design, LEAVES)


def evaluated(probabilities, true, units, design, weights, models=None):
    """Return, for each row of weights, the measures by name."""
    panel = panel_of(probabilities, true, units, design, models)
    names = [one.key for one in panel.measures]
    return [dict(zip(names, row, strict=True)) for row in panel.evaluate(np.asarray(weights))]


def expected(probabilities, true, weights):
    """Return scikit-learn's scores of each leaf against the rest, NaN where undefined."""
    found = {}
    for leaf, name in enumerate(LEAVES):
        positive, scores = true == leaf, probabilities[:, leaf]
        defined = weights[positive].sum() > 0 and weights[~positive].sum() > 0
        for metric, function in (
            ("auroc", sk.roc_auc_score),
            ("average_precision", sk.average_precision_score),
        ):
            value = function(positive, scores, sample_weight=weights) if defined else math.nan
            found[metric, name] = value
    for metric in ("auroc", "average_precision"):
        values = [found[metric, name] for name in LEAVES]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # all NaN
            found[f"macro_{metric}", ""] = np.nanmean(values)
    return found


@settings(max_examples=20)
@given(seeds, st.integers(1, 3))
def test_a_resample_is_scikit_learns_with_sample_weights(seed, digits):
    probabilities, true, groups = some_rows(seed, digits=digits)
    weights = np.random.default_rng(seed).integers(0, 3, (3, 12)).astype(float)
    weights[0] = 1.0
    found = evaluated(probabilities, true, groups, Design(12), weights)
    for values, drawn in zip(found, weights, strict=True):
        assert values == pytest.approx(expected(probabilities, true, drawn[groups]), nan_ok=True)


@settings(max_examples=15)
@given(seeds)
def test_auroc_is_a_quadratic_form_of_the_group_weights(seed):
    probabilities, true, groups = some_rows(seed, n=30, groups=6)
    scores, positive = probabilities[:, 1], true == 1
    wins = np.zeros((6, 6))
    for i in np.flatnonzero(positive):
        for j in np.flatnonzero(~positive):
            win = (scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j])
            wins[groups[i], groups[j]] += win
    p, q = (np.bincount(groups[rows], minlength=6) for rows in (positive, ~positive))
    weights = np.random.default_rng(seed).exponential(size=(5, 6))
    found = evaluated(probabilities, true, groups, Design(6), weights)
    for values, w in zip(found, weights, strict=True):
        if positive.any():
            assert values["auroc", "b"] == pytest.approx(w @ wins @ w / ((w @ p) * (w @ q)))


@pytest.mark.parametrize("cells", [1, 50, 1000])
def test_blocks_give_what_one_block_gives(cells, monkeypatch):
    probabilities, true, groups = some_rows(1)
    weights = np.random.default_rng(0).integers(0, 3, (40, 12)).astype(float)
    panel = panel_of(probabilities, true, groups, Design(12), groups % 2)
    together = panel.evaluate(weights)
    sizes = []
    whole = ranking._evaluate

    def counted(cells, columns):
        sizes.extend(columns.shape[1] * steps.positive.shape[0] for steps in cells)
        return whole(cells, columns)

    monkeypatch.setattr(ranking, "_BLOCK_CELLS", cells)
    monkeypatch.setattr(ranking, "_evaluate", counted)
    np.testing.assert_allclose(panel.evaluate(weights), together, rtol=1e-12)
    assert max(sizes) <= max(cells, 60)
    assert len(sizes) >= 6


def slopes(panel, step=0.01):
    """Return (U, S) derivatives with respect to the weights of the units, by differences."""
    units = np.eye(panel.design.units)
    up, down = (panel.evaluate(1 + sign * step * units) for sign in (1, -1))
    return (up - down) / (2 * step)


@settings(max_examples=15)
@given(seeds, st.integers(1, 4), st.integers(1, 2))
def test_the_influence_of_a_unit_is_the_derivative(seed, n_models, n_seeds):
    probabilities, true, units = some_rows(seed, n=200)
    design = Design(12 // n_seeds, n_seeds)
    models = np.random.default_rng(seed).integers(0, n_models, 200)
    expected_change = slopes(panel_of(probabilities, true, units, design, models))
    for leaf in range(3):
        cells = ranking._cells(probabilities[:, leaf], true == leaf, units, models, 12)
        found = ranking._influence(cells, design)
        np.testing.assert_allclose(found.T, expected_change[:, [leaf, 3 + leaf]], atol=1e-4)


@settings(max_examples=15)
@given(seeds, st.integers(1, 4), st.integers(1, 2))
def test_the_influence_of_the_means_is_the_derivative_too(seed, n_models, n_seeds):
    probabilities, true, units = some_rows(seed, n=200)
    models = np.random.default_rng(seed).integers(0, n_models, 200)
    panel = panel_of(probabilities, true, units, Design(12 // n_seeds, n_seeds), models)
    np.testing.assert_allclose(panel.influence(), slopes(panel), atol=1e-4)


@settings(max_examples=30)
@given(seeds)
def test_merged_steps_change_nothing(seed):
    probabilities, true, groups = some_rows(seed, digits=2)
    weights = np.random.default_rng(seed).integers(0, 3, (4, 12)).astype(float)
    models = groups % 3
    merged = panel_of(probabilities, true, groups, Design(12), models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_merge_steps", lambda codes, positive: codes)  # noqa: ARG005
        apart = panel_of(probabilities, true, groups, Design(12), models)
    np.testing.assert_allclose(merged.evaluate(weights), apart.evaluate(weights))


# edge cases


def test_the_reverse_of_a_perfect_ranking_is_0():
    # Equal scores within each class, in groups of odd sizes.
    true = np.repeat([0, 1, 2], [3001, 70_001, 1])
    probabilities = np.zeros((len(true), 3))
    probabilities[true != 0, 0] = 1.0
    panel = panel_of(probabilities, true, np.arange(len(true)) % 7, Design(7))
    assert panel.evaluate(np.ones((1, 7)))[0, 0] == 0.0


def test_a_leaf_without_images_or_without_others_is_undefined():
    probabilities, _, groups = some_rows(0)
    for true, defined in ((np.zeros(60, int), set()), (np.repeat([0, 1], 30), {"a", "b"})):
        panel = panel_of(probabilities, true, groups, Design(12))
        for found in all_intervals(panel, resamples=50).values():
            for leaf in LEAVES:
                for name in ("auroc", "average_precision"):
                    assert (found[name, leaf].method != UNDEFINED) == (leaf in defined)
            means = [found["auroc", leaf].value for leaf in defined]
            assert found["macro_auroc", ""].n == (60 if defined else 0)
            mean = pytest.approx(sum(means) / len(means)) if means else None
            assert found["macro_auroc", ""].value == mean


def test_the_scarcer_side_decides_how_many_trials_there_are():
    probabilities = np.eye(3)[np.repeat([0, 1], [4, 16])]
    true, groups = np.repeat([0, 1], [4, 16]), np.arange(20) // 2
    panel = panel_of(probabilities, true, groups, Design(10))
    measures = {one.key: (one.images, one.groups, one.trials) for one in panel.measures}
    assert measures["auroc", "a"] == measures["auroc", "b"] == (20, 10, 2)
    # An absent class adds nothing, and of two classes one is told apart where the other is.
    assert measures["macro_auroc", ""] == (20, 10, 2)
    assert measures["auroc", "c"][:2] == (0, 0)
    for found in all_intervals(panel, resamples=50).values():
        perfect = found["auroc", "a"]
        assert (perfect.value, perfect.method) == (1, WILSON)
        assert perfect.low == pytest.approx(wilson(2, 2)[0])


@pytest.mark.parametrize("groups", [0, 3])
def test_no_rows(groups):
    nothing = np.zeros(0, int)
    panel = panel_of(np.zeros((0, 3)), nothing, nothing, Design(groups))
    assert {one.images for one in panel.measures} == {0}
    assert np.isnan(panel.evaluate(np.ones((2, groups)))).all()
    assert {one.method for one in all_intervals(panel)["score"].values()} == {UNDEFINED}


def test_log_odds_rank_and_tie_as_probabilities_and_tell_near_one_what_is_left() -> None:
    rounded = np.array([[0.6, 0.2, 0.2], [0.6, 0.3, 0.1], [0.6, 0.15, 0.25000001], [0.7, 0.2, 0.1]])
    first = log_odds(rounded)[:, 0]
    assert first[0] == first[1] == first[2] < first[3]
    sure = np.array([[1.0, 0.0, 0.0], [1.0, 1e-20, 1e-22], [1.0, 1e-18, 0.0], [0.999, 0.001, 0.0]])
    assert np.argsort(-log_odds(sure)[:, 0]).tolist() == [0, 1, 2, 3]
