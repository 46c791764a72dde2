import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lcbench.statistics import distinct
from lcbench.statistics.distinct import distinct_rows

tables = hnp.arrays(
    np.int64, st.tuples(st.integers(0, 30), st.integers(1, 4)), elements=st.integers(0, 3)
)


@given(tables, st.sampled_from([np.int64, np.float64]), st.sampled_from([20, 2**62]))
def test_rows_come_back_and_no_two_kinds_are_alike(counts, dtype, largest):
    counts = counts.astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "_LARGEST", largest)  # codes are numbered anew in between
        first, kind = distinct_rows(counts)
    np.testing.assert_array_equal(counts[first][kind], counts)
    assert len(first) == len(np.unique(counts, axis=0))


def test_counts_that_would_not_fit_into_one_code():
    counts = np.random.default_rng(0).integers(0, 2**30, (50, 6))
    counts = np.concatenate([counts, counts])
    first, kind = distinct_rows(counts)
    np.testing.assert_array_equal(counts[first][kind], counts)
    assert len(first) == 50


@pytest.mark.parametrize("odd", [0.5, -1.0, np.nan, np.inf, 2.0**40])
def test_what_is_no_count_is_a_kind_of_its_own(odd):
    rows = np.array([[1.0, odd], [1.0, odd], [2.0, 2.0]])
    first, kind = distinct_rows(rows)
    assert first.tolist() == kind.tolist() == [0, 1, 2]
