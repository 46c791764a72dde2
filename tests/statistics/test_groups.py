import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics.groups import cluster_codes

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
