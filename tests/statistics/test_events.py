import numpy as np

from lcbench.statistics.events import any_error, subtype_confusion

TRUE = np.array([0, 1, 1, 2, 2, 0, 1])
PREDICTED = np.array([0, 1, 2, 1, 0, 2, 0])


def test_any_error():
    assert any_error(TRUE, PREDICTED).tolist() == [False, False, True, True, True, True, True]


def test_subtype_confusion_stays_within_the_subtypes():
    confused = subtype_confusion(TRUE, PREDICTED, [1, 2])
    assert confused.dtype == np.bool_
    assert confused.tolist() == [False, False, True, True, False, False, False]
    assert not subtype_confusion(TRUE, PREDICTED, []).any()
