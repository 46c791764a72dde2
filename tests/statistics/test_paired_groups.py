import numpy as np
import pytest

from lcbench.statistics.design import Design
from lcbench.statistics.paired_groups import RowGroups, of_groups, pair_groups


def test_pairs_are_counted_in_each_group():
    event_a = np.array([True, True, True, False, True, False])
    event_b = np.array([False, False, True, True, False, False])
    pairs = pair_groups(event_a, event_b, np.array([0, 0, 0, 1, 1, 5]))
    assert pairs.only_a.tolist() == [[2], [1], [0]]
    assert pairs.only_b.tolist() == [[0], [1], [0]]
    assert pairs.both.tolist() == [[1], [0], [0]]
    assert pairs.size.tolist() == [[3], [2], [1]]  # codes without a row are left out
    assert pairs.difference.tolist() == [2, 0, 0]
    assert pairs.group_size.tolist() == [3, 2, 1]
    assert pairs.rows == 6
    assert pairs.design == Design(3, 1, (), (3, 2, 1))


def test_pairs_are_counted_under_each_seed():
    event_a = np.array([True, True, False, True, False])
    event_b = np.array([False, False, True, True, False])
    strata = np.array([7, 0, 0, 0, 4, 9])
    seeds = np.array([0, 2, 2, 0, 2])
    pairs = pair_groups(event_a, event_b, np.array([0, 0, 4, 5, 5]), seeds, strata)
    assert pairs.only_a.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert pairs.only_b.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert pairs.both.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert pairs.size.tolist() == [[1, 0, 1], [0, 0, 1], [1, 0, 1]]
    # Strata of the groups that are there, numbered without gaps.
    assert pairs.design == Design(3, 3, (1, 0, 2), (1, 0, 1, 0, 0, 1, 1, 0, 1))
    assert of_groups(pairs.size).tolist() == [2, 1, 2]


def test_rows_are_grouped_once_for_all_pairs(monkeypatch):
    rng = np.random.default_rng(0)
    first, second, third = rng.random((3, 200)) < 0.3
    groups, seeds, strata = rng.integers(0, 20, 200), rng.integers(0, 3, 200), np.arange(20) % 2
    expected = [pair_groups(first, other, groups, seeds, strata) for other in (second, third)]
    rows = RowGroups.of(groups, seeds, strata)
    monkeypatch.setattr(np, "unique", None)  # what sorts the rows
    for other, one in zip((second, third), expected, strict=True):
        found = rows.pair(first, other)
        for name in ("only_a", "only_b", "both", "size"):
            np.testing.assert_array_equal(getattr(found, name), getattr(one, name))
        assert found.design == one.design


def test_lengths_must_agree():
    two, three = np.zeros(2, dtype=bool), np.zeros(3, dtype=bool)
    for args in ((two, three, np.arange(2)), (two, two, np.arange(3))):
        with pytest.raises(ValueError, match="differ in length"):
            pair_groups(*args)
