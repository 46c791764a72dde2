import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from lcbench.statistics import metrics

CLASSES = 3
few = settings(max_examples=40)
labels = hnp.arrays(np.int64, st.shared(st.integers(1, 40), key="n"), elements=st.integers(0, 2))


def confusion(true, predicted, n_classes=CLASSES):
    return metrics.confusion_by_group(true, predicted, np.zeros_like(true), n_classes, 1)[0]


@few
@given(labels, labels)
def test_agrees_with_scikit_learn(true, predicted):
    counts = confusion(true, predicted)
    leaves = list(range(CLASSES))
    assert metrics.accuracy(counts) == pytest.approx(sk.accuracy_score(true, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a predicted class without images
        assert metrics.balanced_accuracy(counts) == pytest.approx(
            sk.balanced_accuracy_score(true, predicted)
        )
    assert metrics.macro_f1(counts) == pytest.approx(
        sk.f1_score(true, predicted, average="macro", zero_division=0)
    )
    for ours, theirs in (
        (metrics.precision, sk.precision_score),
        (metrics.recall, sk.recall_score),
        (metrics.f1, sk.f1_score),
    ):
        expected = theirs(true, predicted, labels=leaves, average=None, zero_division=0)
        np.testing.assert_allclose(ours(counts), expected)


@few
@given(labels, labels, st.data())
def test_weighted_counts_agree_with_sample_weights(true, predicted, data):
    weights = data.draw(hnp.arrays(np.int64, true.shape, elements=st.integers(0, 5)))
    if weights.sum() == 0:
        return
    counts = np.zeros((CLASSES, CLASSES))
    np.add.at(counts, (true, predicted), weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one label only
        kappa = sk.cohen_kappa_score(true, predicted, labels=[0, 1, 2], sample_weight=weights)
        matthews = sk.matthews_corrcoef(true, predicted, sample_weight=weights)
    drawn = [set(codes[weights > 0]) for codes in (true, predicted)]
    if metrics.beyond_chance(counts) > 0:
        assert metrics.cohen_kappa(counts) == pytest.approx(kappa, abs=1e-12)
    else:
        assert len(drawn[0] | drawn[1]) == 1
        assert metrics.cohen_kappa(counts) == 0
    assert (metrics.matthews_scale(counts) > 0) is not any(len(codes) == 1 for codes in drawn)
    assert metrics.matthews_correlation(counts) == pytest.approx(matthews, abs=1e-12)
    assert metrics.accuracy(counts) == pytest.approx(
        sk.accuracy_score(true, predicted, sample_weight=weights)
    )
    np.testing.assert_allclose(
        metrics.precision(counts),
        sk.precision_score(
            true, predicted, labels=[0, 1, 2], average=None, zero_division=0, sample_weight=weights
        ),
    )


HAND = np.array([[8, 1, 1], [2, 5, 3], [0, 4, 16]])


def test_kappa_of_cohens_example():
    # Cohen 1960, table 1: 200 diagnoses, 0.70 of them agree, 0.41 by chance.
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert metrics.cohen_kappa(table) == pytest.approx(0.492, abs=5e-4)


def test_metrics_of_a_table_worked_by_hand():
    assert metrics.accuracy(HAND) == 29 / 40
    assert metrics.balanced_accuracy(HAND) == pytest.approx((0.8 + 0.5 + 0.8) / 3)
    assert metrics.precision(HAND).tolist() == [0.8, 0.5, 0.8]
    chance = (10 * 10 + 10 * 10 + 20 * 20) / 40**2
    assert metrics.cohen_kappa(HAND) == pytest.approx((29 / 40 - chance) / (1 - chance))
    assert metrics.beyond_chance(HAND) == pytest.approx(1 - chance)
    assert metrics.support(HAND) == 40
    assert metrics.true_support(HAND).tolist() == [10, 10, 20]
    assert metrics.predicted_support(HAND).tolist() == [10, 10, 20]


PANEL = {
    "accuracy": metrics.accuracy,
    "balanced_accuracy": metrics.balanced_accuracy,
    "precision": metrics.precision,
    "recall": metrics.recall,
    "f1": metrics.f1,
    "macro_f1": metrics.macro_f1,
    "cohen_kappa": metrics.cohen_kappa,
    "beyond_chance": metrics.beyond_chance,
    "matthews_correlation": metrics.matthews_correlation,
    "matthews_scale": metrics.matthews_scale,
    "cell_share": lambda counts: metrics.cell_share(counts, np.eye(3), np.ones((3, 3))),
    "support": metrics.support,
    "predicted_support": metrics.predicted_support,
}


@pytest.mark.parametrize("name", PANEL)
def test_no_images_is_zero_and_never_nan(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = PANEL[name](np.zeros((2, 3, 3)))
    assert np.all(values == 0)


def test_confusion_by_group_counts_each_group():
    true = np.array([0, 0, 1, 1, 0])
    predicted = np.array([0, 1, 1, 0, 0])
    groups = np.array([0, 0, 0, 2, 2])
    counts = metrics.confusion_by_group(true, predicted, groups, 2)
    expected = [[[1, 1], [0, 1]], [[0, 0], [0, 0]], [[1, 0], [1, 0]]]
    assert counts.tolist() == expected
    assert counts.dtype == np.int64
    coarse = metrics.confusion_by_group(true + 1, predicted, groups, 2, n_nodes=3)
    np.testing.assert_array_equal(coarse[:, 1:], counts)
    assert not coarse[:, 0].any()


@few
@given(labels, labels, labels)
def test_groups_sum_to_the_whole(true, predicted, groups):
    counts = metrics.confusion_by_group(true, predicted, groups, CLASSES)
    whole = sk.confusion_matrix(true, predicted, labels=[0, 1, 2])
    np.testing.assert_array_equal(counts.sum(axis=0), whole)
    in_group = groups == groups[0]
    np.testing.assert_array_equal(
        counts[groups[0]],
        sk.confusion_matrix(true[in_group], predicted[in_group], labels=[0, 1, 2]),
    )


@pytest.mark.parametrize(
    ("true", "predicted", "groups", "message"),
    [
        ([0, 1], [0], [0, 0], "differ in length"),
        ([0, 3], [0, 0], [0, 0], "true has codes outside 0 to 2"),
        ([0, 0], [0, -1], [0, 0], "predicted has codes"),
        ([0, 0], [0, 0], [0, -1], "groups has codes"),
        ([0, 0], [0, 0], [0, 5], "groups has codes outside 0 to 4"),
    ],
)
def test_codes_out_of_range_are_refused(true, predicted, groups, message):
    with pytest.raises(ValueError, match=message):
        metrics.confusion_by_group(*map(np.array, (true, predicted, groups)), 3, 5)
