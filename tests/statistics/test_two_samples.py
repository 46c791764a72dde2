"""Two samples: against other software, and what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import energy_distance, kstest
from sklearn.neighbors import NearestNeighbors

from lcbench.statistics.two_samples import energy_test, nearest_distances, pairwise


@pytest.mark.parametrize("sizes", [(2, 2), (7, 12), (30, 5)])
def test_the_distance_is_that_of_scipy_but_for_pairs_of_a_point_with_itself(
    sizes: tuple[int, int],
) -> None:
    random = np.random.default_rng(sum(sizes))
    first, second = (random.normal(shift, 1, n) for shift, n in zip((0, 1), sizes, strict=True))
    own = energy_test(first[:, None], second[:, None], permutations=0)
    within = [pairwise(one[:, None]).mean() / (len(one) - 1) for one in (first, second)]
    # scipy's is the root of half of the biased one (a V-statistic).
    biased = energy_distance(first, second) ** 2
    assert own.distance == pytest.approx(biased - sum(within))
    between = np.abs(first[:, None] - second).mean()
    assert own.share == pytest.approx(own.distance / (2 * between))


@given(st.integers(0, 10_000))
def test_neither_distance_nor_p_depends_on_where_the_points_lie_or_on_their_unit(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.normal(size=(6, 3)), random.normal(size=(9, 3))
    one = energy_test(first, second, permutations=49)
    other = energy_test(3 * first + 5, 3 * second + 5, permutations=49)
    assert (other.distance, other.share) == (
        pytest.approx(3 * one.distance), pytest.approx(one.share),
    )  # fmt: skip
    assert other.p == one.p


def test_p_is_uniform_where_both_sides_have_one_distribution() -> None:
    random = np.random.default_rng(0)
    found = [
        energy_test(random.normal(size=(12, 2)), random.normal(size=(25, 2)), 99, seed).p
        for seed in range(300)
    ]
    assert kstest(found, "uniform").pvalue > 0.01
    assert np.mean([p <= 0.05 for p in found]) < 0.09


def test_p_is_as_small_as_it_can_be_where_the_sides_lie_apart() -> None:
    random = np.random.default_rng(0)
    apart = energy_test(random.normal(size=(20, 2)), random.normal(9, 1, size=(20, 2)), 199)
    assert apart.p == 1 / 200
    assert 0.5 < apart.share < 1


def test_points_that_are_all_one_say_nothing() -> None:
    same = energy_test(np.zeros((3, 2)), np.zeros((4, 2)), 19)
    assert (same.distance, same.share, same.p) == (0, 0, 1)


def test_a_single_point_has_no_distance_within() -> None:
    with pytest.raises(ValueError, match="fewer than 2"):
        energy_test(np.zeros((1, 2)), np.zeros((4, 2)))


@pytest.mark.parametrize("points", [0, 1, 600])
def test_nearest_distances_are_those_of_scikit_learn(points: int) -> None:
    random = np.random.default_rng(1)
    here, there = random.normal(size=(points, 4)), random.normal(size=(70, 4))
    expected = (
        NearestNeighbors(n_neighbors=1).fit(there).kneighbors(here)[0][:, 0] if points else []
    )
    assert nearest_distances(here, there) == pytest.approx(np.asarray(expected))
