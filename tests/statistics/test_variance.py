import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics.bootstrap import resample
from lcbench.statistics.design import Design
from lcbench.statistics.metrics import ratio
from lcbench.statistics.panel import Count, count_panel
from lcbench.statistics.variance import (
    centred,
    degrees_of_freedom,
    group_influence,
    variance,
)

seeds = st.integers(0, 10**6)


def mean_of(sums):
    return ratio(sums[..., 0], sums[..., 1])


def ratio_panel(values, sizes, design=None):
    """Return the panel of the sum of some values over the number of images."""
    counts = np.stack([np.ravel(values), np.ravel(sizes)], axis=1).astype(float)
    share = Count(mean_of, lambda sums: sums[..., 1], (-math.inf, math.inf))
    return count_panel(counts, {"mean": share}, design)


def of(panel):
    return variance(panel.influence()[:, 0], panel.design)


def some_groups(seed, groups=60, strata=3):
    """Return values, sizes and strata; each class has its own level, groups their own too."""
    rng = np.random.default_rng(seed)
    stratum = np.arange(groups) % strata
    sizes = rng.integers(1, 12, groups)
    values = sizes * (stratum + rng.normal(size=groups)) + rng.normal(size=groups)
    return values, sizes, stratum


def stratified(sizes, stratum, n_seeds=1):
    images = np.repeat(sizes, n_seeds).tolist()
    return Design(len(sizes), n_seeds, tuple(stratum.tolist()), tuple(images))


# textbooks


def test_worked_by_hand():
    # Two strata of two groups each: means 2 / 4 and 5 / 5, residuals +1, -1 and 0, 0.
    design = stratified(np.array([2, 2, 2, 3]), np.array([0, 0, 1, 1]))
    panel = ratio_panel([2, 0, 2, 3], [2, 2, 2, 3], design)
    assert centred(panel.influence()[:, 0], design) == pytest.approx(
        [1 / 9, -1 / 9, 0, 0], abs=1e-9
    )
    # n / (n - 1) sum of squares: 2 * 2 / 81.
    assert of(panel).groups == pytest.approx(4 / 81)
    assert of(panel).training == 0
    assert of(panel).training_freedom == math.inf
    # Without strata the mean is 7 / 9: residuals 4, -14, 4, 6 of 9, over 9 images; 4 / 3 of it.
    plain = ratio_panel([2, 0, 2, 3], [2, 2, 2, 3])
    loose = Design(4, 1, (), (2, 2, 2, 3))
    residuals = np.array([4, -14, 4, 6]) / 81
    expected = 4 / 3 * (residuals**2).sum()
    assert variance(plain.influence()[:, 0], loose).groups == pytest.approx(expected)


@given(seeds)
def test_the_stratified_ratio_estimator_is_cochrans(seed):
    values, sizes, stratum = some_groups(seed)
    found = of(ratio_panel(values, sizes, stratified(sizes, stratum)))
    # Cochran 1977, Sampling Techniques, sections 6.3 and 6.11: separate ratios of each stratum.
    expected = 0.0
    for one in np.unique(stratum):
        x, n = values[stratum == one], sizes[stratum == one]
        residual = x - x.sum() / n.sum() * n
        expected += len(n) / (len(n) - 1) * (residual**2).sum()
    assert found.groups == pytest.approx(expected / sizes.sum() ** 2)


def test_a_mean_has_its_standard_error():
    values = np.random.default_rng(0).exponential(size=12)
    found = of(ratio_panel(values, np.ones(12)))
    assert math.sqrt(found.groups) == pytest.approx(values.std(ddof=1) / math.sqrt(12))


# other people's estimators


@given(seeds)
def test_one_stratum_is_the_cluster_robust_variance_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, 30, 300))
    events = (rng.random(300) < rng.beta(1, 3, 30)[groups]).astype(float)
    present, codes = np.unique(groups, return_inverse=True)
    count = len(present)
    sums, sizes = np.bincount(codes, weights=events), np.bincount(codes)
    design = Design(count, 1, (), tuple(sizes.tolist()))
    found = of(ratio_panel(sums, sizes, design)).groups
    constant = np.ones((300, 1))
    robust = {"groups": codes, "use_correction": False}
    ols = sm.OLS(events, constant).fit(cov_type="cluster", cov_kwds=robust)
    assert found == pytest.approx(float(ols.cov_params()[0, 0]) * count / (count - 1), rel=1e-6)
    gee = sm.GEE(events, constant, groups=codes, cov_struct=sm.cov_struct.Independence()).fit()
    assert found == pytest.approx(float(gee.bse[0]) ** 2 * count / (count - 1), rel=1e-6)


@given(seeds)
def test_strata_are_the_cluster_robust_variance_of_a_regression_on_the_classes(seed):
    values, sizes, stratum = some_groups(seed, groups=30)
    found = of(ratio_panel(values, sizes, stratified(sizes, stratum))).groups
    groups = np.repeat(np.arange(30), sizes)
    dummies = np.eye(3)[stratum[groups]]
    fit = sm.OLS((values / sizes)[groups], dummies).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    share = dummies.mean(axis=0)
    expected = share @ fit.cov_params() @ share * 10 / 9
    assert found == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_bootstrap_has_the_same_standard_error(seed):
    values, sizes, stratum = some_groups(seed, groups=150)
    for design in (stratified(sizes, stratum), Design(150, 1, (), tuple(sizes.tolist()))):
        panel = ratio_panel(values, sizes, design)
        drawn = resample(panel.evaluate, design, resamples=10_000)
        assert math.sqrt(of(panel).groups) == pytest.approx(drawn[:, 0].std(), rel=0.05)


