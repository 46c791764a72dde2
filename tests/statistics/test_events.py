import numpy as np

from lcbench.statistics.events import (
    Event,
    any_error,
    event_rows,
    side_error,
    subtype_confusion,
)
from lcbench.statistics.roles import Roles

TRUE = np.array([0, 1, 1, 2, 2, 0, 1])
PREDICTED = np.array([0, 1, 2, 1, 0, 2, 0])
ROLES = Roles(("benign", "first", "second"), (0,), (1, 2))


def test_any_error():
    assert any_error(TRUE, PREDICTED).tolist() == [False, False, True, True, True, True, True]


def test_subtype_confusion_stays_within_the_subtypes():
    confused = subtype_confusion(TRUE, PREDICTED, [1, 2])
    assert confused.dtype == np.bool_
    assert confused.tolist() == [False, False, True, True, False, False, False]
    assert not subtype_confusion(TRUE, PREDICTED, []).any()


def test_side_error_crosses_the_sides():
    crossed = side_error(TRUE, PREDICTED, [0])
    assert crossed.dtype == np.bool_
    assert crossed.tolist() == [False, False, False, False, True, True, True]
    # The other side gives the same errors; without sides there are none.
    np.testing.assert_array_equal(side_error(TRUE, PREDICTED, [1, 2]), crossed)
    assert not side_error(TRUE, PREDICTED, []).any()


def test_an_error_is_one_of_side_or_of_subtype():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 3, (2, 200))
    inside, across = subtype_confusion(true, predicted, [1, 2]), side_error(true, predicted, [0])
    assert not (inside & across).any()
    np.testing.assert_array_equal(inside | across, any_error(true, predicted))


def test_every_event_has_its_rows():
    found = {one.event: one for one in event_rows(TRUE, ROLES)}
    assert list(found) == [Event.any_error, Event.subtype_confusion, Event.benign_malignant]
    subtypes = found[Event.subtype_confusion]
    assert subtypes.rows.tolist() == [False, True, True, True, True, False, True]
    assert subtypes.true.tolist() == [1, 1, 2, 2, 1]
    assert subtypes.happens(PREDICTED).tolist() == [False, True, True, False, False]
    for event, function in (
        (Event.any_error, any_error(TRUE, PREDICTED)),
        (Event.benign_malignant, side_error(TRUE, PREDICTED, [0])),
    ):
        assert found[event].rows.all()
        np.testing.assert_array_equal(found[event].happens(PREDICTED), function)


def test_a_coarse_label_has_a_side_but_no_leaf():
    true, side = np.array([0, -1, 2, -1]), np.array([0, 1, 2, -1])
    predicted = np.array([0, 0, 1, 2])
    found = {one.event: one for one in event_rows(true, ROLES, side)}
    assert found[Event.any_error].rows.tolist() == [True, False, True, False]
    assert found[Event.subtype_confusion].rows.tolist() == [False, False, True, False]
    sides = found[Event.benign_malignant]
    assert sides.rows.tolist() == [True, True, True, False]
    assert sides.happens(predicted).tolist() == [False, True, False]


def test_events_that_cannot_happen_are_left_out():
    assert [one.event for one in event_rows(TRUE, Roles(("a", "b", "c"), (), ()))] == [
        Event.any_error
    ]
    benign = event_rows(np.zeros(3, int), ROLES)
    assert [one.event for one in benign] == [Event.any_error, Event.benign_malignant]
    assert event_rows(np.zeros(0, int), ROLES) == ()
    assert event_rows(np.full(3, -1), ROLES) == ()
