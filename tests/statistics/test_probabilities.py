import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from lcbench.statistics.probabilities import (
    BINS,
    bin_sums,
    brier_scores,
    equal_mass_bins,
    equal_width_bins,
    expected_calibration_error,
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


def calibration_error(probabilities, true, bins=equal_width_bins):
    """Return the calibration error with all images in one group."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true
    group = np.zeros(len(true), int)
    gaps = bin_sums(bins(confidence), confidence, right, group, 1)
    return float(expected_calibration_error(gaps, np.array([len(true)]))[0])


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


# bins of equal width


@given(confidences)
def test_bins_of_equal_width_are_the_definition(confidence):
    bins = equal_width_bins(confidence)
    assert np.all((confidence > bins / BINS - 1e-12) | (bins == 0))
    assert np.all(confidence <= (bins + 1) / BINS + 1e-12)
    assert bins.min() >= 0
    assert bins.max() < BINS


def test_confidence_1_counts():
    certain = np.eye(3)[np.zeros(10, int)]
    assert calibration_error(certain, np.repeat([0, 1], [7, 3])) == pytest.approx(0.3)
    assert calibration_error(certain, np.repeat([0, 1], [7, 3]), equal_mass_bins) == pytest.approx(
        0.3
    )


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


# calibration error


def test_calibration_error_is_torchmetrics():
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torchmetrics.classification")
    for seed in range(2):
        # Away from the edges of bins, which torchmetrics puts into the upper bin.
        probabilities, true = some_probabilities(seed=seed)
        error = theirs.MulticlassCalibrationError(num_classes=3, n_bins=15, norm="l1")
        expected = float(error(torch.from_numpy(probabilities), torch.from_numpy(true)))
        assert calibration_error(probabilities, true) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("bins", [equal_width_bins, equal_mass_bins])
def test_calibration_error_is_the_definition(bins):
    probabilities, true = some_probabilities()
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == true
    in_bin = bins(confidence)
    expected = sum(
        (in_bin == b).mean() * abs(confidence[in_bin == b].mean() - right[in_bin == b].mean())
        for b in set(in_bin.tolist())
    )
    assert calibration_error(probabilities, true, bins) == pytest.approx(expected)
    assert expected > 0.05


def test_rounding_does_not_tell_confidences_apart():
    exact = np.full(40, 0.88)
    shaken = np.where(np.arange(40) % 2, exact, np.nextafter(exact, 1.0))
    assert len(set(equal_mass_bins(shaken).tolist())) == 1