# seeds


def crossed(values, strata=()):
    """Return the panel of the mean of a (G, S) table."""
    design = Design(*values.shape, strata)
    return ratio_panel(values, np.ones_like(values), design)


@given(seeds, st.integers(2, 9), st.integers(2, 6))
def test_components_are_those_of_a_balanced_analysis_of_variance(seed, groups, n_seeds):
    rng = np.random.default_rng(seed)
    values = (
        rng.normal(size=(groups, 1))
        + rng.normal(size=n_seeds)
        + 0.5 * rng.normal(size=(groups, n_seeds))
    )
    found = of(crossed(values))
    # Mean squares of two crossed random factors without repeats.
    rows, columns, whole = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = values - rows[:, None] - columns + whole
    of_groups = n_seeds * ((rows - whole) ** 2).sum() / (groups - 1)
    of_seeds = groups * ((columns - whole) ** 2).sum() / (n_seeds - 1)
    of_rest = (rest**2).sum() / ((groups - 1) * (n_seeds - 1))
    cells = groups * n_seeds
    assert found.groups == pytest.approx(of_groups / cells)
    assert found.training == pytest.approx(max(of_seeds - of_rest, 0) / cells, rel=1e-5, abs=1e-9)
    freedom = (n_seeds - 1) * ((found.groups + found.training) * cells / of_seeds) ** 2
    assert found.training_freedom == pytest.approx(max(freedom, 1.0), rel=1e-4)


def test_a_two_way_table_by_hand():
    # Two groups under two seeds: means of the seeds 1 and 4, of the groups 2 and 3, no rest.
    found = of(crossed(np.array([[0.5, 3.5], [1.5, 4.5]])))
    assert found.groups == pytest.approx(2 * 1.0 / 4 / 4 * 2)
    assert found.training == pytest.approx(4.5 / 2)
    assert found.training_freedom == pytest.approx((0.25 + 2.25) ** 2 / 2.25**2)


def test_the_interaction_is_no_variance_of_seeds():
    # Each seed fails on other groups, all equally often.
    found = of(crossed(np.eye(4)))
    assert found.training == 0
    # As the rest does, the means of the groups say nothing either.
    assert found.groups == pytest.approx(0, abs=1e-15)


def test_the_components_are_unbiased():
    rng = np.random.default_rng(0)
    totals = []
    for _ in range(1000):
        values = rng.normal(size=(8, 1)) + 0.7 * rng.normal(size=4) + 0.5 * rng.normal(size=(8, 4))
        found = of(crossed(values))
        totals.append((found.groups, found.training))
    groups, training = np.mean(totals, axis=0)
    assert groups == pytest.approx(1 / 8 + 0.25 / 32, rel=0.1)
    # Cut at 0, so slightly too large; seldom here.
    assert training == pytest.approx(0.49 / 4, rel=0.15)


@given(seeds, st.integers(2, 4))
def test_seeds_that_agree_add_nothing(seed, n_seeds):
    values, sizes, stratum = some_groups(seed)
    once = of(ratio_panel(values, sizes, stratified(sizes, stratum)))
    again = of(
        ratio_panel(
            np.repeat(values, n_seeds),
            np.repeat(sizes, n_seeds),
            stratified(sizes, stratum, n_seeds),
        )
    )
    assert again.groups == pytest.approx(once.groups)
    assert again.freedom == pytest.approx(once.freedom)
    assert again.training == pytest.approx(0, abs=1e-12)


# strata


@given(seeds)
def test_the_influence_of_each_stratum_is_0(seed):
    values, sizes, stratum = some_groups(seed)
    design = stratified(sizes, stratum)
    influence = centred(np.asarray(values), design)
    np.testing.assert_allclose(np.bincount(stratum, weights=influence), 0, atol=1e-9)
    np.testing.assert_allclose(centred(influence, design), influence, atol=1e-9)
    squares = group_influence(np.asarray(values), design) ** 2
    assert squares.sum() == pytest.approx(variance(np.asarray(values), design).groups)


def test_what_the_classes_fix_has_no_variance():
    sizes, stratum = np.array([3, 5, 2, 2, 9, 4]), np.array([0, 0, 1, 1, 2, 2])
    for answer in range(3):
        right = np.where(stratum == answer, sizes, 0)
        fixed = of(ratio_panel(right, sizes, stratified(sizes, stratum)))
        assert fixed.groups == pytest.approx(0, abs=1e-18)
        loose = of(ratio_panel(right, sizes, Design(6, 1, (), tuple(sizes.tolist()))))
        assert loose.groups > 0.01


def test_the_only_group_of_a_stratum_has_no_variance():
    assert of(ratio_panel([3], [5])).groups == 0
    assert variance(np.zeros(0), Design(0)).groups == 0


# degrees of freedom


@pytest.mark.parametrize("k", [1, 2, 5, 20])
def test_few_equal_influences_among_many_groups_are_about_two_each(k):
    influence = np.zeros(5000)
    influence[:k] = -0.01
    assert degrees_of_freedom(influence) == pytest.approx(2 * k, rel=0.02)


@pytest.mark.parametrize("groups", [2, 10, 740])
def test_equal_influences_are_one_less_than_the_groups(groups):
    assert degrees_of_freedom(0.01 * (-1.0) ** np.arange(groups)) == groups - 1


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_degrees_of_freedom_stay_in_range(influence):
    found = degrees_of_freedom(np.array(influence))
    assert 1 <= found <= max(1, len(influence) - 1)
