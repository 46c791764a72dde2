"""AUROC and average precision are averages within trained models."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import UNDEFINED
from lcbench.statistics.intervals import all_intervals
from lcbench.statistics.ranking import ranking_panel

GROUPS = 10
seeds = st.integers(0, 10**6)


def some_rows(seed, n_models, n=60, digits=1):
    """Return scores of one leaf with ties, whether it is true, groups and trained models."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    scores = np.round(rng.random(n) + 0.5 * positive, digits)
    return scores, positive, rng.integers(0, GROUPS, n), rng.integers(0, n_models, n)


def panel_of(scores, positive, groups, models, design=None):
    design = design or Design(GROUPS)
    return ranking_panel(
        np.asarray(scores)[:, None], np.where(positive, 0, 1), groups, models, design, ["it"]
    )


def expected(scores, positive, models):
    """Return scikit-learn's values of each trained model, weighted; NaN where undefined."""
    cells = [(scores[models == one], positive[models == one]) for one in np.unique(models)]
    cells = [(score, truth) for score, truth in cells if 0 < truth.sum() < len(truth)]
    if not cells:
        return math.nan, math.nan
    pairs = [truth.sum() * (~truth).sum() for _, truth in cells]
    positives = [truth.sum() for _, truth in cells]
    return (
        np.average([sk.roc_auc_score(truth, score) for score, truth in cells], weights=pairs),
        np.average(
            [sk.average_precision_score(truth, score) for score, truth in cells],
            weights=positives,
        ),
    )


@settings(max_examples=30)
@given(seeds, st.integers(1, 12), st.integers(1, 3))
def test_a_resample_is_scikit_learns_average_over_models(seed, n_models, digits):
    scores, positive, groups, models = some_rows(seed, n_models, digits=digits)
    rng = np.random.default_rng(seed)
    # With so few groups many trained models lose their positives, the last resample all.
    drawn = rng.multinomial(GROUPS, np.full(GROUPS, 1 / GROUPS), 4)
    drawn[0], drawn[3] = 1, np.where(np.isin(range(GROUPS), groups[positive]), 0, 1)
    found = panel_of(scores, positive, groups, models).evaluate(drawn.astype(float))
    for values, times in zip(found, drawn, strict=True):
        rows = np.repeat(np.arange(len(scores)), times[groups])
        want = expected(scores[rows], positive[rows], models[rows])
        assert values[:2] == pytest.approx(want, nan_ok=True)


@settings(max_examples=20)
@given(seeds)
def test_one_model_is_scikit_learns_pooled_value(seed):
    scores, positive, groups, _ = some_rows(seed, 1)
    found = panel_of(scores, positive, groups, np.full(len(scores), 7)).on_all()
    assert found[0] == pytest.approx(sk.roc_auc_score(positive, scores))
    assert found[1] == pytest.approx(sk.average_precision_score(positive, scores))


@settings(max_examples=20)
@given(
    seeds,
    st.floats(0.01, 100),
    st.floats(-100, 100),
    st.sampled_from([np.asarray, np.exp, np.cbrt, np.arctan]),
)
def test_the_scale_of_one_models_scores_does_not_matter(seed, factor, shift, function):
    scores, positive, groups, models = some_rows(seed, 3)
    other = np.where(models == 1, factor * function(scores) + shift, scores)
    weights = np.random.default_rng(seed).integers(0, 3, (3, GROUPS)).astype(float)
    one, two = (panel_of(some, positive, groups, models) for some in (scores, other))
    np.testing.assert_array_equal(one.evaluate(weights), two.evaluate(weights))
    np.testing.assert_array_equal(one.influence(), two.influence())


def test_two_perfect_models_on_different_scales_are_perfect():
    scores, positive = np.array([0.2, 0.1, 0.9, 0.8]), np.array([True, False] * 2)
    groups, models = np.arange(4), np.array([0, 0, 1, 1])
    assert panel_of(scores, positive, groups, models * 0).on_all()[0] == sk.roc_auc_score(
        positive, scores
    )
    assert sk.roc_auc_score(positive, scores) == 0.75
    assert panel_of(scores, positive, groups, models).on_all().tolist() == [1, 1, 1, 1]


def test_a_model_without_positives_or_others_drops_out():
    scores = np.array([0.2, 0.1, 0.9, 0.8, 0.3, 0.4])
    positive = np.array([True, False, True, True, False, False])
    groups, models = np.arange(6) % 5, np.array([0, 0, 1, 1, 2, 2])
    panel = panel_of(scores, positive, groups, models)
    assert panel.on_all().tolist() == [1, 1, 1, 1]
    # The others say nothing: their groups change nothing and are not counted.
    np.testing.assert_array_equal(panel.influence(), 0)
    assert {(one.images, one.groups, one.trials) for one in panel.measures} == {(2, 2, 1)}
    kept = models > 0
    alone = panel_of(scores[kept], positive[kept], groups[kept], models[kept])
    assert np.isnan(alone.evaluate(np.ones((2, GROUPS)))).all()
    assert np.isnan(alone.influence()).all()
    assert {one.images for one in alone.measures} == {0}
    assert {one.method for one in all_intervals(alone)["score"].values()} == {UNDEFINED}
