import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lcbench.statistics import cochran
from lcbench.statistics.clustered import pair_groups, sign_flip
from lcbench.statistics.cochran import cochran_q, cochran_q_permuted

FEW = 99
tables = hnp.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(2, 4)))


def clustered_null(rng, groups=25, size=8, models=3):
    """Return events and groups: each group goes wrong as a whole under each model, or not."""
    whole = rng.random((groups, models)) < 0.3
    return np.repeat(whole, size, axis=0), np.repeat(np.arange(groups), size)


# published numbers


def test_cochrans_media():
    # Cochran 1950: growth of diphtheria bacilli of 69 specimens on four media.
    rows = {"1111": 4, "1101": 2, "0111": 3, "0101": 1, "0000": 59}
    events = np.array([[c == "1" for c in row] for row, n in rows.items() for _ in range(n)])
    found = cochran_q(events)
    assert found.statistic == pytest.approx(8.05, abs=5e-3)
    assert found.p == pytest.approx(stats.chi2.sf(153 / 19, 3))


def test_conovers_sportsmen():
    # Conover 1999, Practical Nonparametric Statistics, section 4.6: Q = 2.8, 2 degrees of freedom.
    outcomes = ["111", "111", "010", "110", "000", "111", "111", "110", "001", "010", "111", "111"]
    found = cochran_q(np.array([[c == "1" for c in row] for row in outcomes]))
    assert found.statistic == pytest.approx(2.8)
    assert found.p == pytest.approx(0.2466, abs=5e-5)


def test_two_models_give_mcnemars_statistic():
    events = np.repeat([[1, 0], [0, 1], [1, 1], [0, 0]], [23, 11, 5, 40], axis=0).astype(bool)
    assert cochran_q(events).statistic == pytest.approx((23 - 11) ** 2 / (23 + 11))


# permutations


def test_one_image_a_group_is_close_to_chi_squared():
    rng = np.random.default_rng(2)
    events = rng.random((300, 3)) < np.array([0.30, 0.24, 0.22])
    plain = cochran_q(events)
    found = cochran_q_permuted(events, np.arange(300), permutations=4000)
    assert found.statistic == plain.statistic
    # The standard error of a share in 4,000 permutations is at most 0.008.
    assert found.p == pytest.approx(plain.p, abs=0.03)
    assert 0.02 < plain.p < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_two_models_are_close_to_the_sign_flip_test(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 15, 90)
    bias = rng.random(15)[groups, None] * np.array([1.0, 0.7])
    events = rng.random((90, 2)) < bias
    exact = sign_flip(pair_groups(events[:, 0], events[:, 1], groups)).p
    found = cochran_q_permuted(events, groups, permutations=4000, seed=seed).p
    assert found == pytest.approx(exact, abs=4 * math.sqrt(0.25 / 4000))


def test_the_level_holds_on_clustered_images_where_the_plain_test_fails():
    rng = np.random.default_rng(0)
    permuted = plain = 0
    for seed in range(300):
        events, groups = clustered_null(rng)
        permuted += cochran_q_permuted(events, groups, permutations=FEW, seed=seed).p <= 0.05
        plain += cochran_q(events).p <= 0.05
    # Three standard errors of a rejection rate of 0.05 in 300 data sets are 0.038.
    assert permuted / 300 == pytest.approx(0.05, abs=0.038)
    assert plain / 300 > 0.3


def test_a_difference_is_found():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    events = rng.random((200, 3)) < np.array([0.3, 0.3, 0.05])
    assert cochran_q_permuted(events, groups, permutations=999).p == pytest.approx(1 / 1000)


@settings(max_examples=25)
@given(tables, st.data(), st.randoms())
def test_what_must_not_matter(events, data, random):
    groups = data.draw(hnp.arrays(np.int64, len(events), elements=st.integers(0, 5)))
    found = cochran_q_permuted(events, groups, permutations=FEW)
    assert 0 < found.p <= 1
    assert math.isfinite(found.statistic)
    order = list(range(len(groups)))
    random.shuffle(order)
    shuffled = cochran_q_permuted(events[order], 9 * groups[order] - 4, permutations=FEW)
    assert shuffled.p == found.p
    assert shuffled.statistic == pytest.approx(found.statistic)
    models = data.draw(st.permutations(range(events.shape[1])))
    assert cochran_q(events[:, models]).p == pytest.approx(cochran_q(events).p)


def test_blocks_give_what_one_block_gives(monkeypatch):
    events, groups = clustered_null(np.random.default_rng(1))
    together = cochran_q_permuted(events, groups, permutations=FEW)
    monkeypatch.setattr(cochran, "_BLOCK_CELLS", 200)
    assert cochran_q_permuted(events, groups, permutations=FEW) == together
    assert cochran_q_permuted(events, groups, permutations=FEW, seed=1) != together


# edge cases


@pytest.mark.parametrize(
    "events",
    [
        np.zeros((0, 3)),
        np.zeros((5, 3)),
        np.ones((5, 3)),
        np.array([[0, 0, 0], [1, 1, 1]]),
        np.ones((4, 1)),
    ],
)
def test_models_that_never_differ_are_p_1(events):
    events = events.astype(bool)
    groups = np.arange(len(events)) // 2
    for found in (cochran_q(events), cochran_q_permuted(events, groups, permutations=FEW)):
        assert (found.statistic, found.p) == (0, 1)


def test_groups_in_which_the_models_are_even_say_nothing():
    events = np.tile(np.eye(3, dtype=bool), (4, 1))
    found = cochran_q_permuted(events, np.arange(12) // 3, permutations=FEW)
    assert (found.statistic, found.p) == (0, 1)


def test_one_group_can_only_trade_places_as_a_whole():
    events = np.tile([True, False, False], (50, 1))
    assert cochran_q(events).p < 1e-20
    assert cochran_q_permuted(events, np.zeros(50, int), permutations=FEW).p == 1


@pytest.mark.parametrize("permutations", [0, 1])
def test_next_to_no_permutations_are_no_evidence(permutations):
    rng = np.random.default_rng(0)
    events = rng.random((60, 3)) < np.array([0.9, 0.5, 0.1])
    found = cochran_q_permuted(events, np.arange(60), permutations=permutations)
    assert found.p == 1 / (permutations + 1)
