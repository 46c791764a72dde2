import numpy as np
import pytest

from lcbench.statistics import bootstrap
from lcbench.statistics.bootstrap import (
    Design,
    bootstrap_weights,
    leave_one_out_weights,
    resample,
)

DESIGNS = [Design(5), Design(5, 3)]


def weights(design, resamples, seed=0, block=1000):
    return np.concatenate(list(bootstrap_weights(design, resamples, seed, block)))


# groups


def test_weights_are_multinomial():
    drawn = weights(Design(7), 20_000)
    assert drawn.shape == (20_000, 7)
    assert np.all(drawn.sum(axis=1) == 7)
    assert np.all(drawn == np.round(drawn))
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(drawn.var(axis=0), 7 * (1 / 7) * (6 / 7), atol=0.04)
    correlation = np.corrcoef(drawn.T)[np.triu_indices(7, 1)]
    np.testing.assert_allclose(correlation, -1 / 6, atol=0.03)


@pytest.mark.parametrize("design", DESIGNS)
def test_weights_depend_on_the_seed_and_not_on_the_block(design):
    one = weights(design, 100, seed=1)
    for block in (1, 7, 100):
        np.testing.assert_array_equal(weights(design, 100, seed=1, block=block), one)
    assert not np.array_equal(weights(design, 100, seed=2), one)


def test_more_resamples_begin_with_the_same_ones():
    np.testing.assert_array_equal(weights(Design(4), 50)[:20], weights(Design(4), 20))


def test_blocks_are_bounded():
    sizes = [len(block) for block in bootstrap_weights(Design(3), 10, 0, 4)]
    assert sizes == [4, 4, 2]


@pytest.mark.parametrize(("groups", "seeds"), [(1, 1), (740, 3), (10**7, 1)])
def test_a_block_holds_at_least_one_resample(groups, seeds):
    design = Design(groups, seeds)
    assert design.units == groups * seeds
    assert design.block >= 1
    assert (design.block - 1) * design.units <= bootstrap._BLOCK_CELLS


# groups and seeds


def test_two_ways_are_drawn_independently():
    drawn = weights(Design(5, 3), 20_000).reshape(-1, 5, 3)
    assert np.all(drawn.sum(axis=(1, 2)) == 15)
    of_groups, of_seeds = drawn.sum(axis=2) / 3, drawn.sum(axis=1) / 5
    np.testing.assert_array_equal(drawn, of_groups[:, :, None] * of_seeds[:, None, :])
    np.testing.assert_allclose(of_seeds.var(axis=0), 2 / 3, atol=0.02)
    square = weights(Design(4, 4), 20_000).reshape(-1, 4, 4)
    for two in (drawn, square):
        between = np.corrcoef(two.sum(axis=2)[:, 0], two.sum(axis=1)[:, 0])[0, 1]
        assert abs(between) < 0.03


def test_two_ways_draw_the_groups_that_one_way_draws():
    two_ways = weights(Design(6, 4), 50, seed=3).reshape(-1, 6, 4)
    np.testing.assert_array_equal(two_ways.sum(axis=2) / 4, weights(Design(6), 50, seed=3))


def test_two_ways_with_one_seed_are_one_way():
    np.testing.assert_array_equal(weights(Design(6, 1), 50), weights(Design(6), 50))


# leaving out


@pytest.mark.parametrize("block", [1, 2, 100])
def test_each_group_is_left_out_once_with_all_its_seeds(block):
    blocks = list(leave_one_out_weights(Design(3, 2), block))
    assert all(len(one) <= block for one in blocks)
    expected = [[0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 0]]
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


# statistics


@pytest.mark.parametrize("design", DESIGNS)
def test_resampled_statistics_are_those_of_the_weights(design, monkeypatch):
    counts = np.random.default_rng(0).integers(0, 9, (design.units, 2)).astype(float)
    expected = weights(design, 50, seed=4) @ counts
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 30)  # small blocks
    drawn = resample(lambda units: units @ counts, design, resamples=50, seed=4)
    np.testing.assert_array_equal(drawn.values, counts.sum(axis=0))
    np.testing.assert_array_equal(drawn.distribution, expected)
    of_groups = counts.reshape(design.groups, design.seeds, 2).sum(axis=1)
    np.testing.assert_array_equal(drawn.jackknife, counts.sum(axis=0) - of_groups)


def test_no_more_than_a_block_is_held_at_once(monkeypatch):
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 30)
    seen = []

    def statistic(units):
        seen.append(units.size)
        return units[:, :1]

    resample(statistic, Design(6), resamples=50)
    assert max(seen) == 30


@pytest.mark.parametrize(("groups", "resamples"), [(0, 10), (2, 0)])
def test_nothing_to_draw_is_refused(groups, resamples):
    with pytest.raises(ValueError, match="cannot draw"):
        resample(lambda units: units, Design(groups), resamples=resamples)
