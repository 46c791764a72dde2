import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from lcbench.statistics.probabilities import (
    BINS,
    brier_scores,
    equal_mass_bins,
    log_losses,
)

confidences = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1))
rounded = st.lists(st.integers(0, 10), min_size=1, max_size=60).map(lambda k: np.array(k) / 10)


def some_probabilities(n=400, leaves=3, seed=0):
    """Return probabilities and labels that they describe too well."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(leaves, 0.5), n)
    blurred = 0.7 * probabilities + 0.3 / leaves
    return probabilities, np.array([rng.choice(leaves, p=row) for row in blurred])


# log loss and Brier score


@pytest.mark.parametrize("leaves", [2, 3, 5])
def test_log_loss_is_scikit_learns(leaves):
    probabilities, true = some_probabilities(leaves=leaves)
    expected = sk.log_loss(true, probabilities, labels=range(leaves))
    assert log_losses(probabilities, true).mean() == pytest.approx(expected)


def test_brier_score_is_the_squared_distance_from_the_truth():
    probabilities, true = some_probabilities()
    before = probabilities.copy()
    expected = [
        sum((row[leaf] - (leaf == label)) ** 2 for leaf in range(3))
        for row, label in zip(probabilities, true, strict=True)
    ]
    assert brier_scores(probabilities, true) == pytest.approx(expected)
    np.testing.assert_array_equal(probabilities, before)
    certain = np.eye(3)[[0, 1]]
    assert brier_scores(certain, np.array([0, 2])).tolist() == [0, 2]


# bins of equal mass


@settings(max_examples=60)
@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5))
def test_without_ties_bins_hold_about_as_many_images_each(n, bins, seed):
    confidence = np.random.default_rng(seed).permutation(n) / n
    sizes = np.bincount(equal_mass_bins(confidence, bins), minlength=bins)
    assert len(sizes) == bins
    assert sizes.max() - sizes.min() <= 1
    assert np.all(np.diff(equal_mass_bins(np.sort(confidence), bins)) >= 0)


@given(rounded)
def test_equal_confidences_share_a_bin(confidence):
    bins = equal_mass_bins(confidence)
    for value in set(confidence.tolist()):
        assert len(set(bins[confidence == value].tolist())) == 1
    assert bins.min() >= 0
    assert bins.max() < BINS


def test_rounding_does_not_tell_confidences_apart():
    exact = np.full(40, 0.88)
    shaken = np.where(np.arange(40) % 2, exact, np.nextafter(exact, 1.0))
    assert len(set(equal_mass_bins(shaken).tolist())) == 1
