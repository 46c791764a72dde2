import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics.groups import class_strata, cluster_codes

rows = st.lists(st.tuples(st.sampled_from(["", "g1", "g2", "x"]), st.sampled_from("xyz")))


def test_codes_follow_the_sorted_names():
    result = cluster_codes(["b", "a", "b", "c"], ["1", "2", "3", "4"])
    assert result.codes.tolist() == [1, 0, 1, 2]
    assert (result.count, result.known) == (3, True)


def test_rows_without_a_group_fall_back_and_are_told():
    result = cluster_codes(["", "a", "", ""], ["h1", "h1", "h2", "h1"])
    assert not result.known
    assert result.count == 3
    one, other, third, fourth = result.codes
    assert one == fourth  # exact copies stay together
    assert len({one, other, third}) == 3


def test_a_group_named_like_a_hash_is_not_that_hash():
    assert cluster_codes(["x", ""], ["h", "x"]).count == 2


@given(rows, st.randoms())
def test_codes_are_dense_and_do_not_depend_on_the_order_of_rows(table, random):
    result = cluster_codes([row[0] for row in table], [row[1] for row in table])
    assert sorted(set(result.codes.tolist())) == list(range(result.count))
    order = list(range(len(table)))
    random.shuffle(order)
    shuffled = cluster_codes([table[i][0] for i in order], [table[i][1] for i in order])
    np.testing.assert_array_equal(shuffled.codes, result.codes[order])


def test_a_row_without_any_name_is_refused():
    with pytest.raises(ValueError, match="row 1 has neither"):
        cluster_codes(["a", "", ""], ["", "", "h"])


# strata


def test_a_stratum_is_the_class_of_all_images_of_a_group():
    true = np.array([0, 0, 1, 1, 1, 2, 2, 0, 2, 1, 2])
    groups = np.array([0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 7])
    assert class_strata(true, groups, 8) == (0, 0, 1, 1, 2, 2, 3, 3)


def test_one_group_alone_joins_the_largest_stratum():
    true, groups = np.array([0, 1, 1, 1, 2, 2]), np.array([0, 1, 2, 3, 4, 5])
    assert class_strata(true, groups, 6) == (0, 0, 0, 0, 1, 1)


def test_groups_without_an_image_are_of_no_class():
    assert class_strata(np.array([0, 0, 1, 1]), np.array([0, 1, 3, 4]), 7) == (0, 0, 2, 1, 1, 2, 2)
    assert class_strata(np.zeros(0, int), np.zeros(0, int), 3) == (0, 0, 0)
    assert class_strata(np.zeros(0, int), np.zeros(0, int), 0) == ()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=40))
def test_no_stratum_has_one_group_unless_it_is_the_only_one(table):
    true, groups = np.array(table, int).reshape(-1, 2).T
    strata = class_strata(true, groups, 10)
    sizes = np.bincount(strata)
    assert len(strata) == sizes.sum() == 10
    assert sizes.min() >= 2  # numbered without gaps, too
