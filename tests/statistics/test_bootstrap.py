import numpy as np
import pytest

from lcbench.statistics import bootstrap
from lcbench.statistics.bootstrap import (
    Design,
    bootstrap_weights,
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


# statistics


@pytest.mark.parametrize("design", DESIGNS)
def test_resampled_statistics_are_those_of_the_weights(design, monkeypatch):
    counts = np.random.default_rng(0).integers(0, 9, (design.units, 2)).astype(float)
    expected = weights(design, 50, seed=4) @ counts
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 30)  # small blocks
    done = []
    drawn = resample(
        lambda units: units @ counts,
        design,
        resamples=50,
        seed=4,
        tick=lambda *so_far: done.append(so_far),
    )
    np.testing.assert_array_equal(drawn, expected)
    assert done[-1] == (50, 50)
    assert len(done) > 1


@pytest.mark.parametrize(("groups", "resamples"), [(0, 10), (2, 0)])
def test_nothing_to_draw_is_refused(groups, resamples):
    with pytest.raises(ValueError, match="cannot draw"):
        resample(lambda units: units, Design(groups), resamples=resamples)
